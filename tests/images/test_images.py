"""Decoding and writing of image files: every flavour of PNG against Pillow, damage of every kind,
round trips.
"""

from __future__ import annotations

import io
import itertools
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bench import images
from bench.errors import DataError
from bench.images import pillow, png

pytestmark = pytest.mark.usefixtures("kernel")  # files are read with and without the native kernels
SEED = 20240607
FLAVOURS = [
    (png.GREY, 1), (png.GREY, 2), (png.GREY, 4), (png.GREY, 8), (png.GREY, 16),
    (png.PALETTE, 1), (png.PALETTE, 2), (png.PALETTE, 4), (png.PALETTE, 8),
]  # fmt: skip
WIDE = (png.RGB, png.GREY_ALPHA, png.RGB_ALPHA)
LARGE = [(color, depth) for color in WIDE for depth in (8, 16)]


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def pack(samples: Any, depth: Any) -> Any:
    """Rows of samples (H, W * channels) as bytes, most significant first."""
    if depth == 16:
        return [row.astype(">u2").tobytes() for row in samples]
    if depth == 8:
        return [row.astype(np.uint8).tobytes() for row in samples]
    bits = (samples[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1
    return [np.packbits(row.reshape(-1).astype(np.uint8)).tobytes() for row in bits]


def paeth(a: Any, b: Any, c: Any) -> Any:
    p = a + b - c
    distances = (abs(p - a), abs(p - b), abs(p - c))
    return (a, b, c)[distances.index(min(distances))]


def filter_rows(rows: Any, bpp: Any, kinds: Any) -> Any:
    """Apply the PNG filters in plain loops."""
    out, above = b"", bytes(len(rows[0]) if rows else 0)
    for y, row in enumerate(rows):
        kind = kinds[y % len(kinds)]
        line = bytearray()
        for i, value in enumerate(row):
            a = row[i - bpp] if i >= bpp else 0
            c = above[i - bpp] if i >= bpp else 0
            b = above[i]
            line.append((value - (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) & 255)
        out += bytes([kind]) + bytes(line)
        above = row
    return out


def encode(
    pixels: Any,
    color: Any,
    depth: Any,
    *,
    kinds: Any = (0, 1, 2, 3, 4),
    parts: Any = 1,
    interlaced: Any = False,
) -> Any:
    """A PNG of samples (H, W) or (H, W, channels) from first principles."""
    height, width = pixels.shape[:2]
    bpp = max(1, depth * png.CHANNELS[color] // 8)

    def one_pass(part: Any) -> Any:
        part = part.reshape(part.shape[0], -1)
        return filter_rows(pack(part, depth), bpp, kinds) if part.size else b""

    raw = (
        b"".join(one_pass(pixels[y::dy, x::dx]) for x, y, dx, dy in png.ADAM7)
        if interlaced
        else one_pass(pixels)
    )
    packed = zlib.compress(raw)
    cuts = [len(packed) * i // parts for i in range(parts + 1)]
    body = b"".join(chunk(b"IDAT", packed[a:b]) for a, b in itertools.pairwise(cuts))
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if color == png.PALETTE and depth == 8 else b""
    if color == png.PALETTE and depth < 8:
        palette = chunk(b"PLTE", bytes(range(3 << depth)))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlaced))
    return png.SIGNATURE + header + palette + chunk(b"tEXt", b"a\0b") + body + chunk(b"IEND", b"")


def samples(color: Any, depth: Any, size: Any = (13, 21)) -> Any:
    """Blobs with some noise, so that every filter has something to do."""
    rng = np.random.default_rng([SEED, color, depth])
    shape = size if png.CHANNELS[color] == 1 else (*size, png.CHANNELS[color])
    values = np.repeat(np.repeat(rng.integers(0, 1 << depth, shape), 3, axis=0), 4, axis=1)[
        : size[0], : size[1]
    ]
    noise = rng.integers(0, 1 << depth, values.shape)
    return np.where(rng.random(values.shape) < 0.2, noise, values)


@pytest.mark.parametrize(("color", "depth"), FLAVOURS + LARGE)
@pytest.mark.parametrize("parts", [1, 3])
def test_decode_gives_the_samples_that_were_encoded(color: Any, depth: Any, parts: Any) -> None:
    expected = samples(color, depth)
    actual = png.decode(encode(expected, color, depth, parts=parts))
    assert (np.uint16 if depth == 16 else np.uint8) == actual.dtype
    np.testing.assert_array_equal(expected, actual)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("color", "depth"), FLAVOURS)
def test_read_labels_gives_stored_values(
    tmp_path: Path, color: Any, depth: Any, interlaced: Any
) -> None:
    expected = samples(color, depth)
    path = tmp_path / "labels.png"
    path.write_bytes(encode(expected, color, depth, interlaced=interlaced))
    actual = images.read_labels(path)
    assert (np.uint16 if depth == 16 else np.uint8) == actual.dtype
    np.testing.assert_array_equal(expected, actual)
    assert expected.shape == images.image_size(path)
    assert not images.is_color(path)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("color", "depth"), [(png.GREY, 8), (png.PALETTE, 8), (png.RGB, 8), (png.RGB_ALPHA, 8)]
)
def test_reading_equals_pillow(tmp_path: Path, color: Any, depth: Any, interlaced: Any) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(encode(samples(color, depth), color, depth, interlaced=interlaced))
    with Image.open(path) as image:
        if png.CHANNELS[color] == 1:
            np.testing.assert_array_equal(np.array(image), images.read_labels(path))
        rgb = np.array(image.convert("RGB"))
        np.testing.assert_array_equal(rgb, images.read_rgb(path))
        np.testing.assert_array_equal(rgb, images.read_color_labels(path))
        if color != png.GREY:
            wide = rgb.astype(np.int64)
            np.testing.assert_array_equal(
                wide[..., 0] + 256 * wide[..., 1] + 65536 * wide[..., 2],
                images.read_panoptic_ids(path)[0],
            )


def test_the_comparison_with_pillow_can_fail(tmp_path: Path) -> None:
    """Test the tester: another pixel is another array."""
    pixels = samples(png.GREY, 8)
    path = tmp_path / "a.png"
    path.write_bytes(encode(pixels, png.GREY, 8))
    pixels[-1, -1] ^= 1
    assert not np.array_equal(pixels, images.read_labels(path))


@pytest.mark.parametrize("suffix", [".bmp", ".tif"])
def test_other_formats_hold_labels_too(tmp_path: Path, suffix: Any) -> None:
    expected = samples(png.GREY, 8).astype(np.uint8)
    Image.fromarray(expected).save(tmp_path / f"labels{suffix}")
    np.testing.assert_array_equal(expected, images.read_labels(tmp_path / f"labels{suffix}"))


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "CMYK", "P", "1", "I;16", "RGB"])
def test_read_rgb_reads_every_mode(tmp_path: Path, mode: Any) -> None:
    picture = Image.fromarray(samples(png.RGB, 8).astype(np.uint8))
    path = tmp_path / ("image.jpg" if mode == "CMYK" else "image.png")
    if mode == "I;16":
        Image.fromarray((np.arange(63, dtype=np.uint16) * 1000).reshape(7, 9)).save(path)
        expected = np.repeat(
            (np.arange(63, dtype=np.uint16) * 1000 >> 8).reshape(7, 9, 1), 3, axis=2
        )
    else:
        picture.convert(mode).save(path)
        with Image.open(path) as image:
            expected = np.array(image.convert("RGB"))
    actual = images.read_rgb(path)
    assert np.uint8 == actual.dtype
    np.testing.assert_array_equal(expected, actual)


