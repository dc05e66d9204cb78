"""Conformance suites: a new oracle joins with one fixture."""

from keras_metahpo.testing.oracles import OracleLaws, drive, finish, open_project

__all__ = ["OracleLaws", "drive", "finish", "open_project"]
