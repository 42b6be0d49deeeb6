"""Networks in TFLite files: real quantised DeepLabV3s give what is known of them from outside."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("ai_edge_litert", reason="the extra litert is not installed")

from bench import cli, models
from bench.cards import Card, load_card
from bench.errors import CheckpointError, MissingExtra, PredictionError, UsageError
from bench.models import Options

Shared = Callable[[str], Path]
VOC, CITYSCAPES = load_card("voc2012"), load_card("cityscapes")
FULL, HALF, CITY = (
    "deeplabv3_mnv2_pascal_quant.tflite",
    "deeplabv3_mnv2_dm05_pascal_quant.tflite",
    "deeplab_mobilenet_edgetpu_slim_cityscapes_quant.tflite",
)
PEOPLE = """
name = "people"
title = "People"
layout = "pairs"
licence = "own"
cite = "own"
obtain = "own"
tasks = ["semantic"]
ignore = 255
[files]
images = "{id}.jpg"
labels = "{id}.png"
[splits.val]
[[classes]]
id = 0
name = "background"
train_id = 0
[[classes]]
id = 1
name = "person"
train_id = 1
"""


def pixels(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def golden(path: Path) -> Any:
    with Image.open(path) as image:
        return np.asarray(image)


def labels(model: models.Model, image: Any) -> Any:
    return model.predict([image])[0].labels


@pytest.mark.parametrize(("file", "mean"), [(FULL, 0.729), (HALF, 0.637)])
def test_real_deeplabs_score_what_is_known_on_voc(
    shared_data: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, mean: float
) -> None:
    weights, root = shared_data("coral_deeplab") / file, shared_data("voc2012_val_subset")
    words = [
        "--weights",
        weights,
        "--dataset",
        "voc2012",
        "--data",
        root,
        "--ids",
        "all",
        "--out",
        tmp_path,
        "--json",
    ]
    assert 0 == cli.main(["run", "--model", "litert", *map(str, words)])
    found = json.loads(capsys.readouterr().out)
    scores = found["scores"]["semantic"]
    assert mean == round(scores["mIoU"]["value"], 3)
    assert 12 == scores["classes"]["scored"]
    assert ("uint8", "NHWC", [513, 513]) == (
        found["model"]["input"]["dtype"],
        found["model"]["input"]["layout"],
        found["settings"]["input_size"],
    )


@pytest.mark.parametrize(
    ("file", "picture", "card", "share"),
    [
        (FULL, "bird", VOC, 0.979),
        (HALF, "bird", VOC, 0.961),
        (CITY, "cityscapes", CITYSCAPES, 0.921),
    ],
)
def test_golden_masks_agree_as_is_known(
    shared_data: Shared, file: str, picture: str, card: Card, share: float
) -> None:
    folder = shared_data("coral_deeplab")
    model = models.load("litert", card, Options(weights=str(folder / file)))
    image, mask = (folder / f"{picture}_segmentation{end}.bmp" for end in ("", "_mask"))
    expected = golden(mask)
    # The masks of VOC number the classes that they show; 3 is the bird in all of them.
    assert share == round(float((expected == labels(model, pixels(image))).mean()), 3)
    assert share > float((expected == labels(model, pixels(image)[::-1])).mean()) + 0.05


def test_a_network_for_other_classes_is_noticed(shared_data: Shared, tmp_path: Path) -> None:
    weights = shared_data("coral_deeplab") / FULL
    image = pixels(shared_data("coral_deeplab") / "dog_segmentation.bmp")
    streets = models.load("litert", load_card("camvid"), Options(weights=str(weights)))
    with pytest.raises(
        PredictionError, match=r"returns the label 12, which is not a class of the card"
    ):
        labels(streets, image)
    names = ["nothing"] * 12 + ["Car"] + ["nothing"] * 8
    (tmp_path / "voc.toml").write_text(f"classes = {json.dumps(names)}\n")
    with pytest.raises(CheckpointError, match="only 1 names agree"):
        models.load(
            "litert",
            load_card("camvid"),
            Options(weights=str(weights), sidecar=tmp_path / "voc.toml"),
        )


def test_one_plane_of_a_float_network_is_told_by_its_sidecar(
    shared_data: Shared, tmp_path: Path
) -> None:
    weights = shared_data("weights_selfie") / "selfie_segmentation.tflite"
    (tmp_path / "people.toml").write_text(PEOPLE)
    card = load_card(tmp_path / "people.toml")
    with pytest.raises(
        CheckpointError, match=r"of shape \(1, 256, 256, 1\), which is neither .*set kind"
    ):
        models.load("litert", card, Options(weights=str(weights)))
    (tmp_path / "selfie.toml").write_text('kind = "probabilities"\nscale = 255\n')
    model = models.load(
        "litert", card, Options(weights=str(weights), sidecar=tmp_path / "selfie.toml")
    )
    folder = shared_data("voc2012_val_subset")
    agreements = []
    for path in sorted((folder / "SegmentationClass").glob("*.png")):
        truth = golden(path)
        if (truth == 15).mean() > 0.15:
            found = labels(model, pixels(folder / "JPEGImages" / f"{path.stem}.jpg"))
            assert truth.shape == found.shape
            agreements.append(float(((truth == 15) == (found == 1))[truth != 255].mean()))
    assert agreements
    assert np.mean(agreements) > 0.8


def test_wrong_files_and_wishes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "no.tflite"
    path.write_bytes(b"\x1c\x00\x00\x00TFL3 and then nothing")
    with pytest.raises(CheckpointError, match=r"no\.tflite is not a network that LiteRT can run"):
        models.load("litert", VOC, Options(weights=str(path)))
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"no\.tflite is empty"):
        models.load("litert", VOC, Options(weights=str(path)))
    with pytest.raises(UsageError, match="runs on the CPU only"):
        models.load("litert", VOC, Options(weights=__file__, device="cuda"))
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(MissingExtra, match=r'install "segbench\[litert\]"'):
        models.load("litert", VOC, Options(weights=__file__))
