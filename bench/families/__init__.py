"""Families of metrics: what is counted in one pass, scored together, and shown as one group; one file each.

A family joins a metric's `count` and `score` to samples, rules and records; the arithmetic is the metric's own. What
you name is the file you open: the family `pixels` is `bench/families/pixels.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, cast, get_args, runtime_checkable

import msgspec

from bench.cards import Card
from bench.classes import Classes, LabelSpace
from bench.errors import UsageError, did_you_mean
from bench.metrics.regions import Plan
from bench.metrics.semantic import ClassesIn
from bench.notices import Notice
from bench.samples import Array, Prediction, Sample, Table

if TYPE_CHECKING:
    from bench.samples.columns import DetectionColumns, TruthColumns


class Entry(NamedTuple):
    """What is known of a family without loading it: the form of predictions it counts, and when it is counted."""

    task: str
    when: Literal["default", "all", "named"]


FAMILIES: dict[str, Entry] = {
    "pixels": Entry("semantic", "default"),
    "weighted": Entry("semantic", "all"),
    "boundary": Entry("semantic", "all"),
    "calibration": Entry("semantic", "named"),
    "instance": Entry("instance", "default"),
    "boxes": Entry("instance", "default"),
    "instance_boundary": Entry("instance", "all"),
    "cityscapes_instance": Entry("instance", "default"),
    "lvis": Entry("instance", "default"),
    "lvis_boxes": Entry("instance", "default"),
    "voc_instance": Entry("instance", "all"),
    "tide": Entry("instance", "all"),
    "operating_points": Entry("instance", "all"),
    "object_confusion": Entry("instance", "all"),
    "panoptic": Entry("panoptic", "default"),
    "panoptic_boundary": Entry("panoptic", "all"),
    "prompted": Entry("prompted", "default"),
}
"""All families, in the order in which their groups are shown. `named` ones need what not every prediction has."""

FROM_BOXES = ("boxes", "lvis_boxes")
"""Families of objects that need no masks."""

PREFIXES = {
    "boxes": "box_",
    "instance_boundary": "boundary_",
    "cityscapes_instance": "cityscapes_",
    "voc_instance": "voc_",
    "lvis": "lvis_",
    "lvis_boxes": "lvis_box_",
    "object_confusion": "object_",
    "panoptic_boundary": "boundary_",
}
"""What tells the scores of a family from those of the same name in another: `box_AP`."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that changes counts or scores beyond the card: which families, which classes, which regions.

    A record keeps it whole, so that its scores can be made again. `max_detections`, `iou_thresholds` and `area_ranges`
    (name, lowest and highest area in pixels) replace those of COCO's protocol; None means COCO's own.
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

    def __post_init__(self) -> None:
        """Refuse words that are none: from Python, nothing else looks at them before the scores are made.

        Raises:
            UsageError: the first one, with the valid words.
        """
        refuse_unknown({name: getattr(self, name) for name in WORDS if getattr(self, name) is not None})
        for name in self.families:
            if name not in FAMILIES:
                raise UsageError(f"families: there is no family {name!r}: {did_you_mean(name, FAMILIES)}")


WORDS: dict[str, tuple[str, ...]] = {
    "classes_in": get_args(ClassesIn),
    "area_from": ("mask", "box"),
    "boundary_mode": ("gscnn", "present"),
    "voc_form": ("2014", "2015"),
    "interval": ("default", "none", "percentile", "bca", "studentised"),
}
"""Rules that are one of some words, and the words."""


def refuse_unknown(settings: Mapping[str, Any]) -> None:
    """Refuse a rule whose value is none of its words.

    Raises:
        UsageError: the first one, with the closest or all valid words.
    """
    for name, words in WORDS.items():
        if name in settings and settings[name] not in words:
            valid = ", ".join(map(repr, words))
            hint = did_you_mean(str(settings[name]), words)
            close = f"; {hint}" if hint.startswith("did") else ""
            raise UsageError(f"{name} = {settings[name]!r} is none of {valid}{close}")


class Source(NamedTuple):
    """Where predictions came from, as far as the words about them depend on it.

    `kind` is that of the record's model (`predictions`, `baseline`, `model`), or `loop`; `space` is the label space in
    which they were read; `split` is the split of the data set, or "".
    """

    kind: str = "loop"
    space: LabelSpace = "train-ids"
    split: str = ""


