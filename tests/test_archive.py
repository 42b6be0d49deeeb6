"""The compressed archive of arrays: NumPy and the zip module read what was written, whatever the arrays are."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from bench.runs import archive

ARRAYS = {
    "images/id": np.array(["a", "bé", ""]),
    "t/score": np.random.default_rng(1).random(5000),
    "t/bits": np.arange(5000, dtype=np.uint64) << 40,
    "t/empty": np.zeros(0, np.int32),
    "t/square": np.asfortranarray(np.arange(12).reshape(3, 4)),
    "t/é": np.array(7),
}


@pytest.mark.parametrize("most", [1 << 31, 10])
def test_numpy_reads_what_was_written(tmp_path, monkeypatch, most):
    monkeypatch.setattr(archive, "_MOST", most)
    archive.write(tmp_path / "a.npz", ARRAYS)
    with np.load(tmp_path / "a.npz") as found:
        assert list(ARRAYS) == found.files
        for name, array in ARRAYS.items():
            assert array.dtype == found[name].dtype
            assert array.shape == found[name].shape
            assert array.tolist() == found[name].tolist()


def test_the_zip_is_whole_and_always_the_same(tmp_path):
    for name in ("a.npz", "b.npz"):
        archive.write(tmp_path / name, ARRAYS)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.npz") as found:
        assert found.testzip() is None
        assert {(1980, 1, 1, 0, 0, 0)} == {entry.date_time for entry in found.infolist()}
        assert {zipfile.ZIP_DEFLATED} == {entry.compress_type for entry in found.infolist()}


def test_an_archive_is_hardly_larger_than_numpy_makes_it(tmp_path):
    archive.write(tmp_path / "a.npz", ARRAYS)
    np.savez_compressed(tmp_path / "b.npz", **ARRAYS)  # type: ignore[arg-type]
    assert (tmp_path / "a.npz").stat().st_size < 1.1 * (tmp_path / "b.npz").stat().st_size


def test_a_byte_that_changed_is_noticed(tmp_path):
    archive.write(tmp_path / "a.npz", ARRAYS)
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[3000] ^= 1
    (tmp_path / "a.npz").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "a.npz") as found:
        assert "t/score.npy" == found.testzip()


def test_objects_are_refused(tmp_path):
    with pytest.raises(ValueError, match="allow_pickle=False"):
        archive.write(tmp_path / "a.npz", {"t/object": np.array([object()])})
