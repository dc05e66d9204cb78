"""Facts about a task's data for a ranker: sizes, balance, and how far simple models get.

None of them is required anywhere. Landmarks: Pfahringer et al. 2000.
"""

import importlib
from typing import Any

import numpy as np

from keras_metahpo.tasks.task import Task, TaskData
from keras_metahpo.words import FIRST_WORD, PADDING

# Landmarks take a second or two on so many examples.
MAX_TRAIN, MAX_VALIDATION = 1000, 500
MAX_INPUTS = 2000


def task_features(task: Task) -> dict[str, float | str]:
    """The task's own features, and those of its data, which are loaded.

    Returns:
        Plain floats and strings: `family`, `dataset`, `num_train`, `num_validation`,
        `num_classes`, `num_inputs`, `input_rank` (1 for vectors and texts, 3 for images),
        `majority_accuracy`, `class_entropy` (1 where balanced), and the validation accuracies
        `landmark_centroid` (nearest class mean), `landmark_neighbour` (1-NN) and
        `landmark_linear` (logistic regression), on at most 1000 training examples. Few-shot
        tasks have the first two only.

    Raises:
        DatasetError: if the data cannot be loaded.
        ImportError: if scikit-learn is not there; names the extra.
    """
    data = task.data.load()
    features: dict[str, float | str] = {
        **{name: _plain(value) for name, value in task.features.items()},
        "family": task.family,
        "dataset": task.dataset,
    }
    return (
        {**features, **_sizes(data), **_landmarks(data)} if _is_classification(data) else features
    )


def _is_classification(data: TaskData) -> bool:
    """Whether there is one array and one label an example, unlike in few-shot episodes."""
    return all(
        isinstance(inputs, np.ndarray) and np.ndim(labels) == 1
        for inputs, labels in (data.train, data.validation)
    )


def _sizes(data: TaskData) -> dict[str, float]:
    (inputs, labels), (_, validation_labels) = data.train, data.validation
    counts = np.unique(labels, return_counts=True)[1]
    shares = counts / counts.sum()
    entropy = -np.sum(shares * np.log(shares)) / np.log(max(2, len(shares)))
    majority = np.bincount(labels).argmax()
    return {
        "num_train": float(len(labels)),
        "num_validation": float(len(validation_labels)),
        "num_classes": float(len(counts)),
        "num_inputs": float(np.prod(inputs.shape[1:])),
        "input_rank": float(inputs.ndim - 1),
        "majority_accuracy": float(np.mean(validation_labels == majority)),
        "class_entropy": float(entropy),
    }


def _landmarks(data: TaskData) -> dict[str, float]:
    linear = _scikit_learn("linear_model")
    neighbors = _scikit_learn("neighbors")
    train, labels = _vectors(data.train[0][:MAX_TRAIN]), data.train[1][:MAX_TRAIN]
    validation = _vectors(data.validation[0][:MAX_VALIDATION])
    truth = data.validation[1][:MAX_VALIDATION]
    classes = np.unique(labels)
    centroids = np.stack([train[labels == label].mean(axis=0) for label in classes])
    nearest = neighbors.KNeighborsClassifier(1)
    predictions = {
        "landmark_centroid": nearest.fit(centroids, classes).predict(validation),
        "landmark_neighbour": nearest.fit(train, labels).predict(validation),
        "landmark_linear": linear.LogisticRegression(max_iter=100, tol=1e-2)
        .fit(train, labels)
        .predict(validation),
    }
    return {name: float(np.mean(found == truth)) for name, found in predictions.items()}


def _vectors(inputs: np.ndarray) -> np.ndarray:
    """Float array (n, f): pixels as they are, texts as shares of the most frequent words."""
    if np.issubdtype(inputs.dtype, np.integer) and inputs.ndim == 2:
        counts = np.zeros((len(inputs), MAX_INPUTS))
        rows, columns = np.nonzero((inputs != PADDING) & (inputs < MAX_INPUTS))
        np.add.at(counts, (rows, inputs[rows, columns]), 1.0)
        words = counts[:, FIRST_WORD:]
        return words / np.maximum(1.0, words.sum(axis=1, keepdims=True))
    return inputs.reshape(len(inputs), -1).astype(float)


def _scikit_learn(module: str) -> Any:
    try:
        return importlib.import_module(f"sklearn.{module}")
    except ImportError as error:
        raise ImportError(
            "Task features need scikit-learn. Run: pip install 'keras-metahpo[bench]'"
        ) from error


def _plain(value: Any) -> float | str:
    return value if isinstance(value, str) else float(value)
