"""Matching Networks (Vinyals et al. 2016): attention of a query over the support set.

Shapes: n ways, k shots, m queries in all, b episodes, e the size of an embedding.
"""

import keras
from keras import layers, ops

from keras_metahpo.errors import FewShotError
from keras_metahpo.fewshot.learner import FewShotLearner
from keras_metahpo.fewshot.similarity import cosines


@keras.saving.register_keras_serializable("keras_metahpo")
class MatchingNetwork(FewShotLearner):
    """Classifies a query by the labels of the support examples that it attends to.

    The attention is a softmax over the cosines to all support examples (equation 1 and section
    2.1.1), and the probability of a class is the attention on its examples; the logits are the
    logarithms of these, up to a constant. Ways and shots may differ between training and test.
    Batch normalization is not transductive, see `FewShotLearner.embed`.

    Args:
        backbone: Model from examples (i, *x) to embeddings (i, e).
        scale: First value of a learnt factor on the cosines, without which no probability can
            come near 1. `None` takes the cosines as they are, as in the paper.
        full_context: Embeds the support set with a bidirectional LSTM over it, and a query with an
            LSTM that attends to the support set (section 2.1.2). The first reads the support
            set in its order, which then matters, as in the paper.
        num_reads: Steps of the attending LSTM.
    """

    exchangeable = ("scale",)

    def __init__(
        self,
        backbone: keras.Model,
        scale: float | None = 10.0,
        full_context: bool = False,
        num_reads: int = 3,
        **kwargs,
    ):
        super().__init__(backbone, **kwargs)
        if (scale is not None and scale <= 0) or num_reads < 1:
            raise FewShotError(
                "scale must be positive or None, and num_reads positive. "
                f"Received: scale={scale}, num_reads={num_reads}."
            )
        self.scale = scale
        self.full_context = full_context
        self.num_reads = num_reads
        if full_context:
            size = self.embedding_size
            reader = layers.LSTM(size, return_sequences=True)
            self.support_reader = layers.Bidirectional(reader, merge_mode="sum")
            self.query_cell = layers.LSTMCell(size)

    def build(self, input_shape):
        if self.scale is not None:
            start = keras.initializers.Constant(self.scale)
            self.factor = self.add_weight(shape=(), initializer=start, name="factor")
        if self.full_context:
            size = self.embedding_size
            self.support_reader.build((None, None, size))
            self.query_cell.build((None, 2 * size))

    def call(self, inputs, training=False):
        support, queries = self.embed(inputs, training)
        num_episodes, num_ways, num_shots, size = ops.shape(support)
        support = ops.reshape(support, (num_episodes, num_ways * num_shots, size))
        if self.full_context:
            support = support + self.support_reader(support, training=training)
            queries = self._read(queries, support)
        similarities = cosines(queries, support)
        if self.scale is not None:
            similarities = self.factor * similarities
        shape = (num_episodes, ops.shape(queries)[1], num_ways, num_shots)
        return ops.logsumexp(ops.reshape(similarities, shape), axis=-1)

    def _read(self, queries, support):
        """Queries (b, m, e) after `num_reads` looks at the support set (b, n k, e)."""
        num_episodes, num_queries, size = ops.shape(queries)
        rows = (num_episodes * num_queries, size)
        hidden, read = queries, ops.zeros_like(queries)
        memory = ops.reshape(read, rows)
        for _ in range(self.num_reads):
            # The paper's recurrent state is [h, r]; reading r as an input is the same sum.
            joined = ops.reshape(ops.concatenate([queries, read], axis=-1), (rows[0], 2 * size))
            output, (_, memory) = self.query_cell(joined, [ops.reshape(hidden, rows), memory])
            hidden = ops.reshape(output, (num_episodes, num_queries, size)) + queries
            scores = ops.matmul(hidden, ops.transpose(support, (0, 2, 1)))
            read = ops.matmul(ops.softmax(scores, axis=-1), support)
        return hidden

    def get_config(self):
        return {
            **super().get_config(),
            "scale": self.scale,
            "full_context": self.full_context,
            "num_reads": self.num_reads,
        }
