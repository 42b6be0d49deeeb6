"""Objects in label images, one file an object, and masks outside which nothing counts: the cards of
the README.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import images, masks
from bench.cards import Card, parse_card
from bench.cli import main
from bench.errors import CardError, DataError, PredictionError
from bench.evaluation import evaluate
from bench.evaluation.choosing import rules_for
from bench.evaluation.kinds import task_of
from bench.evaluation.stored import stored_predictions
from bench.formats.finding.patterns import Pattern
from bench.formats.labels import pairs as label_pairs
from bench.formats.pairs import data_set as pairs
from bench.samples import Sample, Truth

SIZE = (24, 30)
BOXES = {
    "a": [(1, 1, 8, 9), (12, 2, 7, 7), (3, 14, 9, 8)],
    "b": [(0, 0, 5, 5), (10, 10, 12, 15)],
    "c": [],
}
"""Row, column, height and width of the objects of each image."""


def readme_card(repository: Path, name: str) -> str:
    text = (repository / "datasets" / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf'```toml\n(name\s+= "{name}"\n.*?)```', text, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def objects_of(name: str, shift: int = 0) -> list[np.ndarray]:
    """The masks of the objects of an image, moved to the right."""
    found = []
    for row, column, height, width in BOXES[name]:
        mask = np.zeros(SIZE, bool)
        mask[row : row + height, column + shift : column + shift + width] = True
        found.append(mask)
    return found


def numbered(name: str, shift: int = 0, step: int = 1) -> np.ndarray:
    drawn = np.zeros(SIZE, np.uint16)
    for number, mask in enumerate(objects_of(name, shift), start=1):
        drawn[mask & (drawn == 0)] = number * step
    return drawn


def save(path: Path, values: np.ndarray, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        Image.fromarray(values).save(path, **options)


@pytest.fixture
def card(repository: Path) -> Card:
    """The card of nuclei in the README."""
    return parse_card(readme_card(repository, "nuclei").encode(), where="nuclei.toml")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Pictures, and a file for each object; one image has none."""
    for name in BOXES:
        folder = tmp_path / "stage1_train" / name
        save(folder / "images" / f"{name}.png", np.zeros((*SIZE, 3), np.uint8))
        (folder / "masks").mkdir()
        for place, mask in enumerate(objects_of(name)):
            save(folder / "masks" / f"{place}f.png", mask.astype(np.uint8) * 255)
    return tmp_path


def score(card: Card, root: Path, path: Path, task: str = "instance") -> Any:
    samples = pairs.read_truth(card, root, "val")
    rules = rules_for(card, task, interval="none")
    job = stored_predictions(card, "val", samples, path, root=root, task=task, rules=rules)
    return evaluate(job, out=root / "runs").record


def results_of(card: Card, shift: int) -> list[dict[str, Any]]:
    """The same predictions as a results JSON, every score 1."""
    found = []
    for name in BOXES:
        drawn = numbered(name, shift)
        for number in np.unique(drawn[drawn > 0]):
            rle = masks.encode(drawn == number)
            entry = {"size": list(rle["size"]), "counts": rle["counts"].decode()}
            found.append({"image_id": name, "category_id": 1, "segmentation": entry, "score": 1.0})
    return found


def test_one_file_an_object_is_read_as_coco_reads_the_masks(card: Card, root: Path) -> None:
    from pycocotools import mask as coco_mask

    samples = pairs.read_truth(card, root, "val")
    assert list(BOXES) == [sample.id for sample in samples]
    for sample in samples:
        found, expected = sample.truth.instances(), objects_of(sample.id)
        assert SIZE == found.size
        assert [mask.sum() for mask in expected] == found.areas.tolist()
        assert [coco_mask.encode(np.asfortranarray(mask))["counts"] for mask in expected] == [
            rle["counts"] for rle in found.rles
        ]
        union = np.any([np.zeros(SIZE, bool), *expected], axis=0)
        np.testing.assert_array_equal(union.astype(int), sample.truth.semantic().labels)
        segments = sample.truth.segments()
        assert len(expected) + 1 == len(segments.segment_ids)
        assert SIZE == segments.size
        assert sample.image().shape == (*SIZE, 3)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".npy", "_cp_masks.png"])
@pytest.mark.parametrize("shift", [0, 1, 3])
def test_predicted_label_images_score_as_their_results_do(
    card: Card, root: Path, suffix: str, shift: int
) -> None:
    for name in BOXES:
        save(root / "labels" / f"{name}{suffix}", numbered(name, shift, step=300))
    (root / "results.json").write_text(json.dumps(results_of(card, shift)))
    found, expected = score(card, root, root / "labels"), score(card, root, root / "results.json")
    assert expected.scores["instance"] == found.scores["instance"]
    assert (found.scores["instance"]["AP"]["value"] > 0.999) == (shift == 0)
    codes = [each.code for each in found.warnings]
    assert "no-scores" in codes
    assert ("matched-otherwise" in codes) == (suffix == "_cp_masks.png")


