"""`metahpo demo`: one hypermodel on scikit-learn's digits, searched by three tuners."""

from keras_metahpo.demo.report import print_table, save_picture, save_result
from keras_metahpo.demo.searches import TUNERS, Search, compare, run_search

__all__ = [
    "TUNERS",
    "Search",
    "compare",
    "print_table",
    "run_search",
    "save_picture",
    "save_result",
]
