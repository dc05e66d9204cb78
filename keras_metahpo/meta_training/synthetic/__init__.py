"""The parts of the synthetic prior: search spaces, effects of hyperparameters, responses."""
