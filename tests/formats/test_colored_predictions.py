"""Predictions in the colours of the classes count like label ids, or the sentence says to write
label ids.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import cards, cli
from bench.errors import DataError, PredictionError
from bench.formats import layout
from bench.formats.cityscapes import results as cityscapes_results
from bench.formats.labels.files import label_files
from bench.samples import LabelMap, Sample, Truth

COLORED = ["camvid", "cityscapes", "coco-panoptic", "streets", "voc2012"]
SIZE = (12, 30)


def ids_of(card: cards.Card) -> np.ndarray:
    """A map of random labels of a card, of those that files can hold."""
    known = [entry.id for entry in card.classes.scored]
    labels = np.random.default_rng(5).choice(known, size=SIZE)
    unscored = [
        e.id
        for e in card.classes.entries
        if e.train_id is None and e.id >= 0 and own_color(card, e)
    ]
    labels[0, : len(unscored[:20])] = unscored[:20]
    return labels.astype(np.uint8)


def own_color(card: cards.Card, entry: Any) -> bool:
    return (
        next(other.id for other in card.classes.entries if other.color == entry.color) == entry.id
    )


def colors_of(card: cards.Card, ids: np.ndarray) -> np.ndarray:
    table = np.zeros((256, 3), np.uint8)
    for entry in card.classes.entries:
        if entry.id >= 0 and entry.color is not None:
            table[entry.id] = entry.color
    return table[ids]


def sample(card: cards.Card) -> Sample:
    name = "ulm_000000_000001" if card.layout == "cityscapes" else "a"
    return Sample(name, Truth(lambda: LabelMap(np.zeros(SIZE, np.uint8))))


def read(card: cards.Card, folder: Path, picture: np.ndarray, **how: Any) -> LabelMap:
    folder.mkdir()
    one = sample(card)
    Image.fromarray(picture).save(folder / f"{one.id}.png")
    found = layout(card).read_predictions(card, folder, "semantic", [one], **how)(one)
    assert isinstance(found, LabelMap)
    return found


@pytest.mark.parametrize("name", COLORED)
def test_colours_of_a_shipped_card_are_read_like_its_ids(tmp_path: Path, name: str) -> None:
    card = cards.load_card(name)
    ids = ids_of(card)
    plain, colored = (
        read(card, tmp_path / "ids", ids),
        read(card, tmp_path / "colors", colors_of(card, ids)),
    )
    np.testing.assert_array_equal(plain.labels, colored.labels)
    assert (plain.ids is None) == (colored.ids is None)
    if plain.ids is not None and colored.ids is not None:
        np.testing.assert_array_equal(plain.ids, colored.ids)


def test_a_colour_of_a_scored_and_another_label_is_the_scored_one(tmp_path: Path) -> None:
    card = cards.load_card("cityscapes")
    car, licence_plate = card.classes.by_name("car"), card.classes.by_name("license plate")
    assert car is not None
    assert licence_plate is not None
    assert car.color == licence_plate.color
    found = read(card, tmp_path / "p", np.full((*SIZE, 3), car.color, np.uint8))
    assert {car.train_id} == set(np.unique(found.labels).tolist())


def test_a_card_without_colours_asks_for_label_ids(tmp_path: Path) -> None:
    card = cards.load_card("ade20k")
    with pytest.raises(
        PredictionError,
        match=r"a\.png: .*write label ids, not colours: .* gives its classes no colours$",
    ):
        read(card, tmp_path / "p", np.full((*SIZE, 3), (120, 0, 7), np.uint8))


def small(first: str, second: str) -> cards.Card:
    return cards.parse_card(
        f"""name = "c"
