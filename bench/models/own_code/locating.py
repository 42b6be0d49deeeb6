"""From `package.module:name` or `path/to/file.py:name` to the user's object.

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
from bench.models.own_code.guarding import reporting_errors

_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def check(name: str) -> None:
    """Check that the module or file exists; nothing of it runs.

    Raises:
        UsageError: it does not exist, or the name lacks the part before or after the colon.
    """
    module, attribute = _split(name)
    if _is_path(module):
        _file(module, name)
        return
    if not _MODULE.fullmatch(module):
        raise UsageError(
            f"--model {name}: {module!r} is not a valid name of a module; own code is "
            f"package.module:{attribute} or file.py:{attribute}"
        )
    _add_working_directory()
    top = module.partition(".")[0]
    if top not in sys.modules and importlib.util.find_spec(top) is None:
        raise UsageError(_no_module(name, top))


def find(name: str) -> tuple[Any, ModuleType]:
    """Import the module; return the object and the module.

    Raises:
        UsageError: there is no such module, file or object.
        OwnCodeError: importing the module raised an exception.
    """
    check(name)
    module_name, attribute = _split(name)
    module = _module(module_name, name)
    thing: Any = module
    for attribute_name in attribute.split("."):
        with reporting_errors(name, "when its attribute was read"):
            exists = hasattr(thing, attribute_name)
        if not exists:
            raise UsageError(_no_attribute(name, module, thing, attribute_name))
        thing = getattr(thing, attribute_name)
    return thing, module


def defined_in(path: Path) -> list[str]:
    """Names of the public functions and classes that a Python file defines; nothing of it runs."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    names = [node.name for node in tree.body if isinstance(node, kinds)]
    return [name for name in names if not name.startswith("_")]


def _split(name: str) -> tuple[str, str]:
    """The module or path before the last colon, and the attribute after it."""
    module, _, attribute = name.rpartition(":")
    if module and attribute:
        return module, attribute
    missing = "the module before the colon"
    if module:
        missing = "the function, network or class after the colon"
    raise UsageError(
        f"--model {name} lacks {missing}, such as my_module:predict or my_file.py:predict"
    )


def _is_path(module: str) -> bool:
    has_separator = "/" in module or "\\" in module
    return module.endswith(".py") or has_separator or module.startswith((".", "~"))


def _file(module: str, name: str) -> Path:
    """The file of a path, which may lack the ending .py or be the folder of a package."""
    path = Path(module).expanduser()
    candidates = [path]
    if path.suffix != ".py":
        candidates = [path.with_name(f"{path.name}.py"), path / "__init__.py"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    raise UsageError(f"--model {name}: there is no file {candidates[0]}")


def _add_working_directory() -> None:
    # Users keep their models in the working directory, which Python does not search for the
    # command `bench`.
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))


def _imported(module: str, name: str) -> ModuleType:
    try:
        with reporting_errors(name, "when it was imported"):
            return importlib.import_module(module)
    except Exception as error:
        cause = error.__cause__
        if not isinstance(cause, ModuleNotFoundError) or not cause.name:
            raise
        # If the user's module imports a module that is not installed, the mistake is in their code.
        # If a part of the name itself does not exist, the name is wrong.
        if not f"{module}.".startswith(f"{cause.name}."):
            raise
        raise UsageError(_no_module(name, cause.name)) from None


def _module(module_name: str, name: str) -> ModuleType:
    if _is_path(module_name):
        return _from_file(_file(module_name, name), name)
    return _imported(module_name, name)


def _from_file(path: Path, name: str) -> ModuleType:
    """Import a file: as part of its package if it is in one, else as a module of its own name."""
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
    # Another module of this name, such as the standard library's `test`, must not be replaced.
    is_taken = module is not None or path.stem in sys.stdlib_module_names
    return _executed(path, f"own_file_{path.stem}" if is_taken else path.stem, name)


def _executed(path: Path, module_name: str, name: str) -> ModuleType:
    """Import a single file under this name."""
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"--model {name}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        with reporting_errors(name, "when it was imported"):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _no_module(name: str, module: str) -> str:
    files = sorted(path.stem for path in Path.cwd().glob("*.py"))
    close = did_you_mean(module, files) if files else ""
    hint = f": {close}" if close.startswith("did") else ""
    return (
        f"--model {name}: there is no module {module!r} in the working directory or on the Python "
        f"path{hint} (for a file elsewhere use path/to/file.py:name)"
    )


def _no_attribute(name: str, module: ModuleType, thing: Any, missing: str) -> str:
    close = did_you_mean(missing, _public(thing))
    hint = f": {close}" if close.startswith("did") else ""
    file = getattr(module, "__file__", None)
    here = Path.cwd() / f"{module.__name__}.py"
    # An installed package may have the name of the user's file.
    if file and here.is_file() and Path(file).resolve() != here.resolve():
        hint = f": it is {file}; for the file here use --model ./{here.name}:{missing}"
    attribute = name.rpartition(":")[2]
    return f"--model {name}: the module {module.__name__!r} has no {attribute!r}{hint}"


def _public(thing: Any) -> Iterator[str]:
    attributes = vars(thing) if hasattr(thing, "__dict__") else {}
    return (attribute for attribute in attributes if not attribute.startswith("_"))
