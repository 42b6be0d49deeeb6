"""COCO files as columns: equal to what the reader by objects finds, in values, in order, and in
what it refuses.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from bench import kernels, masks
from bench.cards import load_card
from bench.errors import DataError, PredictionError
from bench.formats.coco import columns as coco_columns
from bench.formats.coco import unusual as coco_unusual

CARD = load_card("coco-instances")
NAMES = {entry.id: entry.name for entry in CARD.classes.entries}
COLUMNS = ("image", "classes", "boxes", "areas", "crowd", "scores")


def flat(columns: Any, runs: Any = True) -> Any:
    """The columns as lists, each image's objects together, and each mask as its runs without empty
    ones.
    """
    order = np.argsort(columns.image, kind="stable")
    found = {
        name: getattr(columns, name)[order].tolist() for name in COLUMNS if hasattr(columns, name)
    }
    if runs and columns.runs is not None:
        rows = [
            columns.runs.lengths[a:b].tolist()
            for a, b in zip(columns.runs.offsets, columns.runs.offsets[1:], strict=False)
        ]
        found["runs"] = [rows[place] for place in order.tolist()]
        found["heights"] = columns.runs.heights[order].tolist()
    return found


def made(seed: int, images: Any = 6) -> Any:
    """Truth and results with every form of mask, odd spacing, nested keys that mean nothing, and
    other scripts.
    """
    generator = np.random.default_rng(seed)
    listed = [
        {"id": int(n), "file_name": f"{n}\u00e9\u4e2d.jpg", "license": {"a": [1, {"b": None}], "c": '"]}'}}
        | {"height": int(generator.integers(5, 60)), "width": int(generator.integers(5, 60))}
        for n in generator.permutation(images * 3)[:images]
    ]  # fmt: skip
    truths, found = [], []
    for place in range(images * 5):
        image = listed[int(generator.integers(images))]
        size = image["height"], image["width"]
        mask = coco.encode(
            np.asfortranarray(generator.random(size) > generator.random()).astype(np.uint8)  # type: ignore[arg-type]
        )
        polygons = [
            (generator.random((4, 2)) * (size[1], size[0])).ravel().tolist()  # type: ignore[attr-defined]
            for _ in range(int(generator.integers(1, 4)))
        ]
        compressed = {"size": list(size), "counts": mask["counts"].decode()}
        plain = {"counts": masks.runs(mask).tolist(), "size": list(size), "extra": "x"}
        entry = {
            "id": place,
            "image_id": image["id"],
            "category_id": int(generator.choice(list(NAMES))),
            "iscrowd": place % 7 == 3,
        }
        entry |= {"segmentation": [polygons, compressed, plain][place % 3]}
        entry |= {"bbox": [float(v) for v in generator.random(4) * 9]} if place % 4 else {}
        entry |= {"area": float(generator.random() * 1e-7)} if place % 5 else {"area": None}
        truths.append(entry)
        result = {
            "score": float(np.float32(generator.random())),
            "segmentation": compressed,
            "attributes": {"deep": [[], {}, "\\"]},
        }
        found.append(
            {
                "image_id": image["id"],
                "category_id": entry["category_id"],
                **result,
                "bbox": [1, 2.5, 3e0, 4e-1],
            }
        )
    categories = [{"id": key, "name": name} for key, name in NAMES.items()]
    return {
        "info": {"x": [1.5e3]},
        "images": listed,
        "annotations": truths,
        "categories": categories,
    }, found


def write(folder: Any, truth: Any, results: Any, indent: Any = None) -> Any:
    paths = folder / "truth.json", folder / "results.json"
    for path, content in zip(paths, (truth, results), strict=True):
        path.write_text(
            json.dumps(content, indent=indent, ensure_ascii=indent is None), encoding="utf-8"
        )
    return paths


@pytest.fixture
def only_native(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Fail where the fast way is not taken, so that a comparison does not compare the slow way with
    itself.
    """
    if kernels.which() != "native":
        pytest.skip("the native kernels are not in use")

    def refuse(*_args: Any, **_options: Any) -> None:
        raise AssertionError("the slow way was taken")

    def guard() -> None:
        monkeypatch.setattr(coco_unusual, "truth", refuse)
        monkeypatch.setattr(coco_unusual, "results", refuse)

    return guard


