"""What hyperparameters are for whose names no table of aliases knows."""

from keras_metahpo.role_guessing.guessing import Guess, guessed_names, guessed_roles
from keras_metahpo.role_guessing.model import RoleModel

__all__ = ["Guess", "RoleModel", "guessed_names", "guessed_roles"]
