"""The options that a person's loader gets. Those it reads are remembered: the others have no effect and are refused.

This module knows no form of model.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from bench.errors import UsageError
from bench.models.contract.options import Options, flag_of


class AskedOptions(Options):
    """Options that remember the names of those that were read."""

    _read: set[str] | None = None
    """None in copies that a person made by `dataclasses.replace`."""

    def __getattribute__(self, name: str) -> Any:
        """Give the option, and remember that it was asked for."""
        value = object.__getattribute__(self, name)
        seen: set[str] | None = object.__getattribute__(self, "_read")
        if seen is not None and name in _NAMES:
            seen.add(name)
        return value

    def __eq__(self, other: object) -> bool:
        """Equal where all options are, for a person sees no difference."""
        return isinstance(other, Options) and all(getattr(self, each) == getattr(other, each) for each in _NAMES)

    def __hash__(self) -> int:
        """As equal options."""
        return hash(tuple(getattr(self, each) for each in _NAMES))


_NAMES = {each.name for each in fields(Options)}


def remembering(options: Options) -> AskedOptions:
    """The same options, of which none has been read yet."""
    handed = object.__new__(AskedOptions)
    object.__setattr__(handed, "_read", set())
    for name in _NAMES:
        object.__setattr__(handed, name, getattr(options, name))
    return handed


def read(options: Options) -> set[str]:
    """Names of the options that were read."""
    return set(object.__getattribute__(options, "_read") or ()) if isinstance(options, AskedOptions) else set()


def refuse_unread(name: str, options: Options, honoured: Collection[str]) -> None:
    """Refuse options that differ from their default, that bench does not honour itself and that nobody has read.

    Raises:
        UsageError: the first of them.
    """
    seen = {*read(options), *honoured}
    for each in fields(Options):
        value = object.__getattribute__(options, each.name)
        if each.name in seen or value == each.default or (each.name, value) == ("device", "cpu"):
            continue
        raise UsageError(f"--model {name} does not support {flag_of(each.name)}: its code never reads it")
