"""Arrays as one compressed .npz, written side by side: what `numpy.savez_compressed` writes, in a sixth of its time.

Compressing the counts of half a million detections took as long as making them. This module knows arrays by name and
nothing of tables or records.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.kernels.threads import spread
from bench.samples import Array

try:
    from zlib_ng import zlib_ng as deflater
except ImportError:  # no wheel for this platform
    import zlib as deflater  # type: ignore[no-redef]

_LEVEL = 4
"""Of zlib-ng: an eighth of the time of zlib's 6, and two hundredths more bytes."""
_MOST = 1 << 31
"""Bytes and members that the plain form of the format holds, with room to spare; NumPy writes what is larger."""
_MEMBERS = 1 << 15
_DAY = (1980 - 1980) << 9 | 1 << 5 | 1
"""The date of every member, so that the same arrays make the same file."""


@dataclass(frozen=True, eq=False)
class _Member:
    name: bytes
    compressed: bytes
    size: int
    checksum: int

    def header(self) -> bytes:
        """What the entries before the data and in the directory share: from the version needed to the name's length."""
        sizes = (self.checksum, len(self.compressed), self.size)
        return struct.pack("<5H3L2H", 20, 0x800, 8, 0, _DAY, *sizes, len(self.name), 0)


def write(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays, none of them of objects, as a .npz that `numpy.load` reads."""
    if sum(array.nbytes for array in arrays.values()) > _MOST or len(arrays) > _MEMBERS:
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
        return
    # The largest first, or one thread would begin with it when the others are done.
    largest = sorted(arrays, key=lambda name: -arrays[name].nbytes)
    members = dict(zip(largest, spread(lambda name: _member(name, arrays[name]), largest), strict=True))
    with path.open("wb") as file:
        directory = b""
        for member in (members[name] for name in arrays):
            header, start = member.header(), file.tell()
            file.write(b"PK\3\4" + header + member.name + member.compressed)
            rest = struct.pack("<3H2L", 0, 0, 0, 0o600 << 16, start)
            directory += b"PK\1\2" + struct.pack("<H", 3 << 8 | 20) + header + rest + member.name
        start = file.tell()
        end = struct.pack("<4H2LH", 0, 0, len(members), len(members), len(directory), start, 0)
        file.write(directory + b"PK\5\6" + end)


def _member(name: str, array: Array) -> _Member:
    content = io.BytesIO()
    np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
    data = content.getbuffer()
    compressor = deflater.compressobj(_LEVEL, deflater.DEFLATED, -deflater.MAX_WBITS)
    compressed = compressor.compress(data) + compressor.flush()
    return _Member(f"{name}.npy".encode(), compressed, len(data), deflater.crc32(data))
