"""`bench check`: the gate of continuous integration."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.cli import console
from bench.cli.options import JsonOption
from bench.cli.parser.declarations import OptionSet, flag, option

if TYPE_CHECKING:
    from bench.gate.gate_file import Check, GateFile
    from bench.render.gate_words import CheckResult
    from bench.runs import Run

CODES = {"pass": 0, "fail": 1, "inconclusive": 3}


class CheckOptions(OptionSet):
    """What is checked, and how the outcome is reported."""

    config: Path = option(
        "--config",
        "-c",
        metavar="FILE",
        help="File of checks: runs, baselines, metrics and margins.",
        default=Path("bench.toml"),
        group="Input",
    )
    common_images: bool = flag(
        "--common-images",
        help="Compare on the images that candidate and baseline both have.",
        group="Input",
    )
    inconclusive: Literal["report", "pass", "fail"] = option(
        "--inconclusive",
        help="Exit code of an inconclusive check: 3 (report), 0 (pass) or 1 (fail).",
        default="report",
        group="Output",
    )
    junit: Path | None = option(
        "--junit",
        metavar="FILE",
        help="Also write JUnit XML, which CI services read.",
        default=None,
        group="Output",
    )
    summary: Path | None = option(
        "--summary",
        metavar="FILE",
        help="Also write a summary in Markdown.",
        default=None,
        group="Output",
    )


def command(options: CheckOptions, output: JsonOption) -> int:
    """Fail if a model became worse than its baseline by more than a margin.

    Exit codes: 0 no regression, 1 regression, 2 usage error, 3 inconclusive.

    Example:
        bench check --config bench.toml --junit bench-junit.xml
    """
    from bench.gate import gate_file, worst
    from bench.render import gate_data, gate_github, gate_terminal

    file = gate_file.read(options.config.expanduser())
    results = [
        _checked(
            file, check, common=options.common_images or check.common_images, quiet=output.as_json
        )
        for check in file.checks
    ]
    outcome = worst(result.outcome for result in results)
    code = CODES[outcome]
    if outcome == "inconclusive" and options.inconclusive != "report":
        code = CODES[options.inconclusive]
    _write_files(results, options)
    if output.as_json:
        console.say_json(gate_data.as_json(results, exit_code=code))
    else:
        console.say(gate_terminal.render(results).rstrip("\n"))
    if os.environ.get("GITHUB_ACTIONS"):
        for line in gate_github.log_lines(results, inconclusive=options.inconclusive):
            console.note(line)
    return code


def _write_files(results: Sequence[CheckResult], options: CheckOptions) -> None:
    from bench.render import gate_data, gate_github

    if options.junit is not None:
        _write(options.junit, gate_data.junit(results, inconclusive=options.inconclusive))
    if options.summary is not None:
        _write(options.summary, gate_github.markdown(results))
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        _write(Path(os.environ["GITHUB_STEP_SUMMARY"]), gate_github.markdown(results), mode="a")


def _checked(file: GateFile, check: Check, *, common: bool, quiet: bool) -> CheckResult:
    """Carry out one check; errors name the file and the check."""
    from bench import gate, runs
    from bench.errors import InputError
    from bench.render.gate_words import CheckResult
    from bench.runs.finding import find_record

    try:
        baseline = runs.read(find_record(file.resolve(check.baseline)))
        if check.run is not None:
            candidate = runs.read(find_record(file.resolve(check.run)))
        else:
            candidate = _evaluated(file, check, baseline, quiet=quiet)
        guards = dict(check.classes)
        verdicts = []
        for metric, points in check.margins().items():
            verdict = gate.check(
                candidate,
                baseline,
                metric=metric,
                margin=points,
                guards=guards,
                common_images=common,
                as_shown=True,
            )
            verdicts.append(verdict)
            guards = {}  # they belong to the first metric
    except InputError as error:
        message = str(error).replace("--metric ", "metrics: ")
        raise type(error)(f"{file.path}, check {check.name!r}: {message}") from None
    return CheckResult(check.name, tuple(verdicts))


def _evaluated(file: GateFile, check: Check, baseline: Run, *, quiet: bool) -> Run:
    """Score predictions by the rules of the baseline; the record is written below `runs`, beside
    bench.toml.
    """
    from bench.cli import evaluating
    from bench.errors import PredictionError
    from bench.evaluation import evaluate
    from bench.evaluation.kinds import task_of
    from bench.evaluation.settings import require_semantic
    from bench.evaluation.stored import stored_predictions
    from bench.scoring import rules_of

    path = file.resolve(str(check.predictions))
    if not path.exists():
        raise PredictionError(f"predictions {path}: there is no such folder or file")
    dataset = str(check.dataset)
    if dataset.endswith(".toml"):
        dataset = str(file.resolve(dataset))
    opened = evaluating.open_with_progress(
        dataset,
        check.split or baseline.record.dataset.split,
        quiet=quiet,
        root=file.resolve(check.data) if check.data else None,
    )
    image_ids = set(baseline.image_ids)
    task = task_of(path, opened.card) if check.task in (None, "auto") else check.task
    if task != "semantic":
        require_semantic({"label_space": check.label_space}, what=f"{task} predictions")
    job = stored_predictions(
        opened.card,
        opened.split,
        [sample for sample in opened.samples if sample.id in image_ids],
        path,
        root=opened.root,
        task=task,
        space=check.label_space or "ids",
        rules=rules_of(baseline),
        name=check.name,
        notices=opened.notices,
    )
    with console.progress(f"{check.name} on {opened.card.name}", quiet=quiet) as report:
        return evaluate(job, out=file.resolve("runs"), overwrite=True, progress=report)


def _write(path: Path, text: str, *, mode: Literal["w", "a"] = "w") -> None:
    from bench.errors import UsageError

    try:
        with path.expanduser().open(mode, encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from None
