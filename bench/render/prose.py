"""Sentences for the terminal, wrapped so that names with hyphens and paths stay whole."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Sequence

_NARROWEST, _WIDEST = 80, 120


def width() -> int:
    """Columns that lines and tables may take: those of the terminal, from 80 to 120; 80 without a
    terminal.
    """
    return min(max(shutil.get_terminal_size((_NARROWEST, 24)).columns, _NARROWEST), _WIDEST)


def filled(lines: Iterable[str], *, first: str = "", later: str = "  ") -> str:
    """Wrap each line, indenting its first line by `first` and the others by `later`.

    >>> print(filled(["note: few images carry train", "note: 500 images"], first="  "))
      note: few images carry train
      note: 500 images
    """
    # Names are copied from the terminal, so they are never broken.
    wrapper = textwrap.TextWrapper(
        width(),
        initial_indent=first,
        subsequent_indent=later,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return "\n".join(wrapper.fill(line) for line in lines)


def listed(names: Sequence[str]) -> str:
    """Join names for a sentence.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
