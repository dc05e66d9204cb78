"""A model of roles, given a name and what is searched: the product of two experts.

Shapes: r roles, g buckets of a name's letter sequences, f facts, u hidden units.
"""

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from keras_metahpo.role_guessing.evidence import (
    form_of,
    name_evidence,
    of_unit_length,
    value_evidence,
)
from keras_metahpo.space import Hyperparameter

FILE = Path(__file__).with_name("model.npz")
# Names of roles are told apart by their letters alone; ranges overlap, and are made up in training.
# Chosen on names that are in no glossary: `benchmarks/guessing.py`.
TRUST_IN_VALUES = 0.4
SMALLEST_PROBABILITY = 1e-6
OTHER = "other"


@dataclass(frozen=True)
class RoleModel:
    """Weights of the experts.

    Attributes:
        roles: String array (r,). `OTHER` is what has none of the known roles.
        idf: Float array (g,). Inverse document frequencies of letter sequences.
        name_weights, name_bias: Float arrays (g, r) and (r,).
        hidden_weights, hidden_bias: Float arrays (f, u) and (u,).
        value_weights, value_bias: Float arrays (u, r) and (r,).
        frequencies: Float array (r,). Of the roles among the tasks that the second was trained on.
        forms: Bool array (3, r). Whether a role may have numbers, labels or a switch.
    """

    roles: np.ndarray
    idf: np.ndarray
    name_weights: np.ndarray
    name_bias: np.ndarray
    hidden_weights: np.ndarray
    hidden_bias: np.ndarray
    value_weights: np.ndarray
    value_bias: np.ndarray
    frequencies: np.ndarray
    forms: np.ndarray

    def probabilities(self, name: str, hp: Hyperparameter) -> np.ndarray:
        """Of the roles of a hyperparameter that is called so: float array (r,)."""
        logits = np.log(self.by_name(name) + SMALLEST_PROBABILITY)
        values = np.log(self.by_values(hp) + SMALLEST_PROBABILITY)
        logits += TRUST_IN_VALUES * (values - np.log(self.frequencies + SMALLEST_PROBABILITY))
        return _softmax(np.where(self.forms[form_of(hp)], logits, -np.inf))

    def by_name(self, name: str) -> np.ndarray:
        """Probabilities by the name alone, float array (r,)."""
        evidence = of_unit_length(name_evidence(name) * self.idf)
        return _softmax(evidence @ self.name_weights + self.name_bias)

    def by_values(self, hp: Hyperparameter) -> np.ndarray:
        """Probabilities by kind, range, default and categories alone, float array (r,)."""
        hidden = np.maximum(value_evidence(hp) @ self.hidden_weights + self.hidden_bias, 0.0)
        return _softmax(hidden @ self.value_weights + self.value_bias)

    def save(self, path: Path) -> None:
        """Writes the weights with half precision."""
        arrays = {
            name: array.astype(np.float16) if array.dtype.kind == "f" else array
            for name, array in asdict(self).items()
        }
        np.savez_compressed(path, **arrays)

    @classmethod
    def load(cls, path: Path) -> "RoleModel":
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                **{
                    name: array.astype(np.float32) if array.dtype.kind == "f" else array
                    for name, array in arrays.items()
                }
            )


@cache
def bundled_model() -> RoleModel:
    """The model that the package carries."""
    return RoleModel.load(FILE)


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max())
    return exponentials / exponentials.sum()
