"""The options that several commands share, each written once with its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from bench.cli.words import option

DatasetName = Annotated[
    str, option("--dataset", "-d", metavar="NAME|CARD.toml", help="Data set: a shipped card or your own.")
]
SplitName = Annotated[
    str | None, option("--split", "-s", metavar="NAME", help="Split; default: what the card says, often val.")
]
DataFolder = Annotated[
    Path | None,
    option("--data", metavar="DIR|JSON", help="The data set's folder as downloaded, or its truth JSON (COCO)."),
]
LayoutName = Annotated[
    str | None,
    option(
        "--layout",
        metavar="NAME",
        help="Layout of the files, such as coco or voc, or your own package.module:Name; default: the card's.",
    ),
]
IdsFile = Annotated[
    str | None,
    option("--ids", metavar="FILE|all", help="Image ids or file names, one per line, instead of the split's list."),
]
Limit = Annotated[int | None, option("--limit", metavar="N", help="Only the first N images.")]
Out = Annotated[Path, option("--out", metavar="DIR", help="Where run records are written.")]
Name = Annotated[str | None, option("--name", metavar="TEXT", help="Name of the row in tables.")]
ClassesIn = Annotated[
    Literal["truth", "union", "all"] | None,
    option(
        "--classes-in",
        help="Classes that means run over: those in the truth (default; PQ: union), in truth or prediction, or all.",
    ),
]
Metrics = Annotated[
    str,
    option("--metrics", metavar="LIST", help="default, all, or names from `bench list metrics` with commas."),
]
Regions = Annotated[
    str,
    option(
        "--regions", metavar="LIST", help="Also score in crops, rings, bands, depth, trimap; numbers as in trimap=3:5."
    ),
]
Crop0 = Annotated[
    Literal["full", "base"] | None,
    option("--crop0", help="What crop factor 0 means: the full image (default), or the image without its margins."),
]
VocForm = Annotated[
    Literal["2014", "2015"] | None,
    option("--voc-form", help="Form of VOC's AP^r: 2014 (.5, vol; default) or 2015 (.5, .7)."),
]
IntervalChoice = Annotated[
    Literal["default", "none", "percentile", "bca", "studentised"] | None,
    option("--interval", help="How intervals are made: jackknife (AP: bootstrap) with t, a bootstrap's, or none."),
]
BoundaryMode = Annotated[
    Literal["gscnn", "present"] | None,
    option(
        "--boundary-mode", help="Boundary F of a class without contour in an image: 1 (gscnn, default), or left out."
    ),
]
AreaFrom = Annotated[
    Literal["mask", "box"] | None,
    option(
        "--area-from",
        help="Area of a detection with mask and box: the mask's (default), or the box's as in pycocotools.",
    ),
]
ShownFrom = Annotated[
    float | None,
    option("--shown-from", metavar="SCORE", help="Score threshold for precision, recall and F1; default: 0.5."),
]
MaxDetections = Annotated[
    str | None,
    option(
        "--max-detections",
        metavar="LIST",
        help="Maximum detections per class and image for AR and AP; default: 1,10,100.",
    ),
]
IouThresholds = Annotated[
    str | None,
    option(
        "--iou-thresholds",
        metavar="LIST",
        help="IoU thresholds that AP and AR average, such as 0.5:0.95:0.05 or 0.5,0.75.",
    ),
]
AreaRanges = Annotated[
    str | None,
    option(
        "--area-ranges",
        metavar="LIST",
        help="Area ranges of objects in pixels, such as tiny=0:256,small=256:1024,big=1024:.",
    ),
]
Resume = Annotated[bool, option("--resume", help="Go on where an interrupted run stopped.")]
Overwrite = Annotated[bool, option("--overwrite", help="Evaluate again, and replace a record whose counts differ.")]
AsJson = Annotated[bool, option("--json", help="Print one JSON object and nothing else on standard output.")]
