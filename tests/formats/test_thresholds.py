"""Cards with a threshold: masks of any depth and format become two classes, and what contradicts
that is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import images
from bench.cards import Card, parse_card
from bench.errors import CardError, DataError, PredictionError
from bench.evaluation import evaluate
from bench.evaluation.choosing import rules_for
from bench.evaluation.stored import stored_predictions
from bench.formats import layout
from bench.formats.labels import pairs as label_pairs
from bench.formats.pairs import data_set as pairs

pytestmark = pytest.mark.usefixtures("kernel")  # files are read with and without the native kernels
GENERATOR = np.random.default_rng(20261127)
SHARES = GENERATOR.random((9, 11))
BYTES = np.floor(SHARES * 256).astype(np.uint8)
WORDS = BYTES.astype(np.uint16) * 257 + np.uint16(3)


def readme_card(repository: Path, name: str) -> str:
    text = (repository / "datasets" / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf'```toml\n(name\s+= "{name}"\n.*?)```', text, re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def card(threshold: int = 128, suffix: str = ".png", **replaced: str) -> Card:
    text = f"""name = "own"
title = "Own"
layout = "pairs"
tasks = ["semantic"]
threshold = {threshold}
classes = [
    {{ id = 4, train_id = 0, name = "dark" }},
    {{ id = 9, train_id = 1, name = "bright" }},
]
[files]
images = "images/{{id}}.jpg"
labels = "masks/{{id}}{suffix}"
[splits.val]
"""
    for old, new in replaced.items():
        text = text.replace(old, new)
    return parse_card(text.encode(), where="test")


def store(path: Path, values: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        Image.fromarray(values).save(path, **options)
    return path


def read(
    root: Path, values: np.ndarray, threshold: int = 128, suffix: str = ".png", **options: Any
) -> list[Any]:
    """The labels of a file as truth and as a prediction."""
    store(root / "masks" / f"a{suffix}", values, **options)
    store(root / "found" / f"a{suffix}", values, **options)
    own = card(threshold, suffix)
    sample = pairs.read_truth(own, root, "val")[0]
    predicted = pairs.read_predictions(own, root / "found", "semantic", [sample])(sample)
    return [sample.truth.semantic().labels.tolist(), predicted.labels.tolist()]


@pytest.mark.parametrize("threshold", [1, 127, 128, 255])
def test_values_from_the_threshold_on_are_the_second_class(tmp_path: Path, threshold: int) -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(8, 32)
    assert [(ramp >= threshold).astype(int).tolist()] * 2 == read(tmp_path, ramp, threshold)


@pytest.mark.parametrize("threshold", [256, 257 * 128, 65535])
def test_a_larger_threshold_is_of_16_bits(tmp_path: Path, threshold: int) -> None:
    near = np.array([[threshold - 1, threshold, 65535, 0, 300]], np.uint16)
    assert [(near >= threshold).astype(int).tolist()] * 2 == read(tmp_path, near, threshold)
    ramp = np.arange(256, dtype=np.uint8).reshape(8, 32)
    expected = (ramp.astype(int) * 257 >= threshold).astype(int).tolist()
    assert [expected] * 2 == read(tmp_path, ramp, threshold)


def test_16_bits_are_brought_to_the_scale_of_8(tmp_path: Path) -> None:
    near = np.array([[0, 255, 257 * 128 - 1, 257 * 128, 65535]], np.uint16)
    assert [[[0, 0, 0, 1, 1]]] * 2 == read(tmp_path, near)


BRIGHT = (BYTES >= 128).astype(int).tolist()
FORMS: dict[str, tuple[str, np.ndarray, dict[str, Any]]] = {
    "PNG": (".png", BYTES, {}),
    "PNG of 16 bits": (".png", WORDS, {}),
    "PNG of equal channels": (".png", np.stack([BYTES] * 3, axis=-1), {}),
    "PNG with alpha": (".png", np.stack([BYTES] * 3 + [np.full_like(BYTES, 255)], axis=-1), {}),
    "PNG of a bit": (".png", BYTES >= 128, {}),
    "TIFF": (".tif", BYTES, {}),
    "TIFF of 16 bits": (".tif", WORDS, {}),
    "TIFF of shares": (".tif", (BYTES / 255).astype(np.float32), {}),
    "GIF": (".gif", BYTES, {}),
    "WebP": (".webp", np.stack([BYTES] * 3, axis=-1), {"lossless": True}),
    "npy": (".npy", BYTES, {}),
    "npy of 16 bits": (".npy", WORDS, {}),
    "npy of shares": (".npy", BYTES / 255, {}),
    "npy of bool": (".npy", BYTES >= 128, {}),
}


@pytest.mark.parametrize("form", FORMS)
def test_truth_and_predictions_in_any_format(tmp_path: Path, form: str) -> None:
    suffix, values, options = FORMS[form]
    assert [BRIGHT] * 2 == read(tmp_path, values, suffix=suffix, **options)


def test_jpegs_are_cut_at_the_values_that_they_decode_to(tmp_path: Path) -> None:
    values = np.kron(np.array([[0, 255, 0], [255, 0, 255]], np.uint8), np.ones((16, 16), np.uint8))
    values[3:6, 20:40] = 90
    store(tmp_path / "once.jpg", values, quality=60)
    with Image.open(tmp_path / "once.jpg") as image:
        decoded = np.array(image)
    assert len(np.unique(decoded)) > 20
    found = read(tmp_path, values, suffix=".jpg", quality=60)
    assert [(decoded >= 128).astype(int).tolist()] * 2 == found


REFUSED: dict[str, tuple[str, np.ndarray, str]] = {
    "colours": (".png", np.stack([BYTES, BYTES, 255 - BYTES], axis=-1), "colour image"),
    "dark words": (".png", np.array([[0, 255]], np.uint16), "16 bits but holds only 0 and 255"),
    "dark bits": (".tif", np.array([[0, 1]], np.uint16), "16 bits but holds only 0 and 1"),
    "32 bits": (".tif", BYTES.astype(np.int32), "a grey image of 8 or 16 bits"),
    "int64": (".npy", BYTES.astype(np.int64), "a mask has 8 or 16 bits or holds probabilities"),
    "logits": (".npy", SHARES * 4 - 2, "probabilities from 0 to 1"),
    "NaN": (".npy", SHARES * np.nan, "probabilities from 0 to 1"),
    "planes": (".npy", np.stack([SHARES, 1 - SHARES]), "argmax"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_mask_is_refused(tmp_path: Path, kind: str) -> None:
    suffix, values, words = REFUSED[kind]
    own = card(suffix=suffix)
    store(tmp_path / "masks" / f"a{suffix}", values)
    sample = pairs.read_truth(own, tmp_path, "val")[0]
    with pytest.raises(DataError, match=words):
        sample.truth.semantic()
    with pytest.raises(PredictionError, match=words):
        pairs.read_predictions(own, tmp_path / "masks", "semantic", [sample])(sample)


def test_a_palette_with_colours_is_no_mask(tmp_path: Path) -> None:
    images.write_labels(tmp_path / "masks" / "a.png", BYTES, images.voc_palette())
    with pytest.raises(DataError, match="the palette of this mask has colours"):
        pairs.read_truth(card(), tmp_path, "val")[0].truth.semantic()


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        ({"= 128": "= 0"}, "threshold = 0 is not in 1 to 65535"),
        ({"= 128": "= 65536"}, "threshold = 65536 is not in 1 to 65535"),
        ({"train_id = 1, ": ""}, "the card must list two"),
        (
            {"[splits.val]": "[values]\n255 = 9\n[splits.val]"},
            r"\[values\] has no effect with threshold",
        ),
        ({"= 128": "= 128\nvoid = [7]"}, r"void = \[7\] has no effect with threshold"),
        ({"= 128": "= 128\ncolors = true"}, "colors = true has no effect with threshold"),
    ],
)
def test_contradictions_in_the_card(replaced: dict[str, str], words: str) -> None:
    with pytest.raises(CardError, match=words):
        card(**replaced)  # type: ignore[arg-type]


def test_a_label_space_has_no_effect(tmp_path: Path) -> None:
    store(tmp_path / "masks" / "a.png", BYTES)
    sample = pairs.read_truth(card(), tmp_path, "val")[0]
    read = pairs.read_predictions(
        card(), tmp_path / "masks", "semantic", [sample], space="train-ids"
    )
    with pytest.raises(PredictionError, match="--label-space train-ids has no effect"):
        read(sample)


def test_what_is_written_reads_back(tmp_path: Path) -> None:
    store(tmp_path / "masks" / "a.png", BYTES)
    own = card()
    samples = pairs.read_truth(own, tmp_path, "val")
    truth = samples[0].truth.semantic()
    pairs.write_predictions(own, tmp_path / "out", "semantic", [(samples[0], truth)])
    assert {0, 255} == set(np.unique(images.read_labels(tmp_path / "out" / "a.png")).tolist())
    again = pairs.read_predictions(own, tmp_path / "out", "semantic", samples)(samples[0])
    np.testing.assert_array_equal(truth.labels, again.labels)


@pytest.mark.parametrize("place", ["voc", "coco"])
def test_predictions_in_other_layouts(tmp_path: Path, place: str) -> None:
    text = f"""name = "own"
