"""The identity of a person's model in run records: its source file, its weights, and what it states in `identity`.

Models of the same identity share a record. This module runs none of their code.
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

_OURS = ("kind", "warnings")


def of_code(name: str, objects: Iterable[Any], architecture: str) -> dict[str, Any]:
    """The identity of objects of a person: other code in their files is another model."""
    files = list(dict.fromkeys(path for path in map(_source, objects) if path is not None))
    return {
        "kind": "model",
        "model": name,
        "architecture": architecture,
        "weights": files[0].name if files else None,
        "weights_digest": _together([digests.of_file(path) for path in files]),
        "inside": "",
        "outputs": None,
        "parameters": None,
        "warnings": [],
    }


def with_weights(identity: Mapping[str, Any], weights: str) -> dict[str, Any]:
    """The identity of a model whose own code read `--weights`: a file, a folder, or a word that only it knows."""
    path = Path(weights).expanduser()
    code = {"code": identity["weights"], "code_digest": identity["weights_digest"]}
    name = path.resolve().name if path.exists() else weights
    return {**identity, **code, "weights": name, "weights_digest": _content(path)}


def stated(thing: Any, name: str) -> dict[str, Any]:
    """What an object states in a dict `identity`, such as which weights its code loaded.

    Raises:
        UsageError: keys or values that a run record cannot hold.
    """
    said = getattr(thing, "identity", None)
    return checked(said, name) if isinstance(said, Mapping) else {}


def checked(said: Mapping[Any, Any], name: str) -> dict[str, Any]:
    """An identity with values that JSON can hold; paths become text.

    Raises:
        UsageError: a key that is no text or bench's own, or a value that JSON cannot hold.
    """
    kept: dict[str, Any] = {}
    for key, value in said.items():
        if not isinstance(key, str) or key in _OURS:
            raise UsageError(
                f"--model {name}: identity has the key {key!r}; keys are words other than kind and warnings"
            )
        try:
            kept[key] = json.loads(json.dumps(value, default=_text, allow_nan=False))
        except (TypeError, ValueError):
            raise UsageError(
                f"--model {name}: identity[{key!r}] is {type(value).__name__}; a run record holds texts, numbers, "
                "lists and dicts"
            ) from None
    return kept


def _text(value: Any) -> Any:
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
    for each in (thing, type(thing)):
        with suppress(TypeError, OSError):
            source = inspect.getsourcefile(each)
            # A network made of a library's parts is defined where it was put together.
            if source and Path(source).is_file() and (each is thing or not is_library(source)):
                return Path(source)
    return None


def _content(path: Path) -> str | None:
    """The digest of a file, or of all files below a folder; None where there is neither."""
    if path.is_file():
        return digests.of_file(path)
    if not path.is_dir():
        return None
    files = sorted(each for each in path.rglob("*") if each.is_file())
    return _together([f"{each.relative_to(path).as_posix()} {digests.of_file(each)}" for each in files])


def _together(parts: list[str]) -> str | None:
    if len(parts) < 2:
        return parts[0] if parts else None
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=16).hexdigest()
