"""From what a person types to the object of theirs: `package.module:name`, or a file, `path/to/file.py:name`.

Whether the module exists is checked before it is imported. This module knows no form of model.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import UsageError, did_you_mean
from bench.models.own_code.guarding import theirs

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def check(name: str) -> None:
    """Look whether there is such a module or file; nothing of it runs.

    Raises:
        UsageError: there is none, or no name behind the colon.
    """
    place, word = _split(name)
    if _is_path(place):
        _file(place, name)
        return
    if not _MODULE.fullmatch(place):
        raise UsageError(
            f"--model {name}: {place!r} is no name of a module; own code is package.module:{word} or file.py:{word}"
        )
    _see_working_directory()
    top = place.partition(".")[0]
    if top not in sys.modules and importlib.util.find_spec(top) is None:
        raise UsageError(_absent(name, top))


def found(name: str) -> tuple[Any, ModuleType]:
    """Import the module; return the object and the module.

    Raises:
        UsageError: no such module, file or object.
        OwnCodeError: importing it raised something.
    """
    check(name)
    place, word = _split(name)
    module = _from_file(_file(place, name), name) if _is_path(place) else _imported(place, name)
    thing: Any = module
    for part in word.split("."):
        with theirs(name, "when its attribute was read"):
            there = hasattr(thing, part)
        if not there:
            raise UsageError(_lacking(name, module, thing, part))
        thing = getattr(thing, part)
    return thing, module


def defined_in(path: Path) -> list[str]:
    """Names of the functions and classes that a Python file defines at its top, without private ones; nothing runs."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [node.name for node in tree.body if isinstance(node, kinds) and not node.name.startswith("_")]


def _split(name: str) -> tuple[str, str]:
    place, _, word = name.rpartition(":")
    if not place or not word:
        what = "the function, network or class behind the colon" if place else "the module before the colon"
        raise UsageError(f"--model {name} lacks {what}, such as my_module:predict or my_file.py:predict")
    return place, word


def _is_path(place: str) -> bool:
    return place.endswith(".py") or "/" in place or "\\" in place or place.startswith((".", "~"))


def _file(place: str, name: str) -> Path:
    path = Path(place).expanduser()
    choices = [path] if path.suffix == ".py" else [path.with_name(f"{path.name}.py"), path / "__init__.py"]
    there = next((each for each in choices if each.is_file()), None)
    if there is None:
        raise UsageError(f"--model {name}: there is no file {choices[0]}")
    return there.resolve()


def _see_working_directory() -> None:
    # The command `bench` does not have the working directory on its path, where people keep their own models.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))


def _imported(place: str, name: str) -> ModuleType:
    try:
        with theirs(name, "when it was imported"):
            return importlib.import_module(place)
    except Exception as error:
        cause = error.__cause__
        # Their module lacks another module: that is theirs. A part of the name that is not there is a wrong name.
        if isinstance(cause, ModuleNotFoundError) and cause.name and f"{place}.".startswith(f"{cause.name}."):
            raise UsageError(_absent(name, cause.name)) from None
        raise


def _from_file(path: Path, name: str) -> ModuleType:
    """Import a file: as a part of its package where it lies in one, else as a module of its own name."""
    root, parts = path.parent, [] if path.stem == "__init__" else [path.stem]
    while (root / "__init__.py").is_file():
        parts.insert(0, root.name)
        root = root.parent
    if str(root) not in sys.path:
        sys.path.append(str(root))
    if len(parts) > 1 or path.stem == "__init__":
        return _imported(".".join(parts), name)
    module = sys.modules.get(path.stem)
    if module is not None and getattr(module, "__file__", None) == str(path):
        return module
    # Another module of this name, such as the standard library's `test`, stays what it is.
    word = path.stem if module is None and path.stem not in sys.stdlib_module_names else f"own_file_{path.stem}"
    spec = importlib.util.spec_from_file_location(word, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--model {name}: {path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[word] = module
    try:
        with theirs(name, "when it was imported"):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[word]
        raise
    return module


def _absent(name: str, module: str) -> str:
    files = sorted(path.stem for path in Path.cwd().glob("*.py"))
    close = did_you_mean(module, files) if files else ""
    hint = f": {close}" if close.startswith("did") else ""
    return (
        f"--model {name}: there is no module {module!r} in the working directory or on the Python path{hint} "
        "(a file elsewhere: path/to/file.py:name)"
    )


def _lacking(name: str, module: ModuleType, thing: Any, part: str) -> str:
    close = did_you_mean(part, _public(thing))
    hint = f": {close}" if close.startswith("did") else ""
    file = getattr(module, "__file__", None)
    beside = Path.cwd() / f"{module.__name__}.py"
    if file and beside.is_file() and Path(file).resolve() != beside.resolve():
        hint = f": it is {file}; for the file here say --model ./{beside.name}:{part}"
    return f"--model {name}: the module {module.__name__!r} has no {name.rpartition(':')[2]!r}{hint}"


def _public(thing: Any) -> Iterator[str]:
    return (each for each in vars(thing) if not each.startswith("_")) if hasattr(thing, "__dict__") else iter(())
