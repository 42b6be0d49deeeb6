"""The command line: `main` is the entry point of the command `bench`.

Each command is a file of this folder; these files are the only code that prints, and they import
what is heavy inside their functions. `parser/` reads words, `console` prints, `startup` makes it
quick.
"""

from __future__ import annotations

import signal
import sys

from bench.cli import console, startup

INTERRUPTED = 128 + 2
BROKEN_PIPE = 128 + 13
"""Exit codes that shells use for a program ended by SIGINT, or by SIGPIPE."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit code; no error ever shows a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    startup.limit_blas_threads()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        code = _run(words)
        # Python would flush after us, and turn a failure of that into exit code 120.
        console.flush()
    except KeyboardInterrupt:
        console.note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:  # from a library or the user's code; our own output never raises it
        console.discard(sys.stdout)
        return BROKEN_PIPE
    except Exception as error:  # noqa: BLE001 - whatever it is, it is shown as one sentence
        return console.fail(error, as_json="--json" in words)
    return code


def _run(words: list[str]) -> int:
    from bench.cli import commands

    return commands.run(words)


def _stop(_number: int, _frame: object) -> None:
    """Interrupt the program; the second signal ends it at once.

    The second one must not wait for threads: Python cannot end while a thread is inside a kernel.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt
