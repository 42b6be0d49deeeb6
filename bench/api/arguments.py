"""The arguments of public functions, checked before anything is read or run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_args

import msgspec

from bench.errors import UsageError, did_you_mean
from bench.models import Options, Task

_TYPES: Mapping[str, tuple[tuple[type[Any], ...], str]] = {
    "dataset": ((str, Path), "the name of a card or a path ending in .toml"),
    "data": ((str, Path), "the path of a folder or file"),
    "root": ((str, Path), "the path of a folder or file"),
    "out": ((str, Path), "the path of a folder"),
    "split": ((str,), 'the name of a split, such as "val"'),
    "layout": ((str,), 'the name of a layout, such as "coco"'),
    "name": ((str,), "a name"),
    "task": ((str,), "one of " + ", ".join(get_args(Task))),
    "limit": ((int,), "a number of images"),
    "metrics": ((str, Sequence), "a name or a sequence of names"),
}
"""Argument -> its types, and what messages call them."""


@dataclass(frozen=True)
class Request:
    """The arguments of an evaluation other than model, data set and model options.

    `settings` are those of the rules; `own` says how label maps of the user's own data set are
    read.
    """

    data: str | Path | None = None
    split: str | None = None
    task: Any = None
    metrics: str | Sequence[str] = "default"
    limit: int | None = None
    ids: Any = None
    name: str | None = None
    out: str | Path | None = None
    classes: Any = None
    overwrite: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arguments of a wrong type.

        Raises:
            UsageError: the first of them, with what it must be.
        """
        names = ("data", "split", "task", "metrics", "limit", "name", "out")
        check(**{name: getattr(self, name) for name in names})
        if not isinstance(self.overwrite, bool):
            raise UsageError(f"overwrite must be True or False, got {self.overwrite!r}")
        if self.overwrite and self.out is None:
            raise UsageError(
                "overwrite=True has no effect without out=, because nothing is written"
            )


def check(**arguments: Any) -> None:
    """Refuse arguments of a wrong type; None means that an argument was not given.

    Raises:
        UsageError: the first of them, with what it must be.
    """
    for name, value in arguments.items():
        types, description = _TYPES[name]
        if value is None and name != "dataset":
            continue
        wrong = not isinstance(value, types) or isinstance(value, bool) or value == ""
        if wrong or (name == "task" and value not in get_args(Task)):
            raise UsageError(f"{name} must be {description}, got {value!r}")
        if name == "limit" and value < 1:
            raise UsageError(f"limit must be at least 1, got {value}")
        if name == "out" and Path(value).expanduser().is_file():
            raise UsageError(f"out must be a folder for run records, and {str(value)!r} is a file")


def none_of(kind: str, **arguments: Any) -> None:
    """Refuse arguments that have no effect on this kind of data set.

    Raises:
        UsageError: the first that was given.
    """
    for name, value in arguments.items():
        if value is not None:
            raise UsageError(f"{name}= has no effect on {kind}: leave it out")


def options(value: Any, task: Any) -> Options:
    """The options of a model, from `bench.Options` or a dict, with the task of the evaluation.

    Raises:
        UsageError: unknown names, or values of another type.
    """
    if isinstance(value, Mapping):
        value = _from_dict(value)
    if value is not None and not isinstance(value, Options):
        raise UsageError(f"options must be a dict or bench.Options, got {value!r}")
    if task is not None and value is not None and value.task not in (None, task):
        raise UsageError(
            f"task={task!r}, but options have task={value.task!r}: leave one of them out"
        )
    made: Options = value or Options()
    sidecar, weights = made.sidecar, made.weights
    return replace(
        made,
        task=task or made.task,
        sidecar=None if sidecar is None else Path(sidecar),
        weights=None if weights is None else str(weights),
    )


def _from_dict(values: Mapping[str, Any]) -> Options:
    names = [option.name for option in fields(Options)]
    unknown = next((name for name in values if name not in names), None)
    if unknown is not None:
        hint = did_you_mean(str(unknown), names)
        raise UsageError(f"options: there is no option {unknown!r}: {hint}")
    weights = {"weights": str(values["weights"])} if isinstance(values.get("weights"), Path) else {}
    try:
        return msgspec.convert({**values, **weights}, Options, dec_hook=_path)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).partition(" - at `$.")
        where = path.strip("`") or "a value"
        problem = f"{problem[0].lower()}{problem[1:].replace('`', '')}"
        raise UsageError(f"options: {where}: {problem}") from None


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise TypeError(f"must be a path, not {type(value).__name__}")
