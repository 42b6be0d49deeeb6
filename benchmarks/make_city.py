"""Generates street-like label maps in the layout of Cityscapes, and predictions for them.

`city/` holds the semantic truth and `city-predicted/` predictions of the same file names;
`city-objects/` adds instance ids, and `city-masks/` holds predicted objects, a mask each.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import shapes

SEED = 505
SIZE = (1024, 2048)
IMAGES = {"S": 8, "M": 60}
GROUND = ((23, 0.0), (11, 0.22), (21, 0.38), (22, 0.52), (8, 0.56), (7, 0.62))
"""Label and upper border, as a fraction of the height, of each band behind the objects."""
STUFF = (11, 12, 13, 17, 19, 20, 21, 4, 9)
OBJECTS = (24, 25, 26, 26, 26, 26, 24, 24, 27, 28, 31, 32, 33, 33)


def make(folder: Path, size: str) -> None:
    """Write all files below `folder`."""
    lines: dict[str, list[str]] = {}
    for image in range(IMAGES[size]):
        generator = np.random.default_rng([SEED, image])
        name = f"made_{image:06d}_000019"
        labels, instances = _scene(generator)
        predicted = shapes.warped(generator, labels, 2.5, 16)
        _ids_only(predicted, labels)
        truth = f"{name}_gtFine_labelIds.png"
        _write(folder / "city" / "gtFine" / "val" / "made" / truth, labels)
        _write(folder / "city-predicted" / truth, predicted)
        _write(folder / "city-objects" / "gtFine" / "val" / "made" / truth, labels)
        _write(
            folder / "city-objects" / "gtFine" / "val" / "made" / f"{name}_gtFine_instanceIds.png",
            instances,
        )
        lines[name] = _masks(
            folder / "city-masks", name, generator, shapes.warped(generator, instances, 2.0, 24)
        )
    for name, rows in lines.items():
        (folder / "city-masks" / f"{name}.txt").write_text("".join(rows), encoding="utf-8")


def _scene(generator: np.random.Generator) -> tuple[shapes.Array, shapes.Array]:
    height, width = SIZE
    ids = Image.fromarray(_bands(generator))
    for _ in range(70):
        reach = float(np.exp(generator.uniform(2.0, 4.6)))
        centre = np.array([generator.random() * width, (0.15 + 0.55 * generator.random()) * height])
        label = int(generator.choice(STUFF))
        shapes.draw(
            ids, shapes.outline(generator, centre, reach, int(generator.integers(12, 60))), label
        )
    numbers: dict[int, int] = {}
    for _ in range(int(generator.integers(12, 30))):
        label = int(generator.choice(OBJECTS))
        reach = float(np.exp(generator.uniform(2.0, 5.0)))
        centre = np.array([generator.random() * width, (0.4 + 0.4 * generator.random()) * height])
        number = numbers.setdefault(label, 0)
        numbers[label] += 1
        shapes.draw(
            ids,
            shapes.outline(generator, centre, reach, int(generator.integers(16, 70))),
            label * 1000 + number,
        )
    shapes.draw(
        ids, np.array([[0, height], [0, height - 90], [width, height - 60], [width, height]]), 1
    )
    instances = np.asarray(ids)
    labels = np.where(instances >= 1000, instances // 1000, instances).astype(np.uint8)
    return labels, instances.astype(np.uint16)


def _bands(generator: np.random.Generator) -> shapes.Array:
    height, width = SIZE
    rows = np.arange(height)[:, None] + 14 * shapes.smooth_noise(generator, (1, width), 96)
    bands = np.zeros(SIZE, dtype=np.int32)
    for label, start in GROUND:
        bands[rows >= start * height] = label
    return bands


def _ids_only(predicted: shapes.Array, labels: shapes.Array) -> None:
    """Remove void and confuse some classes, in place, as a prediction does."""
    predicted[predicted < 7] = 7
    wrong = {25: 24, 12: 11, 9: 8}
    for label, other in wrong.items():
        predicted[(predicted == label) & (labels % 3 != 1)] = other


def _masks(
    folder: Path, name: str, generator: np.random.Generator, instances: shapes.Array
) -> list[str]:
    rows = []
    for value in np.unique(instances[instances >= 24000]).tolist():
        file = f"masks/{name}_{value}.png"
        _write(folder / file, (instances == value).astype(np.uint8) * 255)
        rows.append(f"{file} {value // 1000} {generator.random():.4f}\n")
    return rows


def _write(path: Path, labels: shapes.Array) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels).save(path)
