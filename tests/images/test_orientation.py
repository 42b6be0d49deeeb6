"""EXIF orientation: pictures stand upright where the truth does, whatever the format, and it is
said.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from bench import images
from bench.cards import parse_card
from bench.cli import main
from bench.errors import DataError, PredictionError
from bench.formats.coco import data_set as coco
from bench.formats.pairs import data_set as pairs
from bench.formats.voc import data_set as voc
from bench.images import orientation, png
from bench.images import upright as pictures
from bench.samples import LabelMap, Sample, Truth

TAGS = range(1, 9)
SIZE = (10, 14)
HEAD = 'name = "own"\ntitle = "Own"\nlicence = "-"\ncite = "-"\nobtain = "-"\n'
COCO = parse_card(
    f'{HEAD}layout = "coco"\ntasks = ["instance"]\nclasses_from = "truth"\n[splits.val]\n'.encode(),
    where="test",
)
PAIRS = parse_card(
    f"""{HEAD}layout = "pairs"
tasks = ["semantic"]
classes = [{{ id = 0, train_id = 0, name = "dark" }}, {{ id = 1, train_id = 1, name = "bright" }}]
[files]
images = "val/{{id}}.jpg"
labels = "truth/{{id}}.png"
[splits.val]
""".encode(),
    where="test",
)


def upright(size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture, most of it dark, with a bright block in no symmetric place."""
    picture = np.zeros((*size, 3), np.uint8)
    picture[1:5, 2:9] = 255
    return picture


