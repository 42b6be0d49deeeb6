"""Segments counted from pairs of PNGs: the tables are those of maps, and whatever is unusual goes
the way of maps.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import kernels
from bench.cards import load_card
from bench.errors import InputError
from bench.evaluation import evaluate
from bench.evaluation.choosing import rules_for
from bench.evaluation.jobs import FromReader, Job
from bench.evaluation.stored import stored_predictions
from bench.families.contract.rules import Rules
from bench.families.panoptic import FAMILY as PANOPTIC
from bench.formats.coco import data_set as coco
from bench.samples import Sample, Segments, Truth

CARD = load_card("coco-panoptic")
IMAGES = 20

needs_native = pytest.mark.skipif(
    kernels.which() == "reference", reason="pairs are read by the native kernels alone"
)


def segments(seed: int, crowds: bool) -> Segments:
    """A map of a few classes, so that segments of truth and prediction often match, with void and
    crowds.
    """
    generator = np.random.default_rng(seed)
    coarse = np.random.default_rng(seed // 2).choice([0, 3, 4, 300, 70_000, 9], (4, 6))
    ids = np.kron(coarse, np.ones((6, 5), int))
    ids[generator.random(ids.shape) < 0.1] = 9
    numbers = np.unique(ids[ids > 0])
    crowd = (generator.random(len(numbers)) < 0.2) & crowds
    return Segments(ids.astype(np.int32), numbers, generator.integers(0, 2, len(numbers)), crowd)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A truth with its predictions, in `data` and `predicted`."""
    truths = [
        Sample(f"{n:012}", Truth(read_segments=lambda n=n: segments(2 * n, True)))  # type: ignore[misc]
        for n in range(1, IMAGES + 1)
    ]
    coco.write_truth(CARD, tmp_path / "data", "val", truths)
    guesses = [(sample, segments(2 * n + 1, False)) for n, sample in enumerate(truths, 1)]
    coco.write_predictions(CARD, tmp_path / "predicted", "panoptic", guesses)
    return tmp_path


def job_of(root: Path, rules: Rules | None = None, **options: Any) -> Job:
    samples = coco.read_truth(CARD, root / "data", "val")
    rules = rules or rules_for(CARD, "panoptic", metrics="PQ")
    where = {"root": root / "data", "task": "panoptic", "rules": rules}
    job = stored_predictions(CARD, "val", samples, root / "predicted", **where)  # type: ignore[arg-type]
    assert isinstance(job.predictions, FromReader)
    return replace(job, predictions=replace(job.predictions, **options))


def outcome(root: Path, name: str, **options: Any) -> Any:
    """The tables of a run, or the words that refuse it."""
    try:
        found = evaluate(job_of(root, **options), out=root / name).tables
    except InputError as error:
        return str(error)
    return {
        name: {key: column.tolist() for key, column in table.items()}
        for name, table in found.items()
    }


@needs_native
def test_pairs_give_the_tables_of_maps(root: Path) -> None:
    job = job_of(root)
    together = PANOPTIC.count_pairs(
        CARD,
        job.predictions.read_pairs(job.samples),  # type: ignore[arg-type, misc]
        np.arange(IMAGES, dtype=np.int32),
    )
    expected = outcome(root, "maps", read_pairs=None)
    assert min(map(sum, (expected["segments"][name] for name in ("tp", "fp", "fn")))) > 10
    assert sum(expected["truth_segments"]["crowd"]) > 5
    assert expected == outcome(root, "pairs")
    for name, table in together.items():
        assert expected[name] == {key: column.tolist() for key, column in table.items()}


def spoil(file: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(file.read_text())
    change(content)
    file.write_text(json.dumps(content))


def truth_file(root: Path) -> Path:
    return root / "data" / "annotations" / "panoptic_val2017.json"


def of_predictions(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """Change what the JSON says of the second image's first segment."""
    file = "predicted/panoptic.json"
    return lambda root: spoil(
        root / file, lambda content: change(content["annotations"][1]["segments_info"][0])
    )


def of_truth(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    return lambda root: spoil(
        truth_file(root), lambda content: change(content["annotations"][1]["segments_info"][0])
    )


def of_picture(
    change: Callable[[Path], None], where: str = "predicted/panoptic"
) -> Callable[[Path], None]:
    return lambda root: change(root / where / "000000000002.png")


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


def list_first_again(content: dict[str, Any]) -> None:
    listed = content["annotations"][1]["segments_info"]
    listed.append(listed[0])


UNUSUAL: dict[str, Callable[[Path], None]] = {
    "missing": of_picture(Path.unlink),
    "truncated": of_picture(lambda file: file.write_bytes(file.read_bytes()[:-40])),  # type: ignore[arg-type]
    "not an image": of_picture(lambda file: file.write_text("none")),  # type: ignore[arg-type]
    "with alpha": of_picture(saved(mode="RGBA")),
    "grey": of_picture(saved(mode="L")),
    "other size": of_picture(saved(size=(15, 12))),
    "other size of truth": of_picture(saved(size=(15, 12)), "data/annotations/panoptic_val2017"),
    "id that has no pixel": of_predictions(lambda entry: entry.update(id=77)),
    "id of void": of_predictions(lambda entry: entry.update(id=0)),
    "huge id": of_predictions(lambda entry: entry.update(id=(1 << 32) + 3)),
    "id beyond all bounds": of_predictions(lambda entry: entry.update(id=1 << 70)),
    "negative id": of_predictions(lambda entry: entry.update(id=-3)),
    "unknown class": of_predictions(lambda entry: entry.update(category_id=4711)),
    "id that has no pixel in the truth": of_truth(lambda entry: entry.update(id=77)),
    "unlisted id": lambda root: spoil(
        root / "predicted/panoptic.json",
        lambda content: content["annotations"][1]["segments_info"].pop(),
    ),
    "id listed twice": lambda root: spoil(root / "predicted/panoptic.json", list_first_again),
    "size in the JSON": lambda root: spoil(
        truth_file(root), lambda content: content["images"][1].update(width=31)
    ),
}


@needs_native
@pytest.mark.parametrize("what", UNUSUAL)
def test_what_is_unusual_ends_as_it_does_with_maps(root: Path, what: str) -> None:
    UNUSUAL[what](root)
    job = job_of(root)
    assert job.predictions.read_pairs(job.samples[:3]) is None  # type: ignore[misc]
    assert job.predictions.read_pairs(job.samples[2:5]) is not None  # type: ignore[misc]
    expected = outcome(root, "maps", read_pairs=None)
    assert isinstance(expected, str) == (what != "with alpha")
    assert expected == outcome(root, "pairs")


def test_boundaries_need_the_maps(root: Path) -> None:
    rules = rules_for(CARD, "panoptic", metrics="PQ,boundary_PQ")
    assert outcome(root, "pairs", rules=rules)["segments"] == outcome(root, "maps")["segments"]
    assert "boundary_segments" in outcome(root, "both", rules=rules)
