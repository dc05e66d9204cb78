"""Trains rankers for the command line, and writes one page about one of them or several."""

from keras_metahpo.training_report.checking import Check, check_ranker, check_tasks
from keras_metahpo.training_report.facts import PresetFacts, read_facts
from keras_metahpo.training_report.writing import write_report

__all__ = ["Check", "PresetFacts", "check_ranker", "check_tasks", "read_facts", "write_report"]
