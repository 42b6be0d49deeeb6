"""How the loop asks a model for predictions, in batches, and how long the model took.

It knows neither how predictions are counted nor where they are recorded.
"""

from __future__ import annotations

import time
from collections.abc import Sequence, Sized
from dataclasses import dataclass

from bench import prompting
from bench.errors import OwnCodeError, PredictionError
from bench.models import Model
from bench.notices import many
from bench.prompting import Question
from bench.samples import Prediction, Sample


@dataclass(eq=False)
class Predictor:
    """Asks a model for the predictions of samples and adds up the seconds that it takes."""

    model: Model
    samples: Sequence[Sample]
    seconds: float = 0.0

    @property
    def batch_size(self) -> int:
        """How many images the model takes at once."""
        return max(1, self.model.batch_size)

    def question(self, sample: Sample) -> Question:
        """The model's input for one image: the image, and prompts for a promptable model.

        It may be called from several threads, since it only reads files.
        """
        return prompting.question(self.model, sample)

    def predict(
        self, positions: Sequence[int], questions: Sequence[Question]
    ) -> Sequence[Prediction]:
        """The predictions for the images at these positions, one for each.

        Raises:
            PredictionError: the model returned too few or too many predictions, or something else.
            OwnCodeError: the user's model raised an exception.
        """
        start = time.perf_counter()
        try:
            predictions = prompting.predict(self.model, questions)
        except (PredictionError, OwnCodeError) as error:
            raise type(error)(f"{self._names(positions)}: {error}") from error.__cause__
        self.seconds += time.perf_counter() - start
        require_one_each(predictions, [self.samples[position].id for position in positions])
        return predictions

    def _names(self, positions: Sequence[int]) -> str:
        """The ids of the first and the last image, once if they are the same."""
        ids = (self.samples[position].id for position in (positions[0], positions[-1]))
        return " to ".join(dict.fromkeys(ids))


def require_one_each(predictions: object, ids: Sequence[str]) -> None:
    """Refuse an answer of a model that does not have one prediction for each image.

    Raises:
        PredictionError: the numbers differ, or the answer has no length.
    """
    if not isinstance(predictions, Sized):
        raise PredictionError(
            f"{ids[0]}: the model returned {type(predictions).__name__} for a batch of images; "
            "it must return a list with one prediction per image"
        )
    if len(predictions) != len(ids):
        raise PredictionError(
            f"{ids[0]}: the model returned {many(len(predictions), 'prediction')} for a batch of "
            f"{many(len(ids), 'image')} that starts with this one; it must return one per image"
        )
