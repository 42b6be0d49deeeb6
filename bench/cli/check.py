"""`bench check`: the gate of continuous integration, and `bench init`, which writes the files it starts from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bench.cli import console
from bench.cli.options import AsJson

if TYPE_CHECKING:
    from bench.gate.gate_file import Check, GateFile
    from bench.render.gate_words import Checked
    from bench.runs import Run

CODES = {"pass": 0, "fail": 1, "inconclusive": 3}


def check(
    *,
    config: Annotated[
        Path, typer.Option("--config", "-c", metavar="FILE", help="What is checked, and how much worse it may be.")
    ] = Path("bench.toml"),
    inconclusive: Annotated[
        Literal["report", "pass", "fail"],
        typer.Option("--inconclusive", help="Exit code where nothing is settled: 3 (report), 0 (pass) or 1 (fail)."),
    ] = "report",
    junit: Annotated[
        Path | None, typer.Option("--junit", metavar="FILE", help="Also write JUnit XML, as CI services read it.")
    ] = None,
    summary: Annotated[
        Path | None, typer.Option("--summary", metavar="FILE", help="Also write a summary in Markdown.")
    ] = None,
    common_images: Annotated[
        bool, typer.Option("--common-images", help="Judge by the images that candidate and baseline both have.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Fail when a model became worse than its baseline by more than a margin, and say by how much.

    Exit codes: 0 it is surely not, 1 it surely is, 3 these images cannot settle it (2: wrong use).

    Example:  bench check --config bench.toml --junit bench-junit.xml
    """
    from bench.gate import gate_file, worst
    from bench.render import gate_data, gate_github, gate_terminal

    file = gate_file.read(config.expanduser())
    found = [_checked(file, each, common=common_images or each.common_images, quiet=as_json) for each in file.checks]
    outcome = worst(each.outcome for each in found)
    code = CODES[outcome]
    if outcome == "inconclusive" and inconclusive != "report":
        code = CODES[inconclusive]
    if junit is not None:
        _write(junit, gate_data.junit(found, inconclusive=inconclusive))
    if summary is not None:
        _write(summary, gate_github.markdown(found))
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        _write(Path(os.environ["GITHUB_STEP_SUMMARY"]), gate_github.markdown(found), mode="a")
    if as_json:
        console.say_json(gate_data.as_json(found, exit_code=code))
    else:
        console.say(gate_terminal.render(found).rstrip("\n"))
    if os.environ.get("GITHUB_ACTIONS"):
        for line in gate_github.log_lines(found, inconclusive=inconclusive):
            console.note(line)
    return code


def _checked(file: GateFile, asked: Check, *, common: bool, quiet: bool) -> Checked:
    """Carry out one check; errors name the file and the check."""
    from bench import gate, runs
    from bench.errors import InputError
    from bench.render.gate_words import Checked
    from bench.runs.finding import find_record

    try:
        baseline = runs.read(find_record(file.resolve(asked.baseline)))
        if asked.run is not None:
            candidate = runs.read(find_record(file.resolve(asked.run)))
        else:
            candidate = _evaluated(file, asked, baseline, quiet=quiet)
        guards = {label: points / 100 for label, points in asked.classes.items()}
        verdicts = []
        for metric, points in asked.margins().items():
            found = gate.check(
                candidate, baseline, metric=metric, margin=points / 100, guards=guards, common_images=common
            )
            verdicts.append(found)
            guards = {}  # they belong to the first metric
    except InputError as error:
        message = str(error).replace("--metric ", "metrics: ")
        raise type(error)(f"{file.path}, check {asked.name!r}: {message}") from None
    return Checked(asked.name, tuple(verdicts))


def _evaluated(file: GateFile, asked: Check, baseline: Run, *, quiet: bool) -> Run:
    """Score predictions by the rules of their baseline; the record is written below `runs`, beside bench.toml."""
    from bench.cli import jobs
    from bench.errors import PredictionError
    from bench.evaluation import evaluate
    from bench.evaluation.kinds import task_of
    from bench.evaluation.settings import require_semantic
    from bench.evaluation.stored import stored_predictions
    from bench.scoring import rules_of

    path = file.resolve(str(asked.predictions))
    if not path.exists():
        raise PredictionError(f"predictions {path}: there is no such folder or file")
    dataset = str(asked.dataset)
    if dataset.endswith(".toml"):
        dataset = str(file.resolve(dataset))
    where: dict[str, Any] = {"root": file.resolve(asked.data)} if asked.data else {}
    split = asked.split or baseline.record.dataset.split
    opened = jobs.open_with_progress(dataset, split, quiet=quiet, **where)
    chosen = set(baseline.image_ids)
    task = task_of(path, opened.card) if asked.task in (None, "auto") else asked.task
    if task != "semantic":
        require_semantic({"label_space": asked.label_space}, what=f"{task} predictions")
    job = stored_predictions(
        opened.card,
        opened.split,
        [sample for sample in opened.samples if sample.id in chosen],
        path,
        root=opened.root,
        task=task,
        space=asked.label_space or "ids",
        rules=rules_of(baseline),
        name=asked.name,
        notices=opened.notices,
    )
    with console.progress(f"{asked.name} on {opened.card.name}", quiet=quiet) as report:
        return evaluate(job, out=file.resolve("runs"), overwrite=True, progress=report)


def _write(path: Path, text: str, *, mode: Literal["w", "a"] = "w") -> None:
    from bench.errors import UsageError

    try:
        with path.expanduser().open(mode, encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
