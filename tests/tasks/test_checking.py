"""`check_file` finds what is wrong, says where, and what to do."""

import pytest

from keras_metahpo.tasks import check_file
from keras_metahpo.tasks.checking import Finding

GOOD = '''"""A dense network on noise."""

import keras
import numpy as np

from keras_metahpo.tasks import ArraySource, Task

DATA = ArraySource(np.random.default_rng(0).random((60, 4)), np.arange(60) % 2, "noise")


def build(hp):
    units = hp.Int("units", 1, 8)
    optimizer = keras.optimizers.SGD(hp.Float("lr", 1e-3, 1e-1, sampling="log"))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])
    model.add(keras.layers.Dense(2, activation="softmax"))
    model.compile(
        optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True
    )
    return model


TASKS = [
    Task(
        "NAME",
        build,
        DATA,
        max_fidelity=3,
        tags=("vector",),
        licence="CC0",
        citation="none",
    )
]
'''
COUNTER = iter(range(1000))
FAKE = """
class Bad:
    num_classes, dataset = 2, "bad"

    def fake(self):
        data = DATA.fake()
        return {change}


"""


def check(tmp_path, text: str, stem: str | None = None) -> tuple[str, list[Finding]]:
    stem = stem or f"vectors_{next(COUNTER)}"
    file = tmp_path / f"{stem}.py"
    file.write_text(text.replace('"NAME"', f'"{stem}/noise"'))
    return str(file), check_file(str(file))


def with_data(change: str) -> str:
    text = GOOD.replace("def build(hp)", FAKE.format(change=change) + "def build(hp)")
    return text.replace("        DATA,\n", "        Bad(),\n").replace(
        "import ArraySource, Task", "import ArraySource, Task, TaskData"
    )


def line_of(text: str, part: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if part in line)


def test_good_file_has_no_findings(tmp_path):
    assert check(tmp_path, GOOD)[1] == []


@pytest.mark.parametrize(
    ("old", "new", "problem", "remedy", "where"),
    [
        ("model.add(", "1 / 0; model.add(", "ZeroDivisionError", "default values", "1 / 0"),
        (
            '"units", 1, 8',
            '"units", 0, 8, default=4',
            "build(hp) of {",
            "must be legal",
            "Dense(units)",
        ),
        ('metrics=["accuracy"], ', "", "does not measure the objective", "Compile", '"NAME"'),
        (
            "        max_fi",
            '        objective="val_gone",\n        max_fi',
            "direction",
            "",
            "NAME",
        ),
        ('"NAME"', '"Elsewhere/noise"', "a name must be 'vectors_", "rename", "Elsewhere"),
        (
            "    units = ",
            "    hp.Int('units', 1, 8) > 1 and hp.Int(\"extra\", 0, 1)\n    units = ",
            "'extra' is declared for some configurations only",
            "conditional_scope",
            '"extra"',
        ),
        ("keras.layers.Dense(units)", "Drift(units)", "the same seed gives other", "gener", "NAME"),
        ("TASKS = [", "TASKS = [3,", "must define `TASKS`", "Nothing else", "TASKS = "),
        ("def build(hp):", "def build(hp:", "SyntaxError", "Nothing else", "def build(hp:"),
        ("DATA = Arr", "import gone\nDATA = Arr", "No module named 'gone'", "Correct", "gone"),
    ],
)
def test_each_fault_is_found_where_it_is(tmp_path, old, new, problem, remedy, where):
    text = GOOD.replace(old, new)
    drift = """
class Drift(keras.layers.Dense):
    calls = 0

    def call(self, inputs):
        Drift.calls += 1
        return super().call(inputs) * Drift.calls


def build(hp)"""
    if "Drift" in new:
        text = text.replace("def build(hp)", drift, 1)
    path, findings = check(tmp_path, text)
    assert len(findings) == 1 or "direction" in problem, findings
    assert findings[0].file == path
    assert problem in findings[0].problem
    assert remedy in str(findings[0])
    assert findings[0].line == line_of(text, where)
    assert str(findings[0]).startswith(f"{path}:{findings[0].line}: ")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("1 / 0", "data.fake() raises ZeroDivisionError"),
        (
            "TaskData(data.train, data.validation, (data.test[0][:0], data.test[1][:0]))",
            "the test split is empty",
        ),
        (
            "TaskData(data.train, data.validation, (data.test[0], data.test[1][:3]))",
            "the test split has 12 inputs and 3 labels",
        ),
        (
            "TaskData(data.train, data.validation, (data.test[0], data.test[1] + 1))",
            "the test split has labels from 1 to 2",
        ),
        (
            "TaskData(data.train, data.validation, (data.test[0][:, :3], data.test[1]))",
            "examples differ in shape",
        ),
    ],
)
def test_faults_of_the_data_are_found(tmp_path, change, problem):
    findings = check(tmp_path, with_data(change))[1]
    assert problem in findings[0].problem
    assert findings[0].remedy


def test_taken_name_is_found_with_the_file_that_has_it(tmp_path):
    text = GOOD.replace('"NAME"', '"image/mlp_mnist"')
    path, (finding,) = check(tmp_path, text, "image")
    assert "the name is taken by" in finding.problem
    assert "tasks/image.py" in finding.problem
    assert finding.line == line_of(text, "image/mlp_mnist")
    assert finding.file == path


def test_every_empty_field_of_the_card_is_found(tmp_path):
    text = GOOD.replace('"CC0"', '"", version=""').replace('"none"', '""').replace('"vector",', "")
    findings = check(tmp_path, text)[1]
    fields = ("licence", "citation", "version", "tags")
    assert [f.problem for f in findings] == [f"{field} is empty." for field in fields]
    assert all(f.line == line_of(text, '"NAME"') for f in findings)
    assert "Give `Task` a licence" in findings[0].remedy


def test_on_task_hears_of_every_task(tmp_path):
    heard = []
    file = tmp_path / "heard.py"
    file.write_text(GOOD.replace('"NAME"', '"heard/noise"'))
    check_file(str(file), heard.append)
    assert heard == ["heard/noise"]
