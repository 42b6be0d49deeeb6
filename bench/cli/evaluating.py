"""Steps that `bench run` and `bench eval` share: open the data, evaluate, print the table and the
next commands.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli import console, startup
from bench.cli.options import DataOptions, RecordOptions, ScoringOptions
from bench.cli.parser.declarations import flags_for

if TYPE_CHECKING:
    from bench.evaluation.jobs import Job
    from bench.families.contract.family import Ability
    from bench.opening import Asked, Data
    from bench.runs import Run

_DETAILS: dict[str, Ability] = {
    "--per-image scores.csv": "per_image",
    "--curves curves.csv": "curves",
    "--by confusion": "confusion",
}
"""Option of `bench show` that gives details of a run -> the ability that one of its families
needs.
"""
_SAME_SCORING = ("metrics", "regions", "crop0", "boundary_mode", "classes_in", "interval")
"""Scoring options that a suggested command repeats, so that the two runs can be compared."""
_RECENT = 20
"""Number of newest records that are searched for one to compare with."""


def open_with_progress(
    dataset: str, split: str | None, *, quiet: bool, root: Path | None = None, **options: Any
) -> Data:
    """Open a split. `streets` is drawn on first use, which takes a while and shows a progress
    bar.
    """
    from bench.opening import asked

    return open_asked(asked(dataset, split, **options), quiet=quiet, root=root)


def open_asked(question: Asked, *, quiet: bool, root: Path | None) -> Data:
    """Open a split that `opening.asked` has checked; shows a progress bar like
    `open_with_progress`.
    """
    from bench import opening

    with console.progress("drawing streets", quiet=quiet) as report:
        return opening.open_asked(question, root=root, progress=report)


def needs_confidence(scoring: ScoringOptions) -> bool:
    """Whether a metric needs a confidence with each prediction."""
    from bench.families import need_confidence

    return need_confidence(scoring.metrics.split(","))


def require_folder(out: Path) -> None:
    """Refuse a folder in which run records cannot be written.

    Raises:
        UsageError: it is a file, is below a file, or is read-only.
    """
    from bench.errors import UsageError

    if out.is_file():
        raise UsageError(f"--out {out}: this is a file; run records are written into a folder")
    path = out.absolute()
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    if not existing.is_dir():
        raise UsageError(f"--out {out}: {existing} is a file; name a folder for run records")
    if not os.access(existing, os.W_OK):
        raise UsageError(f"--out {out}: {existing} is read-only; name a folder for run records")


def carry_out(
    job: Job, records: RecordOptions, *, as_json: bool, another: str = "", metrics: str = "default"
) -> int:
    """Evaluate, print the table or the record, and suggest the next commands.

    Ctrl-C keeps the images that were counted. `metrics` are the metrics that the table shows.
    `another` is a command that makes a run to compare with, shown if there is none yet, or "".
    """
    import msgspec

    from bench.evaluation.answered import answered

    require_folder(records.out)
    existing = None if records.overwrite else answered(job, records.out)
    if existing is not None:
        console.note(
            f"already there: {existing.path} (evaluated {existing.record.created}); "
            "model, data and bench are unchanged, so nothing was evaluated (--overwrite "
            "evaluates again)"
        )
    run = existing or _evaluated(job, records, as_json=as_json)
    if as_json:
        console.say_json({**msgspec.to_builtins(run.record), "path": str(run.path)})
        return 0
    from bench.families import families
    from bench.render import terminal

    console.say(terminal.run_table(run, metrics))
    abilities = {ability for family in families(run.record.tables) for ability in family.abilities}
    details = next(
        (f" {option}" for option, ability in _DETAILS.items() if ability in abilities), ""
    )
    console.say(
        f"run record  {run.path}\nnext        bench show {shlex.quote(str(run.path))}{details}"
    )
    further = _comparison(run) or another
    if further:
        console.say(f"            {further}")
    return 0


def _evaluated(job: Job, records: RecordOptions, *, as_json: bool) -> Run:
    """Evaluate with a progress bar; Ctrl-C keeps the images that were counted."""
    from bench import kernels
    from bench.evaluation import evaluate

    startup.keep_freed()
    startup.keep_loaded()
    if kernels.which() == "reference" and not os.environ.get("BENCH_KERNELS") and not as_json:
        console.note(
            "note: the compiled kernels are missing or older than the sources, so this takes "
            "longer; install again"
        )
    counted = [0, len(job.samples)]
    try:
        with console.progress(f"{job.name} on {job.card.name}", quiet=as_json) as report:

            def follow(done: int, total: int) -> None:
                counted[:] = [done, total]
                report(done, total)

            with console.prints_to_stderr(as_json=as_json):
                return evaluate(
                    job,
                    out=records.out,
                    resume=records.resume,
                    overwrite=records.overwrite,
                    progress=follow,
                )
    except KeyboardInterrupt:
        console.interrupted(
            f"stopped after {counted[0]} of {counted[1]} images; run the same command with "
            "--resume to continue"
        )


def shuffled_command(
    dataset: Sequence[str],
    data: DataOptions,
    scoring: ScoringOptions,
    records: RecordOptions,
    *,
    task: str,
    images: int,
) -> str:
    """The command that scores shuffled ground truth, which every model should beat.

    It repeats the options of this run; `dataset` holds the arguments that name the ground truth.
    Returns "" if the baseline does not exist: for objects, a single image, and metrics that need
    confidences.
    """
    if task != "semantic" or images < 2 or needs_confidence(scoring):
        return ""
    words = ["bench", "eval", "--predictions", "baseline:shuffled", *dataset]
    return shlex.join([*words, *comparable_flags(data, scoring, records)])


def comparable_flags(
    data: DataOptions, scoring: ScoringOptions, records: RecordOptions, *, split: bool = True
) -> list[str]:
    """The arguments that another command repeats, so that its run can be compared with this one."""
    of_data = (
        ("split", "root", "limit", "ids", "layout") if split else ("root", "limit", "ids", "layout")
    )
    return [
        *flags_for(data, of_data),
        *flags_for(scoring, _SAME_SCORING),
        *flags_for(records, ("out",)),
    ]


def _comparison(run: Run) -> str:
    """The command that compares a run with the newest comparable one; "" if there is none."""
    records = [path for path in run.path.parents[1].glob("*/*/run.json") if path.parent != run.path]
    newest = sorted(records, key=lambda path: path.stat().st_mtime, reverse=True)[:_RECENT]
    digests = {(name, table.rules, table.truth) for name, table in run.record.tables.items()}
    for path in newest:
        # Plain JSON is faster to read than a record. An unreadable record must not stop a
        # suggestion.
        try:
            content = json.loads(path.read_bytes())
            tables = content["tables"].items()
            other_digests = {(name, table["rules"], table["truth"]) for name, table in tables}
            predicted_by = content["model"], content["settings"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        # The same predictions scored by other rules are not a run to compare with.
        is_another = predicted_by != (run.record.model, run.record.settings)
        if digests & other_digests and is_another:
            return shlex.join(["bench", "compare", str(run.path), str(path.parent)])
    return ""
