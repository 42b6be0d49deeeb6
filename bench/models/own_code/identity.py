"""The identity of the user's model in run records: its source files, weights, and what it states.

Models with the same identity share a record. This module runs none of their code.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.errors import UsageError
from bench.models.own_code.guarding import is_library
from bench.models.weights import digests

_RESERVED = ("kind", "warnings")
"""Keys that bench sets itself."""


def of_code(name: str, objects: Iterable[Any], architecture: str) -> dict[str, Any]:
    """The identity of the user's objects: if the code in their files changes, so does the model."""
    sources = (_source(thing) for thing in objects)
    files = list(dict.fromkeys(path for path in sources if path is not None))
    return {
        "kind": "model",
        "model": name,
        "architecture": architecture,
        "weights": files[0].name if files else None,
        "weights_digest": _combined([digests.of_file(path) for path in files]),
        "inside": "",
        "outputs": None,
        "parameters": None,
        "warnings": [],
    }


def with_weights(identity: Mapping[str, Any], weights: str) -> dict[str, Any]:
    """The identity of a model whose own code read `--weights`.

    `weights` is a file, a folder, or a word that only that code understands.
    """
    path = Path(weights).expanduser()
    return {
        **identity,
        "code": identity["weights"],
        "code_digest": identity["weights_digest"],
        "weights": path.resolve().name if path.exists() else weights,
        "weights_digest": _digest(path),
    }


def stated(thing: Any, name: str) -> dict[str, Any]:
    """What an object states in its attribute `identity`, such as which weights its code loaded.

    Raises:
        UsageError: keys or values that a run record cannot hold.
    """
    identity = getattr(thing, "identity", None)
    return checked(identity, name) if isinstance(identity, Mapping) else {}


def checked(identity: Mapping[Any, Any], name: str) -> dict[str, Any]:
    """An identity with values that JSON can hold; paths become strings.

    Raises:
        UsageError: a key that is reserved or not a string, or a value that JSON cannot hold.
    """
    result: dict[str, Any] = {}
    for key, value in identity.items():
        if not isinstance(key, str) or key in _RESERVED:
            raise UsageError(
                f"--model {name}: identity has the key {key!r}; keys must be strings other "
                "than kind and warnings"
            )
        try:
            result[key] = json.loads(json.dumps(value, default=_plain_value, allow_nan=False))
        except (TypeError, ValueError):
            raise UsageError(
                f"--model {name}: identity[{key!r}] is {type(value).__name__}; a run record holds "
                "strings, numbers, lists and dicts"
            ) from None
    return result


def _plain_value(value: Any) -> Any:
    """What JSON can hold instead of a path or of a scalar of NumPy or torch."""
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return value.item()
    raise TypeError


def _source(thing: Any) -> Path | None:
    """The file that defines an object."""
    while isinstance(thing, functools.partial):
        thing = thing.func
    if callable(thing):
        thing = inspect.unwrap(thing)
    for candidate in (thing, type(thing)):
        with suppress(TypeError, OSError):
            source = inspect.getsourcefile(candidate)
            if not source or not Path(source).is_file():
                continue
            # The class of a network that is put together from a library's parts is the library's;
            # the file that puts it together is among the other objects.
            if candidate is thing or not is_library(source):
                return Path(source)
    return None


def _digest(path: Path) -> str | None:
    """The digest of a file, or of all files below a folder; None if the path does not exist."""
    if path.is_file():
        return digests.of_file(path)
    if not path.is_dir():
        return None
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return _combined(
        [f"{file.relative_to(path).as_posix()} {digests.of_file(file)}" for file in files]
    )


def _combined(digests_: list[str]) -> str | None:
    if len(digests_) < 2:
        return digests_[0] if digests_ else None
    return hashlib.blake2b("\n".join(digests_).encode(), digest_size=16).hexdigest()