class Scores(Protocol):
    """Scores of B rows of weights, NaN where undefined."""

    @property
    def overall(self) -> Mapping[str, Array]:
        """Name -> (B,)."""
        ...

    @property
    def per_class(self) -> Mapping[str, Array]:
        """Name -> (B, C)."""
        ...


class Family(Protocol):
    """What every module of this folder offers.

    Those of objects are also `CountsColumns`, some others are `CountsPairs`, and some of both have `Doubts` or are
    `NamedByRules`. Those that look at the value of scores have `settled`, which writes into the tables of a run which
    of its detections are shown, before scores become ranks; those that make many scores at a cost each have
    `score_only`, which makes one.
    """

    GROUP: str
    """Under which name its scores stand in a record."""
    TABLES: tuple[str, ...]
    """The tables it writes, each with a column `image`."""
    METRICS: tuple[str, ...]
    """Names of its scores, for choosing them."""

    def suits(self, card: Card) -> bool:
        """Whether it makes sense on a data set."""
        ...

    def count(
        self, card: Card, rules: Rules, sample: Sample, prediction: Prediction, position: int
    ) -> dict[str, Table]:
        """Count one image: table name -> rows, whose column `image` is the position."""
        ...

    def rules_of(self, classes: Classes, rules: Rules) -> dict[str, Any]:
        """What two runs must share for their tables to be comparable, as JSON can hold it."""
        ...

    def truth_rows(self, tables: Mapping[str, Table]) -> Table:
        """The truth's own rows, whatever was predicted."""
        ...

    def score(self, tables: Mapping[str, Table], weights: Array, classes: Classes, rules: Rules) -> Scores:
        """Score N images under B rows of weights (B, N)."""
        ...

    def leave_out(self, tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules) -> Scores | None:
        """Score with each cluster left out; None for a family whose scores are steps, which the jackknife fails."""
        ...

    def facts(self, tables: Mapping[str, Table], classes: Classes, rules: Rules) -> dict[str, Any]:
        """What stands beside the scores in the record's group, such as how many classes a mean runs over."""
        ...

    def warnings(
        self, tables: Mapping[str, Table], clusters: Array, classes: Classes, rules: Rules
    ) -> Sequence[tuple[str, str] | Notice]:
        """What a reader of the scores should know: code and message, or a `Notice` where it is serious."""
        ...


@runtime_checkable
class CountsColumns(Protocol):
    """What families of objects offer besides: all images are counted at once."""

    def count_columns(self, rules: Rules, truth: TruthColumns, detections: DetectionColumns) -> dict[str, Table]:
        """Count all N images; tables as from `count`, none where another family makes the same ones."""
        ...


@runtime_checkable
class NamedByRules(Protocol):
    """What families offer besides whose scores have other names under other rules, such as AR500."""

    def metrics_of(self, rules: Rules) -> tuple[str, ...]:
        """The names of the scores under these rules, as in `METRICS`."""
        ...


@runtime_checkable
class CountsPairs(Protocol):
    """What families offer besides, for which the pixels of pairs of labels or of segments are enough."""

    def counts_pairs(self, rules: Rules) -> bool:
        """Whether they are enough under these rules."""
        ...

    def count_pairs(self, card: Card, pairs: Any, positions: Array) -> dict[str, Table]:
        """Count several images, whose `positions` in the data set are given; tables as from `count`."""
        ...


@runtime_checkable
class Doubts(Protocol):
    """What families offer besides that can tell from their counts whether predictions were meant as they were read."""

    def doubts(self, tables: Mapping[str, Table], classes: Classes, rules: Rules, source: Source) -> Sequence[Notice]:
        """What the counts say against the label space, the order of classes, or what the truth calls void."""
        ...


def family(name: str) -> Family:
    """The module of this name."""
    return cast("Family", import_module(f"bench.families.{name}"))


def metrics_of(name: str, rules: Rules) -> tuple[str, ...]:
    """The names of a family's scores under these rules, as in `METRICS`."""
    module = family(name)
    return module.metrics_of(rules) if isinstance(module, NamedByRules) else module.METRICS


def families(names: Iterable[str]) -> list[Family]:
    """The modules of these names, in the order in which they are shown."""
    wanted = set(names)
    return [family(name) for name in FAMILIES if name in wanted]
