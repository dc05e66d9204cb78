"""How near embeddings are to each other.

Shapes: b episodes, m queries, n points to compare with, e the size of an embedding.
"""

from keras import ops

# Added to a squared length, so that the embedding 0 has a direction and a gradient.
EPSILON = 1e-8


def squared_distances(queries, points):
    """Squared Euclidean distances (b, m, n) of queries (b, m, e) to points (b, n, e)."""
    products = ops.matmul(queries, ops.transpose(points, (0, 2, 1)))
    query_lengths = ops.sum(ops.square(queries), axis=-1)[:, :, None]
    point_lengths = ops.sum(ops.square(points), axis=-1)[:, None, :]
    return query_lengths - 2.0 * products + point_lengths


def cosines(queries, points):
    """Cosines (b, m, n) of the angles between queries (b, m, e) and points (b, n, e)."""
    return ops.matmul(unit_vectors(queries), ops.transpose(unit_vectors(points), (0, 2, 1)))


def unit_vectors(x):
    """Embeddings (..., e) scaled to length 1."""
    return x * ops.rsqrt(ops.sum(ops.square(x), axis=-1, keepdims=True) + EPSILON)
