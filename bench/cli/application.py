"""The whole command line in typer: all commands with their help, and one sentence for words that are wrong.

Only the module of the command that is called is loaded; the help of `bench` itself needs them all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Annotated, Any, cast

import typer

from bench.cli import console
from bench.cli.words import for_typer
from bench.errors import UsageError, did_you_mean
from bench.version import __version__

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run", "run"),
    "eval": ("eval", "evaluate"),
    "show": ("show", "show"),
    "compare": ("compare", "compare"),
    "check": ("check", "check"),
    "plot": ("plot", "plot"),
    "init": ("init", "init"),
    "prepare": ("prepare", "prepare"),
    "list": ("list", "list_"),
}
"""Command -> its module in this folder, and its function there, in the order in which they are listed."""
_INTERRUPTED = 130
"""What typer returns in place of a KeyboardInterrupt."""


def _version(wanted: bool) -> None:
    if wanted:
        from bench import kernels

        console.say(f"bench {__version__}, {kernels.which()} kernels, Python {sys.version.split()[0]}")
        raise typer.Exit


def _bench(
    version: Annotated[
        bool,
        typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show versions and kernels, and end."),
    ] = False,
) -> None:
    """Evaluate image-segmentation models and say which differences are real.

    Start with:  bench run --model deeplab      (a small reference network on the procedural data set `streets`)
    """


def run(words: list[str]) -> int:
    """Carry out what the words say and return the exit code.

    Raises:
        KeyboardInterrupt: the person stopped it.
    """
    words = _as_options(words)
    app = _application({words[0]} if words and words[0] in {*COMMANDS, "board"} else {*COMMANDS, "board"})
    try:
        result: Any = app(words, standalone_mode=False, prog_name="bench")
    except typer.Exit as stop:
        return stop.exit_code
    except typer.Abort:
        raise KeyboardInterrupt from None
    except Exception as error:
        if hasattr(error, "format_message"):
            return _usage(error, as_json="--json" in words)
        raise
    if result == _INTERRUPTED:
        raise KeyboardInterrupt
    return result if isinstance(result, int) else 0


def _as_options(words: list[str]) -> list[str]:
    """Words that other tools take for help and version, turned into our options.

    >>> _as_options(["help", "board", "add"]), _as_options(["board"]), _as_options(["version"])
    (['board', 'add', '--help'], ['board', '--help'], ['--version'])
    """
    if words[:1] == ["version"]:
        return ["--version", *words[1:]]
    if words[:1] == ["help"]:
        return [*words[1:], "--help"]
    return [*words, "--help"] if words in ([], ["board"]) else words


def _application(wanted: set[str]) -> typer.Typer:
    app = typer.Typer(
        name="bench",
        help="Evaluate image-segmentation models and say which differences are real.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback()(_bench)
    for name, (module, function) in COMMANDS.items():
        if name in wanted:
            app.command(name)(for_typer(getattr(import_module(f"bench.cli.{module}"), function)))
    if "board" in wanted:
        from bench.cli import board

        for command in board.app.registered_commands:
            for_typer(cast("Callable[..., int]", command.callback))
        app.add_typer(board.app, name="board")
    return app


def _usage(error: Any, *, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "bench"
    return console.fail(UsageError(f"{_in_words(error)} ({command} --help shows what there is)"), as_json=as_json)


def _in_words(error: Any) -> str:
    """What is wrong with the words of a command, as other errors say it."""
    kind, message = type(error).__name__, str(error.format_message()).replace("Value error, ", "").rstrip(".")
    context = getattr(error, "ctx", None)
    if kind == "NoSuchOption":
        known = ["--help"] + ([name for each in context.command.params for name in each.opts] if context else [])
        return f"there is no option {error.option_name}: {did_you_mean(error.option_name, known)}"
    if kind == "MissingParameter":
        names = error.param.opts
        return f"{'/'.join(names) if names[0].startswith('-') else error.param.metavar or names[0].upper()} is missing"
    if message.startswith("No such command"):
        word = message.split("'")[1]
        known = list(context.command.commands) if context else []
        return f"there is no command {word!r}: {did_you_mean(word, known)}"
    if kind == "BadOptionUsage":
        return f"{error.option_name}: a value is needed"
    if message.startswith("Invalid value for '"):
        name, _, rest = message.removeprefix("Invalid value for '").partition("': ")
        return f"{name}: {next((ours for theirs, ours in _WORDS.items() if theirs in rest), rest)}"
    return message[:1].lower() + message[1:]


_WORDS = {
    "valid integer": "a whole number is needed",
    "valid number": "a number is needed",
    "valid float": "a number is needed",
}
