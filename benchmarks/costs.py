"""How well freezing and thawing knows what an epoch of a configuration takes.

    python benchmarks/costs.py

In each log of the meta-dataset the seconds an epoch are predicted from a few trials alone, with
what `CostModel` makes of the numbers of parameters, and with ten other trials as an earlier search.
Prints the root mean squared error of their natural logarithm: medians over logs of means over
drawings.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from keras_metahpo.atomic import write_text
from keras_metahpo.history import LoggedTrial, TrainingState, TrialLog, find_logs
from keras_metahpo.policies import CostModel
from keras_metahpo.progress import progress_bars

KNOWN = (2, 5, 10)
NUM_EARLIER, NUM_DRAWINGS = 10, 3
# More trials of a log would make it no other problem.
MOST_ASKED = 60
DIRECTORY = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--logs", type=Path, default=DIRECTORY.parent / "meta_dataset")
    parser.add_argument("--output", type=Path, default=DIRECTORY / "results" / "costs.json")
    options = parser.parse_args()
    console = Console()
    logs, _ = find_logs([str(options.logs)])
    rows: list[tuple] = []
    with progress_bars(console) as bars:
        for place, log in enumerate(bars.track(logs, description="Predicting seconds")):
            rows += measure(log, np.random.default_rng(place))
    frame = pd.DataFrame(rows, columns=["log", "way", "known", "error"])
    by_log = frame.groupby(["log", "way", "known"], sort=False).error.mean()
    by_way = by_log.groupby(["way", "known"], sort=False).median().unstack("known")
    medians = {way: by_way.loc[way].round(3).tolist() for way in by_way.index}
    result = {"num_logs": len(logs), "known": KNOWN, "rmse_of_log_seconds": medians}
    write_text(options.output, json.dumps(result, indent=1) + "\n")
    table = Table("known trials", *map(str, KNOWN))
    for way, values in medians.items():
        table.add_row(way, *(f"{value:.2f}" for value in values))
    console.print(table)


def measure(log: TrialLog, rng: np.random.Generator) -> list[tuple[str, str, int, float]]:
    """Name of the log, way of predicting, known trials and error, for each drawing."""
    # The first epoch's seconds are those of the beginning, too.
    trained = [trial for trial in log.trials if len(trial.measurements) > 1]
    timed = [(trial, state) for trial in trained if (state := state_of(trial)).epoch_s > 0]
    rows = []
    for _ in range(NUM_DRAWINGS):
        order = rng.permutation(len(timed))
        earlier, rest = order[:NUM_EARLIER], order[NUM_EARLIER:]
        past = TrialLog.from_trials(log.card, log.space, [timed[row][0] for row in earlier])
        for known in KNOWN:
            trials = [timed[place][1] for place in rest[:known]]
            asked = [timed[place][1] for place in rest[known : known + MOST_ASKED]]
            errors = errors_of(log, past, trials, asked)
            rows += [(log.card.name, way, known, error) for way, error in errors.items()]
    return rows


def errors_of(log, past, trials, asked) -> dict[str, float]:
    """Root mean squared error of each way of predicting."""
    truth = np.log([state.epoch_s for state in asked])
    configurations = [state.configuration for state in asked]
    unsized = [replace(state, num_parameters=0.0) for state in trials]

    def error(logarithms) -> float:
        return float(np.sqrt(np.mean((logarithms - truth) ** 2)))

    def predicted(model: CostModel, known) -> np.ndarray:
        return np.log(model.predict(log.space, known, configurations).epoch)

    return {
        "median": error(np.median(np.log([state.epoch_s for state in trials]))),
        "Gaussian process": error(predicted(CostModel(), unsized)),
        "with numbers of parameters": error(predicted(CostModel(), trials)),
        "with ten earlier trials": error(predicted(CostModel([past]), trials)),
    }


def state_of(trial: LoggedTrial) -> TrainingState:
    """What a search would know of the trial's cost."""
    sizes = [m["num_parameters"] for m in trial.measurements if "num_parameters" in m]
    utilities = np.zeros(len(trial.measurements))
    return TrainingState(
        trial.configuration, utilities, trial.epoch_s, num_parameters=max(sizes, default=0.0)
    )


if __name__ == "__main__":
    main()
