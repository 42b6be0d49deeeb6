"""What a model costs: the time of its predictions, its memory, operations and latency, for the run
record.

Speed is measured during the run itself; operations and latency need some more predictions, which
are made after all images are counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from bench import prompting
from bench.evaluation.predicting import Predictor
from bench.models import Model
from bench.models.running import measuring

LATENCY_IMAGES = 50


def begin(model: Model) -> None:
    """Start to watch the peak memory of the model's device."""
    measuring.forget_peak(_device(model))


def cost(predictor: Predictor, *, latency: bool) -> dict[str, Any]:
    """What the predictions cost, with the keys of docs/formats.md; call it after the last image."""
    device = _device(predictor.model)
    peak = measuring.peak_memory(device)  # before the additional predictions raise it
    times = None
    if latency:
        times = measuring.latency(next(_single(predictor)), _single(predictor), device=device)
    first = predictor.question(predictor.samples[0])
    return {
        **measuring.where(device),
        "predict_seconds": predictor.seconds,
        **peak,
        "flops": measuring.flops(partial(prompting.predict, predictor.model, [first])),
        "flops_image": [int(length) for length in first[0].shape[:2]],
        "latency": times,
    }


def _single(predictor: Predictor) -> Iterator[measuring.Predict]:
    """Predictions of the first images one by one; each image is read before its prediction is
    timed.
    """
    for sample in predictor.samples[:LATENCY_IMAGES]:
        yield partial(prompting.predict, predictor.model, [predictor.question(sample)])


def _device(model: Model) -> str:
    return str(model.settings.get("device", "cpu"))
