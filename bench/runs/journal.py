"""The journal of an unfinished run: counts in numbered files, so that `--resume` can continue it.

    runs/streets-val/deeplab/e85f51ac7592.partial/
        asked.json         what the run evaluates, and how; a resumed run must ask the same
        part-000000.npz    counts of the first images
        part-000001.npz    counts of the next ones
        unfinished.npz     the part being written; a kill leaves it behind, and it is ignored

A part is renamed to its number only once it is complete, so every numbered part can be trusted.
Parts are written about once a second, and at most that work is lost. When all images are counted,
`runs.writing` puts the record in place and removes the journal.
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
    """The folder that holds the counts of a run until all images are counted."""

    def __init__(self, path: Path, asked: Mapping[str, Any], *, resume: bool) -> None:
        """Open the journal of the run at `path`; unless it is resumed, it starts empty.

        `asked` is what the run evaluates, as JSON can hold it.

        Raises:
            RunError: the journal was started with other settings, or cannot be written.
        """
        self.folder = runs.partial_folder(path)
        if not resume:
            shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(
                f"cannot write run records below {path.parent}: {error.strerror}"
            ) from None
        file = self.folder / "asked.json"
        text = json.dumps(dict(asked), sort_keys=True, indent=2)
        if file.is_file() and file.read_text(encoding="utf-8") != text:
            raise RunError(
                f"{self.folder} was started with other files or settings; run without --resume "
                "to start again"
            )
        file.write_text(text, encoding="utf-8")

    def done(self) -> list[runs.Tables]:
        """The parts written so far."""
        return [runs.read_tables(part) for part in self._parts()]

    def append(self, tables: runs.Tables) -> None:
        """Write one more part."""
        number = len(self._parts())
        unfinished = self.folder / "unfinished.npz"
        runs.write_tables(unfinished, tables)
        unfinished.rename(self.folder / f"part-{number:06d}.npz")

    def discard(self) -> None:
        """Remove the journal, and its parent folders if they are empty then."""
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # a folder with other runs cannot be removed
            self.folder.parent.rmdir()
            self.folder.parent.parent.rmdir()

    def _parts(self) -> list[Path]:
        return sorted(self.folder.glob("part-*.npz"))
