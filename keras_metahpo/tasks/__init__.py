"""Task definitions: what they are made of and how they are found."""

from keras_metahpo.tasks.data import ImageSource, OmniglotAlphabetSource, TextSource
from keras_metahpo.tasks.registry import get_task, library_directory, list_tasks
from keras_metahpo.tasks.task import DataSource, Task, TaskData, TaskHyperModel

__all__ = [
    "DataSource",
    "ImageSource",
    "OmniglotAlphabetSource",
    "Task",
    "TaskData",
    "TaskHyperModel",
    "TextSource",
    "get_task",
    "library_directory",
    "list_tasks",
]
