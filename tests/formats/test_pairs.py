"""The layout of patterns: how ids are found, what pixel values and colours mean, and round
trips.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bench import images, masks
from bench.cards import load_card, parse_card
from bench.errors import CardError, DataError, PredictionError
from bench.formats.finding.patterns import Pattern
from bench.formats.labels.files import LabelFiles
from bench.formats.objects import derive
from bench.formats.pairs import data_set as pairs
from bench.samples import Instances, LabelMap, Sample, Segments, Truth

CLASSES = """
[[classes]]
id = 0
train_id = 0
name = "ground"
color = [1, 2, 3]
[[classes]]
id = 5
train_id = 1
name = "cell"
thing = true
color = [255, 0, 0]
[[classes]]
id = 9
name = "other"
color = [0, 0, 0]
"""


def make(
    files: Any, top: Any = "", tables: Any = "", classes: Any = CLASSES, tasks: Any = '"semantic"'
) -> Any:
    text = (
        f'name = "own"\ntitle = "T"\nlayout = "pairs"\ntasks = [{tasks}]\nlicence = "-"\ncite '
        '= "-"\nobtain = "-"\n'
        f"{top}\n[files]\n{files}\n[splits.val]\n{tables}\n{classes}"
    )
    return parse_card(text.encode(), where="test")


PLAIN = 'images = "{split}/{id}.png"\nlabels = "{split}annot/{id}.png"'
WITH_LIST = f'{PLAIN}\nlist = "{{split}}.txt"'
LABELS = np.array([[0, 1, 255], [1, 1, 0]], np.uint8)


def sample(name: Any, labels: Any = LABELS, objects: Any = None, classes: Any = None) -> Any:
    instances = (
        None if objects is None else derive.instances_from_object_map(objects, labels, classes)
    )
    return Sample(
        name,
        Truth(lambda: LabelMap(labels), None if objects is None else lambda: instances),  # type: ignore[arg-type, return-value]
        read_image=lambda: np.full((*labels.shape, 3), 99, np.uint8),
    )


def write(card: Any, root: Any, *names: Any) -> None:
    pairs.write_truth(card, root, "val", [sample(name) for name in names])


def test_without_a_list_every_label_file_is_a_sample(tmp_path: Path) -> None:
    card = make(PLAIN)
    write(card, tmp_path, "b", "a", "deep/er/c", "x y")
    (tmp_path / "valannot/.hidden.png").write_bytes(b"")
    samples = pairs.read_truth(card, tmp_path, "val")
    assert ["a", "b", "deep/er/c", "x y"] == [s.id for s in samples]
    assert "val/deep/er/c.png" == samples[2].file
    for each in samples:
        np.testing.assert_array_equal(LABELS, each.truth.semantic().labels)
        assert (2, 3, 3) == each.image().shape


def test_the_word_of_the_split_may_differ(tmp_path: Path) -> None:
    card = make(PLAIN, tables='folder = "validation"')
    write(card, tmp_path, "a")
    assert (tmp_path / "validationannot/a.png").is_file()
    assert ["a"] == [s.id for s in pairs.read_truth(card, tmp_path, "val")]


def test_a_list_chooses_and_orders(tmp_path: Path) -> None:
    card = make(WITH_LIST)
    write(card, tmp_path, "a", "b", "c/d", "e f")
    lines = [
        "e f",
        "",
        "/SegNet/CamVid/val/b.png /SegNet/CamVid/valannot/b.png",
        "val/c/d.png",
        "other/a.png",
    ]
    (tmp_path / "val.txt").write_text("\n".join(lines))
    assert ["e f", "b", "c/d", "a"] == [s.id for s in pairs.read_truth(card, tmp_path, "val")]
    assert ["a", "b", "c/d", "e f"] == [
        s.id for s in pairs.read_truth(card, tmp_path, "val", ids="all")
    ]
    assert ["b"] == [s.id for s in pairs.read_truth(card, tmp_path, "val", ids=["b"])]
    (tmp_path / "val.txt").write_text("a\nval/a.png\n")
    with pytest.raises(DataError, match="'a' is listed twice"):
        pairs.read_truth(card, tmp_path, "val")
    (tmp_path / "val.txt").write_text("a\nx\n")
    with pytest.raises(
        DataError, match=r"1 of 2 images have no label file \(x\); valannot/x\.png is expected"
    ):
        pairs.read_truth(card, tmp_path, "val")
    (tmp_path / "val.txt").unlink()
    with pytest.raises(DataError, match=r"val\.txt: the list of the split does not exist"):
        pairs.read_truth(card, tmp_path, "val")


def test_images_and_labels_must_pair_up(tmp_path: Path) -> None:
    card = make(PLAIN)
    with pytest.raises(DataError, match=r"no label file matches valannot/\{id\}\.png"):
        pairs.read_truth(card, tmp_path, "val")
    write(card, tmp_path, "a", "b", "c")
    (tmp_path / "val/a.png").unlink()
    (tmp_path / "valannot/b.png").unlink()
    with pytest.raises(
        DataError, match=r"1 label files have no image \(a\) and 1 images have no label file \(b\)"
    ):
        pairs.read_truth(card, tmp_path, "val")
    assert ["a"] == [s.id for s in pairs.read_truth(card, tmp_path, "val", ids=["a"])]
    for file in (tmp_path / "val").iterdir():
        file.unlink()
    read = pairs.read_truth(card, tmp_path, "val")
    assert ["a", "c"] == [s.id for s in read]
    with pytest.raises(DataError, match=r"val/a\.png"):
        read[0].image()


@pytest.mark.parametrize(
    "files",
    [
        'images = "{id}.png"\nlabels = "{id}_mask.png"',
        'images = "{id}_rgb.png"\nlabels = "{id}.png"',
        'images = "{id}/image.png"\nlabels = "{id}/masks/{id}.png"',
        'images = "{id}.jpg"\nlabels = "{id}.png"',
    ],
)
def test_files_that_fit_two_patterns_belong_to_the_richer_one(tmp_path: Path, files: Any) -> None:
    card = make(files)
    write(card, tmp_path, "a", "b")
    assert ["a", "b"] == [s.id for s in pairs.read_truth(card, tmp_path, "val")]


def test_images_and_labels_cannot_be_one_file(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="same pattern"):
        pairs.read_truth(make('images = "{id}.png"\nlabels = "{id}.png"'), tmp_path, "val")


def test_a_repeated_id_in_a_pattern_stands_for_one_text(tmp_path: Path) -> None:
    for name in ("a/masks/a.png", "a/masks/b.png"):
        images.write_labels(tmp_path / name, LABELS)
    assert {"a": "a/masks/a.png"} == Pattern("{id}/masks/{id}.png").find(tmp_path)


def test_values_map_pixels_to_classes(tmp_path: Path) -> None:
    card = make(PLAIN, tables="[values]\n0 = 0\n255 = 5\n128 = 9\n")
    path = tmp_path / "valannot/a.png"
    images.write_labels(path, np.array([[0, 255, 128]], np.uint8))
    target = pairs.read_truth(card, tmp_path, "val")[0]
    np.testing.assert_array_equal([[0, 1, 255]], target.truth.semantic().labels)
    pairs.write_predictions(
        card, tmp_path / "p", "semantic", [(target, LabelMap(np.array([[1, 0, 255]], np.uint8)))]
    )
    np.testing.assert_array_equal([[255, 0, 128]], images.read_labels(tmp_path / "p/a.png"))
    images.write_labels(path, np.array([[0, 255, 7]], np.uint8))
    with pytest.raises(
        DataError, match=r"value 7 is not among the card's \[values\] \(0, 128, 255\)"
    ):
        target.truth.semantic()
    images.write_labels(tmp_path / "p/a.png", np.array([[0, 1, 1]], np.uint8))
    with pytest.raises(PredictionError, match="--label-space train-ids"):
        pairs.read_predictions(card, tmp_path / "p", "semantic", [target])(target)
    read = pairs.read_predictions(card, tmp_path / "p", "semantic", [target], space="train-ids")
    np.testing.assert_array_equal([[0, 1, 1]], read(target).labels)


def test_ids_with_an_offset_need_no_values(tmp_path: Path) -> None:
    card = make(PLAIN)
    images.write_labels(tmp_path / "valannot/a.png", np.array([[0, 5, 9, 255]], np.uint8))
    labels = pairs.read_truth(card, tmp_path, "val")[0].truth.semantic().labels
    np.testing.assert_array_equal([[0, 1, 255, 255]], labels)


def test_colours_stand_for_classes(tmp_path: Path) -> None:
    card = make(PLAIN, top="colors = true")
    picture = np.array([[[1, 2, 3], [255, 0, 0], [0, 0, 0]]], np.uint8)
    images.write_rgb(tmp_path / "valannot/a.png", picture)
    target = pairs.read_truth(card, tmp_path, "val")[0]
    np.testing.assert_array_equal([[0, 1, 255]], target.truth.semantic().labels)
    images.write_rgb(tmp_path / "color/a.png", picture)
    images.write_labels(tmp_path / "index/a.png", np.array([[0, 5, 9]], np.uint8))
    for name in ("color", "index"):
        read = pairs.read_predictions(card, tmp_path / name, "semantic", [target])
        np.testing.assert_array_equal([[0, 1, 255]], read(target).labels)
    picture[0, 2] = (9, 8, 7)
    for path, error in (("valannot", DataError), ("color", PredictionError)):
        images.write_rgb(tmp_path / path / "a.png", picture)
        with pytest.raises(error, match=r"a\.png: colour \(9, 8, 7\) at row 0, column 2"):
            target.truth.semantic() if error is DataError else read_color(card, tmp_path, target)


def read_color(card: Any, root: Any, target: Any) -> Any:
    return pairs.read_predictions(card, root / "color", "semantic", [target])(target)


def test_a_colour_file_without_colours_in_the_card_says_what_to_do(tmp_path: Path) -> None:
    card = make(PLAIN)
    images.write_rgb(tmp_path / "valannot/a.png", np.array([[[0, 0, 0]], [[1, 2, 3]]], np.uint8))
    target = pairs.read_truth(card, tmp_path, "val")[0]
    with pytest.raises(
        DataError, match=r"colour image \(the pixel at row 1, column 0 is \(1, 2, 3\)\)"
    ):
        target.truth.semantic()
    plain = make(PLAIN, classes=CLASSES.replace("color = [1, 2, 3]", ""))
    with pytest.raises(
        PredictionError, match=r"write label ids, not colours: the card gives 'ground' no colour"
    ):
        pairs.read_predictions(plain, tmp_path / "valannot", "semantic", [target])(target)


def test_instances_come_from_a_map_of_their_own(tmp_path: Path) -> None:
    card = make(f'{PLAIN}\ninstances = "inst/{{id}}.png"', tasks='"semantic", "instance"')
    labels = np.array([[1, 1, 0, 255, 1]], np.uint8)
    objects = np.array([[1, 2, 0, 0, 0]], np.uint16)
    written = sample("a", labels, objects, card.classes)
    pairs.write_truth(card, tmp_path, "val", [written])
    truth = pairs.read_truth(card, tmp_path, "val")[0].truth
    assert [False, False, True] == sorted(truth.instances().crowd.tolist())
    assert written.truth.instances().rles == truth.instances().rles
    np.testing.assert_array_equal(labels == 255, truth.segments().ids == 0)
    images.write_labels(tmp_path / "inst/a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(DataError, match=r"\(4, 4\)"):
        truth.instances()


def test_what_a_data_set_cannot_give_is_said(tmp_path: Path) -> None:
    card = make(PLAIN)
    write(card, tmp_path, "a")
    truth = pairs.read_truth(card, tmp_path, "val")[0].truth
    with pytest.raises(DataError, match="no instances"):
        truth.instances()
    with pytest.raises(DataError, match="no panoptic"):
        truth.segments()
    stuff = make(PLAIN, classes=CLASSES.replace("thing = true", ""))
    assert [0, 1] == pairs.read_truth(stuff, tmp_path, "val")[0].truth.segments().classes.tolist()


def test_groups_come_from_the_id(tmp_path: Path) -> None:
    for groups, name, expected in [
        ("sequence", "0016E5_07959", {"sequence": "0016E5"}),
        ("sequence", "drive/7", {"sequence": "drive"}),
        ("sequence", "7", {}),
        ("city", "ulm/a_1", {"city": "ulm"}),
        ("none", "ulm/a_1", {}),
    ]:
        card = make(PLAIN, top=f'groups = "{groups}"')
        write(card, tmp_path, name)
        assert expected == pairs.read_truth(card, tmp_path, "val", ids=[name])[0].groups


def test_long_sequences_are_cut_into_blocks_of_neighbours(tmp_path: Path) -> None:
    card = make(PLAIN, top='groups = "sequence-blocks"')
    names = [f"long_{i:03}" for i in range(34)] + ["short_1", "7"]
    write(card, tmp_path, *names)
    groups = {s.id: s.groups for s in pairs.read_truth(card, tmp_path, "val", ids=names[::-1])}
    assert {"sequence": "short", "block": "short#0"} == groups["short_1"]
    assert {} == groups["7"]
    blocks = [groups[name]["block"] for name in names[:34]]
    assert blocks == sorted(blocks)
    assert [12, 11, 11] == [blocks.count(f"long#{k}") for k in range(3)]


sizes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=9)
maps = hnp.arrays(np.uint8, sizes, elements=st.sampled_from([0, 1, 255]))
MASKS, WIDE = "[values]\n0 = 0\n255 = 5\n", "[values]\n3 = 0\n4 = 5\n300 = 9\n"
CODINGS = [("", ""), ("colors = true", ""), ("", MASKS), ("", WIDE)]


@pytest.mark.parametrize(("top", "tables"), CODINGS)
@given(labels=maps)
def test_what_is_written_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, top: Any, tables: Any, labels: Any
) -> None:
    card = make(WITH_LIST, top=top, tables=tables)
    if tables == MASKS:
        labels = np.where(labels == 255, 0, labels).astype(np.uint8)  # 0/255 masks have no void
    root = tmp_path_factory.mktemp("pairs")
    written = sample("deep/a", labels)
    pairs.write_truth(card, root, "val", [written])
    (read,) = pairs.read_truth(card, root, "val")
    assert written.id == read.id
    np.testing.assert_array_equal(labels, read.truth.semantic().labels)
    pairs.write_predictions(card, root / "p", "semantic", [(written, LabelMap(labels))])
    if np.count_nonzero(labels == 255) * 2 <= labels.size:
        actual = pairs.read_predictions(card, root / "p", "semantic", [read])(read)
        np.testing.assert_array_equal(labels, actual.labels)


def test_void_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    scored = CLASSES.split("[[classes]]\nid = 9", maxsplit=1)[0]
    card = make(PLAIN, top="void = []", classes=scored)
    with pytest.raises(DataError, match="no value for void"):
        write(card, tmp_path, "a")
    with pytest.raises(DataError, match="not scored has a colour"):
        write(make(PLAIN, top="colors = true", classes=scored), tmp_path, "a")
    with pytest.raises(PredictionError, match="no class"):
        pairs.write_predictions(
            make(PLAIN, classes=scored), tmp_path, "semantic", [(sample("a"), LabelMap(LABELS))]
        )
    masks = make(PLAIN, tables="[values]\n0 = 0\n255 = 5\n")
    with pytest.raises(DataError, match="no pixel value stands for id 255"):
        write(masks, tmp_path, "a")


def test_predictions_of_other_tasks_are_those_of_coco_by_name(tmp_path: Path) -> None:
    card = make(PLAIN)
    rles = masks.encode_ids(np.array([[0, 1, 1], [0, 0, 2]], np.int32), [1, 2])
    found = Instances(
        (2, 3),
        np.array([1, 0]),
        rles,
        masks.areas(rles),
        masks.boxes(rles),
        scores=np.array([0.5, 0.25]),
    )
    segments = Segments(
        np.array([[1, 2, 2]], np.int32), np.array([1, 2]), np.array([0, 1]), np.zeros(2, bool)
    )
    target = replace(
        sample("a"), truth=Truth(read_instances=lambda: found, read_segments=lambda: segments)
    )
    pairs.write_predictions(card, tmp_path / "objects", "instance", [(target, found)])
    back = pairs.read_predictions(card, tmp_path / "objects", "instance", [target])(target)
    assert [0.5, 0.25] == back.scores.tolist()
    assert [rle["counts"] for rle in rles] == [rle["counts"] for rle in back.rles]
    pairs.write_predictions(card, tmp_path / "segments", "panoptic", [(target, segments)])
    back = pairs.read_predictions(card, tmp_path / "segments", "panoptic", [target])(target)
    assert [[1, 2, 2]] == back.ids.tolist()
    text = (
        (tmp_path / "objects" / "results.json")
        .read_text()
        .replace('"image_id": "a"', '"image_id": "b"')
    )
    (tmp_path / "objects" / "results.json").write_text(text)
    with pytest.raises(PredictionError, match="image 'b', which the ground truth does not list"):
        pairs.read_predictions(card, tmp_path / "objects", "instance", [target])
    for task in ("instance", "panoptic"):
        with pytest.raises(PredictionError, match="LabelMap"):
            pairs.write_predictions(card, tmp_path / task, task, [(target, LabelMap(LABELS))])
    nothing = Segments(np.zeros((1, 1), np.int32), *np.zeros((2, 0), np.int64), np.zeros(0, bool))  # type: ignore[call-arg]
    with pytest.raises(PredictionError, match="Segments"):
        pairs.write_predictions(card, tmp_path, "semantic", [(sample("a"), nothing)])


def test_more_than_255_classes_use_16_bits(tmp_path: Path) -> None:
    classes = "".join(
        f'[[classes]]\nid = {i + 7}\ntrain_id = {i}\nname = "c{i}"\n' for i in range(300)
    )
    card = make(PLAIN, top="ignore = 65535\nvoid = [65535]", classes=classes)
    labels = np.array([[0, 299, 65535]], np.uint16)
    pairs.write_truth(card, tmp_path, "val", [sample("a", labels)])
    actual = pairs.read_truth(card, tmp_path, "val")[0].truth.semantic().labels
    assert np.uint16 == actual.dtype
    np.testing.assert_array_equal(labels, actual)


def test_camvid_as_downloaded(shared_data: Callable[[str], Path]) -> None:
    """The real files, by the card that ships and by SegNet's own list of pairs of paths."""
    root = shared_data("camvid_val")
    shipped = load_card("camvid")
    samples = pairs.read_truth(shipped, root, "val")
    assert 101 == len(samples)
    listed = parse_card(camvid_with_list(), where="test")
    assert sorted(s.id for s in samples) == sorted(
        s.id for s in pairs.read_truth(listed, root, "val")
    )
    first = samples[0]
    assert ("0016E5_07959", "val/0016E5_07959.png") == (first.id, first.file)
    raw = images.read_labels(root / "valannot/0016E5_07959.png")
    labels = first.truth.semantic().labels
    np.testing.assert_array_equal(raw == 11, labels == 255)
    np.testing.assert_array_equal(raw[raw != 11], labels[raw != 11])
    assert (360, 480, 3) == first.image().shape


