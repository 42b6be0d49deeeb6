"""Precision, recall and F1 at a score, against plain loops over the detections that pycocotools
matched.
"""

from __future__ import annotations

from typing import Any

import coco_cases as cases
import numpy as np
import pytest

from bench.classes import Class, Classes
from bench.metrics import instance, operating_points
from bench.metrics.ranking import Ranking

Array = np.ndarray[Any, Any]


def ranked(made: Any) -> Ranking:
    classes = Classes(tuple(Class(id=k + 1, name=str(k), train_id=k) for k in range(made.classes)))
    return instance.ranking(instance.count(*cases.columns(made), kinds=("mask",)), classes)


def at_scores(
    ranking: Ranking, weights: Array, scores: float | Array
) -> operating_points.PointScores:
    """Score the detections from a score threshold on, one for all classes or one for each (C,), NaN
    for none.
    """
    thresholds = np.broadcast_to(np.asarray(scores, dtype=np.float64), ranking.classes)
    shown = ranking.detections["score"] >= thresholds[ranking.detections["class"]]
    return operating_points.of_shown(ranking, weights, shown)


def plain(
    evaluation: Any, made: Any, score: float, drawn: list[float]
) -> list[tuple[float, float, float]]:
    """Weighted tp, fp and truths of every class from pycocotools' matches of all sizes at an
    overlap of .5.
    """
    sums = []
    for k in range(made.classes):
        tp = fp = truths = 0.0
        for image in range(made.images):
            match = evaluation.evalImgs[k * 4 * made.images + image]
            if match is None:
                continue
            truths += drawn[image] * sum(1 for ignored in match["gtIgnore"] if not ignored)
            for place, value in enumerate(match["dtScores"]):
                if value >= score and not match["dtIgnore"][0][place]:
                    tp += drawn[image] * (match["dtMatches"][0][place] > 0)
                    fp += drawn[image] * (match["dtMatches"][0][place] == 0)
        sums.append((tp, fp, truths))
    return sums


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("score", [0.0, 0.5, 0.9, 2.0])
def test_scores_at_a_score_equal_plain_loops(seed: int, score: float) -> None:
    made = cases.case(seed)
    weights = np.random.default_rng(seed).integers(0, 3, (2, made.images)).astype(float)
    found = at_scores(ranked(made), weights, score)
    evaluation = cases.pycocotools(made, "segm")
    for row, drawn in enumerate(weights.tolist()):
        for k, (tp, fp, truths) in enumerate(plain(evaluation, made, score, drawn)):
            expected = {
                "precision": tp / (tp + fp) if truths and tp + fp else np.nan,
                "recall": tp / truths if truths else np.nan,
                "F1": 2 * tp / (tp + fp + truths) if truths else np.nan,
            }
            actual = {name: float(found.per_class[name][row, k]) for name in operating_points.NAMES}
            assert expected == pytest.approx(actual, nan_ok=True)


@pytest.mark.parametrize("seed", range(6))
def test_best_threshold_has_the_highest_f1(seed: int) -> None:
    made = cases.case(seed)
    ranking, ones = ranked(made), np.ones((1, made.images))
    best = operating_points.best_scores(ranking)
    at_best = at_scores(ranking, ones, best).per_class["F1"][0]
    others = [at_scores(ranking, ones, score).per_class["F1"][0] for score in cases.SCORES]
    highest = np.max(others, axis=0)
    for k in range(made.classes):
        if np.isnan(best[k]):
            assert np.isnan(highest[k]) or highest[k] == 0
        else:
            assert highest[k] == at_best[k]


def test_classes_without_truth_are_left_out_of_means() -> None:
    made = cases.case(3)
    found = at_scores(ranked(made), np.zeros((1, made.images)), 0.5)
    assert np.isnan([found[name][0] for name in operating_points.NAMES]).all()
