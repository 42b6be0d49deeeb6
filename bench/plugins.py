"""Objects from outside the package: a user's own family of metrics, layout or table format.

They are named `package.module:Name` or `path/to/file.py:Name`.

It finds and imports them; what an object must be is checked where it is used. A user's own model
has more forms and a loader of its own, `bench/models/own_code/`.
"""

from __future__ import annotations

import re
import sys
import zlib
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import OwnCodeError, UsageError, did_you_mean

_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")


def is_outside(name: str) -> bool:
    """Whether a name is that of an object outside the package, and not the name of one that
    ships.
    """
    return ":" in name


def load(name: str) -> Any:
    """Import the object that `package.module:Name` or `path/to/file.py:Name` names.

    Messages leave out where the name was written: the caller puts that in front.

    Raises:
        UsageError: a name of another form, or no such module, file or object.
        OwnCodeError: importing the module raised an exception.
    """
    source, _, attribute = name.rpartition(":")
    if source.endswith(".py") and attribute.isidentifier():
        module = _from_file(Path(source).expanduser(), source)
    elif _NAME.fullmatch(name):
        module = _imported(source)
    else:
        raise UsageError(
            "a name with a colon must have the form package.module:Name or path/to/file.py:Name"
        )
    if not hasattr(module, attribute):
        names = [exported for exported in vars(module) if not exported.startswith("_")]
        raise UsageError(
            f"the module {source!r} has no {attribute!r}: {did_you_mean(attribute, names)}"
        )
    return getattr(module, attribute)


def _imported(name: str) -> ModuleType:
    # The command `bench` does not have the working directory on its path, where users keep code.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))
    try:
        return import_module(name)
    except Exception as error:
        # A missing part of the name itself is a wrong name; any other exception is the module's
        # own.
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if missing and f"{name}.".startswith(f"{missing}."):
            origin = "in the working directory or on the Python path"
            raise UsageError(f"there is no module {missing!r} {origin}") from None
        raise _raised(name, error) from error


def _from_file(path: Path, source: str) -> ModuleType:
    """Import a file, once; the modules beside it can be imported by it."""
    if not path.is_file():
        raise UsageError(f"there is no file {source}")
    path = path.resolve()
    # Two files may have the same name, and a file that of an installed module.
    name = f"own_file_{path.stem}_{zlib.crc32(str(path).encode()):08x}"
    if name in sys.modules:
        return sys.modules[name]
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{source} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise _raised(source, error) from error
    return module


def _raised(source: str, error: Exception) -> OwnCodeError:
    hint = "BENCH_DEBUG=1 shows the whole traceback"
    return OwnCodeError(f"importing {source} raised {type(error).__name__}: {error}; {hint}")
