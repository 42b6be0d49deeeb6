"""Label files as programs write them: what holds one value per pixel is read, and the rest is
refused in words.
"""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import images
from bench.cards import load_card, parse_card
from bench.errors import DataError, PredictionError
from bench.evaluation.prediction_files import task_of
from bench.formats import layout
from bench.formats.pairs import data_set as pairs
from bench.images import png
from bench.samples import Sample, Truth

pytestmark = pytest.mark.usefixtures("kernel")  # files are read with and without the native kernels
LABELS = np.array([[0, 0, 3, 3, 3], [0, 7, 7, 3, 255], [0, 7, 7, 3, 255]], np.uint8)
WIDE = LABELS.astype(np.uint16) * 257
RAMP = np.arange(256, dtype=np.uint8).reshape(8, 32)


def saved(values: np.ndarray, suffix: str, mode: str = "", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image = Image.fromarray(values)
    (image.convert(mode) if mode else image).save(
        buffer, Image.registered_extensions()[suffix], **options
    )
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(values: np.ndarray, color: int, depth: int) -> bytes:
    """A PNG without filters, of samples (H, W) or (H, W, C)."""
    rows = values.reshape(len(values), -1)
    raw = b"".join(b"\0" + row.astype(">u2" if depth == 16 else np.uint8).tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", values.shape[1], values.shape[0], depth, color, 0, 0, 0)
    return (
        png.SIGNATURE
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(raw))
        + chunk(b"IEND", b"")
    )


def stacked(values: np.ndarray, *more: int) -> np.ndarray:
    """Equal channels, and what else stands in each pixel."""
    return np.stack([values] * 3 + [np.full_like(values, each) for each in more], axis=-1)


def npy(values: np.ndarray, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, **options)
    return buffer.getvalue()


def npz(*arrays: np.ndarray, packed: bool = True, **named: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(buffer, *arrays, **named)  # type: ignore[arg-type]
    return buffer.getvalue()


def with_thumbnail() -> bytes:
    """A TIFF whose second page is marked as a smaller copy."""
    buffer = io.BytesIO()
    from PIL.TiffImagePlugin import AppendingTiffWriter, ImageFileDirectory_v2

    small = ImageFileDirectory_v2()
    small[254] = 1
    with AppendingTiffWriter(buffer) as writer:
        Image.fromarray(LABELS).save(writer, "TIFF")
        writer.newFrame()
        Image.fromarray(LABELS[::2, ::2]).save(writer, "TIFF", tiffinfo=small)
    return buffer.getvalue()


GREY_ALPHA = np.stack([LABELS, np.full_like(LABELS, 255)], axis=-1)
READ: dict[str, tuple[str, Callable[[], bytes], np.ndarray]] = {
    "equal channels": (".png", lambda: saved(LABELS, ".png", "RGB"), LABELS),
    "equal channels and alpha": (".png", lambda: saved(LABELS, ".png", "RGBA"), LABELS),
    "grey and alpha": (".png", lambda: png_of(GREY_ALPHA, png.GREY_ALPHA, 8), LABELS),
    "equal channels of 16 bits": (".png", lambda: png_of(stacked(WIDE), png.RGB, 16), WIDE),
    "16 bits with alpha": (".png", lambda: png_of(stacked(WIDE, 65535), png.RGB_ALPHA, 16), WIDE),
    "16 bits": (".png", lambda: saved(WIDE, ".png"), WIDE),
    "1 bit": (".png", lambda: saved(LABELS > 2, ".png"), LABELS > 2),
    "TIFF": (".tif", lambda: saved(LABELS, ".tif"), LABELS),
    "TIFF of equal channels": (".tif", lambda: saved(LABELS, ".tif", "RGB"), LABELS),
    "TIFF of 16 bits": (".tif", lambda: saved(WIDE, ".tif", compression="tiff_lzw"), WIDE),
    "TIFF of 32 bits": (".tif", lambda: saved(LABELS.astype(np.int32), ".tif"), LABELS),
    "TIFF of whole floats": (".tif", lambda: saved(LABELS.astype(np.float32), ".tif"), LABELS),
    "TIFF of 1 bit": (".tif", lambda: saved(LABELS > 2, ".tif"), LABELS > 2),
    "TIFF with a thumbnail": (".tif", with_thumbnail, LABELS),
    "BMP": (".bmp", lambda: saved(LABELS, ".bmp"), LABELS),
    "BMP of equal channels": (".bmp", lambda: saved(LABELS, ".bmp", "RGB"), LABELS),
    "grey GIF": (".gif", lambda: saved(LABELS, ".gif"), LABELS),
    "grey GIF of all values": (".gif", lambda: saved(RAMP, ".gif"), RAMP),
    "lossless WebP": (".webp", lambda: saved(stacked(LABELS), ".webp", lossless=True), LABELS),
    "lossless WebP with alpha": (
        ".webp",
        lambda: saved(stacked(LABELS, 255), ".webp", lossless=True),
        LABELS,
    ),
    "npy": (".npy", lambda: npy(LABELS), LABELS),
    "npy of int64": (".npy", lambda: npy(LABELS.astype(np.int64)), LABELS),
    "npy, big end first": (".npy", lambda: npy(WIDE.astype(">u2")), WIDE),
    "npy of bool": (".npy", lambda: npy(LABELS > 2), LABELS > 2),
    "npy of whole floats": (".npy", lambda: npy(LABELS.astype(np.float64)), LABELS),
    "npy of one plane": (".npy", lambda: npy(LABELS[None]), LABELS),
    "npy of one plane behind": (".npy", lambda: npy(LABELS[..., None]), LABELS),
    "npy by columns": (".npy", lambda: npy(np.asfortranarray(LABELS)), LABELS),
    "npz": (".npz", lambda: npz(LABELS), LABELS),
    "npz with a name": (".npz", lambda: npz(mask=LABELS, packed=False), LABELS),
}


@pytest.mark.parametrize("kind", READ)
def test_what_holds_one_value_per_pixel_is_read(tmp_path: Path, kind: str) -> None:
    suffix, made, expected = READ[kind]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(made())
    found = images.read_labels(path)
    assert found.dtype in (np.uint8, np.uint16)
    np.testing.assert_array_equal(expected, found)
    assert expected.shape == images.image_size(path)


def paged(suffix: str, *arrays: np.ndarray, **options: Any) -> bytes:
    first, *rest = (Image.fromarray(each) for each in arrays)
    buffer = io.BytesIO()
    first.save(
        buffer, Image.registered_extensions()[suffix], save_all=True, append_images=rest, **options
    )
    return buffer.getvalue()


COLORED = stacked(LABELS)
COLORED[1, 2] = 9, 8, 7
CLEAR = stacked(LABELS, 255)
CLEAR[2, 1, 3] = 128
FLOATS = LABELS.astype(np.float32)
FLOATS[1, 3] = 0.25
NEGATIVE = LABELS.astype(np.int32)
NEGATIVE[0, 4] = -1
LARGE = LABELS.astype(np.int32)
LARGE[2, 0] = 70000
PALETTE = Image.fromarray(LABELS)
PALETTE.putpalette(images.voc_palette().tobytes())


def palette_gif() -> bytes:
    buffer = io.BytesIO()
    PALETTE.save(buffer, "GIF")
    return buffer.getvalue()


def bomb(width: int, height: int, kind: str) -> bytes:
    """A file that claims a size and holds next to nothing."""
    if kind == "png":
        return png.SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(
            b"IDAT", zlib.compress(bytes(99))
        ) + chunk(b"IEND", b"")  # fmt: skip
    if kind == "bmp":
        return b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + struct.pack(
            "<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0
        ) + bytes(46)  # fmt: skip
    if kind == "tif":
        small = bytearray(saved(LABELS, ".tif"))
        for tag, value in ((256, width), (257, height)):
            at = small.index(struct.pack("<H", tag) + b"\x04\0") if struct.pack("<H", tag) + b"\x04\0" in small else (
                small.index(struct.pack("<H", tag) + b"\x03\0")
            )  # fmt: skip
            small[at + 2 : at + 12] = struct.pack("<HII", 4, 1, value)
        return bytes(small)
    header = (
        str({"descr": "|u1", "fortran_order": False, "shape": (height, width)}).encode().ljust(118)
        + b"\n"
    )
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(header)) + header + bytes(99)


def wide_tiff() -> bytes:
    """A TIFF of three channels of 16 bits, from first principles."""
    body = stacked(WIDE).astype("<u2").tobytes()
    tags = [(256, 3, 5), (257, 3, 3), (259, 3, 1), (262, 3, 2), (273, 4, 8), (277, 3, 3), (278, 3, 3),
            (279, 4, len(body))]  # fmt: skip
    at = 8 + len(body)
    entries = [struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags]
    entries.insert(2, struct.pack("<HHII", 258, 3, 3, at + 2 + 12 * 9 + 4))
    directory = (
        struct.pack("<H", 9) + b"".join(entries) + bytes(4) + struct.pack("<HHH", 16, 16, 16)
    )
    return b"II*\0" + struct.pack("<I", at) + body + directory


def other_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("notes.txt", "no array")
    return buffer.getvalue()


REFUSED: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "colours": (
        ".png",
        lambda: saved(COLORED, ".png"),
        r"colour image (the pixel at row 1, column 2 is (9, 8, 7))",
    ),
    "colours in a TIFF": (
        ".tif",
        lambda: saved(COLORED, ".tif"),
        r"(the pixel at row 1, column 2 is (9, 8, 7))",
    ),
    "colours in a WebP": (
        ".webp",
        lambda: saved(COLORED, ".webp", lossless=True),
        "row 1, column 2 is (9, 8, 7)",
    ),
    "colours of 16 bits": (
        ".png",
        lambda: png_of(COLORED, png.RGB, 16),
        "row 1, column 2 is (9, 8, 7)",
    ),
    "transparent": (
        ".png",
        lambda: saved(CLEAR, ".png"),
        "row 2, column 1 is transparent (alpha 128 of 255)",
    ),
    "CMYK": (".tif", lambda: saved(COLORED, ".tif", "CMYK"), "a colour image (CMYK)"),
    "TIFF of colours of 16 bits": (".tif", wide_tiff, "channels of 16 bits"),
    "colours in a GIF": (".gif", palette_gif, "this GIF has colours"),
    "pages": (
        ".tif",
        lambda: paged(".tif", LABELS, 255 - LABELS, LABELS),
        "the TIFF holds 3 pages",
    ),
    "animated GIF": (".gif", lambda: paged(".gif", LABELS, 255 - LABELS), "the GIF holds 2 images"),
    "animated PNG": (".png", lambda: paged(".png", LABELS, 255 - LABELS), "animation of 2 images"),
    "animated WebP": (
        ".webp",
        lambda: paged(".webp", stacked(LABELS), stacked(255 - LABELS), lossless=True),
        "the WEBP holds 2 images",
    ),
    "lossy WebP": (
        ".webp",
        lambda: saved(COLORED, ".webp", quality=90),
        "a lossy WebP changes pixel values",
    ),
    "JPEG": (".png", lambda: saved(LABELS, ".jpg"), "a JPEG changes pixel values"),
    "floats": (
        ".tif",
        lambda: saved(FLOATS, ".tif"),
        "the value 0.25 at row 1, column 3 is not a whole number",
    ),
    "floats of NumPy": (
        ".npy",
        lambda: npy(FLOATS),
        "the value 0.25 at row 1, column 3 is not a whole number",
    ),
    "NaN": (
        ".npy",
        lambda: npy(np.where(FLOATS == 0.25, np.nan, FLOATS)),
        "the value nan at row 1, column 3",
    ),
    "negative": (
        ".tif",
        lambda: saved(NEGATIVE, ".tif"),
        "the value -1 at row 0, column 4 is not a label",
    ),
    "negative of NumPy": (
        ".npy",
        lambda: npy(NEGATIVE),
        "the value -1 at row 0, column 4 is not a label",
    ),
    "too large": (".npy", lambda: npy(LARGE), "the value 70000 at row 2, column 0 is not a label"),
    "logits": (
        ".npy",
        lambda: npy(np.zeros((4, 3, 5), np.float32)),
        "take the argmax over the classes first",
    ),
    "one-hot": (
        ".npz",
        lambda: npz(np.zeros((3, 5, 4), bool)),
        "take the argmax over the classes first",
    ),
    "four axes": (
        ".npy",
        lambda: npy(np.zeros((1, 1, 3, 5), int)),
        "has the shape (1, 1, 3, 5); a label map is (H, W)",
    ),
    "no pixel": (".npy", lambda: npy(np.zeros((0, 5), int)), "the array claims 5 x 0 pixels"),
    "pickle": (
        ".npy",
        lambda: npy(np.array([[{}]]), allow_pickle=True),
        "holds Python objects (a pickle)",
    ),
    "texts": (".npy", lambda: npy(np.array([["a"]])), "a label map holds whole numbers"),
    "complex": (".npy", lambda: npy(LABELS.astype(complex)), "a label map holds whole numbers"),
    "several arrays": (".npz", lambda: npz(LABELS, LABELS), "it holds 2 arrays (arr_0, arr_1)"),
    "cut npy": (".npy", lambda: npy(LABELS)[:-3], "12 bytes of values instead of 15"),
    "cut npz": (".npz", lambda: npz(LABELS)[:-30], "the file of arrays is damaged"),
    "damaged npy": (
        ".npy",
        lambda: b"\x93NUMPY\x01\0\xff\xff" + bytes(20),
        "not a readable NumPy array",
    ),
    "another zip": (".npz", other_zip, "not a readable NumPy array"),
    "huge PNG": (
        ".png",
        lambda: bomb(100_000, 100_000, "png"),
        "header says 100000 x 100000 pixels",
    ),
    "huge BMP": (".bmp", lambda: bomb(100_000, 100_000, "bmp"), "header says 10000000000 pixels"),
    "huge TIFF": (".tif", lambda: bomb(100_000, 100_000, "tif"), "header says 10000000000 pixels"),
    "huge npy": (
        ".npy",
        lambda: bomb(100_000, 100_000, "npy"),
        "the array claims 100000 x 100000 pixels",
    ),
    "empty PNG of a large size": (
        ".png",
        lambda: bomb(16_000, 16_000, "png"),
        "header says more pixels than its data",
    ),
    "empty npy of a large size": (
        ".npy",
        lambda: bomb(16_000, 16_000, "npy"),
        "the array is cut off",
    ),
    "cut TIFF": (".tif", lambda: saved(LABELS, ".tif")[:20], "ca"),
    "cut GIF": (".gif", lambda: saved(RAMP, ".gif")[:-200], "cannot be decoded"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_the_rest_is_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    suffix, made, words = REFUSED[kind]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(made())
    with pytest.raises(DataError) as caught:
        images.read_labels(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "kind", [kind for kind in REFUSED if "huge" in kind or "large size" in kind]
)
def test_a_claim_takes_no_memory(tmp_path: Path, kind: str) -> None:
    suffix, made, _ = REFUSED[kind]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(made())
    tracemalloc.start()
    for read in (images.read_labels, images.read_rgb, images.image_size):
        with pytest.raises(DataError) if read is not images.image_size else _anything():
            read(path)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


class _anything:  # noqa: N801 - reads as a phrase
    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, value: object, trace: object) -> bool:
        return isinstance(value, DataError)


@pytest.mark.parametrize("suffix", [".tif", ".gif", ".png", ".webp"])
def test_pictures_of_several_pages_are_refused_too(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(paged(suffix, stacked(LABELS), stacked(255 - LABELS)))
    with pytest.raises(DataError, match=r"2 (pages|images)"):
        images.read_rgb(path)


def test_a_thumbnail_is_no_second_page_of_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.tif").write_bytes(with_thumbnail())
    np.testing.assert_array_equal(stacked(LABELS), images.read_rgb(tmp_path / "a.tif"))


def test_colours_come_from_lossless_files_alone(tmp_path: Path) -> None:
    for suffix, options in (
        (".webp", {"lossless": True}),
        (".tif", {}),
        (".png", {}),
        (".bmp", {}),
    ):
        path = tmp_path / f"a{suffix}"
        path.write_bytes(saved(COLORED, suffix, **options))  # type: ignore[arg-type]
        assert images.is_color(path)
        np.testing.assert_array_equal(COLORED, images.read_color_labels(path))
    (tmp_path / "b.webp").write_bytes(saved(COLORED, ".webp"))
    with pytest.raises(DataError, match="lossy WebP"):
        images.read_color_labels(tmp_path / "b.webp")
    (tmp_path / "c.gif").write_bytes(palette_gif())
    assert images.is_color(tmp_path / "c.gif")
    np.testing.assert_array_equal(
        images.voc_palette()[LABELS], images.read_color_labels(tmp_path / "c.gif")
    )
    (tmp_path / "d.npy").write_bytes(npy(LABELS))
    assert not images.is_color(tmp_path / "d.npy")
    assert images.read_palette(tmp_path / "d.npy") is None


@pytest.mark.parametrize(
    "kind", [kind for kind, (_, _, expected) in READ.items() if expected is LABELS]
)
def test_truth_and_predictions_read_them_alike(tmp_path: Path, kind: str) -> None:
    suffix, made, _ = READ[kind]
    (tmp_path / "truth").mkdir()
    (tmp_path / "predicted").mkdir()
    (tmp_path / "truth" / f"a{suffix}").write_bytes(made())
    card = parse_card(_text(suffix), where="test")
    sample = pairs.read_truth(card, tmp_path, "val")[0]
    expected = np.select([LABELS == 0, LABELS == 3, LABELS == 7], [0, 1, 2], 255)
    np.testing.assert_array_equal(expected, sample.truth.semantic().labels)
    path = tmp_path / "predicted" / f"a{suffix}"
    path.write_bytes(made())
    read = pairs.read_predictions(card, tmp_path / "predicted", "semantic", [sample])
    with pytest.raises(PredictionError, match="255"):  # which is void, and no answer
        read(sample)


def _text(suffix: str) -> bytes:
    return f"""
name = "own"
title = "Own"
layout = "pairs"
tasks = ["semantic"]
licence = "-"
cite = "-"
obtain = "-"
classes = [
    {{ id = 0, train_id = 0, name = "ground" }},
    {{ id = 3, train_id = 1, name = "water" }},
    {{ id = 7, train_id = 2, name = "house" }},
]
[files]
images = "val/{{id}}.jpg"
labels = "truth/{{id}}{suffix}"
[splits.val]
""".encode()


def test_arrays_of_cityscapes_are_read_where_there_are_no_pngs(tmp_path: Path) -> None:
    card = load_card("cityscapes")
    sample = Sample("munster_000000_000019", Truth())
    (tmp_path / "munster_000000_000019_pred.npy").write_bytes(npy(np.full((2, 3), 7, np.int64)))
    found = layout(card).read_predictions(card, tmp_path, "semantic", [sample])(sample)
    assert [[0, 0, 0], [0, 0, 0]] == found.labels.tolist()
    images.write_labels(tmp_path / "munster_000000_000019_pred2.png", np.full((2, 3), 11, np.uint8))
    found = layout(card).read_predictions(card, tmp_path, "semantic", [sample])(sample)
    assert [[2, 2, 2], [2, 2, 2]] == found.labels.tolist()


def test_what_is_wrong_with_a_prediction_is_said_of_colours_too(tmp_path: Path) -> None:
    card = parse_card(_text(".png"), where="test")
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "a.png").write_bytes(saved(LABELS, ".png"))
    sample = pairs.read_truth(card, tmp_path, "val")[0]
    for kind, words in (
        ("colours", "the pixel at row 1, column 2"),
        ("transparent", "row 2, column 1 is transparent"),
    ):
        (tmp_path / kind).mkdir()
        (tmp_path / kind / "a.png").write_bytes(REFUSED[kind][1]())
        with pytest.raises(PredictionError, match=f"{words}.*; write label ids, not colours"):
            pairs.read_predictions(card, tmp_path / kind, "semantic", [sample])(sample)


def test_one_file_is_no_folder_of_label_maps(tmp_path: Path) -> None:
    (tmp_path / "all.npz").write_bytes(npz(LABELS, LABELS))
    with pytest.raises(PredictionError, match="pass a folder with one label map per image"):
        task_of(tmp_path / "all.npz")
