"""What logs are called, and what is needed to describe them."""

import sys

import pytest

from keras_metahpo.data.labels import labels_of, require_extra
from keras_metahpo.history import find_logs

from .conftest import drawn, log_of


def test_labels_are_names_unless_they_would_be_the_same(tmp_path):
    for folder, name in (("a", "a"), ("again", "a"), ("b", "b")):
        log_of([(c, [1.0]) for c in drawn(2)], name=f"made/{name}").write(str(tmp_path / folder))
    logs, _ = find_logs([str(tmp_path)])
    assert labels_of(logs) == [f"made/a ({tmp_path}/a)", f"made/a ({tmp_path}/again)", "made/b"]


@pytest.mark.parametrize(
    ("features", "family"),
    [({}, "made"), ({"tags": "image,mlp"}, "image"), ({"tags": "x", "family": "y"}, "y")],
)
def test_family_is_what_the_features_say_or_the_name(features, family):
    assert log_of([(drawn(1)[0], [1.0])], features=features).card.family == family


@pytest.mark.parametrize("module", ["optuna", "sklearn", "matplotlib", "jinja2", "pandas"])
def test_missing_package_names_the_extra(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"{module}.*keras-metahpo\[data\]"):
        require_extra()
