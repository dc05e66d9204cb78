"""Presets: trained rankers as directories of config.json, model.weights.h5 and card.json."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from keras_metahpo.errors import PresetError, did_you_mean
from keras_metahpo.gaussian_process import CORRELATIONS
from keras_metahpo.rankers.base import NetworkRanker, Ranker
from keras_metahpo.rankers.building import built
from keras_metahpo.rankers.gaussian_process import GaussianProcessRanker
from keras_metahpo.rankers.in_context import InContextRanker
from keras_metahpo.rankers.tuned import (
    DeepKernelRanker,
    RankingEnsembleRanker,
    RegressionRanker,
)

FORMAT_VERSION = 3
DEFAULT_PRESET = "base"
# What a preset may be; the first one where it does not say.
RANKERS: dict[str, type[NetworkRanker]] = {
    ranker.kind: ranker
    for ranker in (InContextRanker, RegressionRanker, DeepKernelRanker, RankingEnsembleRanker)
}
CONFIG, WEIGHTS, CARD = "config.json", "model.weights.h5", "card.json"


def presets_directory() -> Path:
    """Where the bundled presets lie."""
    return Path(__file__).resolve().parent.parent / "presets"


def list_presets() -> list[str]:
    return sorted(p.parent.name for p in presets_directory().glob(f"*/{CARD}"))


class Preset:
    """A checked preset, whose network is built when it is first needed.

    Args:
        name_or_directory: Name of a bundled preset, or the path of a directory.

    Raises:
        PresetError: if it is unknown, damaged, or of another format.
    """

    def __init__(self, name_or_directory: str | os.PathLike = DEFAULT_PRESET):
        self.directory = _find(name_or_directory)
        self.config = _read_json(self.directory / CONFIG)
        self.card = _read_json(self.directory / CARD)
        self._check()

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def kind(self) -> str:
        """A name of `RANKERS`."""
        return self.config.get("kind", InContextRanker.kind)

    @property
    def ranker_class(self) -> type[NetworkRanker]:
        return RANKERS[self.kind]

    def load(self) -> NetworkRanker:
        """Builds the ranker; takes a second, so it is not done at construction."""
        network = built(self.ranker_class.new_network, self.config["network"])
        network.load_weights(self.directory / WEIGHTS)
        ranker = self.ranker_class(network, self.name)
        entries = self.card.get("trained_on", ())
        learnt = (name for entry in entries for name in entry.get("hyperparameters", ()))
        ranker.known_names = frozenset(learnt)
        return ranker

    def _check(self) -> None:
        version = self.config.get("format_version")
        if not isinstance(version, int) or "network" not in self.config:
            raise PresetError(
                f"{self.directory / CONFIG} must have `format_version` and `network`. "
                f"Received: {sorted(self.config)}. Save the preset again or restore the file."
            )
        if version != FORMAT_VERSION:
            later = version > FORMAT_VERSION
            remedy = "Upgrade keras-metahpo" if later else "Train it again with `metahpo train`"
            raise PresetError(
                f"{self.directory} has preset format {version}; this release of keras-metahpo "
                f"reads format {FORMAT_VERSION}. {remedy}."
            )
        if self.kind not in RANKERS:
            raise PresetError(
                f"{self.directory / CONFIG}: kind must be one of {list(RANKERS)}. "
                f"Received: {self.kind!r}. Upgrade keras-metahpo, or restore the file."
            )
        weights = self.directory / WEIGHTS
        if not weights.exists():
            raise PresetError(
                f"{weights} is missing. Restore it, or use `ranker={DEFAULT_PRESET!r}`."
            )
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        if digest != self.card.get("sha256"):
            raise PresetError(
                f"{weights} is damaged: expected sha256 {self.card.get('sha256')} from {CARD}. "
                f"Received: {digest}. Restore the file, or reinstall keras-metahpo."
            )


def save_preset(ranker: NetworkRanker, directory: str | os.PathLike, card: Mapping) -> Path:
    """Writes a preset; the card gets the hash of the weights."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    # A compiled network would save its optimizer's state, too.
    network = built(ranker.new_network, ranker.network.get_config())
    network.set_weights(ranker.network.get_weights())
    network.save_weights(directory / WEIGHTS)
    digest = hashlib.sha256((directory / WEIGHTS).read_bytes()).hexdigest()
    config = {
        "format_version": FORMAT_VERSION,
        "kind": ranker.kind,
        "network": network.get_config(),
    }
    for name, content in ((CONFIG, config), (CARD, {**card, "sha256": digest})):
        (directory / name).write_text(json.dumps(content, indent=1) + "\n")
    return directory


def check_surrogate(name_or_ranker) -> "Preset | Ranker | None":
    """What `MetaOracle(surrogate=...)` names: a process, a checked preset, or a ranker as it is.

    Args:
        name_or_ranker: `"gp_rbf"`, `"gp_matern_52"`, ..., what `Preset` takes, a `Ranker`, `None`.

    Raises:
        PresetError: as `Preset` does.
    """
    if name_or_ranker is None or isinstance(name_or_ranker, Ranker):
        return name_or_ranker
    kernels = {f"gp_{kernel}": kernel for kernel in CORRELATIONS}
    if name_or_ranker in kernels:
        return GaussianProcessRanker(kernels[name_or_ranker])
    try:
        return Preset(name_or_ranker)
    except PresetError as error:
        raise PresetError(f"surrogate: one of {list(kernels)}, or a preset. {error}") from error


def _find(name_or_directory: str | os.PathLike) -> Path:
    text = os.fspath(name_or_directory)
    for directory in (Path(text), presets_directory() / text):
        if (directory / CARD).exists() or (directory / CONFIG).exists():
            return directory
    known = list_presets()
    raise PresetError(
        f"`ranker` must be the name of a bundled preset {known}, the path of a directory with "
        f"{CONFIG}, {WEIGHTS} and {CARD}, or a `Ranker`. Received: {text!r}."
        f"{did_you_mean(text, known)}"
    )


def _read_json(path: Path) -> dict:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise PresetError(
            f"{path} cannot be read: {error}. Restore the file, or reinstall keras-metahpo."
        ) from error
    if not isinstance(content, dict):
        raise PresetError(f"{path} must hold a JSON object. Received: {type(content).__name__}.")
    return content
