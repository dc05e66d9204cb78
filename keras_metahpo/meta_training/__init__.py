"""Meta-training: source tasks, the synthetic prior and the training of rankers."""
