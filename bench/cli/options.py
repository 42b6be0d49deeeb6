"""The options that several commands share, each written once with its help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

DatasetName = Annotated[
    str, typer.Option("--dataset", "-d", metavar="NAME|CARD.toml", help="Data set: a shipped card or your own.")
]
SplitName = Annotated[
    str | None, typer.Option("--split", "-s", metavar="NAME", help="Split; default: what the card says, often val.")
]
DataFolder = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR|JSON", help="The data set's folder as downloaded, or its truth JSON (COCO)."),
]
LayoutName = Annotated[
    str | None,
    typer.Option(
        "--layout", metavar="NAME", help="Read the data as cityscapes, coco, pairs or voc; default: the card's."
    ),
]
IdsFile = Annotated[
    str | None, typer.Option("--ids", metavar="FILE|all", help="Image ids, one a line, in place of the split's list.")
]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", help="Only the first N images.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where run records are written.")]
Name = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Name of the row in tables.")]
ClassesIn = Annotated[
    Literal["truth", "union", "all"] | None,
    typer.Option(
        "--classes-in",
        help="Classes that means run over: those in the truth (default; PQ: union), in truth or prediction, or all.",
    ),
]
Metrics = Annotated[
    str,
    typer.Option("--metrics", metavar="LIST", help="default, all, or names from `bench list metrics` with commas."),
]
Regions = Annotated[
    str,
    typer.Option(
        "--regions", metavar="LIST", help="Also score in crops, rings, bands, depth, trimap; numbers as in trimap=3:5."
    ),
]
Crop0 = Annotated[
    Literal["full", "base"],
    typer.Option("--crop0", help="What crop factor 0 means: the full image, or the image without its margins."),
]
VocForm = Annotated[
    Literal["2014", "2015"],
    typer.Option("--voc-form", help="Form of VOC's AP^r: 2014 (.5, vol) or 2015 (.5, .7)."),
]
IntervalChoice = Annotated[
    Literal["default", "none"], typer.Option("--interval", help="Leave the intervals out, which saves a little time.")
]
BoundaryMode = Annotated[
    Literal["gscnn", "present"],
    typer.Option("--boundary-mode", help="Boundary F of a class without contour in an image: 1 (gscnn), or left out."),
]
AreaFrom = Annotated[
    Literal["mask", "box"],
    typer.Option("--area-from", help="Area of a detection with mask and box: the mask's, or the box's as pycocotools."),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else on standard output.")]
