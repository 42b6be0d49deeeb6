"""How own code wants to be called: read from its parameters, never found by trying.

This module knows parameters alone.
"""

from __future__ import annotations

import inspect
from typing import Any, Literal, NamedTuple

from bench.errors import UsageError

Kind = Literal["predict", "load", "make"]
FORMS = (
    "own code is predict(image), load(card, options), make() or a torch.nn.Module (docs/models.md shows each of them)"
)
NONE = (
    "this is no function of the form load(card, options), predict(image) or make(), and no torch.nn.Module "
    "(docs/models.md shows each)"
)
IMAGES = {"image", "img", "im", "picture", "pic", "photo", "frame", "rgb", "pixels", "array", "arr", "x", "input"}
"""What people call the parameter that takes an image."""


class Form(NamedTuple):
    """How a callable is called: with an image, as a loader with so many of (card, options), or with nothing."""

    kind: Kind
    arguments: int

    @property
    def call(self) -> str:
        """The call in words."""
        return {
            "predict": "predict(image)",
            "load": "load(card, options)" if self.arguments == 2 else "load(card)",
            "make": "make()",
        }[self.kind]


def form_of(found: Any, name: str) -> Form:
    """The form of a callable.

    Raises:
        UsageError: no callable, or one that needs other arguments than these forms have.
    """
    if not callable(found):
        raise UsageError(f"--model {name} is {described(found)}: {NONE}")
    if _is_coroutine(found):
        raise UsageError(f"--model {name} is an async function: bench calls plain functions; wrap it in one")
    try:
        signature = inspect.signature(found)
    except (ValueError, TypeError):
        # Compiled functions may have no signature.
        raise UsageError(f"--model {name} has no readable signature: wrap it in def predict(image)") from None
    return _form(list(signature.parameters.values()), name, is_class=isinstance(found, type))


def _form(parameters: list[inspect.Parameter], name: str, *, is_class: bool) -> Form:
    keywords = [each.name for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty]
    if keywords:
        raise UsageError(
            f"--model {name} needs {keywords[0]!r}, which bench does not know: give it a default, or set it with "
            "functools.partial"
        )
    places = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    words = [each.name for each in places]
    needed = sum(each.default is each.empty for each in places)
    rest = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    if words[:1] == ["self"]:
        raise UsageError(f"--model {name} is a method of a class: name an object, or its method, such as module:object")
    if needed > 2 or (needed == 2 and words[0] in IMAGES):
        other = words[1 if words[0] in IMAGES else 2]
        raise UsageError(
            f"--model {name} needs {needed} arguments ({', '.join(words[:needed])}): {FORMS}; give {other!r} a "
            "default, or set it with functools.partial"
        )
    if needed == 2 or (words[:2] == ["card", "options"] and needed < 2):
        return Form("load", 2)
    if words[:1] == ["card"]:
        return Form("load", 1)
    if is_class and needed:
        raise UsageError(
            f"--model {name} is a class that cannot be made without arguments (it needs {words[0]!r}): name an object "
            "of it, or a function that makes one"
        )
    if needed == 1 or (rest and not words and not is_class) or (words and words[0] in IMAGES and not is_class):
        return Form("predict", 1)
    return Form("make", 0)


def _is_coroutine(found: Any) -> bool:
    call = getattr(type(found), "__call__", None)  # noqa: B004 - an object whose class has an async __call__
    return inspect.iscoroutinefunction(found) or inspect.iscoroutinefunction(call)


def described(value: Any) -> str:
    """What something is, in a few words."""
    if value is None:
        return "None"
    if isinstance(value, str | bytes | bool | int | float) or getattr(value, "ndim", None) == 0:
        return f"{type(value).__name__} {value!r:.40}"
    if callable(value):
        return f"the {'class' if isinstance(value, type) else 'function'} {getattr(value, '__name__', value)!s:.60}"
    return f"an object of the class {type(value).__name__}"