def test_masks_of_a_class_are_told_from_numbers_of_objects(card: Card, root: Path) -> None:
    for name in BOXES:
        save(root / "labels" / f"{name}.png", (numbered(name) > 0).astype(np.uint8))
    found = {each.code: each for each in score(card, root, root / "labels").warnings}
    assert "warning" == found["one-object-each"].severity
    assert "skimage.measure.label" in found["one-object-each"].message


def test_files_of_no_image_are_told(card: Card, root: Path) -> None:
    for name in (*BOXES, "other"):
        save(root / "labels" / f"{name}.png", numbered("a"))
    assert "unused-files" in [each.code for each in score(card, root, root / "labels").warnings]


def test_the_task_is_chosen_by_what_the_card_has(
    card: Card, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in BOXES:
        save(root / "labels" / f"{name}.png", numbered(name))
    assert "semantic" == task_of(root / "labels", card)
    assert "instance" == task_of(root / "labels", replace(card, tasks=("instance",)))
    text = re.sub(r"tasks  = .*", 'tasks = ["instance"]', readme_card(root_of(card), "nuclei"))
    (root / "nuclei.toml").write_text(text)
    where = [
        "-d",
        str(root / "nuclei.toml"),
        "--data",
        str(root),
        "--out",
        str(root / "runs"),
        "--json",
    ]
    assert 0 == main(["eval", "-p", str(root / "labels"), *where])
    told = json.loads(capsys.readouterr().out)
    assert "instance" in told["scores"]


def root_of(_card: Card) -> Path:
    return Path(__file__).parents[2]


def test_the_command_of_the_readme(
    card: Card, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "nuclei.toml").write_text(readme_card(root_of(card), "nuclei"))
    for name in BOXES:
        save(root / "labels" / f"{name}.tif", numbered(name))
    where = [
        "--dataset",
        str(root / "nuclei.toml"),
        "--data",
        str(root),
        "--out",
        str(root / "runs"),
        "--json",
    ]
    assert 0 == main(["eval", "--predictions", str(root / "labels"), "--task", "instance", *where])
    assert json.loads(capsys.readouterr().out)["scores"]["instance"]["AP"]["value"] > 0.999


def test_several_countable_classes_need_results(card: Card, root: Path) -> None:
    text = readme_card(root_of(card), "nuclei").replace(
        "]\n\n[files]", ']\n\n[files]\ninstances = "o/{id}.png"'
    )
    text = text.replace("masks/*.png", "{id}.png").replace(
        "thing = true },",
        'thing = true },\n    { id = 2, train_id = 2, name = "debris", thing = true },',
    )
    several = parse_card(text.encode(), where="test")
    save(root / "labels" / "a.png", numbered("a"))
    sample = Sample("a", Truth())
    with pytest.raises(PredictionError, match=r"has 2 countable classes; write results\.json"):
        pairs.read_predictions(several, root / "labels", "instance", [sample])


def test_objects_may_overlap_where_they_are_files(card: Card, root: Path) -> None:
    again = objects_of("a")[0]
    again[5:12, 5:15] = True
    save(root / "stage1_train" / "a" / "masks" / "9f.png", again.astype(np.uint8))
    sample = pairs.read_truth(card, root, "val")[0]
    assert 4 == len(sample.truth.instances())
    with pytest.raises(DataError, match=r"9f\.png: it overlaps at row 1, column 1 with 0f\.png"):
        sample.truth.segments()


@pytest.mark.parametrize("empty", [True, False])
def test_a_file_without_a_pixel_holds_no_object(card: Card, root: Path, empty: bool) -> None:
    if empty:
        save(root / "stage1_train" / "c" / "masks" / "0f.png", np.zeros(SIZE, np.uint8))
    sample = pairs.read_truth(card, root, "val")[2]
    assert 0 == len(sample.truth.instances())
    assert SIZE == sample.truth.instances().size
    assert {0} == set(np.unique(sample.truth.semantic().labels).tolist())


WRONG_MASKS = {
    "several values": (
        np.array([[0, 1], [2, 255]], np.uint8).repeat(12, 0).repeat(15, 1),
        r"this one holds 1, 2, 255",
    ),
    "another size": (
        np.ones((5, 6), np.uint8),
        r"it has 5 x 6 pixels \(height x width\), and 0f\.png has 24 x 30",
    ),
    "colours": (np.full((*SIZE, 3), (9, 0, 0), np.uint8), r"colour image"),
}


@pytest.mark.parametrize("kind", WRONG_MASKS)
def test_files_that_are_no_mask_are_refused(card: Card, root: Path, kind: str) -> None:
    values, words = WRONG_MASKS[kind]
    save(root / "stage1_train" / "a" / "masks" / "9f.png", values)
    sample = pairs.read_truth(card, root, "val")[0]
    with pytest.raises(DataError, match=words):
        sample.truth.instances()


def test_missing_folders_and_pictures_are_named(card: Card, root: Path) -> None:
    (root / "stage1_train" / "c" / "masks").rmdir()
    with pytest.raises(DataError, match=r"1 images have no label file \(c\)"):
        pairs.read_truth(card, root, "val")
    with pytest.raises(DataError, match=r"c/masks/\*\.png is expected"):
        pairs.read_truth(card, root, "val", ids=["a", "c"])
    (root / "stage1_train" / "b" / "images" / "b.png").unlink()
    with pytest.raises(
        DataError, match=r"1 label files have no image \(b\) and 1 images have no label file \(c\)"
    ):
        pairs.read_truth(card, root, "val")


def test_patterns_with_a_star_in_a_common_folder(root: Path) -> None:
    for name in ("x.1", "x.1_b"):
        for place in range(2):
            save(root / "masks" / f"{name}-{place}.png", np.ones((2, 2), np.uint8))
    pattern = Pattern("masks/{id}-*.png")
    assert {"x.1", "x.1_b"} == set(pattern.find(root))
    assert ["x.1-0.png", "x.1-1.png"] == [path.name for path in pattern.files(root, "x.1")]
    assert [] == pattern.files(root, "y")


WITH_LABELS = """
name = "mixed"
title = "Mixed"
layout = "pairs"
tasks = ["instance", "panoptic"]
classes = [
    { id = 0, train_id = 0, name = "ground" },
    { id = 1, train_id = 1, name = "cell", thing = true },
    { id = 2, train_id = 2, name = "debris", thing = true },
]
[files]
images = "images/{id}.png"
labels = "labels/{id}.png"
instances = "objects/{id}/*.png"
[splits.val]
"""


def test_objects_as_files_beside_label_images_take_their_classes(tmp_path: Path) -> None:
    card = parse_card(WITH_LABELS.encode(), where="test")
    first, second, third = objects_of("a")
    labels = first * 1 + second * 2 + third * 1
    save(tmp_path / "labels" / "a.png", labels.astype(np.uint8))
    for place, mask in enumerate((first, second, third)):
        save(tmp_path / "objects" / "a" / f"{place}.png", mask)
    sample = pairs.read_truth(card, tmp_path, "val")[0]
    found = sample.truth.instances()
    assert [1, 1, 2] == found.classes.tolist()
    assert 4 == len(sample.truth.segments().segment_ids)
    pairs.write_truth(card, tmp_path / "again", "val", [replace(sample, read_image=None)])
    again = pairs.read_truth(card, tmp_path / "again", "val")[0].truth.instances()
    assert [rle["counts"] for rle in found.rles] == [rle["counts"] for rle in again.rles]
    save(tmp_path / "objects" / "a" / "9.png", first)
    with pytest.raises(DataError, match=r"9\.png: it overlaps at row"):
        sample.truth.instances()


def test_what_is_written_reads_back(card: Card, root: Path, tmp_path: Path) -> None:
    samples = pairs.read_truth(card, root, "val")
    pairs.write_truth(card, tmp_path / "again", "val", samples)
    for first, second in zip(
        samples, pairs.read_truth(card, tmp_path / "again", "val"), strict=True
    ):
        assert first.id == second.id
        one, other = first.truth.instances(), second.truth.instances()
        assert [rle["counts"] for rle in one.rles] == [rle["counts"] for rle in other.rles]


WRONG_CARDS = {
    "star in images": (
        ("images/{id}.png", "images/*{id}.png"),
        r"files\.images: \* is allowed only in the last part",
    ),
    "star in a folder": (
        ("masks/*.png", "*/m.png"),
        r"files\.labels: \* is allowed only in the last part",
    ),
    "no thing": ((", thing = true", ""), "list one class with thing = true"),
    "two things": (
        ('name = "background"', 'name = "background", thing = true'),
        "list one class with thing = true",
    ),
    "values": (
        ("[splits.val]", "[values]\n1 = 1\n[splits.val]"),
        r"\[values\] has no effect where files\.labels",
    ),
    "instances": (
        ('labels = "', 'instances = "i/{id}.png"\nlabels = "'),
        r"files\.instances has no effect where",
    ),
    "ignore": (
        ('labels = "', 'ignore = "i/{id}.png"\nlabels = "'),
        r"files\.ignore is used for label maps only",
    ),
}


@pytest.mark.parametrize("kind", WRONG_CARDS)
def test_cards_that_mean_nothing_are_refused(repository: Path, kind: str) -> None:
    (old, new), words = WRONG_CARDS[kind]
    text = readme_card(repository, "nuclei")
    assert old in text
    with pytest.raises(CardError, match=words):
        parse_card(text.replace(old, new).encode(), where="test")


@pytest.fixture
def retina(tmp_path: Path, repository: Path) -> tuple[Card, Path]:
    """Data in the form of DRIVE, and predictions."""
    text = readme_card(repository, "vessels")
    (tmp_path / "vessels.toml").write_text(text)
    generator = np.random.default_rng(20261127)
    for name in ("21", "22"):
        vessels = np.kron(generator.integers(0, 2, (6, 6)), np.ones((4, 4), int)).astype(np.uint8)
        field = np.hypot(*np.indices(vessels.shape) - 11.5) < 11
        save(
            tmp_path / "training" / "images" / f"{name}_training.tif",
            np.zeros((24, 24, 3), np.uint8),
        )
        save(tmp_path / "training" / "1st_manual" / f"{name}_manual1.gif", vessels * 255)
        save(
            tmp_path / "training" / "mask" / f"{name}_training_mask.gif",
            field.astype(np.uint8) * 255,
        )
        save(
            tmp_path / "results" / f"{name}.png",
            np.where(field, np.roll(vessels, 1, axis=0), 1) * np.uint8(255),
        )
    return parse_card(text.encode(), where="vessels.toml"), tmp_path


def test_only_what_lies_in_the_mask_counts(
    retina: tuple[Card, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    card, root = retina
    table = np.zeros((2, 2), int)
    for name in ("21", "22"):
        truth = images.read_labels(root / "training" / "1st_manual" / f"{name}_manual1.gif") > 0
        field = images.read_labels(root / "training" / "mask" / f"{name}_training_mask.gif") > 0
        guess = images.read_labels(root / "results" / f"{name}.png") > 0
        np.add.at(table, (truth[field].astype(int), guess[field].astype(int)), 1)
    expected = np.mean(
        [table[k, k] / (table[k].sum() + table[:, k].sum() - table[k, k]) for k in (0, 1)]
    )
    where = [
        "--dataset",
        str(root / "vessels.toml"),
        "--data",
        str(root),
        "--out",
        str(root / "runs"),
        "--json",
    ]
    assert 0 == main(["eval", "--predictions", str(root / "results"), *where])
    told = json.loads(capsys.readouterr().out)
    assert told["scores"]["semantic"]["mIoU"]["value"] == pytest.approx(expected, abs=1e-12)
    samples = pairs.read_truth(card, root, "val")
    assert (
        label_pairs.read(
            pairs.read_predictions(card, root / "results", "semantic", samples), samples
        )
        is None
    )
    pairs.write_truth(
        card, root / "again", "val", [replace(sample, read_image=None) for sample in samples]
    )
    for one, other in zip(samples, pairs.read_truth(card, root / "again", "val"), strict=True):
        np.testing.assert_array_equal(one.truth.semantic().labels, other.truth.semantic().labels)


def test_masks_that_are_missing_or_of_another_size(retina: tuple[Card, Path]) -> None:
    card, root = retina
    mask = root / "training" / "mask" / "21_training_mask.gif"
    save(mask, np.ones((24, 23), np.uint8))
    sample = pairs.read_truth(card, root, "val")[0]
    with pytest.raises(
        DataError, match=r"mask\.gif: it has 24 x 23 pixels \(height x width\), and .* has 24 x 24"
    ):
        sample.truth.semantic()
    mask.unlink()
    with pytest.raises(
        DataError,
        match=r"1 of 2 images have no mask \(21\); training/mask/21_training_mask\.gif is",
    ):
        pairs.read_truth(card, root, "val")


def test_nuclei_of_the_data_science_bowl(
    shared_data: Callable[[str], Path], repository: Path
) -> None:
    root = shared_data("dsb2018_small")
    card = parse_card(readme_card(repository, "nuclei").encode(), where="nuclei.toml")
    samples = pairs.read_truth(card, root, "val")
    assert 17 == len(samples)
    sample = samples[0]
    files = sorted((root / "stage1_train" / sample.id / "masks").glob("*.png"))
    assert len(files) == len(sample.truth.instances())
    assert sample.image().shape[:2] == sample.truth.instances().size
