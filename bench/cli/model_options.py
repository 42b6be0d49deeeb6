"""The options of `bench run` that say how a model runs.

`models.Options` says what the values mean and which are out of range.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from bench.cli.parser.declarations import OptionSet, flag, option
from bench.errors import UsageError


class ModelOptions(OptionSet):
    """Which model runs, how it is applied to images, and on which hardware."""

    model: str = option(
        "--model",
        "-m",
        metavar="NAME",
        help=(
            "Model: a name from `bench list models`, or your own code as package.module:name "
            "or file.py:name."
        ),
        group="Model",
    )
    weights: str | None = option(
        "--weights",
        metavar="FILE|DIR|ID|DEFAULT",
        help="Checkpoint, saved folder or hub id; default: the weights that ship with bench.",
        default=None,
        group="Model",
    )
    task: Literal["semantic", "instance", "panoptic"] | None = option(
        "--task",
        help="Task to run, for models that support several; default: the model's first.",
        default=None,
        group="Model",
    )
    config: Path | None = option(
        "--config",
        metavar="FILE.toml",
        help=(
            "Description of an exported network: inputs, outputs and classes that its file "
            "does not state."
        ),
        default=None,
        group="Model",
    )
    input_size: str | None = option(
        "--input-size",
        metavar="HxW",
        help="Resize images to this size before the network.",
        default=None,
        group="Prediction",
    )
    window: str | None = option(
        "--window",
        metavar="HxW",
        help="Slide a window of this size over larger images and average the logits.",
        default=None,
        group="Prediction",
    )
    overlap: float | None = option(
        "--overlap",
        metavar="FRACTION",
        help="Fraction that neighbouring windows share; default: 1/3.",
        default=None,
        group="Prediction",
    )
    scales: str | None = option(
        "--scales",
        metavar="LIST",
        help="Average the probabilities over these scales, such as .5,1,1.5.",
        default=None,
        group="Prediction",
    )
    flip: bool = flag(
        "--flip", help="Average with the prediction for the mirrored image.", group="Prediction"
    )
    score_threshold: float | None = option(
        "--score-threshold",
        metavar="SCORE",
        help="Drop detections with a lower score.",
        default=None,
        group="Prediction",
    )
    detections: int | None = option(
        "--detections",
        metavar="N",
        help="Keep at most N detections per image, the highest-scoring ones.",
        default=None,
        group="Prediction",
    )
    prompt: Literal["points", "boxes"] = option(
        "--prompt",
        help="Kind of prompt that a promptable model gets for each object.",
        default="points",
        group="Prediction",
    )
    prompts: int = option(
        "--prompts",
        metavar="N",
        help="Number of prompts per object.",
        default=1,
        group="Prediction",
    )
    device: Literal["auto", "cpu", "cuda"] = option(
        "--device", help="Device that the network runs on.", default="auto", group="Speed"
    )
    batch_size: int | None = option(
        "--batch-size", metavar="N", help="Images per batch.", default=None, group="Speed"
    )
    amp: bool = flag("--amp", help="Use automatic mixed precision.", group="Speed")
    compile: bool = flag(
        "--compile", help="Compile the network with torch.compile first.", group="Speed"
    )
    latency: bool = flag(
        "--latency",
        help="Also time up to 50 images one at a time: median and 95th percentile.",
        group="Speed",
    )


def size(name: str, text: str | None) -> tuple[int, int] | None:
    """Height and width from a text such as 512x1024; None stays None."""
    if text is None:
        return None
    height, _, width = text.lower().partition("x")
    if not (height.isdigit() and width.isdigit()):
        raise UsageError(f"{name} {text}: height and width in pixels are needed, such as 512x1024")
    return int(height), int(width)


def numbers(name: str, text: str) -> tuple[float, ...]:
    """Numbers from a text such as .5,1,1.5."""
    try:
        return tuple(float(word) for word in text.split(","))
    except ValueError:
        raise UsageError(
            f"{name} {text}: comma-separated numbers are needed, such as .5,1,1.5"
        ) from None
