"""Messages for people who write Python: they name arguments where those of the command line name flags."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

from bench.errors import BenchError

P = ParamSpec("P")
R = TypeVar("R")

OTHERWISE = {"config": "sidecar"}
"""Argument names that differ from their flags."""
SWITCHES = ("overwrite", "resume", "save-predictions", "common-images", "flip", "amp", "compile", "latency")
"""Flags without a value."""
_FLAG = re.compile(r"--([a-z][a-z0-9-]*)(?: (?=[\w./'\"-]+(?:$|[\s:,;)])))?")


def in_python(function: Callable[P, R], **names: str) -> Callable[P, R]:
    """Make the errors of a function name its arguments where they name flags.

    `names` maps flags to arguments that have another name.
    """

    @wraps(function)
    def spoken(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BenchError as error:
            words = in_words(str(error), names)
            if words == str(error):
                raise
            raise type(error)(words) from error.__cause__

    return spoken


def in_words(message: str, names: Mapping[str, str] | None = None) -> str:
    """The message with arguments in place of flags.

    >>> in_words("--metrics mIOU: did you mean mIoU?")
    'metrics=mIOU: did you mean mIoU?'
    >>> in_words("say --label-space train-ids, or leave out --flip")
    'say label_space=train-ids, or leave out flip=True'
    """
    known = OTHERWISE | dict(names or {})

    def argument(found: re.Match[str]) -> str:
        name = known.get(found[1], found[1]).replace("-", "_")
        return f"{name}=True{' ' * (found[0][-1] == ' ')}" if found[1] in SWITCHES else f"{name}="

    return _FLAG.sub(argument, message)
