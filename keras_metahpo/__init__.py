"""A KerasTuner oracle that has already tuned other models."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_metahpo.history import TrialLog
    from keras_metahpo.oracle import MetaOracle
    from keras_metahpo.recommendation import recommend
    from keras_metahpo.tuner import MetaTuner

__version__ = "0.1.0"
__all__ = ["MetaOracle", "MetaTuner", "TrialLog", "__version__", "recommend"]

# Imported on first use, so that `import keras_metahpo` costs next to nothing.
_LAZY = {
    "MetaOracle": "keras_metahpo.oracle",
    "MetaTuner": "keras_metahpo.tuner",
    "TrialLog": "keras_metahpo.history",
    "recommend": "keras_metahpo.recommendation",
}


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'keras_metahpo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
