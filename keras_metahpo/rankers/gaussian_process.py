"""A Gaussian process on what was observed, in the form of a ranker that learnt nothing before.

Shapes: as in `keras_metahpo.rankers.base`.
"""

import numpy as np

from keras_metahpo.errors import did_you_mean
from keras_metahpo.gaussian_process import CORRELATIONS, Inputs, fit_gaussian_process
from keras_metahpo.rankers.base import Context, Prediction, Ranker, Tokens, failure_rates
from keras_metahpo.rankers.inputs import context_scores
from keras_metahpo.rankers.tokens import categorical_columns, unit_positions


class GaussianProcessRanker(Ranker):
    """An ARD Gaussian process, fitted to each context anew.

    Args:
        kernel: `"rbf"`, `"matern_12"`, `"matern_32"` or `"matern_52"`.
    """

    has_prior = False

    def __init__(self, kernel: str = "matern_52"):
        if kernel not in CORRELATIONS:
            raise ValueError(
                f"kernel must be one of {list(CORRELATIONS)}. Received: {kernel!r}."
                f"{did_you_mean(kernel, CORRELATIONS)}"
            )
        self.kernel = kernel

    def score(self, context: Context | None, query: Tokens) -> Prediction:
        num_tasks, num_queries, _ = query.active.shape
        mean, std = np.zeros((num_tasks, num_queries)), np.ones((num_tasks, num_queries))
        if context is not None:
            scores = context_scores(context)
            for row, mask in enumerate(context.mask):
                mean[row], std[row] = self._predict(context, mask, scores[row, mask], query, row)
        return Prediction(mean, std, mean, failure_rates(context, num_tasks, num_queries))

    def _predict(
        self, context: Context, mask: np.ndarray, scores: np.ndarray, query: Tokens, row: int
    ) -> tuple[np.ndarray, np.ndarray]:
        observed_active, query_active = context.tokens.active[row, mask], query.active[row]
        # What is never active is padding, or as good as that.
        columns = observed_active.any(axis=0) | query_active.any(axis=0)
        categorical = categorical_columns(query)[row, columns]
        observed, asked = (
            Inputs.of(
                unit_positions(tokens)[row][rows][:, columns], active[:, columns], categorical
            )
            for tokens, rows, active in (
                (context.tokens, mask, observed_active),
                (query, slice(None), query_active),
            )
        )
        return fit_gaussian_process(observed, scores, correlation=self.kernel).predict(asked)
