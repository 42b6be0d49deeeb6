"""Options of a command as plain data, and the quick way from well-formed words to its call.

Loading typer takes longer than scoring small data, so it is asked only where words are not plain: it alone writes help
and says what is wrong. This module knows no command.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints


@dataclass(frozen=True)
class Option:
    """An option before typer knows it: its names, what stands for its value in the help, and the help itself."""

    names: tuple[str, ...]
    help: str
    metavar: str | None = None


@dataclass(frozen=True)
class Argument:
    """A positional argument, before typer knows it."""

    help: str
    metavar: str


def argument(metavar: str, *, help: str) -> Argument:  # noqa: A002 - typer's own word
    """Declare an optional positional argument; a command has at most one."""
    return Argument(help, metavar)


def option(*names: str, help: str, metavar: str | None = None) -> Option:  # noqa: A002 - typer's own word
    """Declare an option, with the words of `typer.Option`."""
    return Option(names, help, metavar)


def for_typer(function: Callable[..., int]) -> Callable[..., int]:
    """Declare the options of a command to typer, in place."""
    import typer

    hints = get_type_hints(function, include_extras=True)
    for name, hint in hints.items():
        declared = _declared(hint)
        if isinstance(declared, Argument):
            word = typer.Argument(metavar=declared.metavar, help=declared.help, show_default=False)
            hints[name] = Annotated[get_args(hint)[0], word]
        elif declared is not None:
            told = typer.Option(*declared.names, metavar=declared.metavar, help=declared.help)
            hints[name] = Annotated[get_args(hint)[0], told]
    function.__annotations__ = hints
    return function


def plain(function: Callable[..., int], words: Sequence[str]) -> dict[str, Any] | None:
    """Read words of the form `--name value`, `--flag` and `word`; None where only typer knows what they mean or lack.

    >>> def show(*, limit: Annotated[int | None, option("--limit", help="Images.")] = None) -> int: ...
    >>> plain(show, ["--limit", "3"]), plain(show, ["--limit", "many"]), plain(show, ["--help"])
    ({'limit': 3}, None, None)
    """
    kinds: dict[str, Any] = {}
    places: dict[str, str] = {}
    bare = ""
    for name, hint in get_type_hints(function, include_extras=True).items():
        declared = _declared(hint)
        if declared is not None:
            bare = name if isinstance(declared, Argument) else bare
            kinds[name] = get_args(hint)[0]
            places.update(dict.fromkeys(getattr(declared, "names", ()), name))
    found: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        name = places.get(word, "" if word.startswith("-") else bare)
        if not name or name in found:
            return None
        value = True if kinds[name] is bool else _value(kinds[name], word if name == bare else next(rest, ""))
        if value is None:
            return None
        found[name] = value
    parameters = inspect.signature(function).parameters
    needed = {name for name, each in parameters.items() if each.default is inspect.Parameter.empty}
    return found if needed <= set(found) else None


def spoken(function: Callable[..., int], values: Mapping[str, Any]) -> list[str]:
    """The words on the command line that set these parameters; a value that is the default needs none.

    >>> def show(*, limit: Annotated[int | None, option("--limit", help="Images.")] = None) -> int: ...
    >>> spoken(show, {"limit": 3}), spoken(show, {"limit": None})
    (['--limit', '3'], [])
    """
    hints, parameters = get_type_hints(function, include_extras=True), inspect.signature(function).parameters
    found: list[str] = []
    for name, value in values.items():
        flags = [
            word
            for extra in getattr(hints[name], "__metadata__", ())
            if hasattr(extra, "names") or hasattr(extra, "param_decls")
            # typer takes the first of an option's names for its default.
            for word in getattr(extra, "names", None) or (getattr(extra, "default", ""), *extra.param_decls)
            if str(word).startswith("-")
        ]
        if flags and value != parameters[name].default:
            found += [flags[0]] if value is True else [flags[0], str(value)]
    return found


def _declared(hint: Any) -> Option | Argument | None:
    return next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Option | Argument)), None)


def _value(kind: Any, word: str) -> Any:
    """The value that a word stands for, or None where that takes more thought."""
    if not word or word.startswith("-"):
        return None
    if get_origin(kind) in (Union, types.UnionType):
        (kind,) = (each for each in get_args(kind) if each is not types.NoneType)
    if get_origin(kind) is Literal:
        return word if word in get_args(kind) else None
    if kind is int:
        return int(word) if word.isascii() and word.isdigit() else None
    return kind(word) if kind in (str, Path) else None
