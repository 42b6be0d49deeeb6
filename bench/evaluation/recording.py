"""From counts to a run record: scores, digests that decide which runs are comparable, and
environment.

It describes a finished run; other modules of this room make the counts.
"""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from bench import kernels, runs, scoring
from bench.evaluation import jobs
from bench.families import families
from bench.families.contract.metric import PERCENT
from bench.families.contract.rules import Source
from bench.images import upright
from bench.notices import Notice
from bench.runs import Record, Run, Tables
from bench.scoring import Scored
from bench.version import __version__

PACKAGES = {
    "numpy": "numpy",
    "scipy": "scipy",
    "pillow": "PIL",
    "torch": "torch",
    "torchvision": "torchvision",
}
"""Distribution -> package; a record names the versions of those that were imported."""


def tables(job: jobs.Job, parts: list[Tables]) -> Tables:
    """Join the parts of a journal into the tables of a record, in the order of the images."""
    return {
        "images": {
            "id": np.array([sample.id for sample in job.samples]),
            "cluster": np.array(job.clusters()),
        },
        **{
            name: runs.concatenate([part[name] for part in parts])
            for name in parts[0]
            if name != "done"
        },
    }


def record(job: jobs.Job, tables: Tables, timings: dict[str, Any], path: Path) -> Run:
    """Score the tables and describe the run: data set, model, settings, environment and scores."""
    classes = job.card.classes
    source = Source(
        kind=job.identity.get("kind", "model"),
        space=job.settings.get("label_space", "train-ids"),
        split=job.split,
    )
    scored = scoring.score(tables, classes, job.rules, source=source)
    earlier_notices = [
        *(Notice(*fields) for fields in job.identity.get("warnings", [])),
        *job.notices,
    ]
    if isinstance(job.predictions, jobs.FromModel):
        earlier_notices += upright.notices_of(job.samples)
    notices = [*dict.fromkeys(earlier_notices), *scored.warnings]
    run_record = Record(
        bench=__version__,
        id=path.name,
        name=job.name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        dataset=runs.Dataset(
            name=job.card.name,
            title=job.card.title,
            card_digest=job.card.digest,
            split=job.split,
            images=len(job.samples),
            clusters=job.card.groups,
            classes=[msgspec.to_builtins(entry) for entry in classes.entries],
            ignore=classes.ignore,
            void=list(classes.void),
        ),
        model={key: value for key, value in job.identity.items() if key != "warnings"},
        settings=job.settings,
        protocol=runs.nan_to_null(_protocol(job, scored)),
        environment={**environment(), **({"files": job.files} if job.files is not None else {})},
        timings=timings,
        warnings=[runs.RecordedNotice(**notice._asdict()) for notice in notices],
        tables=digests(job, tables),
        scores=runs.nan_to_null(scored.groups),
    )
    return Run(run_record, tables, path)


def _protocol(job: jobs.Job, scored: Scored) -> dict[str, Any]:
    """Rules, how intervals were computed, and the units of scores that are not in percent."""
    protocol: dict[str, Any] = {
        "rules": msgspec.to_builtins(job.rules),
        "intervals": scored.intervals,
    }
    units = {
        group: {name: metric.unit for name, metric in metrics.items() if metric.unit != PERCENT}
        for group, metrics in scored.metrics.items()
    }
    units = {group: names for group, names in units.items() if names}
    return {**protocol, "units": units} if units else protocol


def digests(job: jobs.Job, tables: Tables) -> dict[str, runs.Digests]:
    """Per family, the digests that must match for two runs to be comparable, and the numbers of
    rows.
    """
    ids = [sample.id for sample in job.samples]
    return {
        family.key: runs.Digests(
            rules=runs.digest(family.rules_of(job.card.classes, family.options(job.rules))),
            truth=runs.truth_digest(ids, family.truth_rows(tables)),
            rows={table: len(tables[table]["image"]) for table in family.tables},
        )
        for family in families(job.rules.families)
    }


def environment() -> dict[str, Any]:
    """The environment of the run: versions, machine, and the git commit of the working
    directory.
    """
    packages = {
        name: str(sys.modules[module].__version__)
        for name, module in PACKAGES.items()
        if module in sys.modules
    }
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "kernels": kernels.which(),
        "packages": packages,
        "git_commit": _git_commit(),
    }


def _git_commit() -> str | None:
    """The commit that is checked out in the working directory, or None outside a git checkout."""
    here = Path.cwd()
    has_checkout = any((folder / ".git").exists() for folder in (here, *here.parents))
    if not has_checkout and "GIT_DIR" not in os.environ:
        return None  # saves starting git
    import subprocess

    command = ["git", "rev-parse", "--verify", "HEAD"]
    try:
        completed = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    return completed.stdout.strip()
