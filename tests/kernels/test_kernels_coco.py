"""The compiled reader of COCO files: polygons as pycocotools draws them, and what it leaves to the
slow way.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from bench import kernels, masks

native = kernels.native()
pytestmark = pytest.mark.skipif(native is None, reason="the native kernels were not built")

HEAD = '"images": [{"id": 7, "height": 4, "width": 5, "file_name": "a.jpg"}], "categories": []'


def truth(annotation: str) -> bytes:
    return f'{{{HEAD}, "annotations": [{annotation}]}}'.encode()


def outlines(generator: np.random.Generator, kind: int, size: tuple[int, int]) -> np.ndarray:
    """Points inside the image, on pixels, outside it, on halves, repeated, and degenerate ones."""
    points = generator.random((int(generator.integers(3, 12)), 2)) * (size[1], size[0])
    if kind == 1:
        points = np.rint(points)
    if kind == 2:
        points = points * 1.6 - (size[1] * 0.3, size[0] * 0.3)
    if kind == 3:
        points = np.round(points * 2) / 2
        points[1] = points[0]
    if kind == 4:
        points = np.rint(points * 2 - (size[1] * 0.5, size[0] * 0.5))
        points[2] = points[1]
    if kind == 5:
        points = np.repeat(np.rint(points[:2]), 3, axis=0) * generator.choice([1, 0.5, 0.1])
    return points.ravel()


@pytest.mark.parametrize("kind", range(6))
def test_polygons_are_drawn_as_pycocotools_draws_them(kind: Any) -> None:
    generator = np.random.default_rng(kind)
    for _ in range(500):
        size = tuple(generator.integers(1, 60, 2).tolist())
        points = outlines(generator, kind, size)
        expected = masks.runs(coco.frPyObjects([points.tolist()], *size)[0]).tolist()
        assert expected == native.polygon_runs(points, *size).tolist(), (size, points.tolist())


def test_the_comparison_sees_a_moved_point() -> None:
    points = np.array([1.0, 1, 9, 1, 9, 9, 1, 9])
    assert (
        native.polygon_runs(points, 12, 12).tolist()
        != native.polygon_runs(points + 0.5, 12, 12).tolist()
    )


NUMBERS = (
    "0 -0 1 12.5 -3.25 1e3 1E-3 2.5e+2 0.1 123456789012345 0.30000000000000004 "
    "1234567890123456789 0.21874603629112244 4.9e-324 1.7976931348623157e308 100.0 1e22"
)


@pytest.mark.parametrize("text", NUMBERS.split())
def test_numbers_are_the_nearest_doubles(text: str) -> None:
    results = native.read_coco_results(
        f'[{{"image_id": 1, "category_id": 2, "score": {text}, "bbox": [0,0,1,1]}}]'.encode(), False
    )()
    assert float(text) == float(results["scores"][0])


def test_random_numbers_are_the_nearest_doubles() -> None:
    values = np.concatenate(
        [
            np.random.default_rng(1).random(2000),
            np.random.default_rng(2).random(2000).astype(np.float32),
        ]
    )
    rows = [
        {"image_id": 1, "category_id": 2, "score": value, "bbox": [value, 0, 1, 1]}
        for value in values.tolist()
    ]
    results = native.read_coco_results(json.dumps(rows).encode(), False)()
    assert values.tolist() == results["scores"].tolist()
    assert values.tolist() == results["boxes"][:, 0].tolist()


RESULT = '{"image_id": 1, "category_id": 2, "score": 0.5, "bbox": [1, 2, 3, 4]}'


CHANGES = [
    ("0.5", "NaN"), ("0.5", "Infinity"), ("0.5", "1e999"), ("0.5", ".5"), ("0.5", "00.5"), ("0.5", "+0.5"), ("0.5",
    "5."), ("0.5", "true"),
    ("0.5", "null"), ('"image_id": 1', '"image_id": "1"'), ('"image_id": 1', '"image_id": 1.5'), ('"image_id": 1',
    '"image_id": 99999999999999999999'),
    (", 4]", "]"), (", 4]", ", 4, 5]"), ("score", "scores"), ("{", '{"x": "\x01",'), ("{", '{"x": "\\q",'), ("{",
    '{"x": "\\u12g4",'),
    ("{", '{"x": ' + "[" * 100 + "]" * 100 + ","), ("{", '{"score": 1,'),
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["", "[", "{}", "[1]", "null", RESULT, f"[{RESULT}", f"[{RESULT},]", f"[{RESULT}]]", f"[{RESULT[:-1]}]"]
    + [f"[{RESULT.replace(old, new, 1)}]" for old, new in CHANGES],
)  # fmt: skip
def test_what_is_unusual_in_results_is_left_alone(text: str) -> None:
    assert native.read_coco_results(f"[{RESULT}]".encode(), False) is not None
    assert native.read_coco_results(text.encode(), False) is None


SIZED = '{"size": [4, 5], "counts": '


@pytest.mark.parametrize(
    "mask",
    [
        SIZED + counts + "}"
        for counts in (
            '"d"',
            '"0"',
            '"d0~"',
            '"oooooooo0"',
            '"\\u0064"',
            "[21]",
            "[25, -5]",
            "null",
        )
    ]
    + [
        '{"size": [4, 5]}',
        '{"size": [5, 4, 1], "counts": [20]}',
        '{"size": [5, 4], "counts": [20]}',
    ]
    + ['{"size": [0, 5], "counts": []}', "[1, 2]", '"x"', "[[]]"]
    + ["[[1, 1, 2, 2]]", "[[1, 1, 2, 2, 3]]", "[[1, 1, 2, 2, 3, 1e9]]", "[[1, 1, 2, 2, 3, 501]]"],
)
def test_a_mask_that_is_unusual_is_left_alone(mask: Any) -> None:
    annotation = (
        f'{{"image_id": 7, "category_id": 1, "area": 1, "bbox": [0, 0, 1, 1], '
        f'"segmentation": {mask}}}'
    )
    assert native.read_coco_truth(truth(annotation), True) is None
    assert native.read_coco_truth(truth(annotation), False) is not None


def test_no_prefix_of_a_file_is_taken_for_the_file() -> None:
    common = {"image_id": 7, "category_id": 1, "area": 1.5}
    polygon = {**common, "iscrowd": 0, "bbox": [0, 0, 1, 1], "segmentation": [[0, 0, 3, 0, 3, 3]]}
    code = masks.from_uncompressed([12, 3, 5], (4, 5))["counts"].decode()
    coded = {
        **common,
        "iscrowd": 1,
        "bbox": [0, 0, 1, 1],
        "segmentation": {"size": [4, 5], "counts": code},
    }
    data = truth(f"{json.dumps(polygon)}, {json.dumps(coded)}")
    assert native.read_coco_truth(data, True) is not None
    for end in range(len(data)):
        assert native.read_coco_truth(data[:end], True) is None
        assert native.read_coco_truth(data[:end], False) is None


def test_damaged_bytes_do_no_harm() -> None:
    """The sanitizers run this: whatever the bytes are, nothing outside the text is read."""
    generator = np.random.default_rng(5)
    code = coco.encode(np.asfortranarray(generator.random((4, 5)) > 0.5).astype(np.uint8))[
        "counts"
    ].decode()
    annotation = {"image_id": 7, "category_id": 1, "segmentation": {"size": [4, 5], "counts": code}}
    data = np.frombuffer(truth(json.dumps(annotation)), dtype=np.uint8)
    for _ in range(2000):
        damaged = data.copy()
        damaged[generator.integers(0, data.size, 3)] = generator.integers(32, 127, 3)
        native.read_coco_truth(damaged.tobytes(), True)
