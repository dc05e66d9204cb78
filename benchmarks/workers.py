"""How much sooner a search is over with several workers, on trials that only wait.

    python benchmarks/workers.py --output benchmarks/results/workers.json

`metahpo search` runs the same search of 24 simulated trials, with the bundled ranker, with 1, 2 and
4 workers; what counts is the time from the first trial's start to the last one's end. What is lost
are suggestions, which the chief makes one after the other, and the gRPC calls between.
"""

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path

from keras_metahpo.launching import launch

NUM_TRIALS = 24
TARGET = 0.9
SCRIPT = """
import json, os, sys, time
import keras_tuner
from keras_metahpo import MetaTuner

folder, trial_s, num_trials = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
num_workers = int(sys.argv[4])

class Simulated(MetaTuner):
    def on_search_begin(self):
        super().on_search_begin()
        # Loading TensorFlow so many times at once is not what is measured.
        open(os.path.join(folder, os.environ["KERASTUNER_TUNER_ID"] + ".ready"), "w").close()
        while sum(name.endswith(".ready") for name in os.listdir(folder)) < num_workers:
            time.sleep(0.05)

    def run_trial(self, trial, **kwargs):
        began = time.time()
        values = trial.hyperparameters.values
        time.sleep(trial_s)
        with open(os.path.join(folder, trial.trial_id + ".json"), "w") as file:
            json.dump([began, time.time()], file)
        return {"loss": abs(values["learning_rate"] - 1e-3) + values["dropout"]}

# Known from the beginning, as from a hypermodel's `build`: else the first trial would run alone.
hp = keras_tuner.HyperParameters()
hp.Float("learning_rate", 1e-5, 1.0, sampling="log")
hp.Float("dropout", 0.0, 0.8)
hp.Int("units", 8, 512, sampling="log")
hp.Choice("optimizer", ["adam", "sgd"])
Simulated(
    hyperparameters=hp,
    objective="loss", max_trials=num_trials, seed=0, directory=folder, project_name="search"
).search(verbose=0)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--trial-s", type=float, default=3.0, help="seconds a trial waits")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/workers.json"))
    options = parser.parse_args()
    seconds = {n: search(n, options.trial_s) for n in options.workers}
    one = NUM_TRIALS * options.trial_s
    result = {
        "machine": {"cores": os.cpu_count(), "processor": platform.machine()},
        "trials": NUM_TRIALS,
        "trial_s": options.trial_s,
        "workers": {
            n: {
                "seconds": round(s, 2),
                "speed_up": round(seconds[min(seconds)] * min(seconds) / s, 2),
                "share_of_ideal": round(one / n / s, 3),
            }
            for n, s in seconds.items()
        },
    }
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    for n, row in result["workers"].items():
        verdict = "met" if row["share_of_ideal"] >= TARGET else "MISSED"
        print(
            f"{n} workers: {row['seconds']} s, {row['speed_up']} times as fast as one, "
            f"{row['share_of_ideal']:.0%} of the ideal (target {TARGET:.0%}: {verdict})"
        )


def search(num_workers: int, trial_s: float) -> float:
    """Seconds from the first trial's start to the last one's end."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "script.py")
        script.write_text(SCRIPT)
        arguments = [folder, str(trial_s), str(NUM_TRIALS), str(num_workers)]
        launch(script, arguments, num_workers, Path(folder, "logs"))
        times = [json.loads(path.read_text()) for path in Path(folder).glob("*.json")]
    return max(ended for _, ended in times) - min(began for began, _ in times)


if __name__ == "__main__":
    main()
