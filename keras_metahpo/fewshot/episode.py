"""Episodes: the tasks that a few-shot learner is trained and judged on.

Shapes: n ways (classes), k shots, q queries a class, b episodes in a batch, (*x) one example.
"""

from dataclasses import dataclass

import numpy as np

from keras_metahpo.errors import FewShotError


@dataclass(frozen=True)
class Episode:
    """One n-way k-shot classification problem; class i is row i of both sets.

    Attributes:
        support: Array (n, k, *x). What a learner adapts to.
        query: Array (n, q, *x). What it is judged on.
        classes: Names or numbers of the n classes in the data they were drawn from.
    """

    support: np.ndarray
    query: np.ndarray
    classes: tuple = ()

    def __post_init__(self):
        if (
            self.support.ndim < 3
            or len(self.support) != len(self.query)
            or self.support.shape[2:] != self.query.shape[2:]
        ):
            raise FewShotError(
                "An episode needs a support set (ways, shots, ...) and a query set "
                "(ways, queries, ...) of equal ways and example shape. "
                f"Received: support {self.support.shape}, query {self.query.shape}."
            )

    @property
    def num_ways(self) -> int:
        return len(self.support)

    @property
    def num_shots(self) -> int:
        return self.support.shape[1]

    @property
    def num_queries(self) -> int:
        return self.query.shape[1]


def stack_episodes(episodes) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """A batch of b episodes of equal shapes, in the form that learners are fitted on.

    Returns:
        Inputs `{"support": (b, n, k, *x), "query": (b, n * q, *x)}`, and the query labels,
        int array (b, n * q).
    """
    episodes = list(episodes)
    shapes = {(e.support.shape, e.query.shape) for e in episodes}
    if len(shapes) != 1:
        raise FewShotError(
            "The episodes of a batch must have equal ways, shots, queries and example shapes. "
            f"Received: {sorted(shapes)}."
        )
    query = np.stack([e.query for e in episodes])
    num_episodes, num_ways, num_queries = query.shape[:3]
    labels = np.repeat(np.arange(num_ways, dtype=np.int32), num_queries)
    inputs = {
        "support": np.stack([e.support for e in episodes]),
        "query": query.reshape(num_episodes, num_ways * num_queries, *query.shape[3:]),
    }
    return inputs, np.tile(labels, (num_episodes, 1))
