"""The Cityscapes layout: names, groups, instance ids, depth, the benchmark's predictions, and what
is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cityscapesscripts.preparation.createPanopticImgs import convert2panoptic
from PIL import Image

from bench import images, masks
from bench.cards import load_card, parse_card
from bench.errors import DataError, PredictionError, UsageError
from bench.formats.cityscapes import data_set as cityscapes
from bench.formats.cityscapes import files as cityscapes_files
from bench.formats.coco import data_set as coco
from bench.formats.objects import derive
from bench.samples import LabelMap, Sample, Truth

SIZE = (8, 12)
NAMES = ("aachen_000001_000019", "aachen_000000_000300", "bad_salz_000000_000001")


@pytest.fixture
def card() -> Any:
    return load_card("cityscapes")


def sample(card: Any, name: Any, seed: int) -> Any:
    """Road, cars and persons; a crowd of persons; void; depth in steps of the disparity."""
    rng = np.random.default_rng(seed)
    labels = np.kron(rng.choice([0, 11, 13, 255], (4, 6)), np.ones((2, 2), int)).astype(np.uint8)
    labels[0] = [0, 11, 13, 255] * 3
    objects = np.where(
        np.isin(labels, [11, 13]), labels.astype(int) * 10 + rng.integers(0, 3, SIZE), 0
    )
    objects[:2] = 0
    metres = rng.uniform(4, 90, SIZE).astype(np.float32)
    metres[-1] = np.nan
    return Sample(
        name,
        Truth(
            lambda: LabelMap(labels),
            lambda: derive.instances_from_object_map(objects, labels, card.classes),
            lambda: derive.segments_from_objects(objects, labels, card.classes),
        ),
        read_image=lambda: np.full((*SIZE, 3), seed, np.uint8),
        read_depth=lambda: metres,
    )


@pytest.fixture
def written(card: Any, tmp_path: Path) -> Any:
    """Three images written, their folder, and the truth that was written, in the order of the
    names.
    """
    samples = [sample(card, name, seed) for seed, name in enumerate(NAMES)]
    root = tmp_path / "data"
    cityscapes.write_truth(card, root, "val", samples)
    return root, sorted(samples, key=lambda s: s.id)


def same_objects(a: Any, b: Any) -> None:
    assert a.size == b.size
    assert list(a.rles) == list(b.rles)
    for column in ("classes", "areas", "boxes", "crowd"):
        np.testing.assert_array_equal(getattr(a, column), getattr(b, column))


def test_what_is_written_reads_back_equal(card: Any, written: Any) -> None:
    root, samples = written
    read = cityscapes.read_truth(card, root, "val")
    assert sorted(NAMES) == [s.id for s in read]
    for first, second in zip(samples, read, strict=True):
        np.testing.assert_array_equal(first.truth.semantic().labels, second.truth.semantic().labels)
        same_objects(first.truth.instances(), second.truth.instances())
        again = derive.semantic_from_segments(second.truth.segments(), card.classes)
        np.testing.assert_array_equal(first.truth.semantic().labels, again.labels)
        np.testing.assert_array_equal(first.image(), second.image())
        assert (root / second.file).is_file()
    assert {
        "city": "bad_salz",
        "sequence": "bad_salz_000000",
        "block": "bad_salz_000000#0",
    } == read[2].groups
    assert any(s.truth.instances().crowd.any() for s in read)


def test_classes_come_from_instance_ids_where_there_are_no_label_ids(
    card: Any, written: Any
) -> None:
    root, samples = written
    for path in (root / "gtFine").rglob("*_labelIds.png"):
        path.unlink()
    for first, second in zip(samples, cityscapes.read_truth(card, root, "val"), strict=True):
        np.testing.assert_array_equal(first.truth.semantic().labels, second.truth.semantic().labels)


def test_instance_ids_mean_what_the_official_scripts_say(card: Any, tmp_path: Path) -> None:
    raw = np.array([[0, 3, 7, 24, 26], [24000, 24001, 26000, 29000, 29]], np.uint16)
    images.write_labels(tmp_path / "x.png", raw)
    panoptic = cityscapes_files.read_segments(card.classes, tmp_path / "x.png")
    expected = {
        7: (0, False),
        24: (11, True),
        26: (13, True),
        24000: (11, False),
        24001: (11, False),
        26000: (13, False),
    }
    rows = zip(
        panoptic.segment_ids.tolist(),
        panoptic.classes.tolist(),
        panoptic.crowd.tolist(),
        strict=True,
    )
    assert expected == {number: (c, crowd) for number, c, crowd in rows}
    assert [[0, 0, 7, 24, 26], [24000, 24001, 26000, 0, 0]] == panoptic.ids.tolist()
    things = derive.instances_from_segments(panoptic, card.classes.things)
    assert [11, 11, 11, 13, 13] == things.classes.tolist()
    assert [True, False, False, True, False] == things.crowd.tolist()
    back = cityscapes_files.instance_ids(panoptic, card.classes, where="x")
    np.testing.assert_array_equal(np.where(panoptic.ids == 0, 0, raw), back)
    images.write_labels(tmp_path / "x.png", raw + np.uint16(34))
    with pytest.raises(DataError, match=r"x.png: instance id 34 belongs to label 34"):
        cityscapes_files.read_segments(card.classes, tmp_path / "x.png")


def test_the_official_converter_makes_the_same_segments(
    card: Any, written: Any, tmp_path: Path
) -> None:
    """cityscapesscripts' own panoptic files of what was written, read through the COCO layout,
    segment by segment.
    """
    root, _ = written
    (tmp_path / "official").mkdir()
    convert2panoptic(str(root / "gtFine"), str(tmp_path / "official"), setNames=["val"])
    official = coco.read_truth(card, tmp_path / "official" / "cityscapes_panoptic_val.json", "val")
    ours = cityscapes.read_truth(card, root, "val")
    assert [s.id for s in ours] == [s.origin.number for s in official]  # type: ignore[attr-defined]
    for first, second in zip(official, ours, strict=True):
        expected, found = first.truth.segments(), second.truth.segments()
        np.testing.assert_array_equal(expected.ids, found.ids)
        for column in ("segment_ids", "classes", "crowd"):
            np.testing.assert_array_equal(getattr(expected, column), getattr(found, column))
        same_objects(first.truth.instances(), second.truth.instances())
        assert not np.array_equal(expected.ids, np.roll(found.ids, 1))


def test_a_card_that_scores_label_0() -> None:
    text = 'name="x"\ntitle="T"\nlayout="cityscapes"\ntasks=["semantic"]\nlicence="-"\ncite="-"\nobtain="-"\n'
    text += "[splits.val]\n"
    entries = '[[classes]]\nid=0\ntrain_id=0\nname="a"\n[[classes]]\nid=1\ntrain_id=1\nname="b"\nthing=true\n'
    card = parse_card((text + entries).encode(), where="test")
    labels, objects = np.array([[0, 1, 1, 255]], np.uint8), np.array([[0, 4, 0, 0]])
    panoptic = derive.segments_from_objects(objects, labels, card.classes)
    raw = cityscapes_files.instance_ids(panoptic, card.classes, where="x")
    assert [[0, 1000, 1, 255]] == raw.tolist()


def test_objects_that_16_bits_do_not_number(card: Any) -> None:
    ids = np.arange(1, 1002).reshape(1, -1)
    panoptic = derive.segments_from_objects(ids, np.full(ids.shape, 13, np.uint8), card.classes)
    with pytest.raises(DataError, match="object 1000 of car"):
        cityscapes_files.instance_ids(panoptic, card.classes, where="x")


def test_depth_is_that_of_the_disparity(card: Any, written: Any, tmp_path: Path) -> None:
    root, samples = written
    read = cityscapes.read_truth(card, root, "val")
    once = read[0].read_depth()  # type: ignore[misc]
    np.testing.assert_array_equal(np.isnan(samples[0].read_depth()), np.isnan(once))
    cityscapes.write_truth(card, tmp_path / "again", "val", read)
    twice = cityscapes.read_truth(card, tmp_path / "again", "val")[0].read_depth()  # type: ignore[misc]
    np.testing.assert_allclose(once, twice, rtol=1e-6)
    images.write_labels(tmp_path / "d.png", np.array([[0, 1, 257, 2561]], np.uint16))
    camera = {"extrinsic": {"baseline": 0.2, "x": 1}, "intrinsic": {"fx": 2000, "u0": 1}}
    (tmp_path / "c.json").write_text(json.dumps(camera))
    depth = cityscapes_files.read_depth(tmp_path / "d.png", tmp_path / "c.json")
    np.testing.assert_allclose([[np.nan, np.nan, 400, 40]], depth)
    (tmp_path / "c.json").write_text(json.dumps({"extrinsic": {"baseline": 0.2}, "intrinsic": {}}))
    with pytest.raises(DataError, match="'fx' is missing"):
        cityscapes_files.read_depth(tmp_path / "d.png", tmp_path / "c.json")


def test_long_sequences_are_cut_into_blocks_of_about_ten(card: Any, tmp_path: Path) -> None:
    for name in [f"frankfurt_000000_{frame:06d}" for frame in range(0, 27 * 300, 300)] + [
        "ulm_000003_000019"
    ]:
        path = tmp_path / "gtFine" / "val" / name.split("_")[0] / f"{name}_gtFine_labelIds.png"
        images.write_labels(path, np.zeros((2, 2), np.uint8))
    read = cityscapes.read_truth(card, tmp_path, "val")
    blocks = [s.groups["block"] for s in read]
    assert sorted(blocks) == blocks
    assert [9, 9, 9, 1] == [blocks.count(block) for block in sorted(set(blocks))]
    assert {"frankfurt_000000", "ulm_000003"} == {s.groups["sequence"] for s in read}
    some = cityscapes.read_truth(card, tmp_path, "val", ids=[read[20].id])
    assert [read[20].groups] == [s.groups for s in some]
    assert 28 == len(cityscapes.read_truth(card, tmp_path, "val", ids="all"))


def test_semantic_predictions(card: Any, written: Any, tmp_path: Path) -> None:
    samples = cityscapes.read_truth(card, written[0], "val")
    stored = [(s, s.truth.semantic()) for s in samples]
    cityscapes.write_predictions(card, tmp_path / "p", "semantic", stored)
    read = cityscapes.read_predictions(card, tmp_path / "p", "semantic", samples)
    for s, expected in stored:
        np.testing.assert_array_equal(expected.labels, read(s).labels)
    deep = tmp_path / "p" / "a" / "b"
    deep.mkdir(parents=True)
    path = tmp_path / "p" / f"{NAMES[0]}_labelIds.png"
    path.rename(deep / f"{NAMES[0]}.png")
    read = cityscapes.read_predictions(card, tmp_path / "p", "semantic", samples)
    np.testing.assert_array_equal(samples[1].truth.semantic().labels, read(samples[1]).labels)
    (tmp_path / "p" / f"{NAMES[0]}0.png").write_bytes(b"of another frame")
    assert cityscapes.read_predictions(card, tmp_path / "p", "semantic", samples)  # type: ignore[truthy-function]
    (deep / f"{NAMES[0]}_color.png").write_bytes(b"")
    with pytest.raises(PredictionError, match=f"{NAMES[0]} has 2 predictions"):
        cityscapes.read_predictions(card, tmp_path / "p", "semantic", samples)
    with pytest.raises(
        PredictionError,
        match=r"3 of 3 images have no prediction \(aachen_000000_000300, .*\*.png is",
    ):
        cityscapes.read_predictions(card, written[0] / "camera", "semantic", samples)
    with pytest.raises(PredictionError, match="a folder with a file"):
        cityscapes.read_predictions(card, tmp_path / "nowhere", "semantic", samples)
    with pytest.raises(UsageError, match="'depth'"):
        cityscapes.read_predictions(card, tmp_path / "p", "depth", samples)


def test_instance_and_panoptic_predictions(card: Any, written: Any, tmp_path: Path) -> None:
    samples = cityscapes.read_truth(card, written[0], "val")
    stored = []
    for s in samples:
        found = s.truth.instances()
        scores = np.linspace(0.9, 1 / 3, len(found))
        stored.append(
            (s, derive.instances_from_rles(SIZE, found.classes, found.rles, scores=scores))
        )
    stored[2] = (samples[2], derive.instances_from_rles(SIZE, np.zeros(0), [], scores=np.zeros(0)))
    cityscapes.write_predictions(card, tmp_path / "i", "instance", stored)
    read = cityscapes.read_predictions(card, tmp_path / "i", "instance", samples)
    for s, expected in stored:
        same_objects(expected, read(s))
        np.testing.assert_array_equal(expected.scores, read(s).scores)
    cityscapes.write_predictions(
        card, tmp_path / "p", "panoptic", [(s, s.truth.segments()) for s in samples]
    )
    again = cityscapes.read_predictions(card, tmp_path / "p", "panoptic", samples)
    for s in samples:
        np.testing.assert_array_equal(s.truth.segments().ids, again(s).ids)
        same_objects(
            s.truth.instances(),
            derive.instances_from_segments(replaced(again(s), s), card.classes.things),
        )
    with pytest.raises(PredictionError, match="scores"):
        cityscapes.write_predictions(
            card, tmp_path / "i", "instance", [(s, s.truth.instances()) for s in samples]
        )
    with pytest.raises(PredictionError, match="a LabelMap is expected, not Segments"):
        cityscapes.write_predictions(
            card, tmp_path / "i", "semantic", [(s, s.truth.segments()) for s in samples]
        )


def replaced(predicted: Any, s: Any) -> Any:
    """The predicted segments, which must already equal the truth's."""
    np.testing.assert_array_equal(s.truth.segments().segment_ids, predicted.segment_ids)
    np.testing.assert_array_equal(s.truth.segments().crowd, predicted.crowd)
    return predicted


