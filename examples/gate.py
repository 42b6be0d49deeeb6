"""Fail a build if a model became worse than its baseline by more than a margin.

    python examples/gate.py                         # a made-up baseline and candidate
    python examples/gate.py CANDIDATE BASELINE      # the folders of two run records

The exit code is that of `bench check`: 0 no regression, 1 regression, 3 inconclusive. It needs no
torch.
"""

import sys

import numpy as np

import bench

CODES = {"pass": 0, "fail": 1, "inconclusive": 3}


def make_run(name: str, error_rate: float) -> bench.Run:
    """A run record of a made-up model, in which this fraction of the pixels is wrong."""
    # The same seed for each model, so that both see the same ground truth.
    rng = np.random.default_rng(0)
    evaluator = bench.Evaluator(["road", "car"])
    for number in range(60):
        truth = rng.integers(0, 2, size=(32, 32))
        wrong = rng.random(truth.shape) < error_rate
        evaluator.update(
            truth=truth, prediction=np.where(wrong, 1 - truth, truth), id=f"image_{number:03d}"
        )
    return evaluator.save(
        "runs", name=name, model={"architecture": "made up", "error_rate": error_rate}
    )


def main(paths: list[str]) -> int:
    candidate, baseline = paths or [
        make_run("candidate", error_rate=0.13),
        make_run("baseline", error_rate=0.10),
    ]

    # A margin is a fraction of 1: at 0.01 the candidate may be one point worse. `guards` takes
    # margins of single classes, such as {"car": 0.02}.
    verdict = bench.check(candidate, baseline, metric="mIoU", margin=0.01)

    for finding in verdict.findings:
        print(f"{finding.name}: baseline {finding.baseline:.4f}, candidate {finding.candidate:.4f}")
        # With 95 % confidence each, the change is not below `low` and not above `high`.
        print(
            f"  change {finding.change:+.4f}, bounds {finding.low:+.4f} and "
            f"{finding.high:+.4f}: {finding.outcome}"
        )
    print(f"{verdict.candidate} against {verdict.baseline}: {verdict.outcome}")
    return CODES[verdict.outcome]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
