"""The commands of `bench`: `bench NAME` calls the function `command` of NAME.py in this folder.

A folder with a list `COMMANDS` holds a group of commands: `bench board show` is board/show.py. Only
the file of the command that is called is loaded; the help of `bench` itself loads them all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module

from bench.cli import console
from bench.cli.parser import parsing
from bench.errors import UsageError, did_you_mean
from bench.version import __version__

SECTIONS: Mapping[str, Sequence[str]] = {
    "Evaluate": ("run", "eval"),
    "Compare and report": ("show", "compare", "check", "plot", "board"),
    "Set up": ("list", "prepare", "init", "completion"),
}
"""Commands in the order and under the titles of `bench --help`."""
NAMES = tuple(name for names in SECTIONS.values() for name in names)
_OVERVIEW = """\
Evaluate image-segmentation models and report which differences are significant.

Start with a small reference network on the procedural data set `streets`:

    bench run --model deeplab"""
_VERSION = ("-V", "--version", "version")

Command = Callable[..., int]


def run(words: Sequence[str]) -> int:
    """Carry out a command line and return its exit code.

    Raises:
        UsageError: there is no such command, or its options are wrong.
    """
    if words and words[0] in _VERSION:
        return _print_version()
    if words and words[0] == "help":
        words = [*words[1:], "--help"]
    if not words or words[0] in parsing.HELP:
        console.say(_overview())
        return 0
    name, rest = words[0], words[1:]
    _require_known(name, NAMES, "bench")
    if members := members_of(name):
        if not rest or rest[0] in parsing.HELP:
            console.say(_group_overview(name, members))
            return 0
        _require_known(rest[0], members, f"bench {name}")
        name, rest = f"{name} {rest[0]}", rest[1:]
    return _call(name, rest)


def members_of(name: str) -> tuple[str, ...]:
    """The commands of a group; none for a plain command."""
    members: tuple[str, ...] = getattr(import_module(f"bench.cli.{name}"), "COMMANDS", ())
    return members


def load(name: str) -> Command:
    """The function of a command, by a name such as `run` or `board show`."""
    command: Command = import_module(f"bench.cli.{name.replace(' ', '.')}").command
    return command


def all_names() -> list[str]:
    """The names of all commands; those in a group as `board show`."""
    return [
        full
        for name in NAMES
        for full in ([f"{name} {member}" for member in members_of(name)] or [name])
    ]


def _call(name: str, words: Sequence[str]) -> int:
    command = load(name)
    try:
        options = parsing.parse(command, words)
    except parsing.HelpRequested:
        from bench.cli.parser import help as help_text

        console.say(help_text.command_help(name, command))
        return 0
    except UsageError as error:
        raise UsageError(f"{error} (see bench {name} --help)") from None
    return command(**options)


def _require_known(word: str, names: Iterable[str], above: str) -> None:
    if word in names:
        return
    if word.startswith("-"):
        raise UsageError(
            f"{above} has no option {word}; options of a command follow its name (see {above} "
            "--help)"
        )
    raise UsageError(
        f"there is no command {word!r}: {did_you_mean(word, names)} (see {above} --help)"
    )


def _overview() -> str:
    from bench.cli.parser import help as help_text

    sections = {
        title: [(name, _summary(name)) for name in names] for title, names in SECTIONS.items()
    }
    flags = [
        ("-V, --version", "Show the versions of bench, its kernels and Python, and exit."),
        (
            "-h, --help",
            "Show this help and exit; `bench COMMAND --help` shows a command's options.",
        ),
    ]
    return help_text.overview(
        "bench [OPTIONS] COMMAND [ARGS]", _OVERVIEW, {**sections, "Options": flags}
    )


def _group_overview(name: str, members: Sequence[str]) -> str:
    from bench.cli.parser import help as help_text

    group = import_module(f"bench.cli.{name}")
    rows = [(member, help_text.summary(load(f"{name} {member}"))) for member in members]
    return help_text.overview(f"bench {name} COMMAND [ARGS]", group.HELP, {"Commands": rows})


def _summary(name: str) -> str:
    from bench.cli.parser import help as help_text

    if members_of(name):
        return str(import_module(f"bench.cli.{name}").HELP).partition("\n")[0]
    return help_text.summary(load(name))


def _print_version() -> int:
    from bench import kernels

    python = sys.version.split()[0]
    console.say(f"bench {__version__}, {kernels.which()} kernels, Python {python}")
    return 0
