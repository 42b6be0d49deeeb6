"""Cards: every shipped one against what is known from outside, and every way to write a wrong
one.
"""

from __future__ import annotations

import doctest
import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from oracles import voc_palette as voc_palette_oracle

from bench import cards
from bench.cards import card_file
from bench.errors import CardError

CARDS = cards.names()
SMALL = """
name    = "mine"
title   = "Mine"
layout  = "pairs"
tasks   = ["semantic"]
licence = "mine"
cite    = "me"
obtain  = "ask me"
classes = [
    { id = 0, train_id = 0, name = "background" },
    { id = 1, train_id = 1, name = "cell", thing = true, color = [255, 0, 0] },
]
[files]
images = "images/{split}/{id}.jpg"
labels = "labels/{split}/{id}.png"
[splits.val]
images = 10
"""


def parse(text: str) -> cards.Card:
    return cards.parse_card(text.encode(), where="mine.toml")


@pytest.mark.parametrize("name", CARDS)
def test_every_card_says_what_a_person_needs(name: Any) -> None:
    card = cards.load_card(name)
    assert name == card.name
    assert card.default_split in card.splits
    assert min(len(card.licence), len(card.cite), len(card.obtain)) > 30
    assert all(split.images for split in card.splits.values())
    assert re.fullmatch("[0-9a-f]{32}", card.digest)
    text = (cards.folder() / f"{name}.toml").read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert max(map(len, text.splitlines())) <= 190


@pytest.mark.parametrize("name", CARDS)
def test_every_checksum_is_cited(name: str) -> None:
    for source in cards.load_card(name).sources:
        assert bool(source.checksum) == bool(source.cited)


def test_folder_is_content_and_no_package(repository: Path) -> None:
    assert sorted(["README.md", *(f"{name}.toml" for name in CARDS)]) == sorted(
        path.name for path in (repository / "datasets").iterdir() if path.name != "__pycache__"
    )


def test_voc_agrees_with_the_palette_rule() -> None:
    card = cards.load_card("voc2012")
    color = voc_palette_oracle.color
    assert [color(index) for index in range(21)] == [entry.color for entry in card.classes.entries]
    assert [(128, 0, 0), (0, 128, 0), (0, 64, 128)] == [
        card.classes.entries[index].color for index in (1, 2, 20)
    ]
    assert list(range(21)) == [entry.train_id for entry in card.classes.entries]
    assert [False] + [True] * 20 == card.classes.things.tolist()
    assert (1464, 1449, 2913) == tuple(
        card.split(split).images for split in ("train", "val", "trainval")
    )


@pytest.mark.parametrize("name", ["cityscapes", "streets"])
def test_cityscapes_agrees_with_cityscapesscripts(name: Any) -> None:
    from cityscapesscripts.helpers.labels import labels

    expected = [
        (label.id, label.name, label.category, label.hasInstances, label.color, _train_id(label))
        for label in labels
    ]
    entries = cards.load_card(name).classes.entries
    assert expected == [(e.id, e.name, e.category, e.thing, e.color, e.train_id) for e in entries]
    assert 35 == len(entries)
    assert 19 == len(cards.load_card(name).classes)


def _train_id(label: Any) -> int | None:
    return None if label.ignoreInEval else label.trainId


