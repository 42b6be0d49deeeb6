"""Compare two runs: which model is better, by how much, and is the difference significant?

    python examples/compare_runs.py                    # two made-up models
    python examples/compare_runs.py runs/a runs/b      # your own run records

It needs no torch.
"""

import sys

import numpy as np

import bench

CLASSES = ["road", "car", "sky"]


def make_run(name: str, error_rate: float) -> bench.Run:
    """A run record of a made-up model, in which this fraction of the pixels is wrong."""
    # The same seed for each model, so that both see the same ground truth.
    rng = np.random.default_rng(0)
    evaluator = bench.Evaluator(CLASSES)
    for number in range(40):
        truth = rng.integers(0, len(CLASSES), size=(32, 32))
        difficulty = rng.uniform(0.5, 1.5)
        wrong = rng.random(truth.shape) < error_rate * difficulty
        prediction = np.where(wrong, (truth + 1) % len(CLASSES), truth)
        evaluator.update(truth=truth, prediction=prediction, id=f"image_{number:03d}")
    return evaluator.save(
        "runs", name=name, model={"architecture": "made up", "error_rate": error_rate}
    )


def main(paths: list[str]) -> None:
    runs = paths or [make_run("small", error_rate=0.20), make_run("large", error_rate=0.18)]
    comparison = bench.compare(*runs, by_class=True)

    # Printing shows the scores and the difference of every pair, with intervals and corrected
    # p-values.
    print(comparison)

    # The same as plain values: scores and differences are fractions of 1.
    pair = comparison.pairs[0]
    effect = pair.effect
    first, second = comparison.names[pair.first], comparison.names[pair.second]
    verdict = "significant" if effect.corrected <= comparison.alpha else "not significant"
    print(f"{first} - {second}: {effect.difference:+.4f}, p = {effect.corrected:.4f}: {verdict}")
    print(comparison.to_pandas())


if __name__ == "__main__":
    main(sys.argv[1:])
