"""Write docs/api.md: the signatures and docstrings of everything that `import bench` offers.

Run it after a change of the public API:  python tools/api_reference.py
"""

from __future__ import annotations

import inspect
import re
import textwrap
from pathlib import Path
from typing import Any

import bench

PAGE = Path(__file__).parents[1] / "docs" / "api.md"
INTRODUCTION = """\
# API reference

Generated from the docstrings by `python tools/api_reference.py`; do not edit it.
[python.md](python.md) is the guide.

All errors that a caller can cause are `bench.InputError`; their messages name the argument.
"""
WIDTH = 100
EXAMPLE = re.compile(r"((?:^(?:>>>|\.\.\.).*\n?(?:^(?!>>>|\.\.\.|$).*\n?)*)+)", re.MULTILINE)
"""Lines of a doctest with what they print."""


def page() -> str:
    """The whole page."""
    functions = [name for name in bench.__all__ if inspect.isfunction(getattr(bench, name))]
    classes = [name for name in bench.__all__ if name not in functions]
    parts = [
        INTRODUCTION,
        "## Functions\n",
        *(_function(name) for name in functions),
        "## Classes\n",
    ]
    return "\n".join([*parts, *(_class(name) for name in classes)]).rstrip() + "\n"


def _function(name: str) -> str:
    function = getattr(bench, name)
    return f"### `bench.{name}`\n\n{_code(name, function)}\n{_prose(inspect.getdoc(function))}\n"


def _class(name: str) -> str:
    kind = getattr(bench, name)
    signature = "" if issubclass(kind, Exception) else _code(name, kind) + "\n"
    parts = [f"### `bench.{name}`\n\n{signature}{_prose(inspect.getdoc(kind))}\n"]
    if (
        "__init__" in vars(kind)
        and kind.__init__.__doc__
        and not hasattr(kind, "__dataclass_fields__")
    ):
        parts.append(_prose(inspect.getdoc(kind.__init__)) + "\n")
    for member, value in vars(kind).items():
        text = inspect.getdoc(value)
        if member.startswith("_") or not text or issubclass(kind, Exception):
            continue
        if inspect.isfunction(value):
            parts.append(f"#### `{name}.{member}`\n\n{_code(member, value)}\n{_prose(text)}\n")
        elif isinstance(value, property) or hasattr(value, "func"):
            parts.append(f"#### `{name}.{member}`\n\n{_prose(text)}\n")
        elif isinstance(value, classmethod):
            parts.append(
                f"#### `{name}.{member}`\n\n{_code(member, value.__func__)}\n{_prose(text)}\n"
            )
    return "\n".join(parts)


def _code(name: str, function: Any) -> str:
    """The signature, a line per argument if it is long."""
    signature = inspect.signature(function)
    hidden = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.name not in ("self", "cls")
    ]
    signature = signature.replace(parameters=hidden)
    text = f"{name}{signature}".replace("'", "")
    if len(text) > WIDTH:
        arguments = [_argument(parameter) for parameter in hidden]
        star = next(
            (n for n, parameter in enumerate(hidden) if parameter.kind is parameter.KEYWORD_ONLY),
            None,
        )
        if star is not None and not any(
            parameter.kind is parameter.VAR_POSITIONAL for parameter in hidden
        ):
            arguments.insert(star, "*")
        result = signature.return_annotation
        arrow = "" if result is inspect.Signature.empty else f" -> {result}".replace("'", "")
        text = f"{name}(\n" + "".join(f"    {word},\n" for word in arguments) + f"){arrow}"
    return f"```python\n{text}\n```\n"


def _argument(parameter: inspect.Parameter) -> str:
    name = f"*{parameter.name}" if parameter.kind is parameter.VAR_POSITIONAL else parameter.name
    kind = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}"
    default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
    return f"{name}{kind}{default}".replace("<factory>", "...")


def _prose(text: str | None) -> str:
    """A Google docstring as Markdown: arguments and errors become lists, examples code."""
    lines, markdown, returns = (text or "").splitlines(), list[str](), False
    for line in lines:
        section = re.fullmatch(r"(Args|Raises|Returns):", line)
        if section:
            returns = section[1] == "Returns"
            markdown.append(
                {"Args": "**Arguments**", "Raises": "**Errors**", "Returns": "**Returns**"}[
                    section[1]
                ]
                + "\n"
            )
        elif re.match(r"    \w+(, \w+)*: ", line) and not returns:
            name, _, rest = line.strip().partition(": ")
            markdown.append(f"- `{name}`: {rest}")
        elif line.startswith("    "):
            markdown.append(
                f"  {line.strip()}"
                if markdown and markdown[-1].startswith(("- ", "  "))
                else line.strip()
            )
        else:
            markdown.append(line)
    return EXAMPLE.sub(_example, "\n".join(markdown))


def _example(match: re.Match[str]) -> str:
    return f"```python\n{textwrap.dedent(match[0]).rstrip()}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE}")
