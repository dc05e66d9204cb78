"""The files of the LCBench surrogate: its search space, its tasks and its network."""

import functools
import json
from pathlib import Path

from keras_metahpo.benchmark.blackboxes.vectorized import import_extra
from keras_metahpo.errors import BenchmarkError
from keras_metahpo.space import Hyperparameter, SearchSpace

FILES = ("model.onnx", "config_space.json", "encoding.json")
TASK = "OpenML_task_id"
# The order of the network's inputs after the epoch (YAHPO Gym, scenario
# lcbench). A wrong order saturates the network and raises no error.
INPUTS = (
    "batch_size",
    "learning_rate",
    "momentum",
    "weight_decay",
    "num_layers",
    "max_units",
    "max_dropout",
)


@functools.lru_cache(maxsize=4)
def read_space(path: str) -> tuple[SearchSpace, dict[str, int]]:
    """The search space, and the network's number of each task that the surrogate knows."""
    contents = []
    for name in FILES[1:]:
        try:
            contents.append(json.loads((Path(path) / name).read_text()))
        except (OSError, ValueError) as error:
            raise BenchmarkError(
                f"The LCBench surrogate is a folder with {FILES}. Received: {path}, where {name} "
                f"cannot be read ({error}). Copy it from YAHPO Gym's data, scenario lcbench."
            ) from error
    config, encoding = contents
    entries = {entry["name"]: entry for entry in config["hyperparameters"]}
    space = SearchSpace([_hyperparameter(entries[name]) for name in INPUTS])
    return space, {task: encoding[TASK][task] for task in entries[TASK]["choices"]}


def _hyperparameter(entry: dict) -> Hyperparameter:
    kind = "int" if entry["type"] == "uniform_int" else "float"
    # ConfigSpace writes 1e-4 as 0.00010000000000000009.
    low, high, default = (float(f"{entry[key]:.12g}") for key in ("lower", "upper", "default"))
    return Hyperparameter(
        entry["name"],
        kind,
        default=int(default) if kind == "int" else default,
        low=int(low) if kind == "int" else low,
        high=int(high) if kind == "int" else high,
        sampling="log" if entry["log"] else "linear",
        ordered=True,
    )


@functools.lru_cache(maxsize=2)
def open_session(path: str):
    """One network serves all tasks of a process, on one thread: the runner is parallel itself."""
    onnxruntime = import_extra("onnxruntime", "onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    file = Path(path) / FILES[0]
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions have no common public base.
        raise BenchmarkError(
            f"Expected an ONNX network. Received: {file} ({error}). Copy it from YAHPO Gym again."
        ) from error
