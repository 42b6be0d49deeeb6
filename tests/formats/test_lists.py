"""Lists of images as people have them, in cards, in VOC's folders and behind --ids."""

from __future__ import annotations

import os
from pathlib import Path

import matching_cases as cases
import pytest

from bench.errors import DataError, InputError, UsageError
from bench.formats.cityscapes import data_set as cityscapes
from bench.formats.coco import data_set as coco
from bench.formats.finding import lists
from bench.formats.pairs import data_set as pairs
from bench.formats.voc import data_set as voc
from bench.opening import open_data

IDS = ["2007_000033", "2007_000042", "2008_000001"]
# What the file holds, as text or bytes.
LISTS: dict[str, str | bytes] = {
    "ids": "\n".join(IDS),
    "a byte order mark": b"\xef\xbb\xbf" + "\n".join(IDS).encode(),
    "UTF-16": "\n".join(IDS).encode("utf-16"),
    "lines of Windows and blanks": "".join(f"  {each} \t\r\n\r\n" for each in IDS),
    "a comment": "# val, 2012\n" + "\n".join(IDS),
    "names of pictures": "\n".join(f"{each}.jpg" for each in IDS),
    "VOC's Main lists": f"{IDS[0]}  1\n{IDS[1]} -1\n{IDS[2]}  0\n",
    "paths": "\n".join(f"JPEGImages/{each}.jpg" for each in IDS),
    "paths of another machine": "\n".join(
        f"/home/me/VOC2012/JPEGImages/{each}.jpg" for each in IDS
    ),
    "paths of Windows": "\n".join(f"D:\\VOC2012\\JPEGImages\\{each}.jpg" for each in IDS),
    "DeepLab's pairs": "\n".join(
        f"/JPEGImages/{each}.jpg /SegmentationClassAug/{each}.png" for each in IDS
    ),
    "pairs with commas": "\n".join(f"{each}.jpg,{each}.png" for each in IDS),
}


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("form", LISTS)
def test_every_form_of_a_list_names_the_images(tmp_path: Path, form: str) -> None:
    """In VOC's list of a split, in the list of a card, and behind --ids."""
    cases.write_labels(tmp_path / "SegmentationClass", [*IDS, "2009_000001"])
    cases.write_labels(tmp_path / "lab/val", [*IDS, "2009_000001"])
    write(tmp_path / "ImageSets/Segmentation/val.txt", LISTS[form])
    given = write(tmp_path / "given.txt", LISTS[form])
    assert IDS == [
        sample.id for sample in voc.read_truth(cases.card("voc", "semantic"), tmp_path, "val")
    ]
    for layout in ("voc", "pairs"):
        card = write(tmp_path / "card.toml", cases.card_text(layout, "semantic"))
        assert IDS == [
            sample.id for sample in open_data(str(card), root=tmp_path, ids=str(given)).samples
        ]
    text = cases.card_text("pairs", "semantic").replace("[files]", '[files]\nlist = "given.txt"')
    assert IDS == [sample.id for sample in open_data(str(write(card, text)), root=tmp_path).samples]


def test_a_line_that_is_an_id_stays_as_it_is(tmp_path: Path) -> None:
    known = {"a 1", "b.jpg", "c", "d/e"}.__contains__
    path = write(tmp_path / "list.txt", "a 1\nb.jpg\nc.jpg\nx/d/e.png\nf 1\n")
    assert ["a 1", "b.jpg", "c", "d/e", "f"] == lists.read(path, known)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a\na\n", "'a' is listed twice; each image counts once"),
        ("a\nb\na.jpg\n", r"'a' is listed twice \('a' and 'a.jpg'\)"),
        ("a 1\na -1\n", r"'a' is listed twice \('a 1' and 'a -1'\)"),
        ("\n# nothing\n", "the list of images is empty"),
        (b"\xff\xfa\x80", "cannot be read"),
    ],
)
def test_lists_that_are_refused(tmp_path: Path, content: str | bytes, words: str) -> None:
    with pytest.raises(DataError, match=words):
        lists.read(write(tmp_path / "list.txt", content), {"a", "b"}.__contains__)


def test_images_that_a_list_names_and_are_not_there_are_named(tmp_path: Path) -> None:
    cases.write_labels(tmp_path / "SegmentationClass", IDS[:1])
    write(tmp_path / "ImageSets/Segmentation/val.txt", LISTS["DeepLab's pairs"])
    with pytest.raises(
        DataError, match=r"2 of 3 images have no truth \(2007_000042, 2008_000001\)"
    ):
        voc.read_truth(cases.card("voc", "semantic"), tmp_path, "val")


# Lines of --ids for a COCO file with images 4, 5, 6 of pictures a/x.jpg, a/y.jpg, b/z.jpg.
CHOSEN = {
    "ids": ["x", "z"],
    "image ids": ["4", "6"],
    "padded image ids": ["0004", "0006"],
    "names": ["x.jpg", "z.jpg"],
    "whole names": ["a/x.jpg", "b/z.jpg"],
    "names of Windows": ["C:\\a\\x.jpg", "C:\\b\\z.jpg"],
}


@pytest.mark.parametrize("form", CHOSEN)
def test_ids_of_a_coco_file_are_names_or_numbers(tmp_path: Path, form: str) -> None:
    cases.write_json(
        tmp_path / "truth.json", cases.truth_of(["a/x.jpg", "a/y.jpg", "b/z.jpg"], [4, 5, 6])
    )
    card = write(tmp_path / "card.toml", cases.card_text("coco", "instance"))
    given = write(tmp_path / "ids.txt", "\n".join(CHOSEN[form]))
    found = open_data(str(card), root=tmp_path / "truth.json", ids=str(given))
    assert ["x", "z"] == [sample.id for sample in found.samples]
    assert () == found.notices


