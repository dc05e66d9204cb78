"""The direction of imports, and what a bare import loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "keras_metahpo"

# Layer -> what it may import besides itself.
ALLOWED = {
    "errors": set(),
    "extras": set(),
    "atomic": set(),
    "space": {"errors"},
    "history": {"errors", "space"},
    "log_arguments": {"history"},
    "acquisition": set(),
    "environment": set(),
    "_kerastuner": {"atomic", "environment"},
    "progress": set(),
    "gaussian_process": {"space"},
    "role_guessing": {"space"},
    "rankers": {"acquisition", "errors", "gaussian_process", "role_guessing", "space"},
    "populations": {"space"},
    "policies": {"acquisition", "errors", "gaussian_process", "history", "rankers", "space"},
    "explanation": {"space", "rankers", "role_guessing"},
    "oracle": {
        "_kerastuner",
        "acquisition",
        "explanation",
        "history",
        "policies",
        "rankers",
        "space",
    },
    "tuner": {"_kerastuner", "errors", "oracle", "populations", "space"},
    "launching": {"environment", "errors"},
    "recommendation": {"_kerastuner", "history", "policies", "rankers", "space"},
    "meta_training": {
        "acquisition",
        "atomic",
        "errors",
        "history",
        "progress",
        "rankers",
        "role_guessing",
        "space",
    },
    "datasets": {"atomic", "errors"},
    "words": set(),
    "fewshot": {"datasets", "errors", "words"},
    "tasks": {"_kerastuner", "atomic", "datasets", "errors", "fewshot", "space", "words"},
    "parallel": set(),
    "collector": {
        "atomic",
        "errors",
        "history",
        "parallel",
        "policies",
        "populations",
        "progress",
        "space",
        "tasks",
    },
    "data": {
        "atomic",
        "benchmark",
        "errors",
        "extras",
        "history",
        "log_arguments",
        "progress",
        "space",
    },
    "training_report": {
        "acquisition",
        "atomic",
        "benchmark",
        "data",
        "errors",
        "extras",
        "history",
        "log_arguments",
        "meta_training",
        "progress",
        "rankers",
        "tasks",
    },
    "demo": {"_kerastuner", "tasks", "tuner"},
    "benchmark": {
        "_kerastuner",
        "atomic",
        "collector",
        "datasets",
        "errors",
        "history",
        "log_arguments",
        "oracle",
        "parallel",
        "policies",
        "progress",
        "rankers",
        "recommendation",
        "space",
        "tasks",
        "tuner",
    },
    "testing": {"oracle", "tuner", "policies", "history", "space", "tasks"},
    "cli": {
        "errors",
        "benchmark",
        "data",
        "demo",
        "collector",
        "launching",
        "meta_training",
        "progress",
        "tasks",
        "training_report",
    },
}


def layer_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_layers(path: Path) -> set[str]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return {m.split(".")[1] for m in modules if m.startswith("keras_metahpo.")}


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_one_way(path):
    layer = layer_of(path)
    assert imported_layers(path) - {layer} <= ALLOWED[layer]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_only_one_file_touches_private_kerastuner(path):
    if layer_of(path) != "_kerastuner":
        assert "keras_tuner.src" not in path.read_text()


def test_bare_import_loads_nothing_heavy():
    heavy = ["tensorflow", "keras", "keras_tuner", "scipy", "pyarrow", "matplotlib", "rich"]
    code = (
        "import sys, keras_metahpo; "
        f"print([m for m in {heavy} + ['tensorflow_datasets'] if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
