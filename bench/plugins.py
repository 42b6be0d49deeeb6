"""Objects from outside the package, named `package.module:Name`: a user's own layout or table format.

It finds and imports them; what an object must be is checked where it is used. A user's own model has
more forms and a loader of its own, `bench/models/own_code/`.
"""

from __future__ import annotations

import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import OwnCodeError, UsageError, did_you_mean

_NAME = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<attribute>[^\W\d]\w*)")


def is_outside(name: str) -> bool:
    """Whether a name is that of an object outside the package, and not the name of one that ships."""
    return ":" in name


def load(name: str) -> Any:
    """Import the object that `package.module:Name` names.

    Messages leave out where the name was written: the caller puts that in front.

    Raises:
        UsageError: a name of another form, or no such module or object.
        OwnCodeError: importing the module raised an exception.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise UsageError("a name with a colon must have the form package.module:Name")
    module = _imported(match["module"])
    if not hasattr(module, match["attribute"]):
        names = [each for each in vars(module) if not each.startswith("_")]
        hint = did_you_mean(match["attribute"], names)
        raise UsageError(f"the module {module.__name__!r} has no {match['attribute']!r}: {hint}")
    return getattr(module, match["attribute"])


def _imported(name: str) -> ModuleType:
    # The command `bench` does not have the working directory on its path, where users keep code.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return import_module(name)
    except Exception as error:
        # A missing part of the name itself is a wrong name; any other exception is the module's own.
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{name}.".startswith(f"{missing}."):
            place = "in the working directory or on the Python path"
            raise UsageError(f"there is no module {missing!r} {place}") from None
        raise OwnCodeError(
            f"importing {name} raised {type(error).__name__}: {error}; BENCH_DEBUG=1 shows the whole traceback"
        ) from error