def test_ids_that_may_mean_two_images_are_refused(tmp_path: Path) -> None:
    """The picture of image 1 is 2.jpg, and 2 is the id of another image."""
    cases.write_json(
        tmp_path / "truth.json", cases.truth_of(["a/2.jpg", "a/1.jpg", "b/1.jpg"], [1, 2, 3])
    )
    card = write(tmp_path / "card.toml", cases.card_text("coco", "instance"))
    given = write(tmp_path / "ids.txt", "2")
    with pytest.raises(
        DataError, match="ids and file names contradict each other; write ids like a/2"
    ):
        open_data(str(card), root=tmp_path / "truth.json", ids=str(given))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["x", "5"], r"1 of the requested ids do not exist \(5\); an existing id is x"),
        (["x", "x.jpg"], "'x' is listed twice"),
        (["4", "04"], "an image is listed twice"),
        (["9"], r"1 of the requested ids do not exist \(9\)"),
    ],
)
def test_ids_that_are_not_clear_are_refused(tmp_path: Path, lines: list[str], words: str) -> None:
    cases.write_json(tmp_path / "truth.json", cases.truth_of(["x.jpg", "y.jpg"], [4, 5]))
    card = write(tmp_path / "card.toml", cases.card_text("coco", "instance"))
    given = write(tmp_path / "ids.txt", "\n".join(lines))
    with pytest.raises(InputError, match=words):
        open_data(str(card), root=tmp_path / "truth.json", ids=str(given))


def test_ids_of_cityscapes_are_names_of_pictures(tmp_path: Path) -> None:
    names = ["ulm_000000_000001", "ulm_000000_000002", "ulm_000000_000003"]
    cases.write_labels(tmp_path / "gtFine/val/ulm", names, "{}_gtFine_labelIds.png")
    card = cases.card("cityscapes", "semantic")
    for each in (
        "{}",
        "{}_leftImg8bit",
        "{}_leftImg8bit.png",
        "leftImg8bit/val/ulm/{}_leftImg8bit.png",
    ):
        asked = [each.format(name) for name in names[1:]]
        assert names[1:] == [
            sample.id for sample in cityscapes.read_truth(card, tmp_path, "val", ids=asked)
        ]


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    card = write(tmp_path / "card.toml", cases.card_text("coco", "instance"))
    truth = cases.write_json(tmp_path / "truth.json", cases.truth_of(["x.jpg"], [4]))
    for content, words in (
        (b"\xff\xfa", "nor a text file"),
        (b"# a\n", "it is empty"),
        (b"x\nx", "listed twice"),
    ):
        with pytest.raises(UsageError, match=words):
            open_data(str(card), root=truth, ids=str(write(tmp_path / "ids.txt", content)))


def test_pictures_and_maps_are_found_by_paths_of_windows(tmp_path: Path) -> None:
    """Only where no file has the literal name."""
    names = ["images\\x.jpg", "images\\y.jpg"]
    truth = cases.write_json(tmp_path / "truth.json", cases.truth_of(names, [1, 2]))
    write(tmp_path / "images/x.jpg", b"")
    write(tmp_path / "images\\y.jpg", b"")
    card = cases.card_text("coco", "instance")
    found = open_data(str(write(tmp_path / "card.toml", card)), root=truth).samples
    assert ["x", "y"] == [sample.id for sample in found]
    assert ["images/x.jpg", "images\\y.jpg"] == [sample.file for sample in found]
    parks = cases.parks()
    whole = cases.write_panoptic(
        tmp_path / "maps", [(1, "a\\1.png", 1), (2, "a\\2.png", 2)], truth=True
    )
    for sample in coco.read_truth(parks, whole, "val"):
        assert (cases.H, cases.W) == sample.truth.segments().size


def test_masks_of_cityscapes_are_found_by_paths_of_windows(tmp_path: Path) -> None:
    cases.write_labels(tmp_path / "gtFine/val/ulm", ["ulm_000000_000001"], "{}_gtFine_labelIds.png")
    card = cases.card("cityscapes", "semantic")
    (sample,) = cityscapes.read_truth(card, tmp_path, "val")
    cases.write_labels(tmp_path / "out/masks", ["m"])
    write(tmp_path / "out/ulm_000000_000001.txt", "masks\\m.png 1 0.5\n")
    read = cityscapes.read_predictions(card, tmp_path / "out", "instance", [sample])
    assert [int(cases.labels(0).sum())] == read(sample).areas.tolist()


def test_pairs_know_the_ids_in_paths_of_their_patterns(tmp_path: Path) -> None:
    """An id may be less than the name of the file."""
    card = cases.card(
        "pairs", "semantic", images="img/{split}/{id}_rgb.png", labels="lab/{split}/{id}_gt.png"
    )
    cases.write_labels(tmp_path / "lab/val", ["a", "b"], "{}_gt.png")
    for asked in (
        ["img/val/a_rgb.png"],
        ["/x/img/val/a_rgb.png /x/lab/val/a_gt.png"],
        ["lab\\val\\a_gt.png"],
    ):
        assert ["a"] == [sample.id for sample in pairs.read_truth(card, tmp_path, "val", ids=asked)]


def test_a_list_may_come_from_a_pipe(tmp_path: Path) -> None:
    """As from `--ids <(head -50 ids.txt)`, which can be read only once."""
    cases.write_labels(tmp_path / "lab/val", IDS)
    card = write(tmp_path / "card.toml", cases.card_text("pairs", "semantic"))
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe:
        pipe.write("\n".join(IDS[1:]))
    found = open_data(str(card), root=tmp_path, ids=f"/dev/fd/{reading}")
    os.close(reading)
    assert IDS[1:] == [sample.id for sample in found.samples]
