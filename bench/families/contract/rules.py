"""The rules that a record stores: which families are counted, on which classes and regions, and
how.

Each family builds its own options from them (`Family.options`). They are stored flat, so that
records and the ids of runs stay as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from bench.argument_names import for_python
from bench.classes import LabelSpace
from bench.errors import UsageError, did_you_mean
from bench.families import require_family
from bench.metrics.regions import Plan
from bench.metrics.semantic import ClassesIn


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that changes counts or scores beyond the card.

    A record keeps it whole, so that its scores can be computed again. `max_detections`,
    `iou_thresholds` and `area_ranges` (name, lowest and highest area in pixels) replace those of
    COCO's protocol; None means COCO's own.
    """

    families: tuple[str, ...] = ("pixels",)
    classes_in: ClassesIn | None = None
    regions: Plan = Plan()
    area_from: Literal["mask", "box"] = "mask"
    boundary_ratio: float = 0.02
    boundary_mode: Literal["gscnn", "present"] = "gscnn"
    voc_form: Literal["2014", "2015"] = "2014"
    shown_from: float = 0.5
    max_detections: tuple[int, ...] | None = None
    iou_thresholds: tuple[float, ...] | None = None
    area_ranges: tuple[tuple[str, float, float], ...] | None = None
    interval: Literal["default", "none", "percentile", "bca", "studentised"] = "default"

    @for_python
    def __post_init__(self) -> None:
        """Refuse unknown values; for rules made directly in Python, this is the only check before
        scoring.

        Raises:
            UsageError: the first one, with the valid values.
        """
        refuse_unknown(
            {name: getattr(self, name) for name in WORDS if getattr(self, name) is not None}
        )
        for name in self.families:
            require_family(name)


WORDS: dict[str, tuple[str, ...]] = {
    "classes_in": get_args(ClassesIn),
    "area_from": ("mask", "box"),
    "boundary_mode": ("gscnn", "present"),
    "voc_form": ("2014", "2015"),
    "interval": ("default", "none", "percentile", "bca", "studentised"),
}
"""Rules that take one of a few words, and these words."""


def refuse_unknown(settings: Mapping[str, Any]) -> None:
    """Refuse a rule whose value is not one of its words.

    Raises:
        UsageError: the first one, with the closest or all valid words.
    """
    for name, valid_words in WORDS.items():
        if name in settings and settings[name] not in valid_words:
            valid = ", ".join(map(repr, valid_words))
            hint = did_you_mean(str(settings[name]), valid_words)
            close = f"; {hint}" if hint.startswith("did") else ""
            flag = f"--{name.replace('_', '-')}"
            raise UsageError(f"{flag} must be one of {valid}, got {settings[name]!r}{close}")


class Source(NamedTuple):
    """Where predictions came from, as far as notices depend on it.

    `kind` is that of the record's model (`predictions`, `baseline`, `model`), or `loop`; `space` is
    the label space in which they were read; `split` is the split of the data set, or "".
    """

    kind: str = "loop"
    space: LabelSpace = "train-ids"
    split: str = ""
