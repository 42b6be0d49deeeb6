"""The command line: arguments become one call each. `main` is the entry point of the command `bench`.

Commands are files of this folder; they are the only code that prints, and heavy imports wait until one of them runs.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Annotated, Any

import typer

from bench import __version__
from bench.cli import console

app = typer.Typer(
    name="bench",
    help="Evaluate image-segmentation models and say which differences are real.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from bench import kernels

        console.say(f"bench {__version__}, {kernels.which()} kernels, Python {sys.version.split()[0]}")
        raise typer.Exit


@app.callback()
def _bench(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show versions and kernels, and end.")
    ] = False,
) -> None:
    """Evaluate image-segmentation models and say which differences are real.

    Start with:  bench run --model deeplab      (a small reference network on the procedural data set `streets`)
    """


def _commands() -> None:
    from bench.cli import boards, checking, comparing, evaluate, listing, preparing, running, showing, starting

    app.command("run")(running.run)
    app.command("eval")(evaluate.evaluate)
    app.command("show")(showing.show)
    app.command("compare")(comparing.compare)
    app.command("check")(checking.check)
    app.command("init")(starting.init)
    app.command("prepare")(preparing.prepare)
    app.command("list")(listing.list_)
    app.add_typer(boards.app, name="board")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; errors of ours and of the user never show a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    # Before NumPy is loaded: small matrix products take half a second longer to share among threads than to compute.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _commands()
    signal.signal(signal.SIGTERM, _stop)
    try:
        result: Any = app(words, standalone_mode=False, prog_name="bench")
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        console.note("interrupted")
        return 130
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever it is, it is shown as one sentence
        if hasattr(error, "format_message"):
            return _usage(error)
        return console.fail(error, as_json="--json" in words)
    return result if isinstance(result, int) else 0


def _usage(error: Any) -> int:
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "bench"
    message = error.format_message().replace("Value error, ", "")
    if message:
        console.note(f"error: {message} ({command} --help shows what there is)")
    elif context:
        console.say(context.get_help())
    return 2


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
