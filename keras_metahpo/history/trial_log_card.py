"""The card of a trial log: what was recorded, and how it is to be read."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from keras_metahpo.errors import TrialLogError
from keras_metahpo.space import Value

FORMAT_VERSION = 1
LOOKUPS = ("grid", "pool", "surrogate")


@dataclass(frozen=True)
class TrialLogCard:
    """The facts about a trial log.

    Attributes:
        name, version: What it is called; the version changes when its content does.
        source, licence: Where the measurements come from and what may be done with them.
        objective, direction: The metric that is optimised; `"min"` or `"max"`.
        fidelity, max_fidelity: The unit of a measurement and how far a trial can go.
        lookup: How an unrecorded configuration is answered: `"grid"` (never: all are recorded),
            `"pool"` (the nearest recorded) or `"surrogate"` (a regressor fitted on load).
        features: Task features (family, number of classes, ...), optional.
        provenance: How it was made: command, versions, machine.
    """

    name: str
    objective: str
    direction: str
    version: str = "1"
    source: str = ""
    licence: str = ""
    fidelity: str = "epoch"
    max_fidelity: int = 1
    lookup: str = "pool"
    features: Mapping[str, Value] = field(default_factory=dict)
    provenance: Mapping[str, Value] = field(default_factory=dict)
    format_version: int = FORMAT_VERSION

    @property
    def family(self) -> str:
        """What the features say, else the first tag, else what stands before the name's slash."""
        tags = str(self.features.get("tags", "")).split(",")
        return str(self.features.get("family") or tags[0] or self.name.partition("/")[0])


def card_from_json(content: Mapping, where: str) -> TrialLogCard:
    """The card in a file's content; raises `TrialLogError`, which begins with `where`."""
    if not isinstance(content, Mapping):
        raise TrialLogError(
            f"{where} must hold a JSON object. Received: {str(content)[:100]}. "
            "Write the log again with `TrialLog.write`."
        )
    known = {f.name for f in dataclasses.fields(TrialLogCard)}
    missing = [n for n in ("name", "objective", "direction") if n not in content]
    unknown = sorted(set(content) - known)
    if content.get("format_version", 0) > FORMAT_VERSION:
        raise TrialLogError(
            f"{where} has format version {content['format_version']}; this release of "
            f"keras-metahpo reads up to {FORMAT_VERSION}. Upgrade keras-metahpo."
        )
    if missing or unknown:
        raise TrialLogError(
            f"{where} must have the entries {sorted(known)}. "
            f"Received: missing {missing}, unknown {unknown}."
        )
    card = TrialLogCard(**content)
    if card.direction not in ("min", "max"):
        raise TrialLogError(
            f"{where}: direction must be 'min' or 'max'. Received: {card.direction!r}."
        )
    if card.lookup not in LOOKUPS:
        raise TrialLogError(f"{where}: lookup must be one of {LOOKUPS}. Received: {card.lookup!r}.")
    return card
