"""Reading ahead: the same columns, handed over once, by a module that is there before NumPy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench import kernels, prefetch
from bench.cards import load_card
from bench.cli import main, startup
from bench.errors import DataError
from bench.formats.coco import columns as coco_columns

RESULTS = [{"image_id": 1, "category_id": 1, "score": 0.5, "bbox": [1, 2, 3, 4]}]
TRUTH = {
    "images": [{"id": 1, "file_name": "a.jpg", "height": 9, "width": 9}],
    "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4], "area": 12}],
    "categories": [{"id": 1, "name": "person"}],
}

needs_native = pytest.mark.skipif(kernels.which() != "native", reason="nothing is compiled here")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A truth file and results for it."""
    truth, results = tmp_path / "truth.json", tmp_path / "results.json"
    truth.write_text(json.dumps(TRUTH))
    results.write_text(json.dumps(RESULTS))
    return truth, results


def begin(truth: Path, results: Path) -> None:
    prefetch.begin(truth, "read_coco_truth", with_masks=False)
    prefetch.begin(results, "read_coco_results", with_masks=False)


@needs_native
def test_what_was_begun_is_handed_over_once(files: Any) -> None:
    _, results = files
    begin(*files)
    prefetch.take(files[0], "read_coco_truth", with_masks=False).result()
    first = prefetch.take(results, "read_coco_results", with_masks=False).result()
    results.write_text(json.dumps([{**RESULTS[0], "score": 0.25}]))
    second = prefetch.take(results, "read_coco_results", with_masks=False).result()
    assert first is not None
    assert second is not None
    assert [0.5, 0.25] == [float(found["scores"][0]) for _, found in (first, second)]


@needs_native
def test_a_file_that_changed_since_is_read_again(files: Any) -> None:
    _, results = files
    begin(*files)
    results.write_text(json.dumps([{**RESULTS[0], "score": 0.125}]))
    found = prefetch.take(results, "read_coco_results", with_masks=False).result()
    assert found is not None
    assert 0.125 == float(found[1]["scores"][0])


def test_files_read_ahead_hold_what_they_hold(files: Any) -> None:
    card = load_card("coco-instances")
    expected = coco_columns.read(card, *files, with_masks=False)[1]
    begin(*files)
    found = coco_columns.read(card, *files, with_masks=False)[1]
    assert expected.boxes.tolist() == found.boxes.tolist()
    assert expected.scores.tolist() == found.scores.tolist()


@pytest.mark.parametrize("text", [None, "[", '{"images": []}'])
def test_a_wrong_file_is_refused_in_the_same_words(files: Any, text: str) -> None:
    truth, card = files[0], load_card("coco-instances")
    truth.unlink() if text is None else truth.write_text(text)  # type: ignore[redundant-expr]
    said = []
    for early in (False, True):
        if early:
            begin(*files)
        with pytest.raises(DataError) as problem:
            coco_columns.read(card, *files, with_masks=False)
        said.append(str(problem.value))
    assert said[0] == said[1]
    assert str(truth) in said[0]


@needs_native
def test_reading_ahead_loads_no_numpy(files: Any) -> None:
    program = f"""
import sys
from pathlib import Path
from bench import prefetch
prefetch.begin(Path({str(files[1])!r}), "read_coco_results", with_masks=False)
parsing = prefetch.take(Path({str(files[1])!r}), "read_coco_results", with_masks=False)
parsing._begun.result()
print("numpy" in sys.modules, "concurrent.futures" in sys.modules)
parsing.result()
print("numpy" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ["False", "False", "True"] == done.stdout.split()


def test_what_eval_begins_is_what_the_readers_take(
    files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "_begun", {})
    where = ["--dataset", "coco-instances", "--data", str(files[0]), "--predictions", str(files[1])]
    begun = []
    with monkeypatch.context() as patched:
        patched.setattr(
            prefetch, "begin", lambda *key, **masks: begun.append((*key, masks["with_masks"]))
        )
        startup.begin_reading(files[1], files[0], "default")
    assert [(files[0], "read_coco_truth", False), (files[1], "read_coco_results", False)] == begun
    assert 0 == main(
        ["eval", *where, "--interval", "none", "--out", str(tmp_path / "runs"), "--json"]
    )
    assert not prefetch._begun


@pytest.mark.parametrize("text", ["", "{}", "not JSON"])
def test_eval_begins_nothing_where_the_predictions_are_no_results(
    files: Any, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(prefetch, "begin", lambda *_, **__: pytest.fail("begun"))
    files[1].write_text(text)
    for path in (files[1], files[1].parent, files[1].with_name("none.json")):
        startup.begin_reading(path, files[0], "default")
