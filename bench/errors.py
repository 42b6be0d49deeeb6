"""Every error that `bench` raises on purpose, with the exit code a shell sees.

    BenchError                   4  a defect of ours, if raised bare
    +-- InputError               2  wrong use or wrong input
        +-- UsageError              a flag, an option, a combination of them
        +-- CardError               a data-set card that cannot be read or contradicts itself
        +-- DataError               the data set's files: missing, truncated, of the wrong kind
        +-- PredictionError         predictions that do not fit the data set
        |   +-- UnmatchedError         predictions of which none, or too few, bear the names of the images
        +-- CheckpointError         weights that cannot be read or do not fit the model or the card
        +-- OwnCodeError            an exception of the person's own model code
        +-- RunError                a run record that cannot be read, resumed or compared
        +-- MissingExtra            an optional package that this job needs

A message is one sentence: what was wrong, the value, where, and what would be right. This module knows nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable


class BenchError(Exception):
    """The root of the tree; raised bare it is a defect of ours."""

    exit_code = 4


class InputError(BenchError):
    """What was asked or given is wrong; the message says what would be right."""

    exit_code = 2


class UsageError(InputError):
    """A flag, an argument, or a combination of them that makes no sense."""


class CardError(InputError):
    """A data-set card that cannot be found, read, or that contradicts itself."""


class DataError(InputError):
    """A file of the data set that is missing, damaged or not of the kind its layout promises."""


class PredictionError(InputError):
    """A prediction that does not fit the data set: missing, of the wrong size, or with labels that are none."""


class UnmatchedError(PredictionError):
    """Predictions whose names are not those of the images; whoever knows the other splits can say more."""


class CheckpointError(InputError):
    """Weights that cannot be read safely or do not fit the network or the classes of the card."""


class OwnCodeError(InputError):
    """An exception that the person's own model code raised; it is the cause of this one."""


class RunError(InputError):
    """A run record that cannot be read, resumed or compared."""


class MissingExtra(InputError):
    """A package of an optional extra that this job needs and that is not installed."""


def missing_extra(package: str, extra: str, purpose: str) -> MissingExtra:
    """Return the error for an optional package that is not installed, with the command that installs it."""
    return MissingExtra(f'{purpose} needs the package {package}: install it with  pip install "segbench[{extra}]"')


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint with the closest known names, or with all of them where none is close.

    >>> did_you_mean("deplab", ["deeplab", "fcn", "unet"])
    'did you mean deeplab?'
    >>> did_you_mean("x", ["fcn", "unet"])
    'known are: fcn, unet'
    """
    import difflib  # for those who mistype

    names = sorted(known)
    folded = {each.casefold(): each for each in names}
    close = [folded[each] for each in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"known are: {', '.join(names)}" if names else "none are known"
