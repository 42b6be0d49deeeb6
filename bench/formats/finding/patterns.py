"""Patterns of file names with {id}: from an id to a path, and from a folder to the ids in it.

It knows text and folders, not what the files contain.
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
    """A path below a root with {id} at least once; every {id} in it means the same text, which may
    hold "/".

    Its last part may hold `*`, for several files of one id.
    """

    text: str

    def path(self, name: str) -> str:
        """The path of one id.

        >>> Pattern("val/{id}.png").path("a/b")
        'val/a/b.png'
        """
        return self.text.replace(_ID, name)

    @property
    def is_wild(self) -> bool:
        """Whether an id has several files."""
        return "*" in self.text

    def folder(self, name: str) -> str:
        """The folder of the files of one id.

        >>> Pattern("{id}/masks/*.png").folder("a")
        'a/masks'
        """
        return self.path(name).rpartition("/")[0]

    def files(self, root: Path, name: str) -> list[Path]:
        """The files of one id that are there, sorted by name; none where their folder is
        missing.
        """
        folder, fits = (
            root / self.folder(name),
            re.compile(_regex(self.path(name).rpartition("/")[2])),
        )
        if not folder.is_dir():
            return []
        return sorted(
            file for file in folder.iterdir() if fits.fullmatch(file.name) and file.name[0] != "."
        )

    @property
    def literal(self) -> int:
        """How many characters the pattern fixes."""
        return len(self.text.replace(_ID, ""))

    def id_at_end(self, path: str) -> str | None:
        """The id of a path whose end fits the pattern, such as one that was absolute on another
        machine.

        >>> Pattern("val/{id}.png").id_at_end("/SegNet/CamVid/val/0016E5_07959.png")
        '0016E5_07959'
        """
        match = re.search(f"(?:^|/){self._expression}$", path)
        return match["id"] if match else None

    def begins_in(self, root: Path) -> bool:
        """Whether a folder has a file of this pattern, if the pattern names a folder of its own to
        look into.
        """
        fixed = self.text.split(_ID)[0].rpartition("/")[0]
        return bool(fixed) and (root / fixed).is_dir() and bool(self.find(root))

    def find(self, root: Path) -> dict[str, str]:
        """Map every id found below the root to its path relative to it (one of them); hidden files
        are left out.
        """
        return {name: path for path, name in self.find_files(root).items()}

    def find_files(self, root: Path) -> dict[str, str]:
        """Map every path below the root, relative to it, to the id in it; hidden files are left
        out.
        """
        fixed = self.text.split(_ID)[0].rpartition("/")[0]
        id_by_path: dict[str, str] = {}
        for directory, folders, names in os.walk(root / fixed, followlinks=True):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = (Path(directory) / name).relative_to(root).as_posix()
                match = re.fullmatch(self._expression, path)
                if match and not name.startswith("."):
                    id_by_path[path] = match["id"]
        return id_by_path

    @cached_property
    def _expression(self) -> str:
        first, *others = (_regex(literal) for literal in self.text.split(_ID))
        return f"{first}(?P<id>.+){'(?P=id)'.join(others)}"


def _regex(text: str) -> str:
    """The regular expression of a text in which `*` matches anything within a name."""
    return "[^/]*".join(map(re.escape, text.split("*")))
