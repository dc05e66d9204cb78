"""Trial logs of the benchmark tables, to train a ranker on all data there are.

    python benchmarks/table_logs.py --data TABLES --output LOGS
    metahpo train --logs meta_dataset/* LOGS/* --seed 3 --steps 18000 --synthetic 48000 --output OUT

A log holds random configurations of a task and the best that a local search has found on each task
of its family, as earlier searches leave them. A ranker that was trained on them must not be judged
by these tables: its card lists them, and studies refuse it.
"""

import argparse
from pathlib import Path

import pools
from rich.console import Console

from keras_metahpo.benchmark.blackboxes import open_suite
from keras_metahpo.benchmark.experience import logs_of
from keras_metahpo.progress import progress_bars

SUITES = pools.SUITES | {"nasbench201": None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of lcbench, taskset.npz")
    parser.add_argument("--configurations", type=int, default=200, help="random ones a task")
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    with progress_bars(Console()) as progress:
        bar = progress.add_task("writing", total=len(SUITES))
        for kind, path in SUITES.items():
            suite = open_suite(kind, path and options.data / path)
            for log in logs_of(suite.blackboxes, options.configurations):
                log.write(str(options.output / log.card.name.replace("/", "-")))
            progress.advance(bar)


if __name__ == "__main__":
    main()
