"""Errors of keras-metahpo; a message says what was expected, what was received and what to do."""


class MetaHPOError(ValueError):
    """Base class of the package's own errors."""


class SearchSpaceError(MetaHPOError):
    """A search space or a configuration that cannot be used."""


class TrialLogError(MetaHPOError):
    """A trial log that is missing, damaged or inconsistent."""


class ProjectError(MetaHPOError):
    """A KerasTuner project folder that cannot be read."""


class PresetError(MetaHPOError):
    """A ranker preset that is missing, damaged or of a later format."""


class TaskError(MetaHPOError):
    """A task definition or its data that cannot be used."""


class DatasetError(MetaHPOError):
    """A public data set that cannot be loaded."""


class FewShotError(MetaHPOError):
    """Examples, episodes or a learner that few-shot learning cannot use."""


class BenchmarkError(MetaHPOError):
    """A study, blackbox or result folder that cannot be used."""
