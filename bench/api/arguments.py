"""The arguments of `bench.evaluate` and `bench.open_data`, checked before anything is read or run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, get_args

import msgspec

from bench.errors import UsageError, did_you_mean
from bench.models import Options, Task

P = ParamSpec("P")
R = TypeVar("R")

_KINDS: Mapping[str, tuple[tuple[type[Any], ...], str]] = {
    "dataset": ((str, Path), "the name of a card, or a path ending in .toml,"),
    "data": ((str, Path), "a folder or file"),
    "root": ((str, Path), "a folder or file"),
    "out": ((str, Path), "a folder"),
    "split": ((str,), 'the name of a split, such as "val"'),
    "name": ((str,), "the name of the row in tables"),
    "task": ((str,), " or ".join(get_args(Task))),
    "limit": ((int,), "a number of images"),
    "metrics": ((str, list, tuple), "a name or a list of names"),
}


@dataclass(frozen=True)
class Request:
    """The arguments of an evaluation besides model, data set and options."""

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

    def __post_init__(self) -> None:
        """Refuse arguments of another type than they have.

        Raises:
            UsageError: the first of them, with what it should be.
        """
        check(**{name: getattr(self, name) for name in ("data", "split", "task", "metrics", "limit", "name", "out")})
        if not isinstance(self.overwrite, bool):
            raise UsageError(f"overwrite={self.overwrite!r}: True or False is needed")
        if self.overwrite and self.out is None:
            raise UsageError("overwrite=True has no effect without out=, because no record is written: leave it out")


def check(**found: Any) -> None:
    """Refuse arguments of another type than they have.

    Raises:
        UsageError: the first of them, with what it should be.
    """
    for name, value in found.items():
        kinds, what = _KINDS[name]
        if value is None and name != "dataset":
            continue
        known = name != "task" or value in get_args(Task)
        if not isinstance(value, kinds) or isinstance(value, bool) or not known or value == "":
            raise UsageError(f"{name}={value!r}: {what} is needed")
        if name == "limit" and value < 1:
            raise UsageError(f"limit={value}: at least one image is needed")
        if name == "out" and Path(value).expanduser().is_file():
            raise UsageError(f"out={str(value)!r}: this is a file; run records are written into a folder, new or old")


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function check its arguments, as `check` does, before it reads anything."""
    names = list(signature(function).parameters)

    @wraps(function)
    def checking(*args: P.args, **kwargs: P.kwargs) -> R:
        found = {**dict(zip(names, args, strict=False)), **kwargs}
        check(**{name: value for name, value in found.items() if name in _KINDS})
        return function(*args, **kwargs)

    return checking


def none_of(what: str, **found: Any) -> None:
    """Refuse arguments that have no effect on this kind of data set.

    Raises:
        UsageError: the first that is given.
    """
    for name, value in found.items():
        if value is not None:
            raise UsageError(f"{name}= has no effect on {what}: leave it out")


def options(found: Any, task: Any) -> Options:
    """The options of a model, from `bench.Options` or a dict, with the task that was asked for.

    Raises:
        UsageError: unknown names, or values of another type.
    """
    if isinstance(found, Mapping):
        found = _from_dict(found)
    if found is not None and not isinstance(found, Options):
        raise UsageError(f"options={found!r}: a dict or bench.Options is needed")
    if task is not None and found is not None and found.task not in (None, task):
        raise UsageError(f"task={task!r}, but the options say {found.task!r}: leave one of them out")
    made: Options = found or Options()
    return replace(made, task=task or made.task)


def _from_dict(found: Mapping[str, Any]) -> Options:
    known = [each.name for each in fields(Options)]
    unknown = next((name for name in found if name not in known), None)
    if unknown is not None:
        raise UsageError(f"options: there is no option {unknown!r}: {did_you_mean(str(unknown), known)}")
    weights = {"weights": str(found["weights"])} if isinstance(found.get("weights"), Path) else {}
    try:
        return msgspec.convert({**found, **weights}, Options, dec_hook=_path)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        where = place.strip("`") or "a value"
        raise UsageError(f"options: {where}: {what[0].lower()}{what[1:].replace('`', '')}") from None


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise TypeError(f"a path is needed, not {type(value).__name__}")
