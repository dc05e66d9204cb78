"""What every few-shot learner is: a Keras model from a support set and queries to logits.

Shapes: n ways, k shots, m queries in all, b episodes, (*x) one example.
"""

from abc import abstractmethod
from collections.abc import Callable

import keras
import numpy as np
from keras import ops

from keras_metahpo.errors import FewShotError


class FewShotLearner(keras.Model):
    """A model that classifies queries after seeing a support set.

    Subclasses write `call(inputs, training)`, which takes
    `{"support": (b, n, k, *x), "query": (b, m, *x)}` and returns logits (b, m, n). Everything
    else is Keras: `compile` with a sparse categorical cross-entropy on logits, `fit` on batches
    of `stack_episodes`, `evaluate`, `save`. Learning to adapt by gradient happens inside `call`,
    so that it is differentiated through like anything else.

    Args:
        backbone: Model from examples (i, *x) to embeddings (i, e). It is saved with the learner.
    """

    def __init__(self, backbone: keras.Model, **kwargs):
        super().__init__(**kwargs)
        self.backbone = backbone

    @property
    def embedding_size(self) -> int:
        """Size e of the backbone's embeddings."""
        return self.backbone.output_shape[-1]

    @abstractmethod
    def call(self, inputs, training=False):
        """Logits (b, m, n) of the queries of b episodes."""

    def embed(self, inputs, training: bool):
        """Embeddings of both sets, in one pass through the backbone.

        Batch normalization in the backbone uses the statistics of support and query examples
        together while training, and its moving averages otherwise. A learner that embeds in this
        way is therefore not transductive: in a test no query sees another one.

        Returns:
            Embeddings of the support set (b, n, k, e) and of the queries (b, m, e).
        """
        support, query = inputs["support"], inputs["query"]
        num_episodes, num_ways, num_shots = ops.shape(support)[:3]
        num_queries, example_shape = ops.shape(query)[1], query.shape[2:]
        examples = [ops.reshape(x, (-1, *example_shape)) for x in (support, query)]
        embedded = self.backbone(ops.concatenate(examples, axis=0), training=training)
        num_support, size = num_episodes * num_ways * num_shots, self.embedding_size
        return (
            ops.reshape(embedded[:num_support], (num_episodes, num_ways, num_shots, size)),
            ops.reshape(embedded[num_support:], (num_episodes, num_queries, size)),
        )

    def adapt(self, examples: np.ndarray, labels: np.ndarray) -> Callable:
        """A classifier made from labelled examples.

        Args:
            examples: Array (i, *x); equally many of each class.
            labels: Array (i,); any values that can be sorted.

        Returns:
            A function from queries (m, *x) to predicted labels (m,).
        """
        classes, support = _by_class(np.asarray(examples), np.asarray(labels))

        def classify(queries: np.ndarray) -> np.ndarray:
            inputs = {"support": support[None], "query": np.asarray(queries)[None]}
            logits = ops.convert_to_numpy(self(inputs, training=False))[0]
            if not np.isfinite(logits).all():
                raise FewShotError(
                    f"{self.name} gives logits that are not finite. Train it with a smaller "
                    "learning rate, or load other weights."
                )
            return classes[logits.argmax(axis=-1)]

        return classify

    def get_config(self):
        return {"backbone": keras.saving.serialize_keras_object(self.backbone), "name": self.name}

    @classmethod
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})


def _by_class(examples: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes (n,) and their examples (n, k, *x)."""
    classes, counts = np.unique(labels, return_counts=True)
    if len(examples) != len(labels) or len(classes) < 2 or len(set(counts)) != 1:
        raise FewShotError(
            "A support set needs at least two classes with equally many examples of each. "
            f"Received: {len(examples)} examples of {dict(zip(classes, counts, strict=True))}."
        )
    order = np.argsort(labels, kind="stable")
    return classes, examples[order].reshape(len(classes), counts[0], *examples.shape[1:])
