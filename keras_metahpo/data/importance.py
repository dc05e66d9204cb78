"""How much of the objective each hyperparameter explains: fANOVA (Hutter et al. 2014), by Optuna.

Shapes: n configurations, d hyperparameters.
"""

import warnings
from collections.abc import Sequence

import numpy as np

from keras_metahpo.space import Configuration, SearchSpace

# As in the authors' package, https://github.com/automl/fanova; Optuna's 64 take four times as long.
NUM_TREES = 16
# The time grows faster than the number of configurations.
MAX_CONFIGURATIONS = 400


def importances(
    space: SearchSpace, configurations: Sequence[Configuration], ranks: np.ndarray
) -> dict[str, float]:
    """Main effects of hyperparameters on the rank of a configuration.

    Optuna's fANOVA takes hyperparameters that all trials have. An inactive one takes a random
    value here: the objective ignores it in truth, and so it counts for what it does where it is
    active, weighted by how often it is, and nothing of its parent's effect falls to it.

    Args:
        space: The search space.
        configurations: n configurations; beyond `MAX_CONFIGURATIONS`, a random part is looked at.
        ranks: Float array (n,). Not all equal.

    Returns:
        Share of the variance that each hyperparameter explains on its own, by name; what is
        missing to 1 is due to interactions and to noise.
    """
    import optuna
    from optuna.distributions import FloatDistribution

    rng = np.random.default_rng(0)
    rows = rng.permutation(len(ranks))[:MAX_CONFIGURATIONS]
    points = space.encode([configurations[row] for row in rows])
    units = np.where(points.active, points.units, rng.random(points.units.shape))
    # Every legal value has its interval of unit positions. Optuna's one-hot columns for choices
    # would average over combinations that do not exist, and give choices a share of interactions.
    # A name may occur twice in a space, so the columns are numbered.
    columns = [str(column) for column in range(len(space))]
    distributions = dict.fromkeys(columns, FloatDistribution(0.0, 1.0))
    for column, hp in enumerate(space.hyperparameters):
        units[:, column] = hp.units(hp.numbers(units[:, column]))
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(direction="maximize")
        study.add_trials(
            optuna.trial.create_trial(
                params=dict(zip(columns, row, strict=True)),
                distributions=distributions,
                value=rank,
            )
            for row, rank in zip(units.tolist(), ranks[rows].tolist(), strict=True)
        )
        with warnings.catch_warnings():
            # Not normalised, so that interactions stay visible; Optuna calls that experimental.
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            found = optuna.importance.get_param_importances(
                study,
                evaluator=optuna.importance.FanovaImportanceEvaluator(n_trees=NUM_TREES, seed=0),
                normalize=False,
            )
    finally:
        optuna.logging.set_verbosity(verbosity)
    shares = dict.fromkeys(space.names, 0.0)
    for column, share in found.items():
        shares[space.hyperparameters[int(column)].name] += float(share)
    return shares