title = "Own"
layout = "{place}"
tasks = ["semantic"]
threshold = 128
classes = [{{ id = 0, train_id = 0, name = "dark" }}, {{ id = 1, train_id = 1, name = "bright" }}]
[splits.val]
"""
    own = parse_card(text.encode(), where="test")
    store(tmp_path / "a.jpg", np.full((8, 8), 200, np.uint8))
    store(tmp_path / "masks" / "a.png", BYTES)
    sample = pairs.read_truth(card(), tmp_path, "val")[0]
    found = layout(own).read_predictions(own, tmp_path, "semantic", [sample])(sample)
    assert {1} == set(np.unique(found.labels).tolist())


def test_the_card_of_the_readme(tmp_path: Path, repository: Path) -> None:
    own = parse_card(readme_card(repository, "roads").encode(), where="roads.toml")
    drawn = np.kron(GENERATOR.integers(0, 2, (4, 5)), np.ones((8, 8), int)).astype(bool)
    guessed = np.clip(drawn * 180 + GENERATOR.integers(-60, 60, drawn.shape), 0, 255).astype(
        np.uint8
    )
    for name in ("a", "b"):
        store(tmp_path / "images" / f"{name}.jpg", np.zeros((*drawn.shape, 3), np.uint8))
        store(tmp_path / "masks" / f"{name}.png", (drawn * 255).astype(np.uint8))
    store(tmp_path / "results" / "a.png", guessed)
    store(tmp_path / "results" / "b.npy", guessed)
    samples = pairs.read_truth(own, tmp_path, "val")
    rules = rules_for(own, "semantic", metrics="mIoU")
    job = stored_predictions(own, "val", samples, tmp_path / "results", root=tmp_path, rules=rules)
    assert label_pairs.read(job.predictions.read, samples) is None
    run = evaluate(job, out=tmp_path / "runs")
    found = guessed >= 128
    shares = [
        (first & second).sum() / (first | second).sum()
        for first, second in ((~drawn, ~found), (drawn, found))
    ]
    assert run.record.scores["semantic"]["mIoU"]["value"] == pytest.approx(
        np.mean(shares), abs=1e-12
    )
