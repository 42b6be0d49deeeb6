"""The journal of a run that goes on: counts in numbered parts, so that an interruption loses at most the last second.

When the run is whole, `runs.write` puts the record in place and removes the journal.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench import runs
from bench.errors import RunError


class Journal:
    """The counts of a run while it goes: a folder of numbered parts, each written whole or not at all."""

    def __init__(self, path: Path, asked: Mapping[str, Any], *, resume: bool) -> None:
        """Open the journal of the run at `path`, emptied unless it is resumed.

        Raises:
            RunError: the journal to resume belongs to another question, or cannot be written.
        """
        self.folder = runs.partial_folder(path)
        if not resume:
            shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot write run records below {path.parent}: {error.strerror}") from None
        note = self.folder / "asked.json"
        text = json.dumps(dict(asked), sort_keys=True, indent=2)
        if note.is_file() and note.read_text(encoding="utf-8") != text:
            raise RunError(
                f"{self.folder} was begun with other files or settings than now; run without --resume to start anew"
            )
        note.write_text(text, encoding="utf-8")

    def done(self) -> list[runs.Tables]:
        """The parts written so far; a part that a kill cut short never got its name."""
        return [runs.read_tables(part) for part in sorted(self.folder.glob("part-*.npz"))]

    def discard(self) -> None:
        """Remove the journal of a run that wrong input ended, and the folders of its name that nothing else is in."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # other runs are in there
            self.folder.parent.rmdir()
            self.folder.parent.parent.rmdir()

    def append(self, tables: runs.Tables) -> None:
        """Write one more part."""
        number = len(list(self.folder.glob("part-*.npz")))
        unfinished = self.folder / "unfinished.npz"
        runs.write_tables(unfinished, tables)
        unfinished.rename(self.folder / f"part-{number:06d}.npz")