def test_coco_agrees_with_the_published_categories(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("panopticapi_sample") / "panoptic_coco_categories.json"
    published = json.loads(path.read_text())
    expected = [
        (c["id"], c["name"], c["supercategory"], bool(c["isthing"]), tuple(c["color"]))
        for c in published
    ]
    for name, wanted in (
        ("coco-panoptic", expected),
        ("coco-instances", [c for c in expected if c[3]]),
    ):
        entries = cards.load_card(name).classes.entries
        assert wanted == [(e.id, e.name, e.category, e.thing, e.color) for e in entries]
        assert list(range(len(wanted))) == [e.train_id for e in entries]
    assert (133, 80) == tuple(
        len(cards.load_card(name).classes) for name in ("coco-panoptic", "coco-instances")
    )


def test_ade20k_has_150_classes_after_other() -> None:
    classes = cards.load_card("ade20k").classes
    assert (150, 0, None) == (len(classes), classes.entries[0].id, classes.entries[0].train_id)
    assert [entry.id - 1 for entry in classes.scored] == list(range(150))
    known = {
        1: "wall",
        3: "sky",
        13: "person",
        21: "car",
        32: "seat",
        76: "swivel chair",
        110: "swimming pool",
        150: "flag",
    }
    assert known == {number: classes.name_of(number) for number in known}


def test_camvid_scores_eleven_and_not_void() -> None:
    classes = cards.load_card("camvid").classes
    names = "sky building pole road pavement tree sign fence car pedestrian bicyclist"
    assert tuple(names.split()) == classes.names
    assert (11, None) == (classes.entries[-1].id, classes.entries[-1].train_id)


def test_voc_and_coco_name_each_other() -> None:
    voc, coco = cards.load_card("voc2012"), cards.load_card("coco-panoptic")
    for first, second in ((voc, coco), (coco, voc)):
        reach = {
            other for name, others in second.aliases.items() for other in (name, *others)
        } | set(second.classes.names)
        shared = (
            [name for name in voc.classes.names if name != "background"] if first is voc else []
        )
        assert [] == [name for name in shared if not {name, *first.aliases.get(name, ())} & reach]
    assert ("airplane",) == voc.aliases["aeroplane"]
    assert "aeroplane" in coco.aliases["airplane"]
    assert ("sky",) == coco.aliases["sky-other-merged"]


def test_streets_agrees_with_the_code_that_draws_it() -> None:
    drawn = pytest.importorskip("bench.streets.names", exc_type=ImportError).SPLITS
    assert drawn == {
        name: split.images for name, split in cards.load_card("streets").splits.items()
    }


def test_small_card_reads_with_its_defaults() -> None:
    card = parse(SMALL)
    assert ("mine", "val", "none", (255,)) == (
        card.name,
        card.default_split,
        card.groups,
        card.classes.void,
    )
    assert (None, None, (), {}, {}) == (
        card.crops,
        card.boundary,
        card.sources,
        card.values,
        card.aliases,
    )
    assert 10 == card.split("val").images
    assert card.digest != parse(SMALL + "# a comment\n").digest
    with pytest.raises(CardError, match=r"Mine has no split 'vall': did you mean val\?"):
        card.split("vall")


def replaced(old: str, new: str) -> str:
    assert old in SMALL
    return SMALL.replace(old, new)


SOURCE = '[[sources]]\nfile = "a.zip"\nprovides = ["images"]\n'
WRONG = {
    "no TOML": ("name = ", r"this is not valid TOML"),
    "unknown key": (replaced("licence", "license"), r"unknown key 'license': did you mean licence\?"),
    "unknown key of a class": (replaced("color", "colour"), r"unknown key 'colour' in classes\[1\]: .* color\?"),
    "unknown key of a split": (SMALL + "size = 3", r"unknown key 'size' in splits\.val"),
    "unknown table": (SMALL + "[crop]\nfactors = [0]", r"unknown key 'crop': did you mean crops"),
    "unknown pattern": (replaced("labels = ", "label = "), r"files\.labels is missing"),
    "classes in two places": ('classes_from = "truth"' + SMALL.replace('"pairs"', '"coco"'), r"classes: list them"),
    "classes nowhere": (SMALL[: SMALL.index("classes")] + SMALL[SMALL.index("[files]") :], r"classes: list them"),
    "classes in label files": ('classes_from = "truth"' + SMALL, r"'truth' is not possible with layout 'pairs'"),
    "classes of lvis": (replaced('"pairs"', '"lvis"'), r"classes_from = 'card' is not possible with layout 'lvis'"),
    "unknown pattern more": (replaced("[files]", '[files]\nlists = "a"'), r"'lists' in .*: did you mean list\?"),
    "pattern elsewhere": (replaced('"pairs"', '"voc"'), r"'images' in files of layout 'voc': none are known"),
    "unknown key of a source": (SMALL + SOURCE + 'href = "x"', r"unknown key 'href' in sources\[0\]"),
    "missing key": (replaced('title   = "Mine"', ""), r"the key 'title' is missing"),
    "missing key of a class": (replaced('name = "background"', "thing = false"), r"'name' is missing in classes\[0\]"),
    "empty text": (replaced('obtain  = "ask me"', 'obtain = " "'), r"obtain is empty"),
    "wrong type": (replaced("images = 10", 'images = "ten"'), r"splits\.val\.images: expected int, got str"),
    "wrong type of an id": (replaced("id = 0,", 'id = "0",'), r"classes\[0\]\.id: expected int, got str"),
    "two numbers as color": (replaced("[255, 0, 0]", "[255, 0]"), r"classes\[1\]\.color: expected array of length 3"),
    "color too bright": (replaced("[255, 0, 0]", "[256, 0, 0]"), r"color = \[256, 0, 0\] of cell"),
    "layout": (replaced('"pairs"', '"pair"'), r"layout = 'pair' is unknown: did you mean pairs\?"),
    "task": (replaced('["semantic"]', '["sematic"]'), r"tasks = 'sematic' is unknown: did you mean semantic\?"),
    "no task": (replaced('["semantic"]', "[]"), r"tasks is empty"),
    "groups": ('groups = "cities"' + SMALL, r"groups = 'cities' is unknown"),
    "name with a slash": (replaced('"mine"\ntitle', '"a/b"\ntitle'), r"name = 'a/b' may hold"),
    "default split": ('default_split = "test"' + SMALL, r"default_split = 'test' is not among the splits \['val'\]"),
    "repeated id": (replaced("id = 1, train_id", "id = 0, train_id"), r"share the id 0"),
    "repeated name": (replaced('"cell"', '"background"'), r"share the name 'background'"),
    "repeated train id": (replaced("train_id = 1", "train_id = 0"), r"share the train_id 0"),
    "gap in train ids": (replaced("train_id = 1", "train_id = 2"), r"train ids .* without gaps"),
    "no class is scored": (replaced("train_id = 0,", "").replace("train_id = 1,", ""), r"train ids"),
    "void is a class": ("void = [1]" + SMALL, r"void lists \[1\]"),
    "void too large": ("void = [70000]" + SMALL, r"void = \[70000\] must hold values from 0 to 65535"),
    "id too large": (replaced("id = 1,", "id = 70000,"), r"id = 70000 of cell is not in"),
    "scored without a value": (replaced("id = 1, ", "id = -1, "), r"cell has id -1"),
    "ignore too small": ("ignore = 1" + SMALL, r"ignore = 1 must be above"),
    "no labels pattern": (replaced('labels = "labels/{split}/{id}.png"', ""), r"files\.labels is missing"),
    "pattern without id": (replaced("{split}/{id}.jpg", "a.jpg"), r"files\.images is missing or has no \{id\}"),
    "pattern outside": (replaced('"images/', '"../'), r"files\.images = .* below the data root"),
    "values key": (SMALL + "[values]\nwhite = 1", r"values: 'white' is not a pixel value"),
    "values target": (SMALL + "[values]\n128 = 7", r"values: 128 = 7, which is neither"),
    "colors without color": ("colors = true" + SMALL, r"'background' has none"),
    "alias of nothing": (SMALL + '[aliases]\ncel = ["x"]', r"there is no class 'cel': did you mean cell\?"),
    "alias taken": (SMALL + '[aliases]\ncell = ["background"]', r"'background' cannot be another name of 'cell'"),
    "alias twice": (SMALL + '[aliases]\ncell = ["x"]\nbackground = ["x"]', r"it already means 'cell'"),
    "split of none": (replaced("images = 10", "images = 0"), r"splits\.val\.images = 0 is below 1"),
    "crops": (SMALL + "[crops]\nfactors = []", r"crops\.factors = \[\]"),
    "boundary": (SMALL + "[boundary]\nratio = 2", r"boundary\.ratio = 2"),
    "source folder": (SMALL + SOURCE.replace("a.zip", "x/a.zip"), r"file is the plain name"),
    "source url": (SMALL + SOURCE + 'url = "ftp://x/a.zip"', r"must begin with http"),
    "source checksum": (SMALL + SOURCE + 'checksum = "md5:123"\ncited = "x"', r"checksum = 'md5:123' must be md5:"),
    "source cited": (SMALL + SOURCE + f'checksum = "md5:{"0" * 32}"', r"cited is missing"),
    "source provides": (SMALL + SOURCE.replace('["images"]', "[]"), r"provides is empty"),
    "source outside": (SMALL + SOURCE.replace('"images"', '"../images"'), r"provides = '../images' must be"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_wrong_card_is_refused_by_key_and_file(text: str, message: str) -> None:
    with pytest.raises(CardError, match=r"(?s)^mine\.toml: .*" + message):
        parse(text)


def test_all_problems_are_listed_at_once() -> None:
    text = (
        replaced('"pairs"', '"pair"')
        .replace("id = 1,", 'id = "one",')
        .replace("images = 10", "image = 10")
    )
    text = text.replace('title   = "Mine"', 'titel = "Mine"').replace(
        '["semantic"]', '["semantic", "depth"]'
    )
    with pytest.raises(CardError) as caught:
        parse('groups = "cities"\n' + text + "[boundary]\nratio = 7\n")
    lines = str(caught.value).splitlines()
    assert "mine.toml: 9 problems" == lines[0]
    assert [f"  {number}." for number in range(1, 10)] == [line[:4] for line in lines[1:]]
    for told in (
        "titel",
        "title",
        "classes[1].id",
        "image",
        "'pair'",
        "depth",
        "cities",
        "boundary.ratio",
    ):
        assert any(told in line for line in lines[1:]), told


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            "[values]\n0 = 0\n1 = 1\ncolors = true",
            r"values\.colors: expected int, got bool; it is below \[values\]",
        ),
        (
            "[splits.test]\nvoid = []",
            r"unknown key 'void' in splits\.test: it is below \[splits\.test\]",
        ),
        (
            '[aliases]\ngroups = "city"',
            r"aliases\.groups: expected array, got str; it is below \[aliases\]",
        ),
    ],
)
def test_a_key_of_the_card_below_a_table_is_told(table: Any, told: Any) -> None:
    with pytest.raises(
        CardError,
        match=told
        + " and so belongs to that table; keys of the card itself must be above the first",
    ):
        parse(f"{SMALL}\n{table}\n")