title = "C"
layout = "voc"
tasks = ["semantic"]
classes = [
    {{ id = 0, train_id = 0, name = "ground"{first} }},
    {{ id = 1, train_id = 1, name = "cell"{second} }},
]
[splits.val]
""".encode(),
        where="test",
    )


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (
            ", color = [1, 2, 3]",
            ", color = [1, 2, 3]",
            r"'ground' and 'cell' share the colour \[1, 2, 3\]",
        ),
        (", color = [1, 2, 3]", "", "the card gives 'cell' no colour"),
    ],
)
def test_colours_that_do_not_tell_classes_apart_are_refused(
    tmp_path: Path, first: str, second: str, told: str
) -> None:
    with pytest.raises(PredictionError, match=f"write label ids, not colours: {told}"):
        read(small(first, second), tmp_path / "p", np.full((*SIZE, 3), (1, 2, 3), np.uint8))


def test_a_colour_of_no_class_is_named_with_its_place(tmp_path: Path) -> None:
    card = cards.load_card("voc2012")
    picture = colors_of(card, np.zeros(SIZE, np.uint8))
    picture[3, 4] = (1, 2, 3)
    with pytest.raises(
        PredictionError,
        match=r"colour \(1, 2, 3\) at row 3, column 4 .*; write label ids, or exactly",
    ):
        read(card, tmp_path / "p", picture)


@pytest.mark.parametrize(
    ("name", "color", "expected"),
    [
        ("camvid", 128, 0),  # the colour of the sky, and no label id
        ("cityscapes", 153, 5),  # pole
        ("voc2012", 0, 0),  # background, as an id and as a colour
        ("cityscapes", 0, 255),  # unlabeled, as an id and as a colour
        ("voc2012", 3, 3),  # an id, and no colour
        ("camvid", 0, None),  # sky as an id, void as a colour
    ],
)
def test_colour_images_of_grey_values_alone(
    tmp_path: Path, name: str, color: int, expected: int | None
) -> None:
    picture = np.full((*SIZE, 3), color, np.uint8)
    if expected is None:
        with pytest.raises(PredictionError, match="one class as label ids and another as colours"):
            read(cards.load_card(name), tmp_path / "p", picture)
        return
    assert {expected} == set(
        np.unique(read(cards.load_card(name), tmp_path / "p", picture).labels).tolist()
    )


def test_train_ids_cannot_be_colours(tmp_path: Path) -> None:
    card = cards.load_card("voc2012")
    picture = colors_of(card, np.full(SIZE, 15, np.uint8))
    with pytest.raises(PredictionError, match="--label-space train-ids has no effect on colours"):
        read(card, tmp_path / "p", picture, space="train-ids")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cityscapes", "the truth of Cityscapes holds label ids, not colours"),
        ("voc2012", "need `colors = true` in the card$"),
        ("ade20k", "need `colors = true` in the card, and the card gives its classes no colours"),
    ],
)
def test_truth_in_colours_says_what_helps(tmp_path: Path, name: str, told: str) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((4, 5, 3), (128, 64, 128), np.uint8)).save(path)
    with pytest.raises(DataError, match=told):
        label_files(cards.load_card(name)).read_truth(path)


def test_no_advice_on_colours_where_there_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    Image.fromarray(np.zeros((4, 5), np.float32) + 0.5).save(path)
    files = label_files(cards.load_card("voc2012"))
    for error, call in ((DataError, files.read_truth), (PredictionError, files.read_prediction)):
        with pytest.raises(error) as caught:
            call(path)
        said = str(caught.value).removeprefix(str(path))
        assert "not a whole number" in said
        assert "colo" not in said


def test_masks_of_objects_in_colours_are_refused_with_what_is_right(tmp_path: Path) -> None:
    card, one = cards.load_card("cityscapes"), sample(cards.load_card("cityscapes"))
    Image.fromarray(np.full((4, 5, 3), (255, 0, 0), np.uint8)).save(tmp_path / "m.png")
    (tmp_path / f"{one.id}.txt").write_text("m.png 26 0.5\n")
    with pytest.raises(
        PredictionError, match=r"m\.png: .*a mask of an object is a grey PNG: 0 outside"
    ) as caught:
        cityscapes_results.read(card, tmp_path, "instance", [one])(one)
    assert "colors = true" not in str(caught.value)


def test_predictions_in_colours_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "c.toml").write_text(
        'name = "c"\ntitle = "C"\nlayout = "pairs"\ntasks = ["semantic"]\n'
        'classes = [{ id = 0, train_id = 0, name = "ground", color = [0, 0, 0] },\n'
        '{ id = 1, train_id = 1, name = "cell", color = [9, 0, 0] }]\n'
        '[files]\nimages = "i/{id}.png"\nlabels = "l/{id}.png"\n[splits.val]\n'
    )
    labels = np.array([[0, 1, 1], [0, 0, 1]], np.uint8)
    for folder, picture in (
        ("l", labels),
        ("ids", labels),
        ("colors", np.array([[0, 0, 0], [9, 0, 0]], np.uint8)[labels]),
    ):
        (tmp_path / folder).mkdir()
        Image.fromarray(picture).save(tmp_path / folder / "a.png")
    said, scores = {}, {}
    for folder in ("ids", "colors"):
        words = [
            "eval",
            str(tmp_path / folder),
            "-d",
            str(tmp_path / "c.toml"),
            "--data",
            str(tmp_path),
        ]
        assert 0 == cli.main([*words, "--out", str(tmp_path / "runs"), "--json"])
        record = json.loads(capsys.readouterr().out)
        said[folder] = [
            each["message"] for each in record["warnings"] if each["code"] == "colours-read"
        ]
        scores[folder] = record["scores"]["semantic"]["mIoU"]["value"]
    assert {"ids": 1.0, "colors": 1.0} == scores
    assert [] == said["ids"]
    assert [
        "predictions such as a.png are colour images, read by the colours of the card's classes"
    ] == said["colors"]
