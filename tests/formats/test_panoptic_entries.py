"""Which image an entry of a panoptic JSON means: one kind of id for all, and nothing that
contradicts itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matching_cases as cases
import numpy as np
import pytest

from bench import cli
from bench.errors import DataError, PredictionError
from bench.formats.coco import data_set as coco

# (image id, map's name) of each entry; truth: images 1, 2, 3 with pictures 01.jpg, 02.jpg, 03.jpg.
ACCEPTED: dict[str, tuple[list[tuple[Any, str]], str]] = {
    "as in the truth": ([(1, "01.png"), (2, "02.png"), (3, "03.png")], ""),
    "by id alone": ([(1, "a.png"), (2, "b.png"), (3, "c.png")], ""),
    "ids and names of several forms": ([(1, "pred_01.png"), (2, "02.png"), (3, "x.png")], ""),
    "by file name alone": (
        [(71, "01.png"), (72, "02.png"), (73, "03.png")],
        "the file_name of each entry",
    ),
    "ids as text": ([("1", "a.png"), ("2", "b.png"), ("3", "c.png")], "their ids in another form"),
    "stems": ([("01", "a.png"), ("02", "b.png"), ("03", "c.png")], "'01'"),
    "other images too": ([(1, "01.png"), (2, "02.png"), (3, "03.png"), (9, "09.png")], ""),
}
REFUSED: dict[str, tuple[list[tuple[Any, str]], str]] = {
    "shifted": (
        [(0, "01.png"), (1, "02.png"), (2, "03.png")],
        (
            r"entry 1 has image_id 1 but file_name '02.png': these name two images \(1 is 01.jpg, "
            r"and 02.png has"
        ),
    ),
    "shifted the other way": (
        [(2, "01.png"), (3, "02.png"), (4, "03.png")],
        "entry 0 has image_id 2 but file_name",
    ),
    "some by id and others by name": (
        [(1, "a.png"), (72, "02.png"), (73, "03.png")],
        "no prediction for 2 of 3 images",
    ),
    "twice": (
        [(1, "01.png"), (2, "02.png"), (3, "03.png"), (3, "04.png")],
        "lists the image 3 twice",
    ),
    "one map for two": (
        [(1, "01.png"), (2, "x.png"), (3, "x.png")],
        "images 2 and 3 both have the map x.png",
    ),
    "missing": (
        [(1, "01.png"), (2, "02.png")],
        r"no prediction for 1 of 3 images \(03\); image_id 3 is expected, and 2 entries exist",
    ),
    "none": ([], "has no prediction for 3 of 3 images .*; it has no entries"),
}


def segments(
    root: Path, entries: list[tuple[Any, str]], card: Any, limit: int | None = None
) -> Any:
    truth = cases.write_panoptic(
        root / "truth", [(n, f"{n:02}.png", n) for n in (1, 2, 3)], truth=True
    )
    listed = coco.read_truth(card, truth, "val")[:limit]
    cases.write_panoptic(
        root / "out", [(number, name, k + 1) for k, (number, name) in enumerate(entries)]
    )
    return listed, coco.read_predictions(card, root / "out", "panoptic", listed)


@pytest.fixture
def parks() -> Any:
    return cases.parks()


@pytest.mark.parametrize("way", ACCEPTED)
def test_panoptic_entries_go_by_one_key_for_all(tmp_path: Path, parks: Any, way: str) -> None:
    entries, words = ACCEPTED[way]
    listed, read = segments(tmp_path, entries, parks)
    for sample in listed:
        np.testing.assert_array_equal(sample.truth.segments().ids, read(sample).ids)
    assert (words == "") == (read.notices == ())
    assert words == "" or words in read.notices[0].message
    assert {tmp_path / "out/panoptic" / name for _, name in entries} == set(read.used)


@pytest.mark.parametrize("case", REFUSED)
def test_panoptic_entries_that_are_not_clear_are_refused(
    tmp_path: Path, parks: Any, case: str
) -> None:
    entries, words = REFUSED[case]
    with pytest.raises(PredictionError, match=words):
        segments(tmp_path, entries, parks)


def test_entries_that_may_mean_two_images_are_refused(tmp_path: Path, parks: Any) -> None:
    """The picture of image 1 is 2.jpg, and that of image 2 is 1.jpg."""
    truth = cases.write_panoptic(tmp_path / "truth", [(1, "2.png", 1), (2, "1.png", 2)], truth=True)
    listed = coco.read_truth(parks, truth, "val")
    cases.write_panoptic(tmp_path / "out", [("1", "a.png", 1), ("2", "b.png", 2)])
    with pytest.raises(
        PredictionError,
        match=r"the entry of 2 is a\.png by their ids in another form, and b\.png by",
    ):
        coco.read_predictions(parks, tmp_path / "out", "panoptic", listed)


def test_entries_of_images_that_were_left_out_are_looked_at_too(tmp_path: Path, parks: Any) -> None:
    with pytest.raises(PredictionError, match="these name two images"):
        segments(tmp_path, REFUSED["shifted"][0], parks, limit=2)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([(1, "01.png"), (2, "02.png"), (2, "03.png")], "lists the image 2 twice"),
        ([(1, "01.png"), (2, "03.png"), (3, "02.png")], "these name two images"),
        ([(1, "01.png"), (2, "02.png"), (3, "01.png")], "both have the map 01.png"),
        (
            [(1, "01.png"), (2, "02.png"), (3, "03.png"), (4, "04.png")],
            "belongs to image 4, which the file does not list",
        ),
    ],
)
def test_panoptic_truth_that_contradicts_itself_is_refused(
    tmp_path: Path, parks: Any, entries: Any, words: str
) -> None:
    path = cases.write_panoptic(tmp_path, [(n, f"{n:02}.png", n) for n in (1, 2, 3)], truth=True)
    content = json.loads(path.read_text())
    info = content["annotations"][0]["segments_info"]
    content["annotations"] = [
        {"image_id": n, "file_name": name, "segments_info": info} for n, name in entries
    ]
    with pytest.raises(DataError, match=words):
        coco.read_truth(parks, cases.write_json(path, content), "val")


def test_maps_that_a_json_names_are_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As createPanopticImgs names pictures <id>_gtFine_leftImg8bit.png and maps
    <id>_gtFine_panoptic.png.
    """
    entries = [(f"ulm_{n}", f"ulm_{n}_gtFine_panoptic.png", n) for n in (1, 2)]
    truth = cases.write_panoptic(tmp_path / "truth", entries, truth=True)
    content = json.loads(truth.read_text())
    for image in content["images"]:
        image["file_name"] = image["file_name"].replace("panoptic.jpg", "leftImg8bit.png")
    cases.write_json(truth, content)
    cases.write_panoptic(tmp_path / "out", entries)
    (tmp_path / "card.toml").write_text(cases.card_text("coco", "panoptic"))
    asked = [
        "eval",
        "-p",
        tmp_path / "out",
        "-d",
        tmp_path / "card.toml",
        "--data",
        truth,
        "--json",
    ]
    for stray in (False, True):
        if stray:
            (tmp_path / "out/panoptic/other.png").write_bytes(b"")
        assert 0 == cli.main([str(word) for word in (*asked, "--out", tmp_path / "runs")])
        record = json.loads(capsys.readouterr().out)
        assert 1.0 == record["scores"]["panoptic"]["PQ"]["value"]
        assert stray == ("unused-files" in [each["code"] for each in record["warnings"]])
