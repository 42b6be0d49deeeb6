"""The options that several commands share, each declared once with its help."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from bench.cli.parser.declarations import REQUIRED, OptionSet, flag, option


def dataset(default: Any = REQUIRED) -> Any:
    """Declare the option that names the data set."""
    return option(
        "--dataset",
        "-d",
        metavar="NAME|CARD.toml",
        help="Data set: a name from `bench list datasets`, or the path of your own card.",
        default=default,
        group="Input",
    )


def split() -> Any:
    """Declare the option that names the split."""
    return option(
        "--split",
        "-s",
        metavar="NAME",
        help="Split of the data set; default: the card's default split, often val.",
        default=None,
        group="Input",
    )


def layout() -> Any:
    """Declare the option that names the layout."""
    return option(
        "--layout",
        metavar="NAME",
        help=(
            "Layout of the files, such as coco or voc, or your own layout as "
            "package.module:Name or file.py:Name; default: the card's layout."
        ),
        default=None,
        group="Input",
    )


class DataOptions(OptionSet):
    """Which images of a data set are evaluated, and where they are."""

    split: str | None = split()
    root: Path | None = option(
        "--data",
        metavar="DIR|FILE.json",
        help="Folder of the data set as downloaded, or its ground-truth JSON file (COCO).",
        default=None,
        group="Input",
    )
    layout: str | None = layout()
    ids: str | None = option(
        "--ids",
        metavar="FILE|all",
        help=(
            "Evaluate the images listed in this file (ids or file names, one per line) "
            "instead of the split's list."
        ),
        default=None,
        group="Input",
    )
    limit: int | None = option(
        "--limit",
        metavar="N",
        help="Evaluate only the first N images.",
        default=None,
        group="Input",
    )

    @property
    def is_part(self) -> bool:
        """Whether only some images of the split are evaluated."""
        return self.limit is not None or self.ids is not None


class ScoringOptions(OptionSet):
    """Which metrics are computed, and by which rules."""

    metrics: str = option(
        "--metrics",
        metavar="LIST",
        help=(
            "Comma-separated names from `bench list metrics`, or default, or all; your own family "
            "of metrics as package.module:Name or file.py:Name."
        ),
        default="default",
        group="Metrics",
    )
    regions: str = option(
        "--regions",
        metavar="LIST",
        help=(
            "Also score parts of the image: crops, rings, bands, depth, trimap; numbers as in "
            "trimap=3:5."
        ),
        default="",
        group="Metrics",
    )
    crop0: Literal["full", "base"] | None = option(
        "--crop0",
        help=(
            "Meaning of crop factor 0: the full image (default), or the image without its "
            "margins (base)."
        ),
        default=None,
        group="Metrics",
    )
    boundary_mode: Literal["gscnn", "present"] | None = option(
        "--boundary-mode",
        help=(
            "Boundary F of a class without a contour in an image: 1 (gscnn, default), or "
            "excluded (present)."
        ),
        default=None,
        group="Metrics",
    )
    classes_in: Literal["truth", "union", "all"] | None = option(
        "--classes-in",
        help="Classes that means run over: those in the ground truth (default), in ground truth or "
        "prediction (union, default for PQ), or all.",
        default=None,
        group="Metrics",
    )
    area_from: Literal["mask", "box"] | None = option(
        "--area-from",
        help=(
            "Area of a detection that has a mask and a box: the mask's (default), or the "
            "box's as in pycocotools."
        ),
        default=None,
        group="Object metrics",
    )
    voc_form: Literal["2014", "2015"] | None = option(
        "--voc-form",
        help="Version of VOC's AP^r: 2014 (IoU .5 and AP^r vol, default) or 2015 (IoU .5 and .7).",
        default=None,
        group="Object metrics",
    )
    shown_from: float | None = option(
        "--shown-from",
        metavar="SCORE",
        help="Score threshold for precision, recall and F1; default: 0.5.",
        default=None,
        group="Object metrics",
    )
    max_detections: str | None = option(
        "--max-detections",
        metavar="LIST",
        help="Maximum detections per class and image for AR and AP; default: 1,10,100.",
        default=None,
        group="Object metrics",
    )
    iou_thresholds: str | None = option(
        "--iou-thresholds",
        metavar="LIST",
        help="IoU thresholds that AP and AR average, such as 0.5:0.95:0.05 or 0.5,0.75.",
        default=None,
        group="Object metrics",
    )
    area_ranges: str | None = option(
        "--area-ranges",
        metavar="LIST",
        help="Area ranges of objects in pixels, such as tiny=0:256,small=256:1024,big=1024:.",
        default=None,
        group="Object metrics",
    )
    interval: Literal["default", "none", "percentile", "bca", "studentised"] | None = option(
        "--interval",
        help=(
            "Interval method: default (jackknife with t; AP: percentile bootstrap), a "
            "bootstrap, or none."
        ),
        default=None,
        group="Intervals",
    )

    def settings(self) -> dict[str, Any]:
        """The options by name, as the evaluation takes them."""
        return dict(vars(self))


class RecordOptions(OptionSet):
    """Where the run record goes."""

    name: str | None = option(
        "--name",
        metavar="TEXT",
        help="Name of the run in tables; default: the model.",
        default=None,
        group="Output",
    )
    out: Path = option(
        "--out", metavar="DIR", help="Folder for run records.", default=Path("runs"), group="Output"
    )
    resume: bool = flag("--resume", help="Continue an interrupted run.", group="Output")
    overwrite: bool = flag(
        "--overwrite",
        help="Evaluate again, and replace a record whose counts differ.",
        group="Output",
    )


class JsonOption(OptionSet):
    """How the result is printed."""

    as_json: bool = flag(
        "--json", help="Print one JSON object and nothing else on standard output.", group="Output"
    )
