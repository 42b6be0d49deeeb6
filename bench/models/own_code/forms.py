"""How the user's code wants to be called: read from its parameters, never found out by calling it.

This module knows parameters only.
"""

from __future__ import annotations

import inspect
from typing import Any, Literal, NamedTuple

from bench.errors import UsageError

CallKind = Literal["predict", "load", "make"]
FORMS = (
    "own code is predict(image), load(card, options), make() or a torch.nn.Module "
    "(docs/models.md shows each)"
)
NOT_A_FORM = (
    "own code must be a function load(card, options), predict(image) or make(), or a "
    "torch.nn.Module (docs/models.md shows each)"
)
IMAGES = frozenset(
    {
        "image", "img", "im", "picture", "pic", "photo", "frame", "rgb", "pixels", "array", "arr",
        "x", "input",
    }
)  # fmt: skip
"""Usual names of a parameter that takes an image."""


class Form(NamedTuple):
    """How a callable is called.

    "predict" takes an image; "load" takes card and options, or the card only, according to
    `arguments`; "make" takes nothing.
    """

    kind: CallKind
    arguments: int

    @property
    def call(self) -> str:
        """The call, described for messages."""
        if self.kind == "load":
            return "load(card, options)" if self.arguments == 2 else "load(card)"
        return "predict(image)" if self.kind == "predict" else "make()"


def form_of(thing: Any, name: str) -> Form:
    """The form of a callable.

    Raises:
        UsageError: it is not callable, or it needs other arguments than the forms have.
    """
    if not callable(thing):
        raise UsageError(f"--model {name} is {describe(thing)}: {NOT_A_FORM}")
    if _is_coroutine(thing):
        raise UsageError(
            f"--model {name} is an async function, but bench calls plain functions: wrap it in one"
        )
    try:
        signature = inspect.signature(thing)
    except (ValueError, TypeError):
        # Compiled functions may have no signature.
        raise UsageError(
            f"--model {name} has no readable signature: wrap it in def predict(image)"
        ) from None
    is_class = isinstance(thing, type)
    return _form(list(signature.parameters.values()), name, is_class=is_class)


def _form(parameters: list[inspect.Parameter], name: str, *, is_class: bool) -> Form:
    """The form of a signature; the first rule that applies decides.

    1. Two required parameters, or parameters named (card, options): load(card, options).
    2. The first parameter is named card: load(card).
    3. A function with one required parameter, with `*args` only, or whose first parameter is named
       like an image: predict(image).
    4. Nothing is required: make().
    """
    positional = [
        parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    names = [parameter.name for parameter in positional]
    required = sum(parameter.default is parameter.empty for parameter in positional)
    first = names[0] if names else ""
    _refuse_other_parameters(parameters, names, required, name)
    if required == 2 or (names[:2] == ["card", "options"] and required < 2):
        return Form("load", 2)
    if first == "card":
        return Form("load", 1)
    if is_class:
        if required:
            raise UsageError(
                f"--model {name} is a class that cannot be made without arguments (it needs "
                f"{first!r}): name an object of it, or a function that makes one"
            )
        return Form("make", 0)
    only_rest = not names and any(
        parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters
    )
    if required == 1 or only_rest or first in IMAGES:
        return Form("predict", 1)
    return Form("make", 0)


def _refuse_other_parameters(
    parameters: list[inspect.Parameter], names: list[str], required: int, name: str
) -> None:
    """Refuse a signature that none of the forms can call.

    Raises:
        UsageError: it needs a keyword, an object, or too many arguments.
    """
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise UsageError(
                f"--model {name} needs {parameter.name!r}, which bench does not know: give it a "
                "default, or set it with functools.partial"
            )
    if names[:1] == ["self"]:
        raise UsageError(
            f"--model {name} is a method of a class: name an object or its method, such as "
            "module:object"
        )
    takes_image = bool(names) and names[0] in IMAGES
    if required > 2 or (required == 2 and takes_image):
        extra = names[1] if takes_image else names[2]
        raise UsageError(
            f"--model {name} needs {required} arguments ({', '.join(names[:required])}): {FORMS}; "
            f"give {extra!r} a default, or set it with functools.partial"
        )


def _is_coroutine(thing: Any) -> bool:
    # An object may be callable by an async method of its class.
    call = getattr(type(thing), "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(thing) or inspect.iscoroutinefunction(call)


def describe(value: Any) -> str:
    """What a value is, in a few words."""
    if value is None:
        return "None"
    is_scalar = isinstance(value, str | bytes | bool | int | float)
    if is_scalar or getattr(value, "ndim", None) == 0:
        return f"{type(value).__name__} {value!r:.40}"
    if callable(value):
        kind = "class" if isinstance(value, type) else "function"
        return f"the {kind} {getattr(value, '__name__', value)!s:.60}"
    return f"an object of the class {type(value).__name__}"