def camvid_with_list() -> Any:
    classes = "".join(f'[[classes]]\nid = {i}\ntrain_id = {i}\nname = "c{i}"\n' for i in range(11))
    text = (
        'name = "c"\ntitle = "T"\nlayout = "pairs"\ntasks = ["semantic"]\nlicence = '
        '"-"\ncite = "-"\nobtain = "-"\n'
    )
    return f"{text}void = [11]\n[files]\n{WITH_LIST}\n[splits.val]\n{classes}".encode()


def test_perturbed_camvid_reads_back_as_written(
    tmp_path: Path, shared_data: Callable[[str], Path]
) -> None:
    samples = pairs.read_truth(load_card("camvid"), shared_data("camvid_val"), "val")[:5]
    rng = np.random.default_rng(3)
    card, written = load_card("camvid"), []
    for each in samples:
        labels = each.truth.semantic().labels.copy()
        noise = rng.random(labels.shape) < 0.1
        labels[noise | (labels == 255)] = rng.integers(0, 11)
        written.append((each, LabelMap(labels)))
    pairs.write_predictions(card, tmp_path, "semantic", written)
    read = pairs.read_predictions(card, tmp_path, "semantic", samples)
    for each, prediction in written:
        np.testing.assert_array_equal(prediction.labels, read(each).labels)
        assert not np.array_equal(each.truth.semantic().labels, read(each).labels)


def test_a_palette_shows_the_colours_of_the_card(tmp_path: Path) -> None:
    card = make(PLAIN)
    write(card, tmp_path, "a")
    np.testing.assert_array_equal([1, 2, 3], images.read_rgb(tmp_path / "valannot/a.png")[0, 0])
    assert LabelFiles(card.classes).palette is None
