"""Options declared as data: the fields of `OptionSet` classes, from which parsing, help and
completion follow.

A command is a function `command` whose parameters are such classes:

    class ShowOptions(OptionSet):
        run: Path = argument("RUN", help="Run record.")
        limit: int | None = option("--limit", metavar="N", help="...", default=None)

    def command(options: ShowOptions) -> int: ...

The type of a field says how its text is read: str, int, float, Path, a Literal of choices, bool for
a flag without a value, and list[Path] for an argument that may be repeated. This room knows no
command.

Dataclasses would do the same, but making one for each command takes longer than parsing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


class _Required:
    """The default of an option or argument that must be given."""

    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED: Any = _Required()


class Declaration:
    """One option or argument: its flags, how help shows it, and the field that takes its value.

    Attributes:
        flags: the names of an option, the first one for messages; empty for an argument.
        metavar: what stands for the value in help; "" where choices stand for themselves.
        group: the title in help under which it is listed.
        minimum: the smallest valid number, or None.
        is_flag: whether it stands alone, without a value.
        owner, field: the class and the field that it declares.
    """

    owner: type
    field: str

    def __init__(
        self,
        flags: tuple[str, ...] = (),
        *,
        help: str,  # noqa: A002 - the usual word
        metavar: str,
        default: Any,
        group: str = "Arguments",
        minimum: int | None = None,
        choices: tuple[str, ...] = (),
        is_flag: bool = False,
    ) -> None:
        """Declare it; the class that it stands in completes it."""
        self.flags, self.metavar, self.help = flags, metavar, help
        self.default, self.group, self.minimum, self.is_flag = default, group, minimum, is_flag
        self._choices = choices

    def __set_name__(self, owner: type, name: str) -> None:
        self.owner, self.field = owner, name

    @property
    def name(self) -> str:
        """How messages call it: the first flag, or the placeholder of an argument."""
        return self.flags[0] if self.flags else self.metavar

    @property
    def placeholder(self) -> str:
        """What stands for the value in help; choices stand for themselves."""
        return self.metavar or "|".join(self.choices)

    @property
    def kind(self) -> type:
        """The type of one value."""
        hint = self._hint()
        if get_origin(hint) is Literal:
            return str
        value: type = get_args(hint)[0] if self.is_repeated else hint
        return value

    @property
    def choices(self) -> tuple[str, ...]:
        """The valid values, as declared or as the type says; () where any value is valid."""
        hint = self._hint()
        return get_args(hint) if get_origin(hint) is Literal else self._choices

    @property
    def is_repeated(self) -> bool:
        """Whether it may have several values."""
        return get_origin(self._hint()) is list

    def _hint(self) -> Any:
        """The type of the field, without its `| None`."""
        hint = _hints(self.owner)[self.field]
        if get_origin(hint) in (Union, UnionType):
            (hint,) = (member for member in get_args(hint) if member is not NoneType)
        return hint


class OptionSet:
    """Values of declared options; a subclass declares each as a field."""

    def __init__(self, **values: Any) -> None:
        """Set some fields; the others have their defaults.

        Raises:
            TypeError: a field is unknown, or one that is required is missing.
        """
        declared = {one.field: one for one in fields(type(self))}
        if unknown := set(values) - set(declared):
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(unknown))}")
        for name, one in declared.items():
            value = values.get(name, one.default)
            if value is REQUIRED:
                raise TypeError(f"{type(self).__name__} needs {name}")
            setattr(self, name, value)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(repr(self))

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({values})"


def option(
    *flags: str,
    help: str,  # noqa: A002 - the usual word
    default: Any = REQUIRED,
    metavar: str = "",
    group: str = "Options",
    minimum: int | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """Declare an option with a value; the first flag is the one that messages use."""
    return Declaration(
        flags,
        help=help,
        metavar=metavar,
        default=default,
        group=group,
        minimum=minimum,
        choices=choices,
    )


def flag(*flags: str, help: str, group: str = "Options") -> Any:  # noqa: A002 - the usual word
    """Declare an option without a value: False unless it is given."""
    return Declaration(flags, help=help, metavar="", default=False, group=group, is_flag=True)


def argument(metavar: str, *, help: str, default: Any = REQUIRED) -> Any:  # noqa: A002 - the usual word
    """Declare a positional argument."""
    return Declaration(help=help, metavar=metavar, default=default)


def options_of(command: Callable[..., int]) -> dict[str, type[OptionSet]]:
    """The classes of options that a command takes, by parameter."""
    return {name: hint for name, hint in get_type_hints(command).items() if name != "return"}


def fields(options: type[OptionSet]) -> list[Declaration]:
    """The declarations of a class, in order."""
    return [value for value in vars(options).values() if isinstance(value, Declaration)]


def declarations(command: Callable[..., int]) -> list[Declaration]:
    """All options and arguments of a command, in the order of its parameters and their fields."""
    return [declared for options in options_of(command).values() for declared in fields(options)]


def flags_for(options: OptionSet, names: Sequence[str] | None = None) -> list[str]:
    """The words that set these options on the command line; defaults need none.

    Args:
        options: the values.
        names: the fields to write; None for all.
    """
    words: list[str] = []
    for declared in fields(type(options)):
        value = getattr(options, declared.field)
        is_wanted = names is None or declared.field in names
        if not is_wanted or not declared.flags or value == declared.default:
            continue
        if declared.is_flag:
            words.append(declared.name)
        elif str(value).startswith("-"):
            words.append(
                f"{declared.name}={value}"
            )  # as the next word it might be taken for an option
        else:
            words += [declared.name, str(value)]
    return words


_hints = cache(get_type_hints)
