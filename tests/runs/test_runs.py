"""Run records: what is written is read back, what is damaged is refused, and digests change when
they should.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import runs
from bench.errors import RunError
from bench.runs import Dataset, Digests, Record, Run
from bench.runs.journal import Journal


def a_run(path: Path) -> Run:
    counts = {
        "image": np.array([0, 1, 1], np.int32),
        "region": np.array([0, 0, 0], np.int16),
        "truth": np.array([0, 0, 1], np.int16),
        "predicted": np.array([0, 1, 1], np.int16),
        "pixels": np.array([4, 1, 3], np.int32),
    }
    record = Record(
        bench="0",
        id=path.name,
        name="mine",
        created="2026-01-01T00:00:00+00:00",
        dataset=Dataset(
            name="tiny",
            title="Tiny",
            card_digest="",
            split="val",
            images=2,
            clusters="none",
            classes=[
                {"id": 0, "name": "road", "train_id": 0},
                {"id": 1, "name": "car", "train_id": 1},
            ],
            ignore=255,
            void=[255],
        ),
        model={},
        settings={},
        protocol={"classes_in": "truth"},
        environment={},
        timings={"seconds": float("nan")},
        warnings=[],
        tables={"pixels": Digests(rules="r", truth="t", rows={"pixels": 3})},
        scores={"semantic": {"mIoU": {"value": 0.5, "interval": None, "level": 0.95}}},
    )
    return Run(
        record,
        {"images": {"id": np.array(["a", "b"]), "cluster": np.array(["a", "b"])}, "pixels": counts},  # type: ignore[dict-item]
        path,
    )


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    run = a_run(tmp_path / "record")
    runs.write(run)
    found = runs.read(tmp_path / "record")
    assert run.record.name == found.record.name
    assert ["a", "b"] == found.image_ids
    assert run.record.classes == found.record.classes
    for name, column in run.tables["pixels"].items():
        assert column.tolist() == found.tables["pixels"][name].tolist()
        assert column.dtype == found.tables["pixels"][name].dtype
    assert [tmp_path / "record"] == list(tmp_path.iterdir()), (
        "nothing but the record is left behind"
    )


def test_a_record_can_be_named_by_its_json(tmp_path: Path) -> None:
    runs.write(a_run(tmp_path / "record"))
    assert "mine" == runs.read(tmp_path / "record" / "run.json").record.name


def test_a_number_that_is_not_defined_is_null_on_disk(tmp_path: Path) -> None:
    runs.write(a_run(tmp_path / "record"))
    text = (tmp_path / "record" / "run.json").read_text()
    assert json.loads(text)["timings"] == {"seconds": None}
    assert "NaN" not in text


def test_writing_again_replaces_the_record(tmp_path: Path) -> None:
    runs.write(a_run(tmp_path / "record"))
    (tmp_path / "record" / "old").write_text("")
    runs.write(a_run(tmp_path / "record"))
    assert ["counts.npz", "run.json"] == sorted(
        path.name for path in (tmp_path / "record").iterdir()
    )


def _spoil_json(folder: Path, **changes: object) -> None:
    path = folder / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "run.json").unlink(), "is not a run record"),
        (lambda folder: (folder / "run.json").write_text("{"), "cannot be read as JSON"),
        (lambda folder: _spoil_json(folder, schema=99), "schema 99"),
        (lambda folder: _spoil_json(folder, extra=1), "unknown field"),
        (lambda folder: (folder / "counts.npz").write_bytes(b"PK"), "cannot be read"),
        (lambda folder: (folder / "counts.npz").unlink(), "cannot be read"),
        (
            lambda folder: _spoil_json(
                folder, tables={"boxes": {"rules": "", "truth": "", "rows": {"boxes": 1}}}
            ),
            "lacks rows",
        ),
    ],
    ids=["no json", "no object", "schema", "unknown key", "garbage", "no counts", "no table"],
)
def test_a_damaged_record_is_refused_in_one_sentence(
    tmp_path: Path, spoil: Any, message: str
) -> None:
    runs.write(a_run(tmp_path / "record"))
    spoil(tmp_path / "record")
    with pytest.raises(RunError, match=message) as caught:
        runs.read(tmp_path / "record")
    assert "\n" not in str(caught.value)
    assert 2 == caught.value.exit_code


def test_a_record_that_never_comes_leaves_the_older_one_alone(tmp_path: Path) -> None:
    run = a_run(tmp_path / "record")
    runs.write(run)
    before = (tmp_path / "record" / "run.json").read_bytes()
    with pytest.raises(ZeroDivisionError), runs.writing(run.path, {}):
        raise ZeroDivisionError
    assert [tmp_path / "record"] == list(tmp_path.iterdir())
    assert before == (tmp_path / "record" / "run.json").read_bytes()
    assert run.tables.keys() == runs.read(tmp_path / "record").tables.keys()


def test_counts_that_cannot_be_written_make_no_record(tmp_path: Path) -> None:
    run = a_run(tmp_path / "record")
    with (
        pytest.raises(ValueError, match="Object arrays"),
        runs.writing(run.path, {"t": {"c": np.array([{}])}}) as end,
    ):
        end(run.record)
    assert [] == list(tmp_path.iterdir())


def test_the_same_tables_make_the_same_file(tmp_path: Path) -> None:
    columns = {
        "image": np.arange(5000, dtype=np.int32),
        "id": np.array(["a", "bé", ""]),
        "none": np.zeros(0, np.int8),
    }
    for name in ("a", "b"):
        runs.write_tables(tmp_path / name, {"t": columns})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").stat().st_size < 12_000
    found = runs.read_tables(tmp_path / "a")["t"]
    assert list(columns) == list(found)
    for name, column in columns.items():
        assert (column.dtype, column.tolist()) == (found[name].dtype, found[name].tolist())


def test_a_truncated_archive_is_refused(tmp_path: Path) -> None:
    runs.write(a_run(tmp_path / "record"))
    archive = tmp_path / "record" / "counts.npz"
    archive.write_bytes(archive.read_bytes()[:200])
    with pytest.raises(RunError, match="cannot be read"):
        runs.read(tmp_path / "record")


def test_reading_an_interrupted_run_says_how_to_finish_it(tmp_path: Path) -> None:
    Journal(tmp_path / "record", {}, resume=False)
    with pytest.raises(RunError, match="--resume"):
        runs.read(tmp_path / "record")


def test_the_truth_digest_depends_on_ids_order_and_rows() -> None:
    rows = {"image": np.array([0]), "pixels": np.array([5])}
    plain = runs.truth_digest(["a", "b"], rows)
    assert plain == runs.truth_digest(
        ["a", "b"], {"pixels": np.array([5], np.int32), "image": np.array([0], np.int32)}
    )
    others = [
        runs.truth_digest(["b", "a"], rows),
        runs.truth_digest(["a", "c"], rows),
        runs.truth_digest(["a", "b"], {**rows, "pixels": np.array([6])}),
    ]
    assert 4 == len({plain, *others})


def test_tables_are_joined_in_the_order_of_the_images() -> None:
    parts = [
        {"image": np.array([2, 2], np.int32), "pixels": np.array([7, 8], np.int32)},
        {"image": np.array([0], np.int32), "pixels": np.array([9], np.int32)},
    ]
    joined = runs.concatenate(parts)
    assert [0, 2, 2] == joined["image"].tolist()
    assert [9, 7, 8] == joined["pixels"].tolist()


def test_a_journal_keeps_its_parts_and_refuses_another_question(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "record", {"model": "a"}, resume=False)
    journal.append({"done": {"image": np.array([0], np.int32)}})
    journal.append({"done": {"image": np.array([1], np.int32)}})
    (journal.folder / "unfinished.npz").write_bytes(b"cut short by a kill")
    resumed = Journal(tmp_path / "record", {"model": "a"}, resume=True)
    assert [[0], [1]] == [part["done"]["image"].tolist() for part in resumed.done()]
    with pytest.raises(RunError, match="other files or settings"):
        Journal(tmp_path / "record", {"model": "b"}, resume=True)
    assert [] == Journal(tmp_path / "record", {"model": "b"}, resume=False).done()


def test_missing_counts_are_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"gone.npz cannot be read: No such file or directory$"):
        runs.read_tables(tmp_path / "gone.npz")