def store(path: Path, picture: np.ndarray, tag: int, **options: object) -> None:
    """Write a picture that is upright once it is turned as its tag asks."""
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[orientation.TAG] = tag
    Image.fromarray(orientation.turned_back(picture, tag)).save(
        path,
        exif=exif.tobytes(),
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("tag", TAGS)
def test_turning_is_that_of_pillow(tmp_path: Path, tag: int) -> None:
    stored = np.arange(5 * 9 * 3, dtype=np.uint8).reshape(5, 9, 3)
    exif = Image.Exif()
    exif[orientation.TAG] = tag
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif.tobytes())
    with Image.open(tmp_path / "a.png") as image:
        expected = np.array(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(expected, orientation.turned(stored, tag))
    np.testing.assert_array_equal(stored, orientation.turned_back(expected, tag))


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("tag", TAGS)
def test_every_format_is_turned_on_request_and_only_then(
    tmp_path: Path, suffix: str, tag: int, kernel: str
) -> None:
    path = tmp_path / f"a{suffix}"
    picture = upright()
    store(path, picture, tag, **({"lossless": True} if suffix == ".webp" else {}))
    stored = orientation.turned_back(picture, tag)
    asked: list[tuple[int, tuple[int, int]]] = []
    for wanted, expected in ((True, picture), (False, stored)):

        def turn(tag: int, size: tuple[int, int], answer: bool = wanted) -> bool:
            asked.append((tag, size))
            return answer

        found = images.read_rgb(path, turn)
        assert expected.shape == found.shape
        assert (
            np.abs(found.astype(int) - expected).max() < 90
        )  # a JPEG changes values, and nothing else here does
    assert ([(tag, SIZE)] * 2 if tag > 1 else []) == asked
    assert (tag, SIZE) == images.read_orientation(path)


@pytest.mark.parametrize(
    "exif", [b"", b"II", b"Exif\0\0MM\0*\0\0\0\x08\xff\xff", b"II*\0\xff\xff\xff\xff" + bytes(9)]
)
def test_a_damaged_block_asks_for_nothing(exif: bytes) -> None:
    assert 1 == orientation.tag_of(exif)
    assert [1, 1, 1, 1] == [orientation.valid(each) for each in (0, 9, "6", None)]


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_label_files_that_ask_to_be_turned_are_refused(
    tmp_path: Path, suffix: str, kernel: str
) -> None:
    path = tmp_path / f"a{suffix}"
    store(path, upright(), 6, **({"lossless": True} if suffix == ".webp" else {}))
    for read in (images.read_labels, images.read_color_labels, images.read_panoptic_ids):
        with pytest.raises(DataError, match="has the EXIF orientation 6"):
            read(path)
    images.write_labels(tmp_path / "plain.png", upright()[..., 0])
    assert images.read_pairs(tmp_path / "plain.png", path) is None


def test_a_grey_label_png_that_asks_to_be_turned_takes_no_quick_way(tmp_path: Path) -> None:
    store(tmp_path / "turned.png", upright()[..., 0], 3)
    images.write_labels(tmp_path / "plain.png", upright()[..., 0])
    assert images.read_pairs(tmp_path / "plain.png", tmp_path / "turned.png") is None
    with pytest.raises(png.PngError, match="orientation 3"):
        png.decode_mask((tmp_path / "turned.png").read_bytes())


@pytest.mark.parametrize("mode", ["P", "RGB"])
def test_the_tag_of_a_png_may_stand_behind_its_pixels(
    tmp_path: Path, mode: str, kernel: str
) -> None:
    path = tmp_path / "a.png"
    exif = Image.Exif()
    exif[orientation.TAG] = 6
    stored = Image.fromarray(orientation.turned_back(upright(), 6)).convert(mode)
    stored.save(path, exif=exif.tobytes())
    data = path.read_bytes()
    start = data.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(data[start : start + 4], "big")
    last = data.index(b"IEND") - 4
    path.write_bytes(data[:start] + data[end:last] + data[start:end] + data[last:])
    np.testing.assert_array_equal(
        upright(), images.read_rgb(path, lambda tag, size: (tag, size) == (6, SIZE))
    )
    with pytest.raises(DataError, match="has the EXIF orientation 6"):
        images.read_color_labels(path)


def listed(root: Path, sizes: dict[str, tuple[int, int]]) -> list[Sample]:
    """The samples of a truth file of objects with these sizes (height, width) of images."""
    entries = [
        {"id": n, "file_name": f"{name}.jpg", "height": size[0], "width": size[1]}
        for n, (name, size) in enumerate(sizes.items(), 1)
    ]
    content = {"images": entries, "annotations": [], "categories": [{"id": 1, "name": "block"}]}
    (root / "truth.json").write_text(json.dumps(content))
    card = replace(COCO, classes=coco.read_classes(COCO, root / "truth.json", "val"))
    return coco.read_truth(card, root / "truth.json", "val")


def is_upright(sample: Sample, size: tuple[int, int] = SIZE) -> bool:
    found = sample.image()
    return (
        found.shape[:2] == size and bool(found[2, 4, 0] > 128) and not bool(found[-2, -4, 0] > 128)
    )


@pytest.mark.parametrize("tag", TAGS)
def test_pictures_stand_upright_where_the_truth_does(tmp_path: Path, tag: int) -> None:
    store(tmp_path / "val" / "a.jpg", upright(), tag)
    samples = listed(tmp_path, {"a": SIZE})
    assert is_upright(samples[0])
    notices = pictures.notices_of(samples)
    assert (tag > 1) == bool(notices)
    if notices:
        assert "exif-orientation" == notices[0].code
        assert (
            f"1 image has an EXIF orientation ({tag}; first: a.jpg): the model received"
            in notices[0].message
        )


@pytest.mark.parametrize("tag", orientation.SWAPPING)
def test_pictures_stay_as_they_are_stored_where_the_truth_does(tmp_path: Path, tag: int) -> None:
    store(tmp_path / "val" / "a.jpg", upright(), tag)
    samples = listed(tmp_path, {"a": SIZE[::-1]})
    assert SIZE[::-1] == samples[0].image().shape[:2]
    assert "as stored" in pictures.notices_of(samples)[0].message


@pytest.mark.parametrize("truth_is_upright", [True, False])
def test_where_sizes_tell_nothing_the_other_pictures_decide(
    tmp_path: Path, truth_is_upright: bool
) -> None:
    square = (10, 10)
    store(tmp_path / "val" / "quarter.jpg", upright(), 6)
    store(tmp_path / "val" / "half.jpg", upright(), 3)
    store(tmp_path / "val" / "square.jpg", upright(square), 8)
    quarter = SIZE if truth_is_upright else SIZE[::-1]
    samples = {
        each.id: each
        for each in listed(tmp_path, {"quarter": quarter, "half": SIZE, "square": square})
    }
    # The deciding picture is not read first, and need not be read at all.
    assert truth_is_upright == is_upright(samples["half"])
    assert truth_is_upright == is_upright(samples["square"], square)
    found = pictures.notices_of([samples["half"], samples["square"]])
    assert ["2 images have an EXIF orientation (3, 8; first: half.jpg)"] == [
        each.message.partition(":")[0] + ":" + each.message.split(":")[1] for each in found
    ]


def test_pictures_without_a_tag_are_not_looked_at_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        store(tmp_path / "val" / f"{name}.jpg", upright(), 1)
    samples = listed(tmp_path, {"a": SIZE, "b": SIZE})
    assert all(is_upright(each) for each in samples)
    monkeypatch.setattr(
        images, "read_orientation", lambda path: pytest.fail(f"{path} was opened again")
    )
    assert [] == pictures.notices_of(samples)


def test_pictures_of_a_resumed_run_are_counted_too(tmp_path: Path) -> None:
    for name in ("a", "b"):
        store(tmp_path / "val" / f"{name}.jpg", upright(), 6)
    samples = listed(tmp_path, {"a": SIZE, "b": SIZE})
    samples[1].image()
    assert pictures.notices_of(samples)[0].message.startswith("2 images have")


def test_pictures_stand_upright_beside_label_files(tmp_path: Path) -> None:
    labels = (upright()[..., 0] > 128).astype(np.uint8)
    for name, tag in (("a", 6), ("b", 3), ("c", 1)):
        store(tmp_path / "val" / f"{name}.jpg", upright(), tag)
        images.write_labels(tmp_path / "truth" / f"{name}.png", labels)
    for sample in pairs.read_truth(PAIRS, tmp_path, "val"):
        assert is_upright(sample), sample.id
    # Written in another layout, they stay beside their truth.
    made = [Sample(each.id, Truth(lambda: LabelMap(labels)), each.read_image) for each in
            pairs.read_truth(PAIRS, tmp_path, "val")]  # fmt: skip
    voc.write_truth(PAIRS, tmp_path / "voc", "val", made)
    for tag, name in ((6, "a"), (3, "b")):
        store(tmp_path / "voc" / "JPEGImages" / f"{name}.jpg", upright(), tag)
    assert all(is_upright(each) for each in voc.read_truth(PAIRS, tmp_path / "voc", "val"))


def test_a_missing_picture_is_named_all_the_same(tmp_path: Path) -> None:
    samples = listed(tmp_path, {"a": SIZE})
    with pytest.raises(DataError, match=r"a\.jpg: cannot be read"):
        samples[0].image()
    store(tmp_path / "val" / "b.jpg", upright(), 3)
    assert is_upright(listed(tmp_path, {"b": SIZE, "gone": SIZE})[0])


@pytest.mark.parametrize("tag", [1, 3, 6, 8])
def test_a_perfect_model_scores_100(
    tmp_path: Path, tag: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "card.toml").write_text(
        f'{HEAD}layout = "coco"\ntasks = ["instance"]\nclasses_from = "truth"\n[splits.val]\n'
    )
    corners = [20, 10, 90, 10, 90, 50, 20, 50]
    picture = upright().repeat(10, axis=0).repeat(10, axis=1)
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 100, "width": 140}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [corners], "bbox": [20, 10, 70, 40],
             "area": 2800, "iscrowd": 0}
        ],
        "categories": [{"id": 1, "name": "block"}],
    }  # fmt: skip
    (tmp_path / "truth.json").write_text(json.dumps(content))
    store(tmp_path / "val" / "a.jpg", picture, tag, quality=95)
    (tmp_path / "bright_blocks.py").write_text(
        "def found(image):\n    return {'masks': (image[..., 0] > 128)[None], 'classes': [0], "
        "'scores': [0.9]}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    where = [
        "-d",
        "card.toml",
        "--data",
        "truth.json",
        "--interval",
        "none",
        "--out",
        f"runs{tag}",
        "--json",
    ]
    assert 0 == main(["run", "--model", "bright_blocks:found", "--task", "instance", *where])
    told = json.loads(capsys.readouterr().out)
    assert told["scores"]["instance"]["AP"]["value"] > 0.999
    assert (tag > 1) == any(each["code"] == "exif-orientation" for each in told["warnings"])


def test_a_prediction_that_asks_to_be_turned_is_a_wrong_prediction(tmp_path: Path) -> None:
    labels = (upright()[..., 0] > 128).astype(np.uint8)
    images.write_labels(tmp_path / "truth" / "a.png", labels)
    store(tmp_path / "predicted" / "a.png", labels, 6)
    sample = pairs.read_truth(PAIRS, tmp_path, "val")[0]
    with pytest.raises(PredictionError, match="EXIF orientation 6"):
        pairs.read_predictions(PAIRS, tmp_path / "predicted", "semantic", [sample])(sample)