def test_a_number_or_word_below_a_table_is_told_too() -> None:
    with pytest.raises(
        CardError, match=r"values: 'ignore' is not a pixel value; it is below \[values\]"
    ):
        parse(f"{SMALL}\n[values]\n0 = 0\n1 = 1\nignore = 1\n")
    with pytest.raises(
        CardError, match=r"unknown key 'groups' in files of layout 'pairs': it is below \[files\]"
    ):
        parse(SMALL.replace("[files]", '[files]\ngroups = "city"'))


def test_one_problem_is_one_line() -> None:
    with pytest.raises(CardError) as caught:
        parse(replaced('"pairs"', '"pair"'))
    assert "mine.toml: layout = 'pair' is unknown: did you mean pairs?" == str(caught.value)


def test_a_private_card_needs_no_licence_and_no_citation() -> None:
    text = (
        replaced('licence = "mine"', "")
        .replace('cite    = "me"', "")
        .replace('obtain  = "ask me"', "")
    )
    card = parse(text)
    assert ("", "", "") == (card.licence, card.cite, card.obtain)


def test_a_card_may_begin_with_a_byte_order_mark() -> None:
    assert parse(SMALL) == replace(
        cards.parse_card(b"\xef\xbb\xbf" + SMALL.encode(), where=""), digest=parse(SMALL).digest
    )


