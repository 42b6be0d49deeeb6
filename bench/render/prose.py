"""Sentences in lines that a terminal can show; names with hyphens and paths stay whole, so that they can be copied.

It knows no scores.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTH = 100
"""Columns that lines and tables may take."""


def filled(lines: Iterable[str], *, first: str = "", later: str = "  ") -> str:
    """Each line in as many as it takes, with this indent before its first line and before the others.

    >>> print(filled(["few images carry " + "wall-other-merged, " * 4 + "sky-other-merged and grass"]))
    few images carry wall-other-merged, wall-other-merged, wall-other-merged, wall-other-merged,
      sky-other-merged and grass
    """
    return "\n".join(
        textwrap.fill(
            line, WIDTH, initial_indent=first, subsequent_indent=later, break_on_hyphens=False, break_long_words=False
        )
        for line in lines
    )
