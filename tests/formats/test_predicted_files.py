"""Which file of a folder is the prediction of which image: one way of naming for all, one file for
an image.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import matching_cases as cases
import numpy as np
import pytest

from bench import images
from bench.errors import PredictionError
from bench.formats.cityscapes import data_set as cityscapes
from bench.formats.coco import data_set as coco
from bench.formats.finding import predicted_files
from bench.formats.finding.listing import with_listing
from bench.formats.pairs import data_set as pairs
from bench.formats.voc import data_set as voc
from bench.samples import Sample, Truth


def samples(*names: str) -> list[Sample]:
    return [Sample(name, Truth()) for name in names]


def files(root: Path, *names: str) -> Path:
    """Empty files with these names."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


WAYS = {
    "by the id": (["a/x", "b/y"], ["a/x.png", "b/y.png"], None),
    "at the end of the path": (
        ["x", "y"],
        ["val/x.png", "test/y.png"],
        "the id at the end of the path",
    ),
    "ids with folders, deeper": (
        ["a/x", "b/x"],
        ["out/a/x.png", "out/b/x.png"],
        "the id at the end of the path",
    ),
    "by the last part": (["a/x", "b/y"], ["x.png", "y.png"], "the last part of the id"),
    "like the pictures": (["x", "y"], ["x.jpg.png", "y.tif.png"], "with the image's suffix"),
    "like the pictures in folders": (
        ["a/x", "b/x"],
        ["a/x.jpg.png", "b/x.jpg.png"],
        "with the image's suffix",
    ),
    "with something behind": (["x", "y"], ["x_pred.png", "y_pred.png"], "as {id}_pred"),
    "with something before": (["x", "y"], ["pred-x.png", "pred-y.png"], "as pred-{id}"),
    "behind, in folders": (["a/x", "b/x"], ["m/a/x_mask.png", "m/b/x_mask.png"], "as {id}_mask"),
    "other letters": (
        ["IMG_1", "IMG_2"],
        ["img_1.PNG", "img_2.PNG"],
        "with different upper and lower case",
    ),
    "by number": (["0001", "0002"], ["1.png", "2.png"], "the number in the id"),
    "an id in another": (["x", "x_1"], ["x_1.png", "x_1_1.png"], "as {id}_1"),
}


@pytest.mark.parametrize("way", WAYS)
def test_one_way_of_naming_serves_all_images_and_a_note_says_so(tmp_path: Path, way: str) -> None:
    ids, names, words = WAYS[way]
    found = predicted_files.find(files(tmp_path, *names), samples(*ids))
    assert [tmp_path / name for name in names] == [found.paths[each] for each in ids]
    if words is None:
        assert () == found.notices
        return
    (notice,) = found.notices
    assert ("matched-otherwise", "note") == (notice.code, notice.severity)
    assert words in notice.message
    assert f"such as {names[0]} for {ids[0]}" in notice.message


