"""Arrays and dicts from users, checked and converted into label maps, instances and segments.

They come from the user's own model, training loop or data set: NumPy arrays, Pillow images, or
tensors of torch, which is never imported here. `docs/python.md` lists the forms with their shapes.
This room knows neither files, nor models, nor metrics.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from bench import masks
from bench.errors import InputError, PredictionError, UsageError
from bench.inputs import labels, objects, segments
from bench.inputs.arrays import array
from bench.inputs.object_masks import NO_MASKS, Size, size_of
from bench.inputs.objects import without_masks
from bench.samples import Array, Instances, LabelMap, Segments

if TYPE_CHECKING:
    from bench.classes import Classes, LabelSpace

Form = LabelMap | Instances | Segments
TASKS = ("semantic", "instance", "panoptic")


class RawLabels(Protocol):
    """How the values of label files become train ids."""

    def ids(self, values: Array, where: str, *, truth: bool) -> Array:
        """The ids of the card, (H, W), for the values of a file."""
        ...

    def train_ids(self, ids: Array, where: str, *, truth: bool) -> Array:
        """The train ids and `ignore`, (H, W), of ids."""
        ...


@dataclass(frozen=True, eq=False)
class Reading:
    """How numbers are read as classes.

    `space` is "train-ids" or "ids"; for label maps in ids, `raw` converts them. `ignore` are values
    of true label maps that do not count; if empty, that of the class table. `open` means that the
    caller can choose another reading, so that messages may advise it.
    """

    space: LabelSpace = "train-ids"
    ignore: tuple[int, ...] = ()
    raw: RawLabels | None = None
    open: bool = False


def prediction(
    value: Any,
    task: str,
    classes: Classes,
    *,
    where: str,
    size: Size | None = None,
    reading: Reading | None = None,
    against: str = "the image",
) -> Form:
    """The prediction for one image; `size` (height, width) is the size of `against`.

    Raises:
        PredictionError: a wrong form for the task, a wrong size, or an unknown class.
    """
    try:
        reading = reading or Reading()
        made = _made(value, task, classes, size, reading, truth=False, where=where)
        _same_size(made, size, against, boxes_alone=reading.open)
    except (InputError, ValueError, TypeError) as error:
        raise PredictionError(_placed(where, error)) from None
    return made


def truth(
    value: Any,
    task: str,
    classes: Classes,
    *,
    where: str,
    size: Size | None = None,
    reading: Reading | None = None,
) -> Form:
    """The ground truth of one image; `size` (height, width) is needed only for polygons.

    Raises:
        UsageError: a wrong form for the task, or an unknown class.
    """
    try:
        return _made(
            value,
            task,
            classes,
            size,
            reading or Reading(),
            truth=True,
            where=f"{where}: the truth",
        )
    except (InputError, ValueError, TypeError) as error:
        raise UsageError(_placed(f"{where}: the truth", error)) from None


def _placed(where: str, error: Exception) -> str:
    """The message with the place in front, unless it is there already."""
    return str(error) if str(error).startswith(f"{where}: ") else f"{where}: {error}"


def _made(
    value: Any,
    task: str,
    classes: Classes,
    size: Size | None,
    reading: Reading,
    *,
    truth: bool,
    where: str,
) -> Form:
    form = {"semantic": LabelMap, "instance": Instances, "panoptic": Segments}[task]
    if isinstance(value, LabelMap | Instances | Segments):
        if not isinstance(value, form):
            raise InputError(
                f"a {task} evaluation needs {form.__name__}, not {type(value).__name__}"
            )
        if isinstance(value, Instances):
            objects.require_numbers(value)
            masks.check(value.rles, value.size)  # compiled code trusts run-length codes
        return value
    if task == "semantic":
        return labels.label_map(value, classes, reading, where=where, truth=truth)
    if task == "panoptic":
        return segments.panoptic(value, classes, reading, truth=truth)
    return objects.instances(value, classes, reading, size, scored=not truth)


def _same_size(made: Form, size: Size | None, against: str, *, boxes_alone: bool) -> None:
    if isinstance(made, Instances) and len(made) and made.size == NO_MASKS and not boxes_alone:
        raise InputError("every object needs a mask, and these have only boxes")
    has_no_masks = isinstance(made, Instances) and (not len(made) or made.size == NO_MASKS)
    if size is None or size in (NO_MASKS, made.size) or has_no_masks:
        return
    sizes = (
        f"it has {made.size[0]} x {made.size[1]} pixels, {against} {size[0]} x {size[1]} "
        "(height x width)"
    )
    right = (
        "predict in the size of the image"
        if against == "the image"
        else "resize one of the two first"
    )
    raise InputError(f"{sizes}: {right}")


def batch(value: Any, task: str, *, ids: int | None = None) -> Sequence[Any]:
    """The images of a batch: (N, H, W) labels or a list; a single image is a batch of one.

    An empty list is one image without objects, as in COCO.

    Raises:
        InputError: logits.
    """
    if task == "semantic":
        return labels.batch(value, ids=ids)
    if isinstance(value, list | tuple) and value and not objects.is_coco(value):
        return value
    return [value]


__all__ = [
    "NO_MASKS",
    "TASKS",
    "Form",
    "RawLabels",
    "Reading",
    "Size",
    "array",
    "batch",
    "prediction",
    "size_of",
    "truth",
    "without_masks",
]
