"""The model of a job under a meter: it is asked as the loop goes, and what that cost ends in the run record.

Speed is measured on the run itself; operations and latency take some predictions more, after the images are counted.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from bench import prompting
from bench.errors import OwnCodeError, PredictionError
from bench.evaluation.jobs import Job
from bench.models import Model
from bench.models.running import measuring
from bench.prompting import Question
from bench.samples import Prediction, Sample

LATENCY_IMAGES = 50


@dataclass(eq=False)
class Meter:
    """Asks the model of a job, and adds up the time that it takes."""

    job: Job
    model: Model
    seconds: float = 0.0

    @property
    def batch_size(self) -> int:
        """How many images the model is given at once."""
        return max(1, self.model.batch_size)

    def begin(self) -> None:
        """Watch from here on."""
        measuring.forget_peak(self._device)

    def question(self, sample: Sample) -> Question:
        """What the model is asked of one image; called from threads."""
        return prompting.question(self.model, sample)

    def predict(self, positions: Sequence[int], questions: Sequence[Question]) -> Sequence[Prediction]:
        """The predictions for the images at these positions of the job.

        Raises:
            PredictionError: the model does not answer each image, or with what is no prediction.
        """
        start = time.perf_counter()
        try:
            found = prompting.predict(self.model, questions)
        except (PredictionError, OwnCodeError) as error:
            names = " to ".join(dict.fromkeys(self.job.samples[p].id for p in (positions[0], positions[-1])))
            raise type(error)(f"{names}: {error}") from error.__cause__
        self.seconds += time.perf_counter() - start
        if len(found) != len(positions):
            raise PredictionError(
                f"the model answered {len(positions)} images with {len(found)} predictions, "
                f"{self.job.samples[positions[0]].id} the first of them; it answers each"
            )
        return found

    def cost(self) -> dict[str, Any]:
        """What the run cost; docs/formats.md tells every key. Call it after the last image."""
        peak = measuring.peak_memory(self._device)
        latency = (
            measuring.latency(next(self._single()), self._single(), device=self._device) if self.job.latency else None
        )
        first = self.question(self.job.samples[0])
        return {
            **measuring.where(self._device),
            "predict_seconds": self.seconds,
            **peak,
            "flops": measuring.flops(partial(prompting.predict, self.model, [first])),
            "flops_image": [int(length) for length in first[0].shape[:2]],
            "latency": latency,
        }

    def _single(self) -> Iterator[measuring.Question]:
        """The first images one by one, each read before it is asked."""
        for sample in self.job.samples[:LATENCY_IMAGES]:
            yield partial(prompting.predict, self.model, [self.question(sample)])

    @property
    def _device(self) -> str:
        return str(self.model.settings.get("device", "cpu"))
