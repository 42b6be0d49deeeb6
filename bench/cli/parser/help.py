"""Help of a command, written from its docstring and its declared options, for the width of the
terminal.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence

from bench.cli.parser.declarations import REQUIRED, Declaration, declarations
from bench.render.prose import width

_TEXT_COLUMN = 30
"""Where the descriptions of options begin."""
_HELP_ROW = ("-h, --help", "Show this help and exit.")


def summary(command: Callable[..., int]) -> str:
    """The first paragraph of a command's docstring, in one line."""
    return " ".join(inspect.cleandoc(command.__doc__ or "").partition("\n\n")[0].split())


def usage(name: str, command: Callable[..., int]) -> str:
    """How a command is called, in one line.

    Only options that are required are named.
    """
    declared = declarations(command)
    words = ["bench", name]
    words += [
        f"{declaration.name} {declaration.placeholder}"
        for declaration in declared
        if declaration.flags and declaration.default is REQUIRED
    ]
    words.append("[OPTIONS]")
    words += [_argument_usage(declaration) for declaration in declared if not declaration.flags]
    return " ".join(words)


def command_help(name: str, command: Callable[..., int]) -> str:
    """The whole help of a command: usage, what it does, and its options in groups."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for declaration in declarations(command):
        groups.setdefault(declaration.group, []).append(
            (_signature(declaration), _description(declaration))
        )
    # "Options" is the group of what belongs to no other; it comes last and holds --help.
    groups["Options"] = [*groups.pop("Options", []), _HELP_ROW]
    parts = [f"Usage: {usage(name, command)}", _prose(command.__doc__ or "")]
    parts += [_section(title, rows) for title, rows in groups.items()]
    return "\n\n".join(parts)


def overview(name: str, text: str, groups: Mapping[str, Iterable[tuple[str, str]]]) -> str:
    """The help of `bench` or of a group of commands: what they do, in one line each."""
    parts = [f"Usage: {name}", _prose(text)]
    parts += [_section(title, list(rows), column=14) for title, rows in groups.items()]
    return "\n\n".join(parts)


def _argument_usage(declared: Declaration) -> str:
    word = declared.metavar
    if declared.is_repeated:
        word = f"{word} [{word} ...]"
    return word if declared.default is REQUIRED else f"[{word}]"


def _signature(declared: Declaration) -> str:
    """An option as it is typed, with long names below each other."""
    if not declared.flags:
        return declared.metavar
    short = [flag for flag in declared.flags if not flag.startswith("--")]
    long = [flag for flag in declared.flags if flag.startswith("--")]
    names = ", ".join([*short, *long]) if short else f"    {', '.join(long)}"
    return names if declared.is_flag else f"{names} {declared.placeholder}"


def _description(declared: Declaration) -> str:
    if not declared.flags and declared.choices:
        return f"{declared.help} One of: {', '.join(declared.choices)}."
    if declared.flags and declared.default is REQUIRED:
        return f"{declared.help} [required]"
    # A value called "default" is explained by the help itself.
    shows_default = (
        declared.flags and not declared.is_flag and declared.default not in (None, "", "default")
    )
    return f"{declared.help} [default: {declared.default}]" if shows_default else declared.help


def _prose(docstring: str) -> str:
    """Paragraphs folded to the terminal; those with indented lines, commands to copy, stay as they
    are.
    """
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(
        text if "    " in text else textwrap.fill(text, width()) for text in paragraphs
    )


def _section(title: str, rows: Sequence[tuple[str, str]], column: int = _TEXT_COLUMN) -> str:
    """A title and its rows in two columns; a long name stands on a line of its own.

    >>> rows = [("-o, --out FILE", "Where to write."), ("--json", "Print JSON.")]
    >>> print(_section("Output", rows, column=12))
    Output:
      -o, --out FILE
                Where to write.
      --json    Print JSON.
    """
    lines = [f"{title}:"]
    for name, text in rows:
        folded = textwrap.wrap(text, width() - column, break_on_hyphens=False)
        head = f"  {name}"
        if len(head) + 2 > column:
            lines.append(head)
            head = ""
        lines += [
            f"{head if number == 0 else '':{column}}{line}" for number, line in enumerate(folded)
        ]
    return "\n".join(lines)
