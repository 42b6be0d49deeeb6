"""Every key of a card in every layout and for every task: it has an effect there, or it is an error
that names it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from bench import cards, formats, images
from bench.cards import card_file
from bench.errors import CardError, DataError, PredictionError, UsageError
from bench.formats import layout
from bench.opening import open_data

TASKS = [
    *itertools.chain.from_iterable(
        itertools.combinations(("semantic", "instance", "panoptic"), n) for n in (1, 2, 3)
    )
]
CLASSES = """classes = [
    { id = 0, train_id = 0, name = "ground", color = [0, 0, 0] },
    { id = 1, train_id = 1, name = "cell", color = [255, 0, 0], thing = true },
    { id = 2, name = "dirt", color = [0, 0, 255] },
]
"""
OBJECTS = {"instance", "panoptic"}
Tasks = tuple[str, ...]
Expected = Callable[[str, Tasks], str]
"""The error that a layout and tasks give; "" where the key is honoured."""


def text(
    place: str, tasks: Tasks, top: str = "", tables: str = "", splits: str = "[splits.val]\n"
) -> str:
    files = ""
    if place == "pairs" and "[files]" not in tables:
        objects = 'instances = "{split}/objects/{id}.png"\n' if OBJECTS & set(tasks) else ""
        files = (
            f'[files]\nimages = "{{split}}/i/{{id}}.png"\nlabels = '
            f'"{{split}}/l/{{id}}.png"\n{objects}'
        )
    if "classes" not in top and "classes" not in tables:
        top += 'classes_from = "truth"\n' if place == "lvis" else CLASSES
    listed = ", ".join(f'"{task}"' for task in tasks)
    return (
        f'name = "c"\ntitle = "C"\nlayout = "{place}"\ntasks = '
        f"[{listed}]\n{top}{files}{tables}{splits}"
    )


def always(_place: str, _tasks: Tasks) -> str:
    return ""


def coded(what: str) -> Expected:
    def expected(place: str, tasks: Tasks) -> str:
        if place == "coco" and "semantic" not in tasks:
            return (
                rf"{what} has no effect in layout 'coco', which has no label files without "
                r"the task semantic"
            )
        return (
            rf"{what} has no effect in layout '{place}'" if place in ("cityscapes", "lvis") else ""
        )

    return expected


def only_in(*places: str, told: str) -> Expected:
    return lambda place, _tasks: "" if place in places else told


def of_semantic(told: str) -> Expected:
    return lambda _place, tasks: "" if "semantic" in tasks else told


def of_files(place: str, tasks: Tasks) -> str:
    if place == "pairs":
        return "needs files.instances" if OBJECTS & set(tasks) else ""
    return "in files of layout 'coco'" if place == "coco" else "in files of layout.*none are known"


def test_the_matrix_has_every_key_of_a_card() -> None:
    assert set(card_file.CardFile.__struct_fields__) == set(KEYS)


LABELLED = ("cityscapes", "pairs", "voc")
NOT_LVIS = (*LABELLED, "coco")
FILES = '[files]\nlabels = "x/{id}.png"\nimages = "y/{id}.png"\n'
TWO = (
    '[[classes]]\nid = 0\ntrain_id = 0\nname = "a"\n[[classes]]\nid = 1\ntrain_id = 1\nname '
    '= "b"\nthing = true\n'
)
KEYS: dict[str, list[tuple[str, str, Expected]]] = {
    "name": [("", "", always)],
    "title": [("", "", always)],
    "layout": [("", "", always)],
    "tasks": [("", "", always)],
    "splits": [("", "", always)],
    "licence": [('"none"', "", always)],
    "cite": [('"none"', "", always)],
    "obtain": [('"none"', "", always)],
    "default_split": [('"val"', "", always)],
    "classes": [("", "", only_in(*NOT_LVIS, told="layout 'lvis'.*classes_from = 'truth'"))],
    "classes_from": [
        (
            '"truth"',
            "",
            only_in("lvis", "coco", told="classes_from = 'truth' is not possible with layout"),
        )
    ],
    "ignore": [
        ("255", "", always),
        ("65535", "", always),
        ("1", "", lambda place, _tasks: "" if place == "lvis" else "ignore = 1 must be above"),
    ],
    "void": [
        ("[]", "", always),
        ("[255]", "", always),
        ("[7]", "", only_in(*LABELLED, told=r"void = \[7\] has no effect in layout '(coco|lvis)'")),
    ],
    "groups": [
        ('"none"', "", always),
        ('"sequence"', "", only_in(*NOT_LVIS, told="groups = 'sequence' has no effect")),
        (
            '"sequence-blocks"',
            "",
            only_in(*NOT_LVIS, told="groups = 'sequence-blocks' has no effect"),
        ),
        (
            '"city"',
            "",
            only_in("pairs", "coco", "cityscapes", told="groups = 'city' has no effect in layout"),
        ),
    ],
    "files": [("", FILES, of_files)],
    "values": [("", "[values]\n0 = 0\n255 = 1\n", coded(r"\[values\]"))],
    "threshold": [("128", TWO, coded("threshold"))],
    "colors": [("true", "", coded("colors = true"))],
    "aliases": [
        ("", '[aliases]\ncell = ["nucleus"]\n', only_in(*NOT_LVIS, told="aliases.*leave it out"))
    ],
    "crops": [("", "[crops]\nfactors = [0]\n", of_semantic(r"\[crops\] has no effect with tasks"))],
    "boundary": [
        (
            "",
            "[boundary]\nratio = 0.01\n",
            only_in(*NOT_LVIS, told=r"\[boundary\] has no effect in layout"),
        )
    ],
    "sources": [("", '[[sources]]\nfile = "a.zip"\nprovides = ["a"]\n', always)],
}
"""Key -> values or tables, with what each layout makes of them."""


class Case(NamedTuple):
    """One key in one layout, and the error it gives there."""

    key: str
    value: str
    table: str
    place: str
    tasks: Tasks
    expected: str

    def __str__(self) -> str:
        """The case in the name of its test."""
        return f"{self.key}={self.value}-{self.place}-{'+'.join(self.tasks)}"


MATRIX = [
    Case(key, value, table, place, tasks, expected(place, tasks))
    for key, entries in KEYS.items()
    for value, table, expected in entries
    for place in formats.names()
    for tasks in ([("instance",)] if place == "lvis" else TASKS)
]


@pytest.mark.parametrize("case", MATRIX, ids=str)
def test_a_key_is_honoured_or_refused(case: Case) -> None:
    top = CLASSES if case.key == "classes" else f"{case.key} = {case.value}\n" if case.value else ""
    written = text(case.place, case.tasks, top, case.table)
    if not case.expected:
        card = cards.parse_card(written.encode(), where="c.toml")
        assert (case.place, case.tasks) == (card.layout, card.tasks)
        return
    with pytest.raises(CardError, match=rf"(?s)^c\.toml: .*{case.expected}"):
        cards.parse_card(written.encode(), where="c.toml")


OTHERS = {
    "lvis holds objects": (
        text("lvis", ("semantic",)),
        r"tasks: layout 'lvis' has ground truth for instance only",
    ),
    "values with colors": (
        text("voc", ("semantic",), "colors = true\n", "[values]\n1 = 1\n"),
        "keep one of the two",
    ),
    "void with colors": (
        text("pairs", ("semantic",), "colors = true\nvoid = [3]\n"),
        "without train_id",
    ),
    "unknown brace": (
        text(
            "pairs",
            ("semantic",),
            tables='[files]\nimages = "{name}.png"\nlabels = "{id}_{splt}.png"\n',
        ),
        r"files.labels: \{splt\} is not known there; use \{id\} and \{split\}",
    ),
    "id in a pattern of coco": (
        text("coco", ("instance",), tables='[files]\nimages = "i/{id}.jpg"\n'),
        r"files.images: \{id\} is not known there; use \{split\}",
    ),
    "objects nobody asks for": (
        text(
            "pairs",
            ("semantic",),
            tables='[files]\nimages = "i/{id}"\nlabels = "l/{id}"\ninstances = "o/{id}"\n',
        ),
        "files.instances has no effect: tasks lists neither instance nor panoptic",
    ),
    "objects nobody asks for, coco": (
        text("coco", ("semantic",), tables='[files]\ninstances = "i.json"\n'),
        "files.instances has no effect: tasks does not list instance",
    ),
    "segments nobody asks for": (
        text("coco", ("instance",), tables='[files]\npanoptic = "p.json"\n'),
        "files.panoptic has no effect",
    ),
    "splits that are one": (
        text(
            "pairs",
            ("semantic",),
            tables='[files]\nimages = "i/{id}"\nlabels = "l/{id}"\n',
            splits="[splits.val]\n[splits.train]\n",
        ),
        r"splits: train, val would hold the same images.*put \{split\}",
    ),
    "folder that nothing names": (
        text(
            "pairs",
            ("semantic",),
            tables='[files]\nimages = "i/{id}"\nlabels = "l/{id}"\n',
            splits='[splits.val]\nfolder = "validation"\n',
        ),
        r"splits.val.folder has no effect: no pattern in \[files\] has \{split\}",
    ),
}


@pytest.mark.parametrize(("written", "message"), OTHERS.values(), ids=OTHERS)
def test_keys_that_do_not_go_together_are_refused(written: str, message: str) -> None:
    with pytest.raises(CardError, match=rf"(?s)^c\.toml: .*{message}"):
        cards.parse_card(written.encode(), where="c.toml")


@pytest.mark.parametrize("place", ["cityscapes", "pairs", "voc"])
def test_objects_need_a_countable_class(place: str) -> None:
    stuff = CLASSES.replace(", thing = true", "")
    with pytest.raises(CardError, match="tasks: instance needs a class with thing = true"):
        cards.parse_card(text(place, ("instance",), stuff).encode(), where="c")
    assert cards.parse_card(text("coco", ("instance",), stuff).encode(), where="c").classes.names


def test_all_stuff_needs_no_objects() -> None:
    written = text(
        "pairs",
        ("panoptic",),
        CLASSES.replace(", thing = true", ""),
        '[files]\nimages = "i/{id}"\nlabels = "l/{id}"\n',
    )
    assert ("panoptic",) == cards.parse_card(written.encode(), where="c").tasks


MASK = np.array([[0, 1, 1, 2], [0, 0, 1, 2]], np.uint8)
COLORS = np.array([[0, 0, 0], [255, 0, 0], [0, 0, 255]], np.uint8)
TRAIN = np.array([[0, 1, 1, 255], [0, 0, 1, 255]], np.uint8)


def save(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def voc(
    root: Path,
    classes: np.ndarray,
    top: str = "",
    tables: str = "",
    objects: np.ndarray | None = None,
) -> Path:
    """A data set in the layout of VOC with one image, and the path of its card."""
    save(root / "SegmentationClass/a.png", classes)
    save(root / "JPEGImages/a.png", np.zeros((*classes.shape[:2], 3), np.uint8))
    if objects is not None:
        save(root / "SegmentationObject/a.png", objects)
    (root / "ImageSets/Segmentation").mkdir(parents=True)
    (root / "ImageSets/Segmentation/val.txt").write_text("a\n")
    (root / "c.toml").write_text(text("voc", ("semantic", "instance"), top, tables))
    return root / "c.toml"


VALUES = "[values]\n10 = 0\n255 = 1\n7 = 2\n"
CODED = {
    "ids": (MASK, "", ""),
    "values": (np.array([10, 255, 7], np.uint8)[MASK], "", VALUES),
    "colours": (COLORS[MASK], "colors = true\n", ""),
}


@pytest.mark.parametrize("coding", CODED)
def test_voc_reads_values_and_colours_like_ids(tmp_path: Path, coding: str) -> None:
    labels, top, tables = CODED[coding]
    opened = open_data(str(voc(tmp_path, labels, top, tables)), root=tmp_path)
    (sample,) = opened.samples
    np.testing.assert_array_equal(TRAIN, sample.truth.semantic().labels)
    for name, (predicted, *_) in CODED.items():
        save(tmp_path / name / "a.png", predicted)
        if name == "values" and coding != "values":
            continue
        read = layout(opened.card).read_predictions(
            opened.card, tmp_path / name, "semantic", opened.samples
        )
        found = read(sample)
        np.testing.assert_array_equal(TRAIN, found.labels, err_msg=f"{name} in {coding}")
    layout(opened.card).write_predictions(
        opened.card, tmp_path / "again", "semantic", [(sample, found)]
    )
    np.testing.assert_array_equal(labels, np.asarray(Image.open(tmp_path / "again/a.png")))


def test_ids_that_a_listed_value_contradicts_are_values(tmp_path: Path) -> None:
    """Where value 1 means id 0, a predicted 1 is id 0, and a predicted 2 is an error."""
    opened = open_data(
        str(voc(tmp_path, MASK, "", "[values]\n0 = 1\n1 = 0\n2 = 2\n")), root=tmp_path
    )
    save(tmp_path / "p/a.png", np.array([[1, 0, 0, 2], [1, 1, 0, 2]], np.uint8))
    read = layout(opened.card).read_predictions(
        opened.card, tmp_path / "p", "semantic", opened.samples
    )
    np.testing.assert_array_equal(TRAIN, read(opened.samples[0]).labels)
    card = (tmp_path / "c.toml").read_text().replace("2 = 2", "9 = 2")
    (tmp_path / "c.toml").write_text(card)
    opened = open_data(str(tmp_path / "c.toml"), root=tmp_path)
    read = layout(opened.card).read_predictions(
        opened.card, tmp_path / "p", "semantic", opened.samples
    )
    with pytest.raises(
        PredictionError, match=r"pixel value 2 is not among the card's \[values\] \(0, 1, 9\)"
    ):
        read(opened.samples[0])


def test_void_of_the_card_holds_in_class_and_object_files_of_voc(tmp_path: Path) -> None:
    labels, objects = np.array([[0, 1, 1, 1, 7]], np.uint8), np.array([[0, 3, 7, 255, 7]], np.uint8)
    path = voc(tmp_path, labels, "void = [7]\n", objects=objects)
    truth = open_data(str(path), root=tmp_path).samples[0].truth
    np.testing.assert_array_equal([[0, 1, 1, 1, 255]], truth.semantic().labels)
    plain = truth.instances()
    assert [1, 1] == plain.areas[~plain.crowd].tolist()  # objects 3 and 255; 7 is no object
    path.write_text(path.read_text().replace("void = [7]", "void = []"))
    with pytest.raises(DataError, match="value 7 is neither a label of the card nor void"):
        open_data(str(path), root=tmp_path).samples[0].truth.semantic()


def test_objects_in_colours_are_those_of_the_palette(tmp_path: Path) -> None:
    labels = np.array([[0, 1, 1, 1, 1, 1]], np.uint8)
    objects = np.array([[0, 1, 2, 2, 37, 255]], np.uint8)
    for name, top, kinds in (
        ("palette", "", (labels, objects)),
        ("colours", "colors = true\n", (COLORS[labels], images.voc_palette()[objects])),
    ):
        root = tmp_path / name
        found = (
            open_data(str(voc(root, kinds[0], top, objects=kinds[1])), root=root)
            .samples[0]
            .truth.instances()
        )
        assert [1, 2, 1, 1] == found.areas[np.argsort(found.boxes[:, 0])].tolist()
        assert [False, False, False, True] == found.crowd[np.argsort(found.boxes[:, 0])].tolist()


def test_colours_of_other_palettes_are_objects_too() -> None:
    from bench.formats.voc.files import object_numbers

    picture = np.array([[[0, 0, 0], [1, 2, 3], [128, 0, 0], [9, 9, 9], [1, 2, 3]]], np.uint8)
    assert [[0, 256, 1, 257, 256]] == object_numbers(picture).tolist()


def test_groups_that_no_id_shows_are_refused(tmp_path: Path) -> None:
    path = voc(tmp_path, MASK, 'groups = "sequence"\n')
    with pytest.raises(
        CardError, match=r"groups = 'sequence', but no image id \(such as 'a'\) shows one"
    ):
        open_data(str(path), root=tmp_path)


@pytest.mark.parametrize(
    ("name", "wanted", "message"),
    [
        ("voc2012", "pairs", r"layout 'pairs' needs a \[files\] table"),
        ("voc2012", "lvis", "classes stand in its card"),
        ("camvid", "coco", ""),
        ("streets", "voc", ""),
    ],
)
def test_another_layout_is_taken_only_where_it_can_do_all(
    tmp_path: Path, name: str, wanted: str, message: str
) -> None:
    if not message:
        assert wanted == cards.load_card(name).in_layout(wanted).layout
        return
    save(tmp_path / "a.png", MASK)
    with pytest.raises((CardError, UsageError), match=message):
        open_data(name, root=tmp_path, layout_name=wanted)


def test_colours_in_the_layout_of_cityscapes_are_refused_by_option_too() -> None:
    card = cards.parse_card(text("voc", ("semantic",), "colors = true\n").encode(), where="c")
    with pytest.raises(CardError, match="colors = true has no effect in layout 'cityscapes'"):
        card.in_layout("cityscapes")
