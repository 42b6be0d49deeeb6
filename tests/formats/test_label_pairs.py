"""Labels counted from pairs of PNGs: the tables are those of maps, and whatever is unusual goes the
way of maps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import kernels
from bench.cards import Card, parse_card
from bench.errors import InputError
from bench.evaluation import evaluate
from bench.evaluation.choosing import rules_for
from bench.evaluation.jobs import FromReader, Job
from bench.evaluation.stored import stored_predictions
from bench.families.pixels import FAMILY as PIXELS
from bench.formats.pairs import data_set as pairs
from bench.samples import Array

IMAGES = 20

needs_native = pytest.mark.skipif(
    kernels.which() == "reference", reason="pairs are read by the native kernels alone"
)

CLASSES = """
[[classes]]
id = 3
train_id = 0
name = "road"
color = [1, 2, 3]
[[classes]]
id = 7
train_id = 1
name = "car"
color = [4, 5, 6]
[[classes]]
id = 9
name = "rest"
color = [7, 8, 9]
[[classes]]
id = 11
train_id = 2
name = "sky"
color = [10, 11, 12]
"""
VALUES = "[values]\n3 = 3\n4 = 7\n7 = 7\n9 = 9\n11 = 11\n200 = 11"


def card_of(tables: str = "", top: str = "") -> Card:
    text = (
        'name = "own"\ntitle = "T"\nlayout = "pairs"\ntasks = ["semantic"]\nlicence = '
        '"-"\ncite = "-"\nobtain = "-"\n'
        f'void = [255]\n{top}\n[files]\nimages = "{{split}}/{{id}}.png"\nlabels = '
        f'"{{split}}annot/{{id}}.png"\n'
        f"[splits.val]\n{tables}\n{CLASSES}"
    )
    return parse_card(text.encode(), where="test")


CARD = card_of()


def labels(seed: int, values: list[int]) -> Array:
    generator = np.random.default_rng(seed)
    coarse = np.random.default_rng(seed // 2).choice(values, (4, 6))
    found = np.kron(coarse, np.ones((6, 5), int))
    other = generator.random(found.shape) < 0.1
    found[other] = generator.choice(values, other.sum())  # type: ignore[attr-defined]
    return found.astype(np.uint8)


def write(root: Path, truth: list[int], predicted: list[int]) -> Path:
    for folder in ("val", "valannot", "predicted"):
        (root / folder).mkdir(parents=True)
    for n in range(IMAGES):
        Image.fromarray(labels(2 * n, truth)).save(root / "valannot" / f"{n:03}.png")
        Image.fromarray(labels(2 * n + 1, predicted)).save(root / "predicted" / f"{n:03}.png")
        Image.new("RGB", (30, 24)).save(root / "val" / f"{n:03}.png")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Truth with void and a class that is not scored, and predictions of that class too."""
    return write(tmp_path, [3, 7, 9, 11, 255], [3, 7, 9, 11])


def job_of(
    root: Path, card: Card = CARD, *, metrics: str = "mIoU", regions: str = "", **options: Any
) -> Job:
    samples = pairs.read_truth(card, root, "val")
    rules = rules_for(card, "semantic", metrics=metrics, regions=regions)
    asked = {name: options.pop(name) for name in ("space", "resize") if name in options}
    found = stored_predictions(
        card, "val", samples, root / "predicted", root=root, rules=rules, **asked
    )
    assert isinstance(found.predictions, FromReader)
    return replace(found, predictions=replace(found.predictions, **options))


def outcome(root: Path, name: str, *arguments: Any, **options: Any) -> Any:
    """The tables of a run, or the words that refuse it."""
    try:
        found = evaluate(job_of(root, *arguments, **options), out=root / name).tables
    except InputError as error:
        return str(error)
    return {
        name: {key: (column.dtype.str, column.tolist()) for key, column in table.items()}
        for name, table in found.items()
    }


@needs_native
@pytest.mark.parametrize(
    ("card", "space", "values"),
    [
        (CARD, "ids", [[3, 7, 9, 11, 255], [3, 7, 9, 11]]),
        (CARD, "train-ids", [[3, 7, 9, 11, 255], [0, 1, 2]]),
        (card_of(VALUES), "ids", [[3, 4, 7, 200, 9, 255], [11, 3, 4, 7, 200, 9]]),
    ],
)
def test_pairs_give_the_tables_of_maps(
    tmp_path: Path, card: Card, space: str, values: list[list[int]]
) -> None:
    root = write(tmp_path / "data", *values)
    job = job_of(root, card, space=space)
    shared = job.predictions.read_pairs(job.samples)  # type: ignore[misc]
    together = PIXELS.count_pairs(card, shared, np.arange(IMAGES, dtype=np.int32))["pixels"]  # type: ignore[arg-type]
    expected = outcome(root, "maps", card, space=space, read_pairs=None)
    table = {name: np.array(column) for name, (_, column) in expected["pixels"].items()}
    # Every cell of the matrix occurs, but in train ids nothing that is not scored can be predicted.
    assert (9 if space == "train-ids" else 12) == len(
        np.unique(table["truth"] * 4 + table["predicted"])
    )
    assert expected == outcome(root, "pairs", card, space=space)
    assert expected["pixels"] == {
        key: (column.dtype.str, column.tolist()) for key, column in together.items()
    }


