"""Label files of truth and prediction read together, several images at a time: what their labels
share, and no map.

This is the fast path for files without any problem. Everything unusual or wrong is left to
`files`, which reads one map at a time and reports what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench import images
from bench.errors import InputError
from bench.formats import PredictionReader
from bench.formats.labels.readers import PredictedLabels, TrueLabels
from bench.samples import Sample
from bench.samples.columns import LabelPairs

_NOWHERE = Path()


def read(predictions: PredictionReader, samples: Sequence[Sample]) -> LabelPairs | None:
    """Read what the labels of some images share; None where they have to be read one after the
    other.

    Reasons are ground truth that is not a label file; files that are missing, damaged, of different
    sizes, or not plain PNGs of 8 bits; and values that mean nothing.
    """
    truths = [sample.truth.read_semantic for sample in samples]
    files = [truth for truth in truths if isinstance(truth, TrueLabels)]
    if not isinstance(predictions, PredictedLabels) or len(files) < len(samples):
        return None
    label_files = files[0].files
    plain = not (label_files.colors or predictions.files.colors) and label_files.threshold is None
    if not plain or any(file.files is not label_files for file in files):
        return None
    counts = []
    for file, sample in zip(files, samples, strict=True):
        shared = images.read_pairs(file.path, predictions.paths[sample.id])
        if shared is None:
            return None
        counts.append(shared[0])
    values = np.concatenate(counts)
    try:
        # Values mean the same in every file: they are looked up once, not pixel by pixel.
        truth = label_files.true_labels(values[:, 0].astype(np.uint8), _NOWHERE)
        written = predictions.files.predicted_values(
            values[:, 1].astype(np.uint8), predictions.space, _NOWHERE
        )
        predicted = predictions.files.classes.prediction_to_train(
            written, predictions.space, where=""
        )
    except InputError:
        return None
    image = np.repeat(np.arange(len(counts)), [len(rows) for rows in counts])
    return LabelPairs(image, truth, predicted, values[:, 2], written)
