"""Which image a result means: one kind of id for all results, and nothing that contradicts
itself.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matching_cases as cases
import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from bench import cli, kernels
from bench.errors import PredictionError
from bench.formats.coco import columns as coco_columns
from bench.formats.pairs import data_set as pairs
from bench.formats.voc import data_set as voc

NAMES = ["img_1.jpg", "img_2.jpg", "img_3.jpg"]


@pytest.fixture
def score(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Scores results against a truth by the command: the record, or the sentence that refuses
    them.
    """

    def run(truth: Any, results: Any, *more: str) -> dict[str, Any]:
        cases.write_json(tmp_path / "truth.json", truth)
        cases.write_json(tmp_path / "results.json", results)
        (tmp_path / "card.toml").write_text(cases.card_text("coco", "instance"))
        words = [
            "eval",
            "-p",
            tmp_path / "results.json",
            "-d",
            tmp_path / "card.toml",
            "--data",
            tmp_path / "truth.json",
        ]
        code = cli.main(
            [str(word) for word in (*words, "--out", tmp_path / "runs", "--json", *more)]
        )
        out, err = capsys.readouterr()
        if code:
            assert 2 == code
            assert 1 == err.count("\n"), err
            return {"refused": err}
        found: dict[str, Any] = json.loads(out)
        return found

    return run


def ap(record: dict[str, Any]) -> float:
    value: float = record["scores"]["instance"]["AP"]["value"]
    return value


def told(record: dict[str, Any]) -> list[str]:
    return [each["message"] for each in record["warnings"] if each["code"] == "image-ids"]


