"""Every error that `bench` raises on purpose, with the exit code a shell sees.

    BenchError                   4  a bug in bench, if raised itself
    +-- InputError               2  wrong use or wrong input
        +-- UsageError              an option, an argument, or a combination of them
        +-- CardError               a data-set card that cannot be read or contradicts itself
        +-- DataError               the data set's files: missing, truncated, of the wrong kind
        +-- PredictionError         predictions that do not fit the data set
        |   +-- UnmatchedError         none or too few of them have the names of the images
        +-- CheckpointError         weights that cannot be read or do not fit the model or the card
        +-- OwnCodeError            an exception of the user's own model code
        +-- RunError                a run record that cannot be read, resumed or compared
        +-- MissingExtra            an optional package that is needed and not installed

A message is one sentence: what is wrong, the value, where, and what would be right. Messages name
settings by their flags; `argument_names` turns them into arguments for callers from Python.
"""

from __future__ import annotations

from collections.abc import Iterable


class BenchError(Exception):
    """The root of all errors of bench; raised itself, it is a bug in bench."""

    exit_code = 4


class InputError(BenchError):
    """Something that the caller passed is wrong; the message says what would be right."""

    exit_code = 2


class UsageError(InputError):
    """An option, an argument, or a combination of them that is not valid."""


class CardError(InputError):
    """A data-set card that cannot be found or read, or that contradicts itself."""


class DataError(InputError):
    """A file of the data set that is missing, damaged, or of another kind than its layout has."""


class PredictionError(InputError):
    """A prediction that does not fit the data set: missing, of the wrong size, or with unknown
    labels.
    """


class UnmatchedError(PredictionError):
    """Predictions whose names are not those of the images; `evaluation.causes` looks at other
    splits.
    """


class CheckpointError(InputError):
    """Weights that cannot be read safely or do not fit the network or the classes of the card."""


class OwnCodeError(InputError):
    """An exception in the user's own model code; the original is its cause."""


class RunError(InputError):
    """A run record that cannot be read, resumed or compared."""


class MissingExtra(InputError):
    """A package of an optional extra that is needed and not installed."""


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtra:
    """Return the error for an optional package that is not installed, with the command that
    installs it.
    """
    return MissingExtra(
        f'{purpose} needs the package {package}: install it with  pip install "segbench[{extra}]"'
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the closest known names, or with all of them where none is close.

    >>> did_you_mean("deplab", ["deeplab", "fcn", "unet"])
    'did you mean deeplab?'
    >>> did_you_mean("x", ["fcn", "unet"])
    'known are: fcn, unet'
    """
    import difflib  # only needed after a mistake

    names = sorted(known)
    folded = {each.casefold(): each for each in names}
    close = [
        folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    ]
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known are: {', '.join(names)}" if names else "none are known"
