"""Words of a command line to the options of a command; argparse splits them, and messages are ours.

Differences from plain argparse: options may stand between arguments, a value may begin with a dash,
option names are never abbreviated, and every error is one sentence as a UsageError.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from bench.cli.parser.declarations import REQUIRED, Declaration, fields, options_of
from bench.errors import UsageError

HELP = ("-h", "--help")
_HELP_KEY = "help"


# add_argument makes a formatter, which without a width asks the system for that of the terminal,
# each time.
_FORMATTER = partial(argparse.HelpFormatter, width=80)


class HelpRequested(Exception):
    """The words ask for the help of the command."""


def parse(command: Callable[..., int], words: Sequence[str]) -> dict[str, Any]:
    """The arguments to call a command with: its options, by parameter.

    Raises:
        HelpRequested: --help or -h is among the words.
        UsageError: the first word that is wrong, or the first option that is missing.
    """
    options = options_of(command)
    declared = [declaration for kind in options.values() for declaration in fields(kind)]
    given, arguments = _split(declared, words)
    texts = _named(declared, given) | _assigned(declared, arguments)
    values: dict[type, dict[str, Any]] = {kind: {} for kind in options.values()}
    for index, declaration in enumerate(declared):
        if index in texts:
            values[declaration.owner][declaration.field] = _value(declaration, texts[index])
    return {name: kind(**values[kind]) for name, kind in options.items()}


class _Parser(argparse.ArgumentParser):
    """argparse with errors as exceptions of ours."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def _split(
    declared: Sequence[Declaration], words: Sequence[str]
) -> tuple[dict[str, str | bool], list[str]]:
    """Values of options by the index of their declaration, and the other words, which are
    arguments.

    argparse only gets the options: it would end a list of arguments at the first option after it.
    What follows `--` is an argument whatever it looks like.
    """
    end = list(words).index("--") if "--" in words else len(words)
    before, after = list(words[:end]), list(words[end + 1 :])
    parser = _Parser(
        add_help=False, allow_abbrev=False, exit_on_error=False, formatter_class=_FORMATTER
    )
    parser.add_argument(*HELP, dest=_HELP_KEY, action="store_true", default=argparse.SUPPRESS)
    by_flag = {flag: declaration for declaration in declared for flag in declaration.flags}
    for index, declaration in enumerate(declared):
        # Only options that may be among the words: adding one takes argparse as long as parsing it.
        if any(word.startswith(declaration.flags) for word in before if declaration.flags):
            action = "store_true" if declaration.is_flag else "store"
            parser.add_argument(
                *declaration.flags, dest=str(index), action=action, default=argparse.SUPPRESS
            )
    try:
        parsed, rest = parser.parse_known_args(_with_values_attached(before, by_flag))
    except argparse.ArgumentError as error:
        raise UsageError(_syntax_error(error, by_flag)) from None
    given = vars(parsed)
    if given.pop(_HELP_KEY, False):
        raise HelpRequested
    for word in rest:
        if word.startswith("-") and word != "-" and not _is_number(word):
            raise UsageError(_unknown_option(word, [*by_flag, "--help"]))
    return given, [*rest, *after]


def _with_values_attached(words: Sequence[str], by_flag: Mapping[str, Declaration]) -> list[str]:
    """Join an option with a value that begins with a dash, which argparse would take for an option.

    `--name -x` becomes `--name=-x`. A word that is an option of the command is never a value.
    """
    joined: list[str] = []
    is_waiting = False  # the word before is an option that needs a value
    for word in words:
        is_option = word.partition("=")[0] in by_flag or word in HELP
        if is_waiting and word.startswith("-") and not is_option:
            joined[-1] += word if not joined[-1].startswith("--") else f"={word}"
            is_waiting = False
        else:
            is_waiting = not is_waiting and word in by_flag and not by_flag[word].is_flag
            joined.append(word)
    return joined


def _syntax_error(error: argparse.ArgumentError, by_flag: Mapping[str, Declaration]) -> str:
    """Name the option; argparse has two complaints about a known option: its value is missing, or
    it takes none.
    """
    flags = (error.argument_name or "").split("/")
    declaration = by_flag.get(flags[0])
    if declaration is None or declaration.is_flag:
        return f"{flags[-1]} takes no value"
    return f"{declaration.name} {declaration.placeholder}: a value is needed"


def _unknown_option(word: str, flags: Sequence[str]) -> str:
    from difflib import get_close_matches

    name = word.partition("=")[0]
    close = get_close_matches(name, flags, n=3, cutoff=0.6)
    hint = f": did you mean {' or '.join(close)}?" if close else ""
    return f"there is no option {name}{hint}"


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _named(
    declared: Sequence[Declaration], given: Mapping[str, str | bool]
) -> dict[int, str | bool | list[str]]:
    """Values of options by index; options that are required and missing are refused."""
    for index, option in enumerate(declared):
        if option.flags and option.default is REQUIRED and str(index) not in given:
            raise UsageError(f"{'/'.join(option.flags)} is missing")
    return {int(index): value for index, value in given.items()}


def _assigned(
    declared: Sequence[Declaration], words: Sequence[str]
) -> dict[int, str | bool | list[str]]:
    """Words by the index of the argument that they belong to, in order; a repeated one takes the
    rest.
    """
    rest = list(words)
    assigned: dict[int, str | bool | list[str]] = {}
    for index, option in enumerate(declared):
        if option.flags:
            continue
        if rest and option.is_repeated:
            assigned[index], rest = rest, []
        elif rest:
            assigned[index] = rest.pop(0)
        elif option.default is REQUIRED:
            raise UsageError(f"{option.metavar} is missing: {_expected(option)}")
    if rest:
        raise UsageError(f"unexpected argument {rest[0]!r}")
    return assigned


def _expected(declared: Declaration) -> str:
    if declared.choices:
        return f"one of {', '.join(declared.choices)}"
    return declared.help[0].lower() + declared.help[1:].rstrip(".")


def _value(declared: Declaration, text: str | bool | list[str]) -> Any:
    if isinstance(text, bool):
        return text
    if isinstance(text, list):
        return [_converted(declared, word) for word in text]
    return _converted(declared, text)


def _converted(declared: Declaration, text: str) -> Any:
    name, kind = declared.name, declared.kind
    if declared.choices:
        if text not in declared.choices:
            choices = ", ".join(declared.choices)
            raise UsageError(f"{name}: {text!r} is not one of {choices}")
        return text
    if kind is Path and not text:
        raise UsageError(f"{name}: the value is empty; {declared.placeholder} is needed")
    try:
        value = kind(text)
    except ValueError:
        number = "a whole number" if kind is int else "a number"
        raise UsageError(f"{name}: {number} is needed, got {text!r}") from None
    if declared.minimum is not None and value < declared.minimum:
        raise UsageError(f"{name}: must be at least {declared.minimum}, got {text}")
    return value
