"""Tables of counts: joining, digesting, and storing them as `counts.npz`.

It knows columns of numbers, and nothing of what they count.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import RunError
from bench.samples import Array, Table

Tables = dict[str, Table]
"""Table name -> columns. The table `images` lists ids and clusters by position; the others are
counts."""


def digest(value: Any) -> str:
    """Digest of any JSON value, independent of the order of keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def truth_digest(ids: Sequence[str], truth: Table) -> str:
    """Digest of the ordered image ids and of the rows of the ground truth (integer columns)."""
    names = json.dumps(list(ids), ensure_ascii=False)
    state = hashlib.blake2b(names.encode("utf-8"), digest_size=16)
    for name in sorted(truth):
        state.update(name.encode("utf-8"))
        state.update(np.ascontiguousarray(truth[name], dtype="<i8").tobytes())
    return state.hexdigest()


def concatenate(parts: Sequence[Table]) -> Table:
    """Join tables of equal columns and sort the rows by image, keeping the order within images."""
    if not parts:
        return {}
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(joined["image"], kind="stable")
    return {name: column[order] for name, column in joined.items()}


def write_tables(path: Path, tables: Tables) -> None:
    """Write tables as one compressed .npz with a member `<table>/<column>` for each column.

    The same tables make the same file, byte by byte.
    """
    # Level 1 takes a fifth of the time of NumPy's level 6, which took as long as scoring half a
    # million boxes. `np.savez` cannot set the level, so the archive is written by hand.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for table, columns in tables.items():
            for name, column in columns.items():
                with archive.open(f"{table}/{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asanyarray(column), allow_pickle=False)


def read_tables(path: Path) -> Tables:
    """Read tables that `write_tables` wrote.

    Raises:
        RunError: the file is missing, truncated, or not such an archive.
    """
    tables: dict[str, dict[str, Array]] = {}
    try:
        # Opened here, because np.load(path) leaves the file open if it is not an archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            for key in archive.files:
                table, _, name = key.partition("/")
                tables.setdefault(table, {})[name] = archive[key]
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"{path} cannot be read: {str(error) or 'it is truncated'}") from None
    return dict(tables)
