"""Patterns of file names with {id}: from an id to a path, and from a folder to the ids in it.

It knows text and folders, and nothing about what the files are.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_ID = "{id}"


@dataclass(frozen=True)
class Pattern:
    """A path below a root with {id} at least once; every {id} in it stands for the same text, which may hold "/"."""

    text: str

    def path(self, name: str) -> str:
        """The path of one id.

        >>> Pattern("val/{id}.png").path("a/b")
        'val/a/b.png'
        """
        return self.text.replace(_ID, name)

    @property
    def literal(self) -> int:
        """How many characters the pattern fixes."""
        return len(self.text.replace(_ID, ""))

    def id_at_end(self, path: str) -> str | None:
        """The id of a path whose end fits the pattern, such as one that was absolute on another machine.

        >>> Pattern("val/{id}.png").id_at_end("/SegNet/CamVid/val/0016E5_07959.png")
        '0016E5_07959'
        """
        found = re.search(f"(?:^|/){self._expression}$", path)
        return found["id"] if found else None

    def begins_in(self, root: Path) -> bool:
        """Whether a folder has a file of this pattern, if the pattern names a folder of its own to look into."""
        fixed = self.text.split(_ID)[0].rpartition("/")[0]
        return bool(fixed) and (root / fixed).is_dir() and bool(self.find(root))

    def find(self, root: Path) -> dict[str, str]:
        """Map every id found below the root to its path relative to it; hidden files are left out."""
        fixed = self.text.split(_ID)[0].rpartition("/")[0]
        found: dict[str, str] = {}
        for place, folders, names in os.walk(root / fixed, followlinks=True):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = (Path(place) / name).relative_to(root).as_posix()
                match = re.fullmatch(self._expression, path)
                if match and not name.startswith("."):
                    found[match["id"]] = path
        return found

    @cached_property
    def _expression(self) -> str:
        first, *others = (re.escape(part) for part in self.text.split(_ID))
        return f"{first}(?P<id>.+){'(?P=id)'.join(others)}"
