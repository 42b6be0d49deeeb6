"""The options of `bench run` that say how a model runs, each with its help text, and how their words are read.

What the values mean, and which are out of range, is for `models.Options` to say.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

ModelName = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME",
        help="Model: see `bench list models`, or own code: package.module:name or file.py:name.",
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="FILE|DIR|ID|DEFAULT",
        help="Checkpoint, saved folder or hub id; default: the weights that ship.",
    ),
]
Task = Annotated[
    Literal["semantic", "instance", "panoptic"] | None,
    typer.Option("--task", help="What the model shall answer, where it has several forms; default: its first."),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where the network runs.")]
BatchSize = Annotated[int | None, typer.Option("--batch-size", metavar="N", help="Images a step.")]
Amp = Annotated[bool, typer.Option("--amp", help="Mixed precision.")]
Compile = Annotated[bool, typer.Option("--compile", help="Compile the network with torch.compile first.")]
InputSize = Annotated[
    str | None, typer.Option("--input-size", metavar="HxW", help="Resize images to this before the network.")
]
Window = Annotated[
    str | None,
    typer.Option("--window", metavar="HxW", help="Slide a window of this size over larger images; logits average."),
]
Overlap = Annotated[
    float | None, typer.Option("--overlap", metavar="SHARE", help="Of neighbouring windows; default: 1/3.")
]
Scales = Annotated[
    str | None,
    typer.Option("--scales", metavar="LIST", help="Average the probabilities at these scales, such as .5,1,1.5."),
]
Flip = Annotated[bool, typer.Option("--flip", help="Average with the prediction of the mirrored image.")]
ScoreThreshold = Annotated[
    float | None, typer.Option("--score-threshold", metavar="SCORE", help="Drop objects that score less.")
]
Detections = Annotated[
    int | None, typer.Option("--detections", metavar="N", help="Keep at most so many objects an image.")
]
Prompt = Annotated[
    Literal["points", "boxes"], typer.Option("--prompt", help="What promptable models are given of each object.")
]
Prompts = Annotated[int, typer.Option("--prompts", metavar="N", help="How many prompts for each object.")]
Sidecar = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE.toml", help="What an exported network does not tell of itself."),
]


def size(flag: str, text: str | None) -> tuple[int, int] | None:
    """Height and width from a text such as 512x1024; None stays None."""
    if text is None:
        return None
    height, _, width = text.lower().partition("x")
    if not (height.isdigit() and width.isdigit()):
        raise typer.BadParameter(f"{flag} {text}: height and width in pixels are needed, such as 512x1024")
    return int(height), int(width)


def numbers(flag: str, text: str) -> tuple[float, ...]:
    """Numbers from a text such as .5,1,1.5."""
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{flag} {text}: numbers with commas between are needed, such as .5,1,1.5") from None