def saved(**options: Any) -> Callable[[Path], None]:
    """Save the picture again in another way."""

    def save(file: Path) -> None:
        with Image.open(file) as image:
            made = (
                image.convert(options["mode"])
                if "mode" in options
                else image.resize(options["size"], 0)
            )
        made.save(file)

    return save


def colored(file: Path) -> None:
    """Give one pixel of a picture of equal channels a colour."""
    with Image.open(file) as image:
        found = np.array(image.convert("RGB"))
    found[5, 7] = 1, 2, 3
    Image.fromarray(found).save(file)


def painted(value: int) -> Callable[[Path], None]:
    """Give most of the picture one value."""

    def paint(file: Path) -> None:
        with Image.open(file) as image:
            found = np.array(image)
        found[:20] = value
        Image.fromarray(found).save(file)

    return paint


UNUSUAL: dict[str, Callable[[Path], None]] = {
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-40]) and None,  # type: ignore[dict-item]
    "not an image": lambda file: file.write_text("none") and None,  # type: ignore[dict-item]
    "colours": colored,
    "equal channels": saved(mode="RGB"),
    "equal channels and alpha": saved(mode="RGBA"),
    "16 bits": saved(mode="I;16"),
    "one bit": saved(mode="1"),
    "with alpha": saved(mode="LA"),
    "other size": saved(size=(15, 12)),
    "no label": painted(100),
}
ACCEPTED = {"16 bits", "equal channels", "equal channels and alpha", "with alpha"}


@needs_native
@pytest.mark.parametrize("folder", ["valannot", "predicted"])
@pytest.mark.parametrize("what", UNUSUAL)
def test_what_is_unusual_ends_as_it_does_with_maps(root: Path, what: str, folder: str) -> None:
    UNUSUAL[what](root / folder / "001.png")
    job = job_of(root)
    assert job.predictions.read_pairs(job.samples[:3]) is None  # type: ignore[misc]
    assert job.predictions.read_pairs(job.samples[2:5]) is not None  # type: ignore[misc]
    expected = outcome(root, "maps", read_pairs=None)
    assert isinstance(expected, str) == (what not in ACCEPTED)
    assert expected == outcome(root, "pairs")


@needs_native
@pytest.mark.parametrize(("value", "words"), [(9, ""), (1, "value 1")])
def test_predictions_that_are_mostly_not_scored_are_counted_alike(
    root: Path, value: int, words: str
) -> None:
    painted(value)(root / "predicted" / "001.png")
    job = job_of(root)
    assert (job.predictions.read_pairs(job.samples[:3]) is None) == bool(words)  # type: ignore[misc]
    expected = outcome(root, "maps", read_pairs=None)
    assert (words in expected) if words else isinstance(expected, dict)
    assert expected == outcome(root, "pairs")


@needs_native
def test_palette_files_are_read_by_their_indices(root: Path) -> None:
    expected = outcome(root, "grey")
    for file in (root / "predicted").iterdir():
        with Image.open(file) as image:
            found = Image.fromarray(np.array(image)).convert("P")
        found.putpalette(bytes(range(256)) * 3)
        found.save(file)
    job = job_of(root)
    assert job.predictions.read_pairs(job.samples[:3]) is not None  # type: ignore[misc]
    assert expected == outcome(root, "palette")


@pytest.mark.parametrize(
    "options", [{"regions": "bands"}, {"metrics": "mIoU,boundary_IoU"}, {"resize": True}]
)
def test_what_needs_places_reads_maps(root: Path, options: dict[str, Any]) -> None:
    expected = outcome(root, "plain")["pixels"]
    with_places = outcome(root, "places", read_pairs=_fails, **options)["pixels"]
    whole = [place for place, region in enumerate(with_places["region"][1]) if region == 0]
    assert expected["pixels"][1] == [with_places["pixels"][1][place] for place in whole]


def test_colours_are_looked_up_pixel_by_pixel(root: Path) -> None:
    card = card_of(top="colors = true")
    for folder in ("valannot", "predicted"):
        for file in (root / folder).iterdir():
            with Image.open(file) as image:
                found = np.array(image)
            table = np.zeros((256, 3), dtype=np.uint8)
            table[[3, 7, 9, 11, 255]] = [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12], [7, 8, 9]]
            Image.fromarray(table[found]).save(file)
    job = job_of(root, card)
    assert job.predictions.read_pairs(job.samples[:3]) is None  # type: ignore[misc]
    assert outcome(root, "colours", card)["pixels"]["pixels"][1]


def _fails(_: Any) -> Any:
    raise AssertionError("these are not read in pairs")
