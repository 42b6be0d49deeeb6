"""A metric of your own, in one file: how far the centre of each class is from where it should be,
in pixels.

    python examples/own_metric.py            # two made-up models, evaluated and compared

From the command line, in the folder that holds this file:

    bench eval predictions --truth masks --metrics mIoU,own_metric:CentreDistance

The class below declares the metric: its unit, its range, and that lower is better. Tables,
comparisons, checks and boards read this declaration, so there is nothing else to register. It needs
no torch.
"""

import numpy as np

import bench
from bench.families import Family, Metric
from bench.families.contract.family import NoOptions, Scores


class CentreDistance(Family[NoOptions]):
    """Distance between the centres of a class in the ground truth and in the prediction."""

    name = "centre_distance"
    group = "centre_distance"
    title = "centres"
    task = "semantic"
    tables = ("centres",)
    options_type = NoOptions
    metrics = (
        Metric(
            "centre_distance",
            "centre distance",
            meaning=(
                "mean over images and classes of the distance between the centres of true "
                "and predicted pixels"
            ),
            reference="examples/own_metric.py",
            unit="px",
            better="lower",
            bounds=(0.0, float("inf")),
            leading=True,
        ),
    )

    def suits(self, card):
        """Any data set with a class for every pixel."""
        return "semantic" in card.tasks

    def count(self, card, options, sample, prediction, *, position):
        """The slow half: one row for each class of one image. `position` is the number of the
        image.
        """
        truth = sample.truth.semantic().labels  # (H, W) train ids
        rows = []
        for train_id in range(len(card.classes)):
            true, predicted = truth == train_id, prediction.labels == train_id
            if true.any() and predicted.any():
                offset = np.argwhere(true).mean(axis=0) - np.argwhere(predicted).mean(axis=0)
                rows.append((position, train_id, np.hypot(*offset)))
        image, label, distance = zip(*rows, strict=True) if rows else ((), (), ())
        return {
            "centres": {
                "image": np.array(image, np.int32),
                "class": np.array(label, np.int32),
                "distance": np.array(distance, np.float64),
            }
        }

    def score(self, tables, weights, classes, options):
        """The fast half: the scores of B resamples. `weights` (B, N) says how often each image
        counts.
        """
        table = tables["centres"]
        counts = weights[:, table["image"]]  # (B, rows): how often each row counts
        with np.errstate(invalid="ignore"):  # a resample without any row has no score: 0 / 0 is NaN
            return Scores({"centre_distance": counts @ table["distance"] / counts.sum(axis=1)}, {})

    def rules_of(self, classes, options):
        """What two runs must share to be comparable."""
        return {"table": "centres", "classes": list(classes.names)}

    def truth_rows(self, tables):
        """The part of the counts that depends on the ground truth alone; here there is none but the
        images.
        """
        return {"image": np.unique(tables["centres"]["image"])}


def make_run(name, shift):
    """A run record of a made-up model that draws a square too far to the right."""
    evaluator = bench.Evaluator(
        ["background", "square"], metrics=["mIoU", "own_metric:CentreDistance"]
    )
    for number in range(30):
        rng = np.random.default_rng(number)
        row, column = rng.integers(4, 20, size=2)
        error = np.random.default_rng([number, shift]).integers(shift, shift + 3)
        truth, prediction = np.zeros((40, 40), int), np.zeros((40, 40), int)
        truth[row : row + 12, column : column + 12] = 1
        prediction[row : row + 12, column + error : column + error + 12] = 1
        evaluator.update(truth=truth, prediction=prediction, id=f"image_{number:03d}")
    return evaluator.save("runs", name=name, model={"architecture": "made up", "shift": shift})


def main():
    close, far = make_run("close", shift=0), make_run("far", shift=3)
    print(bench.compare(close, far, metric="centre_distance"))
    # A margin is in the unit of the metric: here the candidate may be one pixel worse.
    print(bench.check(far, close, metric="centre_distance", margin=1.0).outcome)


if __name__ == "__main__":
    main()