def test_name_that_does_not_exist() -> None:
    with pytest.raises(
        CardError, match=r"there is no data set 'cityscape': did you mean cityscapes\?; your own"
    ):
        cards.load_card("cityscape")
    with pytest.raises(CardError, match=r"there is no data set '\.\./datasets/voc2012'"):
        cards.load_card("../datasets/voc2012")


def test_own_card_by_path_and_never_by_name_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    assert "Mine" == cards.load_card("mine.toml").title
    assert "Mine" == cards.load_card(tmp_path / "mine.toml").title
    with pytest.raises(CardError, match="there is no data set 'mine'"):
        cards.load_card("mine")
    with pytest.raises(CardError, match=r"no card at gone\.toml"):
        cards.load_card("gone.toml")


def readme(repository: Path) -> str:
    return (repository / "datasets" / "README.md").read_text(encoding="utf-8")


def test_readme_tells_every_key_and_no_other(repository: Path) -> None:
    told = dict(
        re.findall(
            r"^\| `([a-z0-9_.<>\[\]]+)` \| (required|optional)", readme(repository), re.MULTILINE
        )
    )
    expected = {}
    for table, struct in card_file.TABLES.items():
        prefix = {"": "", "splits": "splits.<name>."}.get(table, f"{table}.")
        for key, default in zip(struct.__struct_fields__, _needed(struct), strict=True):
            expected[prefix + key] = "required" if default else "optional"
    assert expected == told


def _needed(struct: Any) -> list[bool]:
    optional = len(struct.__struct_defaults__)
    return [True] * (len(struct.__struct_fields__) - optional) + [False] * optional


def test_examples_of_the_readme_are_cards(repository: Path) -> None:
    examples = [
        text
        for text in re.findall(r"```toml\n(.*?)```", readme(repository), re.DOTALL)
        if "\nlayout" in text
    ]
    assert len(examples) >= 2
    for text in examples:
        assert tomllib.loads(text)["name"] == parse(text).name


def test_examples_in_docstrings() -> None:
    assert 0 == doctest.testmod(card_file).failed
