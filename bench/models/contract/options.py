"""The options of a model, whichever adapter runs it, and the check that an adapter supports
them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from bench.argument_names import for_python
from bench.errors import UsageError

Device = Literal["auto", "cpu", "cuda"]
Task = Literal["semantic", "instance", "panoptic"]

ALWAYS_SUPPORTED = frozenset({"weights", "task", "device", "batch_size"})
"""Options that every adapter handles, with checks of its own."""


@dataclass(frozen=True)
class Options:
    """Weights of a model, and where and how it runs.

    Attributes:
        weights: a file, a folder or a hub id; "DEFAULT" for the library's own pretrained weights;
            None for the weights that ship with `bench`.
        task: the task to run, for models that support several; None lets the adapter choose.
        device: where the network runs; "auto" takes a GPU if there is one.
        batch_size: images per forward pass; None lets the adapter choose.
        amp: run in half precision.
        compile: compile the network with torch.compile.
        input_size: (height, width) that images are resized to before the network; None keeps their
            size.
        window: (height, width) of a window that slides over larger images.
        overlap: the fraction that neighbouring windows share.
        scales: scales of the input to average over (test-time augmentation).
        flip: average over the mirror image too (test-time augmentation).
        confidence: return the confidence of every pixel.
        score_threshold: drop objects with a lower score; None keeps the adapter's own threshold.
        detections: maximum number of objects per image; None keeps the adapter's own.
        prompt: the kind of prompt that promptable models get.
        prompts: the number of prompts per object.
        sidecar: TOML file that describes the input and output of an exported network.
    """

    weights: str | None = None
    task: Task | None = None
    device: Device = "auto"
    batch_size: int | None = None
    amp: bool = False
    compile: bool = False
    input_size: tuple[int, int] | None = None
    window: tuple[int, int] | None = None
    overlap: float = 1 / 3
    scales: tuple[float, ...] = (1.0,)
    flip: bool = False
    confidence: bool = False
    score_threshold: float | None = None
    detections: int | None = None
    prompt: Literal["points", "boxes"] = "points"
    prompts: int = 1
    sidecar: Path | None = None

    @for_python
    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            UsageError: as `refuse_invalid`, naming arguments instead of flags.
        """
        refuse_invalid({field.name: getattr(self, field.name) for field in fields(self)})


def refuse_invalid(options: Mapping[str, Any]) -> None:
    """Refuse values of the fields of `Options` that make no sense; fields may be left out.

    The command line checks its values here, so that the message names flags.

    Raises:
        UsageError: a size, number or fraction out of range, or an overlap without windows.
    """
    values: dict[str, Any] = {field.name: field.default for field in fields(Options)}
    values.update(options)
    for name in ("batch_size", "detections", "prompts"):
        value = values[name]
        _require(value is None or value >= 1, f"{flag_of(name)} must be at least 1, got {value}")
    for name in ("input_size", "window"):
        size = values[name]
        if size is not None:
            message = f"{flag_of(name)} must be at least 1x1, got {'x'.join(map(str, size))}"
            _require(len(size) == 2 and min(size) >= 1, message)
    overlap = values["overlap"]
    _require(0 <= overlap < 1, f"--overlap must be in [0, 1), got {overlap:g}")
    if values["window"] is None and overlap != Options.overlap:
        raise UsageError("--overlap needs --window, the height and width of the windows")
    scales = values["scales"]
    listing = ",".join(map(str, scales))
    in_range = bool(scales) and all(0 < scale <= 8 for scale in scales)
    _require(in_range, f"--scales must be numbers in (0, 8], got {listing or 'none'}")
    _require(len(set(scales)) == len(scales), f"--scales lists a scale twice: {listing}")
    score = values["score_threshold"]
    in_range = score is None or 0 <= score <= 1
    _require(in_range, f"--score-threshold must be in [0, 1], got {score}")


def refuse_unsupported(name: str, options: Options, supported: Collection[str]) -> None:
    """Refuse options that were set (differ from their default) and that a model does not support.

    Args:
        name: the model, as messages call it.
        options: the options to check.
        supported: names of fields of `Options`, in addition to `ALWAYS_SUPPORTED`.

    Raises:
        UsageError: the first option that is not supported.
    """
    for field in fields(Options):
        if field.name in ALWAYS_SUPPORTED or field.name in supported:
            continue
        if getattr(options, field.name) != field.default:
            raise UsageError(f"--model {name} does not support {flag_of(field.name)}")


def flag_of(field: str) -> str:
    """The command-line flag that sets a field of `Options`."""
    return _FLAGS.get(field, f"--{field.replace('_', '-')}")


_FLAGS = {
    "sidecar": "--config",
    "confidence": "--metrics ECE, because it does not return confidence",
}


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise UsageError(message)