def test_a_palette_with_transparency_is_read_without_a_warning(tmp_path: Path) -> None:
    image = Image.fromarray(samples(png.PALETTE, 8).astype(np.uint8))
    image.putpalette(images.voc_palette().tobytes())
    image.save(tmp_path / "p.png", transparency=bytes(range(256)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = images.voc_palette()[samples(png.PALETTE, 8)]
        np.testing.assert_array_equal(expected, images.read_rgb(tmp_path / "p.png"))


def damaged() -> Any:
    whole = encode(samples(png.PALETTE, 8), png.PALETTE, 8)
    at = whole.index(b"IDAT") + 12
    bomb = png.SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0))
    lie = png.SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 16000, 16000, 8, 0, 0, 0, 0))
    short = png.SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0))
    rest = chunk(b"IDAT", zlib.compress(bytes(20))) + chunk(b"IEND", b"")
    jpeg = io.BytesIO()
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(jpeg, format="JPEG")
    return {
        "empty": (b"", "empty"),
        "text": (b"no image at all", "not an image"),
        "signature": (whole[:8], "cut off"),
        "header": (whole[:20] + b"\xff" + whole[21:], "checksum"),
        "checksum": (whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :], "checksum"),
        "truncated": (whole[:-30], "cut off"),
        "no end": (whole[:-12], "cut off"),
        "bomb": (bomb + rest, "60000 x 60000"),
        "lie": (lie + rest, "more pixels than"),
        "short": (short + rest, "20 bytes of pixels instead of 90"),
        "jpeg": (jpeg.getvalue(), "JPEG"),
        "colour": (
            encode(samples(png.RGB, 8), png.RGB, 8),
            "this is a colour image (the pixel at row 0, column 0 is",
        ),
        "alpha": (encode(samples(png.GREY_ALPHA, 8), png.GREY_ALPHA, 8), "transparency"),
    }


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", list(damaged()))
def test_damaged_label_files_are_refused_in_one_sentence(tmp_path: Path, name: Any) -> None:
    content, word = damaged()[name]
    path = tmp_path / "broken.png"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        images.read_labels(path)
    message = str(caught.value)
    assert str(path) in message
    assert word in message
    assert "\n" not in message


