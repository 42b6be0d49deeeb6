"""The COCO layout: real files, what is refused and in which words, and that what is written reads
back equal.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO

from bench import images, masks
from bench.cards import load_card, parse_card
from bench.errors import DataError, PredictionError
from bench.formats.coco import data_set as coco
from bench.formats.coco import json_files as coco_json
from bench.formats.coco.files import Files, picture_finder, sample_names
from bench.formats.coco.json_files import ImageEntry
from bench.formats.objects import derive
from bench.samples import LabelMap, Sample, Truth

HEAD = 'title = "T"\nlayout = "coco"\nlicence = "-"\ncite = "-"\nobtain = "-"\n'
CARD = f"""name = "small"\ntasks = ["panoptic", "instance", "semantic"]\n{HEAD}
[splits.val]
[[classes]]
id = 9
train_id = 0
name = "grass"
[[classes]]
id = 3
train_id = 1
name = "cow"
thing = true
[[classes]]
id = 5
train_id = 2
name = "dog"
thing = true
[[classes]]
id = 6
name = "fence"
"""
BALLOON = f"""name = "balloon"\ntasks = ["instance"]\n{HEAD}
[splits.val]
[[classes]]
id = 0
train_id = 0
name = "balloon"
thing = true
"""


@pytest.fixture
def card() -> Any:
    return parse_card(CARD.encode(), where="test")


def sample(card: Any, name: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.choice([0, 1, 2, 255], (4, 5)), np.ones((3, 3), int)).astype(np.uint8)
    objects = np.where(
        labels == 1, 1 + rng.integers(0, 2, labels.shape), np.where(labels == 2, 7, 0)
    )
    objects[:2] = 0
    return Sample(
        name,
        Truth(
            lambda: LabelMap(labels),
            lambda: derive.instances_from_object_map(objects, labels, card.classes),
            lambda: derive.segments_from_objects(objects, labels, card.classes),
        ),
        read_image=lambda: np.full((*labels.shape, 3), seed, np.uint8),
    )


@pytest.fixture
def written(card: Any, tmp_path: Path) -> Any:
    """Two images written, their folder, and the truth that was written."""
    samples = [sample(card, "000000000012", 1), sample(card, "park_a", 2)]
    coco.write_truth(card, tmp_path, "val", samples)
    return tmp_path, samples


def same_objects(a: Any, b: Any) -> None:
    assert a.size == b.size
    assert list(a.rles) == list(b.rles)
    for column in ("classes", "areas", "boxes", "crowd"):
        np.testing.assert_array_equal(getattr(a, column), getattr(b, column))


def same_segments(a: Any, b: Any) -> None:
    for column in ("ids", "segment_ids", "classes", "crowd"):
        np.testing.assert_array_equal(getattr(a, column), getattr(b, column))


def edit(path: Any, change: Any) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("ids", [None, "all"])
def test_what_is_written_reads_back_equal(card: Any, written: Any, ids: Any) -> None:
    root, samples = written
    read = coco.read_truth(card, root, "val", ids=ids)
    assert ["000000000012", "park_a"] == [s.id for s in read]
    assert 12 == read[0].origin.number  # type: ignore[attr-defined]
    for first, second in zip(samples, read, strict=True):
        np.testing.assert_array_equal(first.truth.semantic().labels, second.truth.semantic().labels)
        same_objects(first.truth.instances(), second.truth.instances())
        same_segments(first.truth.segments(), second.truth.segments())
        assert first.image().shape == second.image().shape
        assert (root / second.file).is_file()
    assert any(s.truth.instances().crowd.any() for s in samples)


def test_objects_come_from_segments_where_there_is_no_file_of_objects(
    card: Any, written: Any
) -> None:
    root, samples = written
    (root / "annotations" / "instances_val2017.json").unlink()
    for first, second in zip(samples, coco.read_truth(card, root, "val"), strict=True):
        same_objects(first.truth.instances(), second.truth.instances())


def test_a_truth_file_itself_is_a_root(card: Any, written: Any) -> None:
    root, samples = written
    for name in ("panoptic", "instances"):
        read = coco.read_truth(card, root / "annotations" / f"{name}_val2017.json", "val")
        same_objects(samples[1].truth.instances(), read[1].truth.instances())
        assert (12, 15, 3) == read[1].image().shape
    with pytest.raises(DataError, match="no panoptic ground truth"):
        read[0].truth.segments()


def test_pycocotools_reads_what_is_written(written: Any) -> None:
    root, samples = written
    file = COCO(str(root / "annotations" / "instances_val2017.json"))
    assert sum(len(s.truth.instances()) for s in samples) == len(file.anns)
    assert min(file.anns) == 1
    for annotation in file.anns.values():
        assert annotation["area"] == file.annToMask(annotation).sum()
        assert isinstance(annotation["segmentation"]["counts"], list) == bool(annotation["iscrowd"])


def test_ids_choose_images(card: Any, written: Any) -> None:
    assert ["park_a"] == [s.id for s in coco.read_truth(card, written[0], "val", ids=["park_a"])]
    with pytest.raises(DataError, match=r"1 of the requested ids.*\(x\)"):
        coco.read_truth(card, written[0], "val", ids=["x", "park_a"])


def test_predictions_of_every_task_read_back_equal(card: Any, written: Any, tmp_path: Path) -> None:
    samples = coco.read_truth(card, written[0], "val")
    stored = []
    for s in samples:
        found = s.truth.instances()
        scores = np.linspace(0.1, 0.9, len(found))
        stored.append(
            derive.instances_from_rles(found.size, found.classes, found.rles, scores=scores)
        )
    coco.write_predictions(card, tmp_path / "i", "instance", zip(samples, stored, strict=True))
    read = coco.read_predictions(card, tmp_path / "i", "instance", samples)
    for s, expected in zip(samples, stored, strict=True):
        same_objects(expected, read(s))
        np.testing.assert_array_equal(expected.scores, read(s).scores)
    coco.write_predictions(
        card, tmp_path / "p", "panoptic", [(s, s.truth.segments()) for s in samples]
    )
    for place in (tmp_path / "p", tmp_path / "p" / "panoptic.json", tmp_path / "p" / "panoptic"):
        again = coco.read_predictions(card, place, "panoptic", samples)
        for s in samples:
            same_segments(s.truth.segments(), again(s))
    classes = [LabelMap(np.minimum(s.truth.semantic().labels, 2)) for s in samples]
    coco.write_predictions(card, tmp_path / "s", "semantic", zip(samples, classes, strict=True))
    semantic = coco.read_predictions(card, tmp_path / "s", "semantic", samples)
    for s, expected in zip(samples, classes, strict=True):  # type: ignore[assignment]
        np.testing.assert_array_equal(expected.labels, semantic(s).labels)  # type: ignore[attr-defined]
    with pytest.raises(PredictionError, match="a Segments is expected, not LabelMap"):
        coco.write_predictions(card, tmp_path / "x", "panoptic", zip(samples, classes, strict=True))


def segment_lost(file: Any) -> None:
    file["annotations"][0]["segments_info"].pop()


def segment_invented(file: Any) -> None:
    file["annotations"][0]["segments_info"].append({"id": 77, "category_id": 9})


def category_invented(file: Any) -> None:
    file["annotations"][0]["segments_info"][0]["category_id"] = 8


def image_lost(file: Any) -> None:
    file["annotations"].pop(0)


def name_changed(file: Any) -> None:
    file["categories"][0]["name"] = "lawn"


def key_lost(file: Any) -> None:
    del file["images"][1]["height"]


def repeated(file: Any) -> None:
    file["annotations"][0]["segments_info"].append(file["annotations"][0]["segments_info"][0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (segment_lost, "000000000012.png: segment id .* is in the PNG but not in the JSON"),
        (segment_invented, "segment id 77 is in the JSON but has no pixel"),
        (
            category_invented,
            (
                "panoptic_val2017.json: category 8 is not a class of the card small; a card of "
                "your own"
            ),
        ),
        (image_lost, r"1 images have no annotation \(12\)"),
        (name_changed, "category 9 is 'lawn' there and 'grass' in the card small"),
        (key_lost, r"panoptic_val2017.json: .*the key 'height' is missing in images"),
        (repeated, "twice"),
    ],
)
def test_truth_that_contradicts_itself_is_refused(
    card: Any, written: Any, change: Any, words: Any
) -> None:
    edit(written[0] / "annotations" / "panoptic_val2017.json", change)
    with pytest.raises(DataError, match=words):
        coco.read_truth(card, written[0], "val")[0].truth.segments()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (segment_lost, "is in the PNG but not in the JSON"),
        (segment_invented, "segment id 77 is in the JSON"),
        (category_invented, "category 8, which is not a scored class"),
        (image_lost, r"has no prediction for 1 of 2 images \(000000000012\)"),
    ],
)
def test_panoptic_predictions_that_contradict_themselves(
    card: Any, written: Any, change: Any, words: Any
) -> None:
    samples = coco.read_truth(card, written[0], "val")
    path = written[0] / "annotations" / "panoptic_val2017.json"
    copy = written[0] / "predicted"
    coco.write_predictions(card, copy, "panoptic", [(s, s.truth.segments()) for s in samples])
    assert path.is_file()
    edit(copy / "panoptic.json", change)
    with pytest.raises(PredictionError, match=words):
        coco.read_predictions(card, copy, "panoptic", samples)(samples[0])


def test_a_segment_that_is_not_scored_is_void(card: Any, written: Any) -> None:
    def fence(file: Any) -> None:
        file["annotations"][0]["segments_info"][0]["category_id"] = 6

    before = coco.read_truth(card, written[0], "val")[0].truth.segments()
    edit(written[0] / "annotations" / "panoptic_val2017.json", fence)
    after = coco.read_truth(card, written[0], "val")[0].truth.segments()
    assert len(before.segment_ids) - 1 == len(after.segment_ids)
    np.testing.assert_array_equal(
        np.where(before.ids == before.segment_ids[0], 0, before.ids), after.ids
    )


def test_files_that_are_missing_or_damaged(card: Any, written: Any, tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"no truth of the split 'val' .looked for annotations/panoptic_val2017.json",
    ):
        coco.read_truth(card, tmp_path / "annotations", "val")
    path = written[0] / "annotations" / "panoptic_val2017.json"
    whole = path.read_bytes()
    for content, words in [
        (whole[:-40], "the file is truncated"),
        (b" ", "the file is empty"),
        (b"[]", "not the kind of COCO file"),
        (b'{"images": []}', "is missing"),
    ]:
        path.write_bytes(content)
        with pytest.raises(DataError, match=words):
            coco.read_truth(card, written[0], "val")
    path.write_bytes(whole)
    picture = next((written[0] / "val2017").glob("*.jpg"))
    picture.unlink()
    shutil.copy(path, path.with_suffix("").joinpath("000000000012.png"))
    samples = coco.read_truth(card, written[0], "val")
    with pytest.raises(DataError, match=r"000000000012.png"):
        samples[0].truth.semantic()
    with pytest.raises(DataError, match="jpg"):
        [s.image() for s in samples]
    images.write_panoptic_ids(path.with_suffix("") / "000000000012.png", np.zeros((3, 3), int))
    shutil.rmtree(path.with_suffix(""))
    with pytest.raises(DataError, match="folder of panoptic PNGs"):
        coco.read_truth(card, written[0], "val")


GOOD = {"image_id": 12, "category_id": 3, "score": 0.5, "bbox": [1, 2, 3, 4]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"image_id": 13}, "result 1 is for image 13, which the ground truth does not list"),
        ({"category_id": 4}, "category 4 is not a class"),
        ({"score": float("nan")}, r"NaN or Infinity in \[1\].score"),
        ({"score": 1e400}, r"NaN or Infinity in \[1\].score"),
        ({"bbox": [1e200, 2, 1e200, 4]}, "which is outside every image"),
        ({"bbox": [1, 2]}, "bbox of 2 numbers"),
        ({"bbox": []}, r"result 1 \(image 12\) has neither a mask nor a box"),
        ({"score": None}, "expected `float`"),
        (
            {"segmentation": {"size": [3, 3], "counts": "9"}},
            r"result 1 \(image 12\): .*size \[3, 3\].*\[12, 15\]",
        ),
        ({"segmentation": {"size": [12, 15], "counts": "9"}}, "cover 9 pixels"),
        ({"segmentation": {"size": [12, 15], "counts": "o"}}, "damaged"),
        ({"segmentation": {"size": [12, 15], "counts": "é"}}, "damaged"),
        ({"segmentation": [[1, 2, 3, 4, 5, 1e5]]}, "far outside the image of 12 x 15"),
    ],
)
def test_results_that_are_refused(
    card: Any, written: Any, tmp_path: Path, change: Any, words: Any
) -> None:
    samples = coco.read_truth(card, written[0], "val")
    path = tmp_path / "results.json"
    path.write_text(json.dumps([GOOD, GOOD | change]))
    with pytest.raises(PredictionError, match=words):
        coco.read_predictions(card, path, "instance", samples)(samples[0])


def test_results_without_masks_are_boxes_and_images_without_results_have_none(
    card: Any, written: Any, tmp_path: Path
) -> None:
    samples = coco.read_truth(card, written[0], "val")
    path = tmp_path / "results.json"
    path.write_text(json.dumps([GOOD | {"score": 0.1}, GOOD | {"category_id": 6}, GOOD]))
    read = coco.read_predictions(card, path, "instance", samples[:1])
    assert [0.1, 0.5] == read(samples[0]).scores.tolist()
    assert [12.0, 12.0] == read(samples[0]).areas.tolist()
    assert masks.decode(read(samples[0]).rles[0])[2:6, 1:4].all()
    assert 0 == len(read(samples[1]))  # type: ignore[arg-type]


def test_detections_need_scores(card: Any, written: Any, tmp_path: Path) -> None:
    samples = coco.read_truth(card, written[0], "val")
    with pytest.raises(PredictionError, match="scores"):
        coco.write_predictions(
            card, tmp_path, "instance", [(s, s.truth.instances()) for s in samples]
        )


def test_folders_tell_images_of_one_name_apart(card: Any, written: Any) -> None:
    def rename(file: Any) -> None:
        file["images"][0]["file_name"], file["images"][1]["file_name"] = "a/1.jpg", "b/1.jpg"

    edit(written[0] / "annotations" / "panoptic_val2017.json", rename)
    assert ["a/1", "b/1"] == [s.id for s in coco.read_truth(card, written[0], "val")]


def test_real_panoptic_truth(shared_data: Callable[[str], Path]) -> None:
    file = shared_data("panopticapi_sample") / "sample_data" / "panoptic_examples.json"
    samples = coco.read_truth(load_card("coco-panoptic"), file, "val")
    assert ["000000142238", "000000439180"] == [s.id for s in samples]
    entries = {
        a["image_id"]: a["segments_info"] for a in json.loads(file.read_text())["annotations"]
    }
    count = 0
    for s in samples:
        panoptic = s.truth.segments()
        assert s.image().shape[:2] == panoptic.size
        rles = masks.encode_ids(panoptic.ids, panoptic.segment_ids)
        found = dict(zip(panoptic.segment_ids.tolist(), masks.areas(rles).tolist(), strict=True))
        assert {e["id"]: e["area"] for e in entries[s.origin.number]} == found  # type: ignore[attr-defined]
        boxes = dict(zip(panoptic.segment_ids.tolist(), masks.boxes(rles).tolist(), strict=True))
        assert {e["id"]: e["bbox"] for e in entries[s.origin.number]} == boxes  # type: ignore[attr-defined]
        count += len(found)
        things = [e for e in entries[s.origin.number] if e["category_id"] <= 90]  # type: ignore[attr-defined]
        assert len(things) == len(s.truth.instances())
        np.testing.assert_array_equal(panoptic.ids == 0, s.truth.semantic().labels == 255)
    assert 50 == count


def test_real_objects_equal_pycocotools(shared_data: Callable[[str], Path]) -> None:
    root = shared_data("tiny_coco")
    card = load_card("coco-instances")
    oracle = COCO(str(root / "annotations" / "instances_val2017.json"))
    samples = coco.read_truth(card, root, "val")
    assert sorted(oracle.imgs) == [s.origin.number for s in samples]  # type: ignore[attr-defined]
    crowds = 0
    for s in samples:
        expected = oracle.loadAnns(oracle.getAnnIds(imgIds=s.origin.number))  # type: ignore[attr-defined]
        found = s.truth.instances()
        assert [a["category_id"] for a in expected] == [
            card.classes.scored[c].id for c in found.classes
        ]
        assert [a["area"] for a in expected] == found.areas.tolist()
        assert [a["bbox"] for a in expected] == found.boxes.tolist()
        assert [oracle.annToRLE(a)["counts"] for a in expected] == [
            rle["counts"] for rle in found.rles
        ]
        crowds += int(found.crowd.sum())
    assert 5 == crowds
    assert samples[0].image().ndim == 3
    assert len(coco.read_truth(card, root, "train")) == 50


def test_real_results_and_their_truth(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("cocoapi_results")
    card = load_card("coco-instances")
    samples = coco.read_truth(
        card, folder / "dataset" / "cocoapi" / "instances_val2014_100.json", "val"
    )
    assert 100 == len(samples)
    total = 0
    for kind in ("bbox", "segm"):
        path = folder / "results" / f"instances_val2014_fake{kind}100_results.json"
        read = coco.read_predictions(card, path, "instance", samples)
        oracle = COCO(str(folder / "dataset" / "cocoapi" / "instances_val2014_100.json")).loadRes(
            str(path)
        )
        for s in samples[::7]:
            expected = oracle.loadAnns(oracle.getAnnIds(imgIds=s.origin.number))  # type: ignore[attr-defined]
            found = read(s)
            assert [a["score"] for a in expected] == found.scores.tolist()
            np.testing.assert_allclose([a["area"] for a in expected], found.areas, rtol=1e-12)
            for a, rle in zip(expected, found.rles, strict=True):
                np.testing.assert_array_equal(oracle.annToMask(a), masks.decode(rle))
            total += len(found)  # type: ignore[arg-type]
    assert total > 100


def test_a_data_set_of_ones_own(shared_data: Callable[[str], Path]) -> None:
    folder = shared_data("balloon") / "maskrcnn_run_B"
    card = parse_card(BALLOON.encode(), where="test")
    samples = coco.read_truth(card, folder / "gt.json", "val")
    assert 50 == sum(len(s.truth.instances()) for s in samples)
    assert samples[0].truth.instances().size == samples[0].image().shape[:2]
    read = coco.read_predictions(card, folder / "res.json", "instance", samples)
    assert sum(len(read(s)) for s in samples) > 40  # type: ignore[arg-type, misc]
    with pytest.raises(DataError, match=r"'balloon' there and 'person'|category 0 is not a class"):
        coco.read_truth(load_card("coco-instances"), folder / "gt.json", "val")


def test_reading_once_from_many_callers() -> None:
    calls = []
    read = coco_json.once(lambda: calls.append(1) or "x")  # type: ignore[redundant-expr]
    assert ["x", "x"] == [read(), read()]
    assert [1] == calls


NAMES = [
    "a.jpg",
    "a",
    "a.b.jpg",
    ".hidden",
    "..jpg",
    "a.",
    "x/a.jpg",
    "./a.jpg",
    "x//a.b.jpg",
    "x.y/a",
    "../a.jpg",
    "é.png",
]


@pytest.mark.parametrize("root", [".", "data", "/data/coco"])
@pytest.mark.parametrize("name", [*NAMES, "/elsewhere/a.jpg"])
def test_pictures_in_strings_are_those_in_paths(root: Any, name: Any) -> None:
    files = Files(Path(root), (Path(root) / "val2017", Path(root)))
    expected = Path(root) / "val2017" / name
    below = (
        expected.relative_to(root).as_posix() if expected.is_relative_to(root) else expected.name
    )
    assert (str(expected), below) == picture_finder(files)(name)


@pytest.mark.parametrize("name", NAMES)
def test_samples_are_called_as_their_files_without_suffix(name: Any) -> None:
    if name == "..jpg":
        return  # pathlib refuses to name what is left
    expected = PurePosixPath(name).with_suffix("").name
    assert {7: expected} == sample_names([ImageEntry(7, name, 1, 1)])
