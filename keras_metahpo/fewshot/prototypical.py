"""Prototypical Networks (Snell, Swersky and Zemel 2017): the nearest mean of a class wins.

Shapes: n ways, k shots, m queries in all, b episodes, e the size of an embedding.
"""

import keras
from keras import ops

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.learner import FewShotLearner
from keras_metahpo.fewshot.similarity import cosines, squared_distances

DISTANCES = ("squared_euclidean", "cosine")
# Gidaris and Komodakis 2018 start the learnt factor on cosines here.
FIRST_SCALE = 10.0


@keras.saving.register_keras_serializable("keras_metahpo")
class PrototypicalNetwork(FewShotLearner):
    """Classifies a query by its distance to the mean embedding of each class.

    The logits are the negative squared Euclidean distances (equation 2), or with
    `distance="cosine"` the cosines times a learnt factor. Ways and shots may differ between
    training and test; Snell et al. train with more ways than they test with. Batch normalization
    is not transductive, see `FewShotLearner.embed`.

    Args:
        backbone: Model from examples (i, *x) to embeddings (i, e).
        distance: `"squared_euclidean"` or `"cosine"`.
    """

    def __init__(self, backbone: keras.Model, distance: str = "squared_euclidean", **kwargs):
        super().__init__(backbone, **kwargs)
        if distance not in DISTANCES:
            raise FewShotError(
                f"distance must be one of {DISTANCES}. Received: distance={distance!r}."
            )
        self.distance = distance

    def build(self, input_shape):
        if self.distance == "cosine":
            self.scale = self.add_weight(
                shape=(), initializer=keras.initializers.Constant(FIRST_SCALE), name="scale"
            )

    def call(self, inputs, training=False):
        support, queries = self.embed(inputs, training)
        prototypes = ops.mean(support, axis=2)
        if self.distance == "cosine":
            return self.scale * cosines(queries, prototypes)
        return -squared_distances(queries, prototypes)

    def get_config(self):
        return {**super().get_config(), "distance": self.distance}