def test_missing_files_are_named(tmp_path: Path) -> None:
    for read in (
        images.read_rgb,
        images.read_labels,
        images.read_panoptic_ids,
        images.image_size,
        images.is_color,
    ):
        with pytest.raises(DataError, match=r"gone\.png: cannot be read"):
            read(tmp_path / "gone.png")


def test_a_file_that_holds_more_than_it_claims_is_cut(tmp_path: Path) -> None:
    pixels = samples(png.GREY, 8)
    whole = encode(np.vstack([pixels, pixels]), png.GREY, 8)
    header = chunk(
        b"IHDR", struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 8, 0, 0, 0, 0)
    )
    path = tmp_path / "long.png"
    path.write_bytes(png.SIGNATURE + header + whole[33:])
    np.testing.assert_array_equal(pixels, images.read_labels(path))


def test_panoptic_ids_need_colours(tmp_path: Path) -> None:
    images.write_labels(tmp_path / "grey.png", np.zeros((3, 4), np.uint8))
    with pytest.raises(DataError, match="R \\+ 256 G"):
        images.read_panoptic_ids(tmp_path / "grey.png")


@pytest.mark.parametrize(("dtype", "largest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_labels_survive_writing(tmp_path: Path, dtype: Any, largest: Any) -> None:
    expected = (
        np.random.default_rng(SEED).integers(0, largest, (17, 5), endpoint=True).astype(dtype)
    )
    path = tmp_path / "new" / "folder" / "labels.png"
    for palette in (None, images.voc_palette()):
        images.write_labels(path, expected, palette)
        actual = images.read_labels(path)
        assert expected.dtype == actual.dtype
        np.testing.assert_array_equal(expected, actual)
    assert [path] == list(path.parent.iterdir())


def test_a_palette_shows_when_labels_are_looked_at(tmp_path: Path) -> None:
    labels = np.array([[0, 1], [15, 255]], np.uint8)
    images.write_labels(tmp_path / "labels.png", labels, images.voc_palette())
    np.testing.assert_array_equal(
        images.voc_palette()[labels], images.read_rgb(tmp_path / "labels.png")
    )


def test_pictures_and_ids_survive_writing(tmp_path: Path) -> None:
    rng = np.random.default_rng(SEED)
    picture = rng.integers(0, 256, (9, 7, 3)).astype(np.uint8)
    images.write_rgb(tmp_path / "a.png", picture)
    np.testing.assert_array_equal(picture, images.read_rgb(tmp_path / "a.png"))
    images.write_rgb(tmp_path / "a.jpg", picture)
    assert picture.shape == images.read_rgb(tmp_path / "a.jpg").shape
    ids = rng.integers(0, 1 << 24, (9, 7))
    images.write_panoptic_ids(tmp_path / "ids.png", ids)
    np.testing.assert_array_equal(ids, images.read_panoptic_ids(tmp_path / "ids.png")[0])


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        images.write_labels(tmp_path / "file" / "a.png", np.zeros((2, 2), np.uint8))
    with pytest.raises(DataError, match=r"not as \.webp"):
        images.write_rgb(tmp_path / "a.webp", np.zeros((2, 2, 3), np.uint8))
    with pytest.raises(DataError, match="16777216"):
        images.write_panoptic_ids(tmp_path / "a.png", np.full((2, 2), 1 << 24))


def test_the_reference_kernels_read_through_pillow(
    tmp_path: Path, kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.write_labels(tmp_path / "a.png", np.zeros((2, 2), np.uint8))
    calls = []  # type: ignore[var-annotated]
    monkeypatch.setattr(pillow, "to_labels", calls.append)
    images.read_labels(tmp_path / "a.png")
    assert (kernel == "reference") == bool(calls)


@given(st.integers(1, 70), st.integers(1, 70), st.integers(1, 150), st.integers(1, 150))
def test_resize_nearest_equals_pillow(
    height: Any, width: Any, new_height: Any, new_width: Any
) -> None:
    labels = np.arange(height * width, dtype=np.uint16).reshape(height, width)
    with Image.fromarray(labels.astype(np.int32)) as image:
        expected = np.array(image.resize((new_width, new_height), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(expected, images.resize_nearest(labels, (new_height, new_width)))


@pytest.mark.parametrize(
    ("old", "new"), [(320, 500), (320, 375), (1024, 2048), (513, 500), (2048, 1024), (333, 320)]
)
def test_resize_nearest_equals_pillow_on_common_sizes(old: Any, new: Any) -> None:
    labels = np.arange(old, dtype=np.uint16)[None]
    with Image.fromarray(labels.astype(np.int32)) as image:
        expected = np.array(image.resize((new, 1), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(expected, images.resize_nearest(labels, (1, new)))


def test_resize_nearest_differs_from_exact_arithmetic_only_at_ties() -> None:
    old, new = 320, 500
    exact = (2 * np.arange(new) + 1) * old
    actual = images.resize_nearest(np.arange(old, dtype=np.uint16)[None], (1, new))[0].astype(int)
    wrong = np.flatnonzero(exact // (2 * new) != actual)
    assert wrong.size
    assert (exact[wrong] % (2 * new) == 0).all()