def expected_of(card: Any, truth_path: Any, results_path: Any) -> Any:
    truth = coco_unusual.truth(card, truth_path, with_masks=True)
    return truth, coco_unusual.results(card, results_path, truth, with_masks=True)


@pytest.mark.parametrize("seed", range(8))
def test_columns_equal_the_objects(tmp_path: Path, only_native: Any, seed: int) -> None:
    paths = write(tmp_path, *made(seed), indent=[None, 3][seed % 2])  # type: ignore[misc]
    truth, found = expected_of(CARD, *paths)
    only_native()
    fast_truth, fast_found = coco_columns.read(CARD, *paths)
    assert [e.file_name for e in truth.images] == [e.file_name for e in fast_truth.images]
    assert flat(truth.columns) == flat(fast_truth.columns)
    assert flat(found) == flat(fast_found)


def test_the_comparison_sees_a_changed_value(tmp_path: Path) -> None:
    truth, results = made(1)
    before = flat(coco_columns.read(CARD, *write(tmp_path, truth, results))[1])
    results[3]["score"] += 1e-9
    assert before != flat(coco_columns.read(CARD, *write(tmp_path, truth, results))[1])


def test_masks_are_left_out_where_only_boxes_are_asked_for(tmp_path: Path) -> None:
    truth, results = made(2)
    for entry in truth["annotations"]:
        entry |= {"bbox": [1.0, 2.0, 3.0, 4.0], "area": 5.0}
    paths = write(tmp_path, truth, results)
    with_masks, without = (
        coco_columns.read(CARD, *paths, with_masks=wanted) for wanted in (True, False)
    )
    assert without[0].columns.runs is None
    assert flat(with_masks[0].columns, runs=False) == flat(without[0].columns)
    assert flat(with_masks[1], runs=False) == flat(without[1])


def test_chosen_images_keep_their_objects_in_the_order_asked_for(tmp_path: Path) -> None:
    truth, results = made(3)
    paths = write(tmp_path, truth, results)
    whole, found = coco_columns.read(CARD, *paths)
    wanted = whole.numbers[4], whole.numbers[1]
    chosen, kept = coco_columns.read(CARD, *paths, numbers=wanted)
    assert wanted == chosen.numbers
    for new, old in enumerate((4, 1)):
        assert (
            whole.columns.areas[whole.columns.image == old].tolist()
            == chosen.columns.areas[chosen.columns.image == new].tolist()
        )
        assert found.scores[found.image == old].tolist() == kept.scores[kept.image == new].tolist()
    assert len(kept.runs) == len(kept)  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["native", "reference"])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda _, r: r[2].update(image_id=10**6), (
"result 2 is for image 1000000, which the ground truth does not list"
)),
        (lambda _, r: r[2].update(category_id=12), "category 12 is not a class"),
        (lambda _, r: r[2].update(score=float("nan")), "NaN"),
        (lambda _, r: r[2].update(bbox=[1e200, 2, 1e200, 4]), "which is outside every image"),
        (lambda _, r: r[2].pop("score"), "the key 'score' is missing in"),
        (lambda _, r: r[2].update(bbox=[1, 2, 3]), "has a bbox of 3 numbers"),
        (lambda _, r: r[2]["segmentation"].update(size=[3, 3]), ("a mask of size [3, 3] for an "
                                                                "image of")),
        (lambda _, r: r[2]["segmentation"].update(counts="~"), "a damaged run-length code"),
        (lambda t, _: t["annotations"][0].update(image_id=10**6), ("annotation 0 (id 0) belongs "
                                                                  "to image 1000000")),
        (lambda t, _: t["annotations"][0].update(segmentation=[[1, 2, 3, 4, 1e4, 6]]), ("a "
                                                                                       "polygon reaches 10000, far")),
        (lambda t, _: t["annotations"][0].update(segmentation=[[1, 2]], bbox=[]), ("has neither "
                                                                                  "a mask nor "
                                                                                  "a box")),
        (lambda t, _: t["annotations"][0].update(bbox=[1, 2, 3, 4, 5]), "has a bbox of 5 numbers"),
        (lambda t, _: t["annotations"][0].update(bbox=[1, 2, 3, 2e9]), ("2000000000.0], which "
                                                                       "is outside every image")),
        (lambda t, _: t["annotations"][0].update(category_id=12), ("12, which `categories` of "
                                                                  "the file does not list")),
        (lambda t, _: t["images"][0].update(height=-3), "an image of -3 x"),
        (lambda t, _: t["images"][0].update(height=10**9, width=10**9), ("images[0]: an image "
                                                                        "of 1000000000 x 1")),
        (lambda t, _: t["images"][0].update(height=10.5), ("images[0]: the height 10.5 is not a "
                                                          "whole number")),
        (lambda t, _: t["categories"][0].update(name="cow"), ("category 1 is 'cow' there and "
                                                             "'person'")),
        (lambda t, _: t["images"].append(t["images"][0]), "each image needs its own"),
        (lambda t, _: t.pop("images"), "the key 'images' is missing"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_the_same_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Any, change: Any, words: Any
) -> None:
    monkeypatch.setattr(kernels, "which", lambda: form)
    truth, results = made(4)
    change(truth, results)
    paths = write(tmp_path, truth, results)
    with pytest.raises((DataError, PredictionError)) as caught:
        coco_columns.read(CARD, *paths)
    assert words in str(caught.value)
    with pytest.raises((DataError, PredictionError)) as slowly:
        expected_of(CARD, *paths)
    assert str(slowly.value) == str(caught.value)


