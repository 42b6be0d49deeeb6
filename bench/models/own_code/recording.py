"""Options that record which of them the user's code reads.

An option that was set and that nothing reads has no effect, and is refused. This module knows no
form of model.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from bench.errors import UsageError
from bench.models.contract.options import Options, flag_of


class RecordingOptions(Options):
    """Options that record the names of those that were read."""

    _read: set[str] | None = None
    """None in copies that the user made by `dataclasses.replace`."""

    def __getattribute__(self, name: str) -> Any:
        """Return the option, and record that it was read."""
        value = object.__getattribute__(self, name)
        names: set[str] | None = object.__getattribute__(self, "_read")
        if names is not None and name in _NAMES:
            names.add(name)
        return value

    def __eq__(self, other: object) -> bool:
        """Equal if all options are, because users see no difference."""
        if not isinstance(other, Options):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in _NAMES)

    def __hash__(self) -> int:
        """The same for equal options."""
        return hash(tuple(getattr(self, name) for name in _NAMES))


_NAMES = {option.name for option in fields(Options)}


def recording(options: Options) -> RecordingOptions:
    """The same options, none of them read yet."""
    # The constructor would check the values again, and reading them would count as reading.
    result = object.__new__(RecordingOptions)
    object.__setattr__(result, "_read", set())
    for name in _NAMES:
        object.__setattr__(result, name, getattr(options, name))
    return result


def read(options: Options) -> set[str]:
    """Names of the options that were read."""
    if not isinstance(options, RecordingOptions):
        return set()
    return set(object.__getattribute__(options, "_read") or ())


def refuse_unread(name: str, options: Options, applied: Collection[str]) -> None:
    """Refuse options that were set, that bench does not apply itself, and that nothing has read.

    Raises:
        UsageError: the first of them.
    """
    used = {*read(options), *applied}
    for option in fields(Options):
        value = object.__getattribute__(options, option.name)
        # Code that knows nothing of devices runs on the CPU, so that --device cpu is obeyed.
        is_cpu = option.name == "device" and value == "cpu"
        if option.name in used or value == option.default or is_cpu:
            continue
        raise UsageError(
            f"--model {name} does not support {flag_of(option.name)}: its code never reads it"
        )