# Pictures' names, their ids, the ids of results, whether they carry file_name, and the words of the
# note.
WAYS: dict[str, tuple[list[str], list[Any], list[Any], list[str] | None, str | None]] = {
    "as in the truth": (NAMES, [1, 2, 3], [1, 2, 3], None, None),
    "with the picture's name beside": (NAMES, [1, 2, 3], [1, 2, 3], NAMES, None),
    "with a name that is not listed": (
        NAMES,
        [1, 2, 3],
        [1, 2, 3],
        ["a.jpg", "b.jpg", "c.jpg"],
        None,
    ),
    "floats": (NAMES, [1, 2, 3], [1.0, 2.0, 3.0], None, None),
    "floats and whole numbers": (NAMES, [1, 2, 3], [1.0, 2, 3.0], None, None),
    "text": (NAMES, [1, 2, 3], ["1", "2", "3"], None, "their ids in another form"),
    "text and numbers": (NAMES, [1, 2, 3], ["1", 2, 3], None, "their ids in another form"),
    "numbers for text": (NAMES, ["1", "2", "3"], [1, 2, 3], None, "their ids in another form"),
    "padded": (
        NAMES,
        [1, 2, 3],
        ["000000000001", "000000000002", "000000000003"],
        None,
        "their ids in another form",
    ),
    "names": (NAMES, [1, 2, 3], NAMES, None, "the file names of the images"),
    "names with folders": ([f"val/{n}" for n in NAMES], [1, 2, 3], NAMES, None, "without folders"),
    "names with other folders": (
        NAMES,
        [1, 2, 3],
        [f"D:\\val\\{n}" for n in NAMES],
        None,
        "the last parts",
    ),
    "stems": (NAMES, [1, 2, 3], ["img_1", "img_2", "img_3"], None, "img_1"),
    "stems as ultralytics has them": (
        ["7.jpg", "cat.jpg", "0009.jpg"],
        [1, 2, 3],
        [7, "cat", 9],
        None,
        "folders and suffix",
    ),
    "numbers of names": (
        ["0107.jpg", "0108.jpg", "0109.jpg"],
        [1, 2, 3],
        [107, 108, 109],
        None,
        "107",
    ),
    "digits of names": (
        ["2007_01.jpg", "2007_02.jpg", "2007_03.jpg"],
        [1, 2, 3],
        [200701, 200702, 200703],
        None,
        "number",
    ),
    "nothing but file_name": (
        NAMES,
        [1, 2, 3],
        ["p", "q", "r"],
        NAMES,
        "the file_name of each entry",
    ),
    "file_name on Windows": (
        [f"a/{n}" for n in NAMES],
        [1, 2, 3],
        ["p", "q", "r"],
        [f"a\\{n}" for n in NAMES],
        "file_name",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_results_score_the_same_whatever_they_call_the_images(score: Any, way: str) -> None:
    names, numbers, ids, files, words = WAYS[way]
    truth = cases.truth_of(names, numbers)
    record = score(truth, cases.results_of(ids, files))
    assert 1.0 == pytest.approx(ap(record))
    assert (words is None) == (not told(record))
    assert words is None or words in told(record)[0]


def test_pycocotools_takes_floats_for_ids(score: Any) -> None:
    truth = cases.truth_of(NAMES, [1, 2, 3])
    results = [
        each | {"image_id": float(each["image_id"])} for each in cases.results_of([1, 2, 3])
    ][::2]
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = json.loads(json.dumps(truth))
        reference.createIndex()
        evaluation = COCOeval(reference, reference.loadRes(_compressed(results)), "segm")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(ap(score(truth, results)), abs=1e-12)
    assert 0.5 < evaluation.stats[0] < 0.9


def test_annotations_of_one_id_count_each_here_and_not_in_pycocotools(
    score: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth, results = cases.truth_of(NAMES, [1, 2, 3]), cases.results_of([1, 2, 3])
    assert not [
        each for each in score(truth, results)["warnings"] if each["code"] == "annotation-ids"
    ]
    truth["annotations"][2]["id"] = 1
    with contextlib.redirect_stdout(io.StringIO()):
        reference = COCO()
        reference.dataset = json.loads(json.dumps(truth))
        reference.createIndex()
    assert reference.loadAnns(reference.getAnnIds(imgIds=[1])) == reference.loadAnns(
        reference.getAnnIds(imgIds=[3])
    )
    for _ in range(2):
        record = score(truth, results, "--overwrite")
        assert 1.0 == pytest.approx(ap(record))
        (notice,) = [
            each["message"] for each in record["warnings"] if each["code"] == "annotation-ids"
        ]
        assert notice.startswith(
            "1 annotation has the id of another one (such as 1): each counts here"
        )
        monkeypatch.setattr(
            coco_columns, "_usual_truth", lambda *_: None
        )  # and the same the slow way


def _compressed(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from pycocotools import mask as coco_mask

    codes = [
        coco_mask.frPyObjects(each["segmentation"], *each["segmentation"]["size"])
        for each in results
    ]
    return [each | {"segmentation": code} for each, code in zip(results, codes, strict=True)]


REFUSED: dict[str, tuple[list[str], list[Any], list[Any], list[str] | None, str]] = {
    "an unknown stem": (
        NAMES, [1, 2, 3], ["img_1", "img_2", "img_9"], None,
        (
            "result 0 is for image 'img_1', which the ground truth does not list; 3 of 3 results are for images "
            "that are not listed, and the ids of the ground truth are numbers such as 1 (img_1.jpg)"
        ),
    ),
    "one key for some": (NAMES, [11, 12, 13], [11, "img_2", "img_3"], None, "is for image 'img_2'"),
    "counted from 0": (
        NAMES, [1, 2, 3], [0, 1, 2], None,
        "every one of them + 1 is an id of the ground truth: the results may count images from 0",
    ),
    "a name beside another id": (
        NAMES, [1, 2, 3], [1, 2, 2], NAMES,
        "entry 2 has image_id 2 but file_name 'img_3.jpg': these name two images (2 is img_2.jpg, and img_3.jpg has",
    ),
    "a name beside another stem": (NAMES, [1, 2, 3], ["img_1", "img_2", "img_2"], NAMES, "these name two images"),
    "two meanings": (
        ["2.jpg", "1.jpg", "3.jpg"], [1, 2, 3], ["1", "2", "3"], None, "may mean two images"
    ),
    "a name of two images": (["a/x.jpg", "b/x.jpg", "y.jpg"], [1, 2, 3], ["x", "x", "y"], None, "is for image 'x'"),
    "half an image": (NAMES, [1, 2, 3], [1.5, 2, 3], None, "the image_id 1.5 is not a whole number"),
    "text for text": (NAMES, ["a", "b", "c"], ["p", "q", "r"], None, "are names such as 'a' (img_1.jpg)"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_ids_that_are_not_clear_are_refused(score: Any, case: str) -> None:
    names, numbers, ids, files, words = REFUSED[case]
    assert words in score(cases.truth_of(names, numbers), cases.results_of(ids, files))["refused"]


def test_the_compiled_reader_sees_names_that_contradict_ids(tmp_path: Path) -> None:
    """Both ways to read a file refuse the same, also where one entry of a long file has a name and
    the others none.
    """
    card = cases.card("pairs", "semantic")
    content = cases.truth_of(NAMES, [1, 2, 3]) | {"categories": [{"id": 1, "name": "tree"}]}
    truth = coco_columns.read_truth(card, cases.write_json(tmp_path / "truth.json", content))
    good = cases.results_of([1, 2, 3], NAMES) * 9000
    path = cases.write_json(tmp_path / "results.json", good)
    assert len(good) == len(coco_columns.read_results(card, path, truth).scores)
    unnamed = cases.results_of([1, 2, 3], None) * 9000
    for entries in (good, unnamed):
        cases.write_json(
            path, [*entries[:12345], good[0] | {"file_name": NAMES[1]}, *entries[12345:]]
        )
        with pytest.raises(
            PredictionError, match=r"entry 12345 has image_id 1 but file_name 'img_2\.jpg'"
        ):
            coco_columns.read_results(card, path, truth)


def test_images_that_were_left_out_may_have_results(tmp_path: Path) -> None:
    """Results of the whole split are scored on a part of it, in VOC and in pairs too."""
    names = ["2007_000001", "2007_000002", "2007_000003"]
    cases.write_labels(tmp_path / "SegmentationClass", names)
    cases.write_labels(tmp_path / "SegmentationObject", names)
    cases.write_labels(tmp_path / "lab/val", names)
    for ids in (
        names,
        [int(name.replace("_", "")) for name in names],
        [f"{name}.png" for name in names],
    ):
        path = cases.write_json(tmp_path / "results.json", cases.results_of(ids))
        for module, layout in ((voc, "voc"), (pairs, "pairs")):
            card = cases.card(layout, "instance")
            for chosen in ("all", names[:1]):
                listed = module.read_truth(card, tmp_path, "val", ids=chosen)
                read = module.read_predictions(card, path, "instance", listed[:1])
                assert (ids is not names) == bool(read.notices)


def test_lvis_names_images_as_coco_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = cases.truth_of(NAMES, [1, 2, 3])
    for image in truth["images"]:
        image |= {"coco_url": f"http://x/val2017/{image.pop('file_name')}", "neg_category_ids": []}
        image["not_exhaustive_category_ids"] = []
    truth["categories"] = [each | {"frequency": "f"} for each in truth["categories"]]
    cases.write_json(tmp_path / "lvis.json", truth)
    asked = ["-d", "lvis", "--data", tmp_path / "lvis.json", "--out", tmp_path / "runs", "--json"]
    for ids, names, code in (
        (["img_1", "img_2", "img_3"], None, 0),
        ([1, 2, 3], NAMES, 0),
        ([1, 2, 2], NAMES, 2),
        ([1, 2, 9], None, 2),
    ):
        cases.write_json(tmp_path / "results.json", cases.results_of(ids, names))
        assert code == cli.main(
            [str(word) for word in ("eval", "-p", tmp_path / "results.json", *asked)]
        )
        out, err = capsys.readouterr()
        if code:
            assert "these name two images" in err or "the ground truth does not list" in err
        else:
            assert 1.0 == pytest.approx(json.loads(out)["scores"]["lvis"]["AP"]["value"])


def test_images_of_one_name_have_ids_of_their_own(
    score: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two videos whose folders were cut off: COCO tells their images by id."""
    names = [f"{k % 3:04}.jpg" for k in range(6)]
    truth, results = cases.truth_of(names, list(range(1, 7))), cases.results_of(list(range(1, 7)))
    both, half = score(truth, results), score(truth, results[:4], "--limit", "4", "--name", "half")
    assert 6 == both["protocol"]["intervals"]["clusters"]
    assert ["0000#1", "0001#2", "0002#3", "0000#4"] == np.load(Path(half["path"]) / "counts.npz")[
        "images/id"
    ].tolist()
    assert 0 == cli.main(
        ["compare", both["path"], half["path"], "--metric", "AP", "--common-images"]
    )
    assert "compared on the 4 images that all runs have" in " ".join(
        capsys.readouterr().out.split()
    )
    (tmp_path / "ids.txt").write_text("0001#5\n")
    assert 1 == score(truth, results, "--ids", str(tmp_path / "ids.txt"))["dataset"]["images"]


def test_images_of_one_id_are_refused(score: Any) -> None:
    truth = cases.truth_of(NAMES, [1, 2, 2])
    refused = score(truth, cases.results_of([1]))["refused"]
    assert (
        "truth.json: two images have the id 2 (img_2.jpg and img_3.jpg); each image needs its own"
        in refused
    )


def test_both_ways_of_reading_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, score: Any
) -> None:
    """The compiled reader and the slow one, on results with names beside their ids."""
    if kernels.which() != "native":
        pytest.skip("nothing is compiled here")
    truth, results = cases.truth_of(NAMES, [1, 2, 3]), cases.results_of([1, 2, 3], NAMES)
    fast = score(truth, results)
    monkeypatch.setattr(coco_columns, "_usual_results", lambda *_: None)
    slow = score(truth, results, "--name", "slow")
    assert fast["scores"] == slow["scores"]
    assert [each["code"] for each in fast["warnings"]] == [
        each["code"] for each in slow["warnings"]
    ]
