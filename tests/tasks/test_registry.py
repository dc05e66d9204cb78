"""Finding tasks in the library and in files."""

import sys
import warnings
from importlib.metadata import EntryPoint

import pytest

from keras_metahpo.errors import TaskError
from keras_metahpo.tasks import Task, get_task, library_directory, list_tasks, registry
from keras_metahpo.tasks.registry import load_definitions

ONE_TASK = """
from keras_metahpo.tasks import ImageSource, Task

TASKS = [Task("mine/{name}", lambda hp: None, ImageSource("mnist:3.0.1", 10), max_fidelity=1)]
"""
TWO_TASKS = (
    ONE_TASK
    + """
TASKS = [*TASKS, Task("mine/other", lambda hp: None, TASKS[0].data, max_fidelity=2)]
"""
)


@pytest.fixture
def task_file(tmp_path):
    """Writes a definition; a folder's name that contains `.py` is legal."""

    def write(text: str, name: str = "mine") -> str:
        folder = tmp_path / "my.pyfiles"
        folder.mkdir(exist_ok=True)
        file = folder / f"{name}.py"
        file.write_text(text)
        return str(file)

    return write


@pytest.fixture
def plug_in(tmp_path, monkeypatch):
    """Installs a module with one task as an entry point; lists how often these are read."""
    reads = []

    def install(text: str, module: str):
        (tmp_path / f"{module}.py").write_text(text)
        monkeypatch.syspath_prepend(str(tmp_path))
        entry = EntryPoint("mine", module, registry.ENTRY_POINTS)

        def entry_points(group):
            reads.append(group)
            return [entry]

        monkeypatch.setattr(registry, "entry_points", entry_points)
        registry._plug_ins.cache_clear()
        return reads

    yield install
    registry._plug_ins.cache_clear()


def test_library_is_listed_in_order_without_repeats():
    names = list_tasks()
    assert len(names) >= 10
    assert names == sorted(set(names))
    assert {get_task(name).family for name in names} >= {"image", "text"}
    assert list_tasks("text") == [name for name in names if name.startswith("text")]


def test_every_listed_task_is_found_by_its_name():
    for name in list_tasks():
        task = get_task(name)
        assert isinstance(task, Task)
        assert task.name == name
        assert name.split("/")[0].startswith(task.family)
        assert task.licence
        assert task.citation
        assert task.direction in ("min", "max")


def test_library_files_start_with_a_docstring():
    for file in library_directory().glob("[!_]*.py"):
        assert file.read_text().startswith('"""')


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("image/mlp_minst", "image/mlp_mnist"), ("txt/cnn_trec", "text/cnn_trec")],
)
def test_unknown_name_is_answered_with_close_ones(wrong, meant):
    with pytest.raises(TaskError) as caught:
        get_task(wrong)
    assert repr(wrong) in str(caught.value)
    assert repr(meant) in str(caught.value)


def test_hopeless_name_is_answered_with_all():
    with pytest.raises(TaskError) as caught:
        get_task("0000")
    assert all(repr(name) in str(caught.value) for name in list_tasks())


def test_task_of_a_file_needs_no_name(task_file):
    path = task_file(ONE_TASK)
    assert get_task(path).name == "mine/{name}"
    assert get_task(f"{path}:mine/{{name}}") is get_task(path)


def test_one_of_several_tasks_is_selected_by_name(task_file):
    path = task_file(TWO_TASKS)
    assert get_task(f"{path}:mine/other").max_fidelity == 2
    for wrong in (path, f"{path}:mine/gone"):
        with pytest.raises(TaskError) as caught:
            get_task(wrong)
        assert f"{path}:mine/other" in str(caught.value)
        assert f"Received: {wrong!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("TASKS = [", "SyntaxError"),
        ("import keras_gone", "No module named 'keras_gone'"),
        ("1 / 0", "ZeroDivisionError"),
        ("", "must define `TASKS`"),
        ("TASKS = []", "must define `TASKS`"),
        ("TASKS = ['image/mlp_mnist']", "must define `TASKS`"),
        (ONE_TASK.replace("max_fidelity=1", "max_fidelity=0"), "positive number of epochs"),
    ],
)
def test_broken_file_is_a_task_error_that_names_it(task_file, text, complaint):
    path = task_file(text, "broken")
    with pytest.raises(TaskError) as caught:
        get_task(path)
    assert complaint in str(caught.value)
    if "max_fidelity" not in text:
        assert path in str(caught.value)


def test_mended_file_is_read_again(task_file):
    path = task_file("1 / 0", "mended")
    with pytest.raises(TaskError):
        get_task(path)
    assert "keras_metahpo_task_mended" not in sys.modules
    task_file(ONE_TASK, "mended")
    assert get_task(path).max_fidelity == 1


def test_missing_file_is_refused(tmp_path):
    path = str(tmp_path / "gone.py")
    with pytest.raises(TaskError, match="Expected the path of a Python file") as caught:
        load_definitions(path)
    assert path in str(caught.value)


def test_plug_ins_are_found_by_entry_point_and_read_once(plug_in):
    reads = plug_in(ONE_TASK.replace("{name}", "plugged"), "plugged_tasks")
    assert get_task("mine/plugged").max_fidelity == 1
    assert "mine/plugged" in list_tasks()
    assert reads == [registry.ENTRY_POINTS]


@pytest.mark.parametrize("text", ["1 / 0", "TASKS = 3"])
def test_broken_plug_in_warns_and_leaves_the_library_whole(plug_in, text):
    plug_in(text, f"broken_tasks_{len(text)}")
    with pytest.warns(UserWarning, match="mine = broken_tasks_. of the group .* is left out"):
        assert "image/mlp_mnist" in list_tasks()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert get_task("image/mlp_mnist").max_fidelity == 8


def test_name_taken_twice_is_an_error_that_names_both(plug_in):
    plug_in(ONE_TASK.replace("mine/{name}", "image/mlp_mnist"), "greedy_tasks")
    for find in (list_tasks, lambda: get_task("image/mlp_mnist")):
        with pytest.raises(TaskError, match="'image/mlp_mnist' is taken twice") as caught:
            find()
        assert "image.py" in str(caught.value)
        assert "greedy_tasks" in str(caught.value)
    assert get_task("image/mlp_fashion_mnist")


def test_name_taken_twice_in_a_file_is_an_error(task_file):
    path = task_file(ONE_TASK + "\nTASKS = TASKS * 2\n", "twice")
    with pytest.raises(TaskError, match="taken twice"):
        get_task(path)


def test_one_task_costs_the_import_of_one_file(monkeypatch):
    loaded = []
    monkeypatch.setattr(
        registry, "load_definitions", lambda path: loaded.append(path) or load_definitions(path)
    )
    get_task("text_bag/imdb")
    assert [path.rpartition("/")[2] for path in loaded] == ["text_bag.py"]
