"""The jobs `bench` exists for, on real data and from the command line; skipped where the data are
not at hand.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import cli

Run = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def evaluated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `bench eval` with these words; returns its exit code and its JSON."""

    def run(*words: str | Path) -> tuple[int, dict[str, Any]]:
        code = cli.main(
            ["eval", "--out", str(tmp_path / "runs"), "--json", *(str(word) for word in words)]
        )
        return code, json.loads(capsys.readouterr().out)

    return run


def test_real_voc_predictions_score_what_is_known(
    shared_data: Callable[[str], Path], evaluated: Run
) -> None:
    root = shared_data("voc2012_val_subset")
    words = ["-p", root / "segnet_pred_320", "-d", "voc2012", "--data", root, "--ids", "all"]
    code, refused = evaluated(*words)
    assert 2 == code
    assert "--resize nearest" in refused["error"]["message"]
    for classes_in, mean, count in (("truth", 0.8864, 12), ("union", 0.7598, 14)):
        code, found = evaluated(*words, "--resize", "nearest", "--classes-in", classes_in)
        scores = found["scores"]["semantic"]
        assert 0 == code
        assert 0.98556 == round(scores["pixel_accuracy"]["value"], 5)
        assert mean == round(scores["mIoU"]["value"], 4)
        assert count == scores["classes"]["scored"]


def test_perturbed_camvid_truth_scores_what_plain_loops_say(
    shared_data: Callable[[str], Path], evaluated: Run, tmp_path: Path
) -> None:
    root = shared_data("camvid_val")
    generator = np.random.default_rng(3)
    pairs = []
    for path in sorted((root / "valannot").glob("*.png")):
        truth = np.asarray(Image.open(path))
        predicted = np.roll(truth, 4, axis=1)
        noisy = generator.random(truth.shape) < 0.05
        predicted[noisy] = generator.integers(0, 12, int(noisy.sum()))
        Image.fromarray(predicted).save(tmp_path / path.name)
        pairs.append((truth, predicted))
    code, found = evaluated("-p", tmp_path, "-d", "camvid", "--data", root)
    assert 0 == code
    assert 101 == found["dataset"]["images"]
    hits, wrong, missed = _counts(pairs)
    scores = found["scores"]["semantic"]
    expected = [h / (h + w + m) for h, w, m in zip(hits, wrong, missed, strict=True)]
    actual = [entry["IoU"]["value"] for entry in scores["per_class"].values()]
    assert expected == pytest.approx(actual, rel=1e-12)
    assert sum(expected) / 11 == pytest.approx(scores["mIoU"]["value"], rel=1e-12)


COCO_NAMES = (
    "AP",
    "AP50",
    "AP75",
    "APs",
    "APm",
    "APl",
    "AR1",
    "AR10",
    "AR100",
    "ARs",
    "ARm",
    "ARl",
)
PUBLISHED = {
    "fakesegm": (
        "instance",
        (0.320, 0.562, 0.299, 0.387, 0.310, 0.327, 0.268, 0.415, 0.417, 0.469, 0.377, 0.381),
    ),
    "fakebbox": (
        "boxes",
        (0.505, 0.697, 0.573, 0.586, 0.519, 0.501, 0.387, 0.594, 0.595, 0.640, 0.566, 0.564),
    ),
}


@pytest.mark.parametrize("kind", PUBLISHED)
def test_coco_results_score_what_their_authors_published(
    shared_data: Callable[[str], Path], evaluated: Run, kind: str
) -> None:
    root = shared_data("cocoapi_results")
    truth = root / "dataset" / "cocoapi" / "instances_val2014_100.json"
    results = root / "results" / f"instances_val2014_{kind}100_results.json"
    code, found = evaluated("-p", results, "-d", "coco-instances", "--data", truth)
    group, expected = PUBLISHED[kind]
    assert 0 == code
    assert expected == tuple(round(found["scores"][group][name]["value"], 3) for name in COCO_NAMES)
    # Results of boxes alone are not scored as masks, unless that is asked for.
    assert (kind == "fakesegm") == ("instance" in found["scores"])


def _counts(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[list[int], list[int], list[int]]:
    """Hits, false positives and misses of CamVid's 11 classes, class by class and image by image;
    11 is void.
    """
    hits, wrong, missed = [0] * 11, [0] * 11, [0] * 11
    for truth, predicted in pairs:
        valid = truth != 11
        for label in range(11):
            hits[label] += int(np.count_nonzero((truth == label) & (predicted == label)))
            wrong[label] += int(np.count_nonzero(valid & (truth != label) & (predicted == label)))
            missed[label] += int(np.count_nonzero((truth == label) & (predicted != label)))
    return hits, wrong, missed
