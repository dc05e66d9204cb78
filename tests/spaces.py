"""Search spaces in which what is active depends on values."""

from keras_metahpo.space import Condition, Hyperparameter, SearchSpace

SGD = (Condition("optimizer", ("sgd",)),)
CONDITIONAL = SearchSpace(
    [
        Hyperparameter("optimizer", "choice", "adam", choices=("adam", "sgd")),
        Hyperparameter("momentum", "float", 0.9, 0.1, 0.99, conditions=SGD),
        Hyperparameter("nesterov", "boolean", False, choices=(False, True), conditions=SGD),
        Hyperparameter("units", "int", 64, 8, 512),
        Hyperparameter("l2", "float", 1e-3, 1e-5, 1e-1, sampling="log"),
    ]
)
MLP, CNN = (Condition("model", ("mlp",)),), (Condition("model", ("cnn",)),)
NAMESAKES = SearchSpace(
    [
        Hyperparameter("model", "choice", "mlp", choices=("mlp", "cnn")),
        Hyperparameter("units", "int", 150, 100, 200, conditions=MLP),
        Hyperparameter("units", "int", 4, 4, 8, conditions=CNN),
        Hyperparameter("rate", "float", 0.3, 0.0, 0.7),
    ]
)
