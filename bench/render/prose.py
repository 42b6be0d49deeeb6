"""Sentences for the terminal, wrapped so that names with hyphens and paths stay whole."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

WIDTH = 100
"""Maximum width of lines and tables."""


def filled(lines: Iterable[str], *, first: str = "", later: str = "  ") -> str:
    """Wrap each line, indenting its first line by `first` and the others by `later`.

    >>> print(filled(["few images carry " + "wall-other-merged, " * 4 + "sky-other-merged and grass"]))
    few images carry wall-other-merged, wall-other-merged, wall-other-merged, wall-other-merged,
      sky-other-merged and grass
    """
    # Names are copied from the terminal, so they are never broken.
    wrapper = textwrap.TextWrapper(
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "\n".join(wrapper.fill(line) for line in lines)
