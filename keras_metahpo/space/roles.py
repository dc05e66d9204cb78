"""What a hyperparameter is for, read from its name.

The aliases are names common in Keras and PyTorch code and in papers.
"""

import re

# Role -> aliases, the commonest first.
ALIASES: dict[str, tuple[str, ...]] = {
    "learning_rate": (
        "learning_rate",
        "lr",
        "initial_learning_rate",
        "learning_rate_init",
        "base_lr",
        "init_lr",
        "max_lr",
        "peak_lr",
        "step_size",
        "eta",
    ),
    "batch_size": ("batch_size", "batch", "minibatch_size", "mini_batch_size", "train_batch_size"),
    "weight_decay": (
        "weight_decay",
        "l2",
        "l2_reg",
        "l2_penalty",
        "l2_regularization",
        "kernel_regularizer",
        "regularization",
        "reg",
        "lambda",
        "decoupled_weight_decay",
    ),
    "l1": ("l1", "l1_reg", "l1_penalty", "l1_regularization"),
    "dropout": (
        "dropout",
        "dropout_rate",
        "drop_rate",
        "hidden_dropout",
        "embedding_dropout",
        "attention_dropout",
        "input_dropout",
        "keep_drop",
    ),
    "momentum": ("momentum", "sgd_momentum"),
    "beta_1": ("beta_1", "beta1", "adam_beta_1"),
    "beta_2": ("beta_2", "beta2", "adam_beta_2", "rho"),
    "epsilon": ("epsilon", "eps", "adam_epsilon"),
    "width": (
        "units",
        "num_units",
        "n_units",
        "hidden_units",
        "dense_units",
        "hidden_size",
        "hidden_dim",
        "width",
        "neurons",
        "num_neurons",
        "dense",
        "layer_size",
    ),
    "filters": ("filters", "num_filters", "n_filters", "channels", "num_channels", "base_filters"),
    "embedding": ("embedding_dim", "embedding_size", "embed_dim", "embedding", "d_model"),
    "depth": (
        "num_layers",
        "n_layers",
        "layers",
        "depth",
        "num_blocks",
        "n_blocks",
        "num_hidden_layers",
        "num_dense_layers",
        "num_conv_layers",
    ),
    "kernel_size": ("kernel_size", "kernel", "filter_size", "conv_size"),
    "activation": ("activation", "activation_function", "act", "nonlinearity"),
    "optimizer": ("optimizer", "optimiser", "opt", "optim", "algorithm", "solver"),
    "schedule": ("schedule", "lr_schedule", "scheduler", "learning_rate_schedule", "lr_scheduler"),
    "decay": ("decay_rate", "decay", "lr_decay", "gamma", "decay_factor", "learning_rate_decay"),
    "warmup": ("warmup", "warmup_steps", "warmup_epochs", "warmup_ratio"),
    "label_smoothing": ("label_smoothing", "smoothing"),
    "clip": ("clipnorm", "clip_norm", "clipvalue", "gradient_clip", "grad_clip", "max_grad_norm"),
    "normalization": ("batch_norm", "use_batch_norm", "batch_normalization", "use_bn", "norm"),
    "initializer": ("kernel_initializer", "initializer", "init", "weight_init"),
    "init_scale": ("init_scale", "initializer_range", "init_std", "weight_scale"),
    "heads": ("num_heads", "heads", "n_heads", "attention_heads"),
    "augmentation": ("augmentation", "augment", "use_augmentation", "mixup", "mixup_alpha"),
    "pooling": ("pooling", "pool", "pool_size", "pooling_type"),
    "epochs": ("epochs", "num_epochs", "steps", "max_steps", "iterations"),
    "vocabulary": ("vocabulary_size", "vocab_size", "max_tokens", "max_features"),
    "length": ("sequence_length", "max_length", "maxlen", "context_length"),
    "nesterov": ("nesterov", "use_nesterov"),
    "operation": ("operation", "op", "layer_type", "cell_op", "edge", "edge_op"),
}

ROLES = tuple(ALIASES)
_ROLE_OF_ALIAS = {alias: role for role, aliases in ALIASES.items() for alias in aliases}
# Longest first, so that "num_layers" is found in "encoder_num_layers" before "layers".
_ALIASES_BY_LENGTH = sorted(_ROLE_OF_ALIAS, key=len, reverse=True)
# Shorter aliases occur inside unrelated words ("lr" in "already"); only a whole word counts.
_WORD = re.compile(r"[a-z]+\d*|\d+")


def words_of(name: str) -> list[str]:
    """Lower-case words: `"block/denseUnits_2"` gives `["block", "dense", "units", "2"]`."""
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    return _WORD.findall(spaced.lower())


def role_of(name: str) -> str | None:
    """The role of a hyperparameter, or `None` where the name says nothing known.

    A trailing number (`units_2`) and words around an alias (`encoder/dropout_rate`) are ignored.
    """
    words = words_of(name)
    text = "_".join(words)
    while words and words[-1].isdigit():
        words = words[:-1]
    stem = "_".join(words)
    for candidate in (text, stem, re.sub(r"\d+$", "", stem)):
        if candidate in _ROLE_OF_ALIAS:
            return _ROLE_OF_ALIAS[candidate]
    padded = f"_{text}_"
    for alias in _ALIASES_BY_LENGTH:
        if f"_{alias}_" in padded:
            return _ROLE_OF_ALIAS[alias]
    return None