REFUSED = {
    "a file for two images": (
        ["a/x", "b/x", "b/y"],
        ["x.png", "y.png"],
        (
            r"3 of 3 images have no prediction \(a/x, b/x, b/y\).*x\.png could "
            r"belong to a/x or b/x, and a file belongs to one"
        ),
    ),
    "the file of another image": (
        ["cows/00000", "dog/00000"],
        ["cows/00000.png"],
        r"1 of 2 images have no prediction \(dog/00000\); dog/00000\.png is expected",
    ),
    "two files for an image": (
        ["x", "y"],
        ["a/x.png", "b/x.png", "y.png"],
        "x has 2 predictions, such as",
    ),
    "two kinds of files": (
        ["x", "y"],
        ["x_a.png", "y_a.png", "x_b.png", "y_b.png"],
        "every image has 2 files",
    ),
    "one way for one, another for another": (
        ["x", "y"],
        ["x_pred.png", "y.png"],
        "1 of 2 images have no prediction",
    ),
    "letters touch the id": (["1", "2"], ["11.png", "12.png"], "2 of 2 images have no prediction"),
    "two ids of one number": (
        ["1", "001"],
        ["01.png", "1.png"],
        r"1 of 2 images have no prediction \(001\)",
    ),
    "nothing fits": (["x", "y"], ["p.png", "q.png"], r"2 label files are there \(p\.png, q\.png\)"),
    "another kind of files": (
        ["x", "y"],
        ["x.npz9", "y.npz9", "log.txt"],
        ("there is no label file in this folder, but 2 .npz9"),
    ),
    "nothing there": (["x"], [".hidden.png"], "this folder is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_clear_for_all_images_is_refused(tmp_path: Path, case: str) -> None:
    ids, names, words = REFUSED[case]
    with pytest.raises(PredictionError, match=words):
        predicted_files.find(files(tmp_path, *names), samples(*ids))


def test_images_that_were_left_out_still_have_their_names(tmp_path: Path) -> None:
    """With --limit one of two images is left: its file might be that of the other."""
    card = cases.card("pairs", "semantic")
    cases.write_labels(tmp_path / "lab/val", ["a/x", "b/x"])
    cases.write_labels(tmp_path / "flat", ["x"])
    for ids in (None, ["a/x"]):
        listed = pairs.read_truth(card, tmp_path, "val", ids=ids)[:1]
        with pytest.raises(PredictionError, match="could belong to a/x or b/x"):
            pairs.read_predictions(card, tmp_path / "flat", "semantic", listed)


@pytest.mark.parametrize(("names", "file"), [(["001", "01"], "1.png"), (["Cat", "cat"], "CAT.png")])
def test_a_number_or_letters_of_two_images_name_neither(
    tmp_path: Path, names: list[str], file: str
) -> None:
    listed = with_listing(samples(*names), lambda: names)[:1]
    with pytest.raises(PredictionError, match="1 of 1 images have no prediction"):
        predicted_files.find(files(tmp_path, file), listed)


def test_layouts_read_the_files_that_were_found(tmp_path: Path) -> None:
    names = ["x", "y", "z"]
    cases.write_labels(tmp_path / "out", names, "{}.jpg.png")
    cases.write_labels(tmp_path / "lab/val", names)
    cases.write_labels(tmp_path / "SegmentationClass", names)
    content = cases.truth_of([f"{name}.jpg" for name in names], [5, 6, 7])
    truth = cases.write_json(
        tmp_path / "truth.json", content | {"categories": [{"id": 1, "name": "tree"}]}
    )
    found = {
        "pairs": (pairs, pairs.read_truth(cases.card("pairs", "semantic"), tmp_path, "val")),
        "voc": (voc, voc.read_truth(cases.card("voc", "semantic"), tmp_path, "val", ids="all")),
    }
    for layout, (module, listed) in found.items():
        read = module.read_predictions(
            cases.card(layout, "semantic"), tmp_path / "out", "semantic", listed
        )
        for seed, sample in enumerate(listed):
            np.testing.assert_array_equal(cases.labels(seed), read(sample).labels)
        assert ["matched-otherwise"] == [notice.code for notice in read.notices]
    listed = coco.read_truth(cases.card("pairs", "semantic"), truth, "val")
    shutil.rmtree(tmp_path / "out")
    cases.write_labels(tmp_path / "out", ["5", "6", "7"])
    read = coco.read_predictions(
        cases.card("pairs", "semantic"), tmp_path / "out", "semantic", listed
    )
    np.testing.assert_array_equal(cases.labels(1), read(listed[1]).labels)
    assert "the number of the image" in read.notices[0].message  # type: ignore[attr-defined]


def city(root: Path, *names: str) -> list[Sample]:
    for name in names:
        images.write_labels(root / f"gtFine/val/ulm/{name}_gtFine_labelIds.png", cases.labels(0))
    return cityscapes.read_truth(cases.card("cityscapes", "semantic"), root, "val")


def test_a_file_of_cityscapes_belongs_to_the_longest_id(tmp_path: Path) -> None:
    card = cases.card("cityscapes", "semantic")
    listed = city(tmp_path, "ulm_000000_000001", "ulm_000000_000001_000002")
    cases.write_labels(tmp_path / "out", ["ulm_000000_000001_000002_pred"])
    for some in (listed, listed[:1]):
        with pytest.raises(
            PredictionError,
            match=r"have no prediction \(ulm_000000_000001\); .*1 files of that kind",
        ):
            cityscapes.read_predictions(card, tmp_path / "out", "semantic", some)
    cases.write_labels(tmp_path / "out", ["ulm_000000_000001_pred"])
    read = cityscapes.read_predictions(card, tmp_path / "out", "semantic", listed)
    assert () == read.notices  # type: ignore[attr-defined]
    assert "ulm_000000_000001_pred.png" == read.paths["ulm_000000_000001"].name  # type: ignore[attr-defined]


def test_files_of_cityscapes_of_several_kinds_are_told(tmp_path: Path) -> None:
    card = cases.card("cityscapes", "semantic")
    listed = city(tmp_path, "ulm_000000_000001", "ulm_000000_000002")
    cases.write_labels(tmp_path / "out", ["ulm_000000_000001_pred", "ulm_000000_000002_color"])
    (notice,) = cityscapes.read_predictions(card, tmp_path / "out", "semantic", listed).notices  # type: ignore[attr-defined]
    assert ("mixed-names", "warning") == (notice.code, notice.severity)
    cases.write_labels(tmp_path / "out", ["ulm_000000_000001_color"])
    with pytest.raises(PredictionError, match="ulm_000000_000001 has 2 predictions, such as"):
        cityscapes.read_predictions(card, tmp_path / "out", "semantic", listed)