def test_a_cut_off_file_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    truth, results = write(tmp_path, *made(5))
    results.write_bytes(results.read_bytes()[:-20])
    with pytest.raises(PredictionError, match="the file is truncated"):
        coco_columns.read(CARD, truth, results)
    with pytest.raises(DataError, match="cannot be read"):
        coco_columns.read(CARD, tmp_path / "none.json", results)


def test_unusual_files_are_read_all_the_same(tmp_path: Path) -> None:
    """Ids as text, boxes instead of masks, polygons in results: right, and left to the slow way."""
    truth, results = made(6)
    for entry in (*truth["annotations"], *results):
        entry["image_id"] = str(entry["image_id"])
    for image in truth["images"]:
        image["id"] = str(image["id"])
    results[0].pop("segmentation")
    results[1]["segmentation"] = [[0, 0, 3, 0, 3, 3]]
    paths = write(tmp_path, truth, results)
    truth_columns, found = coco_columns.read(CARD, *paths)
    expected_truth, expected = expected_of(CARD, *paths)
    assert flat(expected_truth.columns) == flat(truth_columns.columns)
    assert flat(expected) == flat(found)


def test_empty_files_give_empty_columns(tmp_path: Path, only_native: Any) -> None:
    only_native()
    truth, found = coco_columns.read(
        CARD, *write(tmp_path, {"images": [], "annotations": [], "categories": []}, [])
    )
    assert (0, 0) == (len(truth.columns), len(found))


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_the_published_example_is_read_the_fast_way(
    shared_data: Callable[[str], Path], only_native: Any, kind: Any
) -> None:
    folder = shared_data("cocoapi_results")
    truths = folder / "dataset" / "cocoapi" / "instances_val2014_100.json"
    results = folder / "results" / f"instances_val2014_fake{kind}100_results.json"
    truth, found = expected_of(CARD, truths, results)
    only_native()
    fast_truth, fast_found = coco_columns.read(CARD, truths, results, with_masks=kind == "segm")
    assert flat(truth.columns, runs=kind == "segm") == flat(fast_truth.columns)
    assert flat(found, runs=kind == "segm") == flat(fast_found)


@pytest.mark.parametrize("split", ["train2017", "val2017"])
def test_real_polygons_and_crowds_are_read_the_fast_way(
    shared_data: Callable[[str], Path], only_native: Any, split: Any
) -> None:
    path = shared_data("tiny_coco") / "annotations" / f"instances_{split}.json"
    truth = coco_unusual.truth(CARD, path, with_masks=True)
    only_native()
    assert flat(truth.columns) == flat(coco_columns.read_truth(CARD, path).columns)