def test_masks_may_be_stored_as_any_kind_of_label_file(
    card: Any, written: Any, tmp_path: Path
) -> None:
    samples = cityscapes.read_truth(card, written[0], "val")[:1]
    inside = np.random.default_rng(5).random(SIZE) < 0.5
    grey = Image.fromarray(inside.astype(np.uint8) * 7)
    palette = grey.copy()
    palette.putpalette(bytes(range(256)) * 3)
    kinds = [grey, palette, Image.fromarray(inside), Image.fromarray(inside.astype(np.uint16) << 8)]
    for place, image in enumerate(kinds):
        image.save(tmp_path / f"{place}.png")
    grey.save(tmp_path / "4.tif")
    lines = [f"{place}.{'tif' if place == 4 else 'png'} 26 0.5\n" for place in range(5)]
    (tmp_path / f"{samples[0].id}.txt").write_text("".join(lines))
    found = cityscapes.read_predictions(card, tmp_path, "instance", samples)(samples[0])
    assert [masks.encode(inside)] * 5 == list(found.rles)
    assert [inside.sum()] * 5 == found.areas.tolist()
    damaged = (tmp_path / "0.png").read_bytes()
    (tmp_path / "0.png").write_bytes(damaged[:-20])
    with pytest.raises(PredictionError, match=r"0.png: .*(cut off|damaged)"):
        cityscapes.read_predictions(card, tmp_path, "instance", samples)(samples[0])


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("masks/a.png 26", "is not: relative path"),
        ("masks/a.png x 0.5", "whole label id"),
        ("masks/a.png 26 nan", "confidence is nan"),
        ("masks/a.png 99 0.5", "label 99 is not in the card"),
        ("masks/b.png 26 0.5", "b.png"),
        ("/masks/a.png 26 0.5", "is not: relative path"),
        ("masks/small.png 26 0.5", r"masks of sizes \[8, 12\] and \[2, 2\]"),
    ],
)
def test_instance_lines_that_are_refused(
    card: Any, written: Any, tmp_path: Path, line: Any, words: Any
) -> None:
    samples = cityscapes.read_truth(card, written[0], "val")[:1]
    images.write_labels(tmp_path / "masks" / "a.png", np.full(SIZE, 3, np.uint8))
    images.write_labels(tmp_path / "masks" / "none.png", np.zeros(SIZE, np.uint8))
    images.write_labels(tmp_path / "masks" / "small.png", np.ones((2, 2), np.uint8))
    text = tmp_path / f"{samples[0].id}_pred.txt"
    good = "masks/a.png 26 0.5\nmasks/none.png 26 0.9\nmasks/a.png 29 0.5\n\n"
    text.write_text(good)
    found = cityscapes.read_predictions(card, tmp_path, "instance", samples)(samples[0])
    assert [13] == found.classes.tolist()
    assert masks.decode(found.rles[0]).all()
    text.write_text(good + line)
    with pytest.raises(PredictionError, match=words):
        cityscapes.read_predictions(card, tmp_path, "instance", samples)(samples[0])


