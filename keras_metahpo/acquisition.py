"""From utilities to scores and from predictions to desirability; arrays only.

Shape: n trials or candidates.
"""

import numpy as np

# However alike trials are, their scores are spread as those of so many.
FEWEST_SPREAD = 3
# Trials that it takes to say what a unit of scores is worth.
FEWEST_GOOD = 5
# Keeps z and its square finite; predictions are in units of normal scores, far above this.
SMALLEST_STD = 1e-12
# Below this z, phi(z) + z Phi(z) = phi(z) / z^2 holds better than its cancelling terms.
FAR_TAIL = -1e4


def normal_scores(utilities: np.ndarray) -> np.ndarray:
    """Gaussian-copula transform: normal quantiles of the average ranks (Salinas et al., 2020).

    Args:
        utilities: Float array (n,). Higher is better; whatever is not finite is a failure.

    Returns:
        Float array (n,). Failures share the worst rank, ties the average of theirs.
    """
    from scipy.special import ndtri
    from scipy.stats import rankdata

    utilities = np.asarray(utilities, dtype=float)
    if not utilities.size:
        return np.zeros(0)
    ranks = rankdata(np.where(np.isfinite(utilities), utilities, -np.inf))
    return ndtri((ranks - 0.5) / len(utilities))


def weighted_normal_scores(utilities: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Normal scores among as many trials as the weights sum up to, each of them counting so much.

    They spread at least as those of `FEWEST_SPREAD` trials: of the first ones a search has, the
    better tells a direction even if they are neighbours.

    Args:
        utilities: Float array (n,). As in `normal_scores`.
        weights: Float array (n,), from 0 (excluded) to 1.

    Returns:
        Float array (n,). With weights of 1 they are those of `normal_scores`.
    """
    from scipy.special import ndtri

    utilities = np.asarray(utilities, dtype=float)
    if len(utilities) < 2:
        return np.zeros(len(utilities))
    utilities = np.where(np.isfinite(utilities), utilities, -np.inf)
    _, group, sizes = np.unique(utilities, return_inverse=True, return_counts=True)
    shares = np.bincount(group, weights)
    total = shares.sum()
    # Half of the worst trial lies below its score, half of the best one above.
    below, above = (shares / sizes)[[0, -1]] / 2
    places = (np.cumsum(shares) - shares / 2 - below) / (total - below - above)
    edge = 0.5 / max(total, min(len(utilities), FEWEST_SPREAD))
    return ndtri(edge + (1 - 2 * edge) * places)[group]


def in_objective_units(
    improvement: float, scores: np.ndarray, utilities: np.ndarray
) -> float | None:
    """An expected improvement in units of the objective.

    Args:
        improvement: In units of scores.
        scores, utilities: Float arrays (n,). Of the trials; a utility that is not finite is that
            of a failure.

    The best quarter of the trials tells what a unit is worth: among many good trials, less. `None`
    where there are too few, or they do not differ.
    """
    finite = np.flatnonzero(np.isfinite(utilities))
    good = finite[np.argsort(-scores[finite])][: max(FEWEST_GOOD, len(scores) // 4)]
    if len(good) < FEWEST_GOOD or np.ptp(scores[good]) == 0:
        return None
    slope = np.polyfit(scores[good], np.asarray(utilities)[good], 1)[0]
    return float(improvement * max(slope, 0.0))


def log_expected_improvement(
    mean: np.ndarray, std: np.ndarray, best: float | np.ndarray
) -> np.ndarray:
    """Logarithm of the expected improvement; it still ranks where the improvement underflows.

    Args:
        mean, std: Float arrays (n,) or (k, n). A normal predictive distribution of each candidate.
        best: What must be exceeded, a number or a float array (k, 1).

    Returns:
        Float array as the mean. The formula is that of Ament et al., 2023, section 4.1.
    """
    std = np.maximum(std, SMALLEST_STD)
    return np.log(std) + _log_standard_improvement((mean - best) / std)


def expected_improvement(mean: np.ndarray, std: np.ndarray, best: float) -> np.ndarray:
    """Expected improvement over `best`, float array (n,); see `log_expected_improvement`."""
    return np.exp(log_expected_improvement(mean, std, best))


def _log_standard_improvement(z: np.ndarray) -> np.ndarray:
    """log(phi(z) + z Phi(z)), any shape; each branch sees only the z that it is exact for."""
    from scipy.special import erfcx, ndtr

    upper = np.maximum(z, -1.0)
    near = np.log(np.exp(-0.5 * upper**2) / np.sqrt(2 * np.pi) + upper * ndtr(upper))
    tail = np.clip(z, FAR_TAIL, -1.0)
    log_ratio = np.log1p(np.sqrt(np.pi / 2) * tail * erfcx(-tail / np.sqrt(2)))
    log_ratio = np.where(z > FAR_TAIL, log_ratio, -2 * np.log(np.maximum(-z, 1.0)))
    return np.where(z > -1.0, near, log_ratio - 0.5 * z**2 - 0.5 * np.log(2 * np.pi))
