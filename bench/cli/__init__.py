"""The command line: arguments become one call each. `main` is the entry point of the command `bench`.

Commands are files of this folder; they are the only code that prints, and heavy imports wait until one of them runs.
"""

from __future__ import annotations

import os
import signal
import sys

from bench.cli import console, startup


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code; errors of ours and of the user never show a traceback."""
    words = sys.argv[1:] if arguments is None else arguments
    startup.limit_blas_threads()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        return _carry_out(words)
    except KeyboardInterrupt:
        console.note("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is left in the buffer must not fail once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:  # noqa: BLE001 - the last line of defence: whatever it is, it is shown as one sentence
        return console.fail(error, as_json="--json" in words)


def _carry_out(words: list[str]) -> int:
    if words[:1] == ["eval"]:
        with startup.loading():
            from bench.cli.eval import evaluate
            from bench.cli.words import plain

            asked = plain(evaluate, words[1:])
            if asked is not None:
                return evaluate(**asked)
    from bench.cli import application

    return application.run(words)


def _stop(_number: int, _frame: object) -> None:
    """Stop at once, and if told again, without waiting for threads: Python cannot end while one is in a kernel."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    raise KeyboardInterrupt
