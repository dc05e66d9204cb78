"""Why a configuration was chosen."""

from keras_metahpo.explanation.explaining import Explanation, explain_configuration

__all__ = ["Explanation", "explain_configuration"]