def test_what_is_missing_or_misplaced(card: Any, written: Any) -> None:
    root, _ = written
    with pytest.raises(DataError, match=r"there is no folder gtFine/val; it is in .*: use --data "):
        cityscapes.read_truth(card, root / "gtFine", "val")
    with pytest.raises(DataError, match=r"1 of the requested ids .* \(nowhere\)"):
        cityscapes.read_truth(card, root, "val", ids=["nowhere"])
    next((root / "leftImg8bit").rglob("*.png")).unlink()
    with pytest.raises(DataError, match=r"leftImg8bit.png"):
        [s.image() for s in cityscapes.read_truth(card, root, "val")]
    twin = root / "gtFine" / "val" / "ulm" / f"{NAMES[0]}_gtFine_labelIds.png"
    images.write_labels(twin, np.zeros((2, 2), np.uint8))
    with pytest.raises(DataError, match="each image belongs to one city"):
        cityscapes.read_truth(card, root, "val")
    (root / "gtFine" / "train").mkdir()
    with pytest.raises(DataError, match="there is no file"):
        cityscapes.read_truth(card, root, "train")
    with pytest.raises(DataError, match="without folders"):
        cityscapes.write_truth(card, root, "val", [sample(card, "a/b", 1)])


def test_a_damaged_truth_file_is_named(card: Any, written: Any) -> None:
    path = next((written[0] / "gtFine").rglob("*_labelIds.png"))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"labelIds.png"):
        [s.truth.semantic() for s in cityscapes.read_truth(card, written[0], "val")]
