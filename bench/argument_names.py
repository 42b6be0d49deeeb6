"""Messages name settings as the caller wrote them: `--limit 0` on the command line, `limit=0` in
Python.

Every message is written once, with the flags of the command line. Everything that `bench` offers to
Python passes its messages through `python_words`, which turns each flag into the argument of the
same name. Commands such as `bench prepare --data FOLDER` stay: they are for a shell in any case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from typing import ParamSpec, TypeVar

from bench.errors import BenchError

P = ParamSpec("P")
R = TypeVar("R")

RENAMED = {"config": "sidecar"}
"""Flags whose arguments have another name."""
SWITCHES = {"overwrite", "resume", "save-predictions", "common-images", "flip", "amp", "compile"}
"""Flags without a value; they become `flip=True`."""
_PROSE = (
    "and|are|at|chooses|choose|compares|counts|does|draws|evaluates|fetches|finds|finishes|for|from|goes|has|have|"
    "implies|in|instead|is|lists|makes|marks|measures|must|names|needs|of|on|or|ranks|reads|replaces|resizes|runs|"
    "says|takes|tells|the|to|which|with|writes"
)
"""Words that continue the sentence after a flag, and so are not its value."""
_COMMAND = r"\bbench [a-z]+(?: [a-z]+)?(?: --[a-z][a-z0-9-]*(?: [\w./=,-]+)?)+"
_VALUE = (
    rf"(?!(?:{_PROSE})\b)"
    r"(?P<value>(?:'[^']*'|\[[^\]]*\]|[\w./<>\"+-](?:[\w./<>=\"+,:*%-]*[\w./<>\"*%])?))"
)
_FLAG = re.compile(rf"(?P<command>{_COMMAND})|--(?P<flag>[a-z][a-z0-9-]*)(?P<values> {_VALUE})?")
_LITERAL = re.compile(r"-?\d+(\.\d*)?(e-?\d+)?|'.*'|\[.*\]|FILE|FOLDER|DIR|NAME|None|True|False")


def for_python(function: Callable[P, R], **names: str) -> Callable[P, R]:
    """Make the errors of a public function name its arguments where they name flags.

    `names` maps flags to arguments of this function that have another name.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except BenchError as error:
            message = python_words(str(error), names)
            if message == str(error):
                raise
            raise type(error)(message) from error.__cause__

    return call


def python_words(message: str, names: Mapping[str, str] | None = None) -> str:
    """The message with arguments in place of flags.

    >>> python_words("--metrics mIOU: did you mean mIoU?")
    "metrics='mIOU': did you mean mIoU?"
    >>> python_words("use --label-space train-ids, or leave out --flip")
    "use label_space='train-ids', or leave out flip=True"
    >>> python_words("--limit must be at least 1, got 0")
    'limit must be at least 1, got 0'
    >>> python_words("use --data FOLDER (bench prepare --data FOLDER downloads it)")
    'use data=FOLDER (bench prepare --data FOLDER downloads it)'
    """
    renamed = RENAMED | dict(names or {})

    def argument(match: re.Match[str]) -> str:
        if match["command"]:
            return match[0]
        flag, value = match["flag"], match["value"]
        name = renamed.get(flag, flag).replace("-", "_")
        if flag in SWITCHES:
            return f"{name}=True{match['values'] or ''}"
        if value is None:
            return name
        return f"{name}={value if _LITERAL.fullmatch(value) else repr(value)}"

    return _FLAG.sub(argument, message)
