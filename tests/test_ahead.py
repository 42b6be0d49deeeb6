"""Reading ahead: the same columns, handed over once, by a module that is there before NumPy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import ahead, kernels
from bench.cards import load_card
from bench.errors import DataError
from bench.formats import coco_columns

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
    ahead.begin(truth, "read_coco_truth", with_masks=False)
    ahead.begin(results, "read_coco_results", with_masks=False)


@needs_native
def test_what_was_begun_is_handed_over_once(files):
    _, results = files
    begin(*files)
    ahead.take(files[0], "read_coco_truth", with_masks=False).result()
    first = ahead.take(results, "read_coco_results", with_masks=False).result()
    results.write_text(json.dumps([{**RESULTS[0], "score": 0.25}]))
    second = ahead.take(results, "read_coco_results", with_masks=False).result()
    assert first is not None
    assert second is not None
    assert [0.5, 0.25] == [float(found["scores"][0]) for _, found in (first, second)]


def test_files_read_ahead_hold_what_they_hold(files):
    card = load_card("coco-instances")
    expected = coco_columns.read(card, *files, with_masks=False)[1]
    begin(*files)
    found = coco_columns.read(card, *files, with_masks=False)[1]
    assert expected.boxes.tolist() == found.boxes.tolist()
    assert expected.scores.tolist() == found.scores.tolist()


@pytest.mark.parametrize("text", [None, "[", '{"images": []}'])
def test_a_wrong_file_is_refused_in_the_same_words(files, text):
    truth, card = files[0], load_card("coco-instances")
    truth.unlink() if text is None else truth.write_text(text)
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
def test_reading_ahead_loads_no_numpy(files):
    program = f"""
import sys
from pathlib import Path
from bench import ahead
ahead.begin(Path({str(files[1])!r}), "read_coco_results", with_masks=False)
parsing = ahead.take(Path({str(files[1])!r}), "read_coco_results", with_masks=False)
parsing._begun.result()
print("numpy" in sys.modules, "concurrent.futures" in sys.modules)
parsing.result()
print("numpy" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ["False", "False", "True"] == done.stdout.split()
