"""`python -m benchmarks`: speed of `bench` and of other tools (peers) on whole jobs, in a table.

    python -m benchmarks --make-peers FOLDER                     once: install the peers
    python -m benchmarks --peers FOLDER --data DATA --job miou   measure; makes missing DATA

Numbers are compared before anything is measured. Commands alternate (A B A B), so that other load
on the machine affects all of them.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks import make_city, make_coco, make_panoptic, measure, peer_environment
from benchmarks.jobs import COCO, JOBS, Job, peer_command

OURS = "bench"
SLOW = 20.0
"""A command whose first run takes longer (in seconds) is not run again; the table shows that
run.
"""
MAKERS: Mapping[str, ModuleType] = {"city": make_city, "coco": make_coco, "panoptic": make_panoptic}
HERE = Path(__file__).parents[1]


def main() -> int:
    """Measure the requested jobs, and print a Markdown table for each."""
    options = _options()
    if options.make_peers:
        peer_environment.make(options.make_peers)
        return 0
    print(
        f"{_machine()}, {options.runs} runs after one warm-up run, size {options.size}, "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )
    print(f"Load before: {', '.join(f'{value:.1f}' for value in os.getloadavg())}\n")
    failed = False
    measure.keep_bytecode()
    for name in options.job or JOBS:
        folder = options.data / f"{JOBS[name].data}-{options.size}"
        _make(JOBS[name].data, folder, options.size)
        failed |= not _compare(name, folder, options)
    return int(failed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure speed, compared with other tools (peers)."
    )
    parser.add_argument(
        "--job",
        action="append",
        choices=sorted(JOBS),
        help="Job to measure (default: all); may be repeated.",
    )
    parser.add_argument("--size", choices=("S", "M"), default="S", help="Size of the data.")
    parser.add_argument("--runs", type=int, default=5, help="Measured runs of each command.")
    parser.add_argument(
        "--data", type=Path, default=Path("benchmark-data"), help="Folder for the generated data."
    )
    parser.add_argument("--peers", type=Path, help="Environment of the peers.")
    parser.add_argument(
        "--without", action="append", default=[], help="Leave out this peer; may be repeated."
    )
    parser.add_argument(
        "--make-peers", type=Path, metavar="FOLDER", help="Install the peers into FOLDER and exit."
    )
    return parser.parse_args()


def _make(kind: str, folder: Path, size: str) -> None:
    if not (folder / "whole").exists():
        print(f"Generating {folder}", file=sys.stderr)
        folder.mkdir(parents=True, exist_ok=True)
        MAKERS[kind].make(folder, size)
        (folder / "whole").touch()


def _compare(name: str, folder: Path, options: argparse.Namespace) -> bool:
    """Measure one job and print its table; False if numbers differ or our own process failed."""
    job = JOBS[name]
    with tempfile.TemporaryDirectory() as out:
        commands = {OURS: job.ours(folder.resolve(), Path(out))}
        commands |= {
            tool: command(folder.resolve(), Path(out) / tool)
            for tool, command in job.beside.items()
        }
        if options.peers:
            python = peer_environment.python(options.peers.absolute())
            commands |= {
                peer: peer_command(python, script, name, folder.resolve())
                for peer, script in job.peers.items()
                if peer not in options.without
            }
        print(f"### {name}, {options.size}\n", flush=True)
        costs, agreed = _warm_up(job, commands)
        if OURS not in costs:
            return False
        for _ in range(options.runs):
            for tool, command in commands.items():
                if tool in costs and costs[tool][0].wall < SLOW:
                    costs[tool].append(measure.run(command, HERE)[0])
    _table(job, costs)
    return agreed


def _warm_up(
    job: Job, commands: Mapping[str, list[str]]
) -> tuple[dict[str, list[measure.Cost]], bool]:
    """Run every command once and compare its numbers with ours; commands that fail are dropped."""
    costs: dict[str, list[measure.Cost]] = {}
    ours: Mapping[str, float] = {}
    agreed = True
    for tool, command in commands.items():
        try:
            cost, output = measure.run(command, HERE)
            numbers = _numbers_of(job, tool, output)
        except (measure.JobFailed, KeyError, ValueError) as error:
            print(f"{tool} failed: {error!r}\n")
            continue
        costs[tool] = [cost]
        ours = numbers if tool == OURS else ours
        for key, value in numbers.items():
            if not math.isclose(value, ours.get(key, math.nan), rel_tol=0, abs_tol=job.tolerance):
                print(f"Numbers differ: {key} is {value} ({tool}) and {ours.get(key)} (bench)\n")
                agreed = False
    if OURS in costs:
        print(
            f"Ours: {', '.join(f'{key} {value:.6g}' for key, value in ours.items())}\n", flush=True
        )
    return costs, agreed


def _numbers_of(job: Job, tool: str, output: Any) -> Mapping[str, float]:
    """The numbers in the output of a command; further commands of ours are not compared."""
    if tool == OURS:
        return job.numbers(output)
    if tool in job.beside:
        return {}
    if "stats" in output:
        return dict(zip(COCO, output["stats"], strict=True))
    return dict(output)


def _table(job: Job, costs: Mapping[str, list[measure.Cost]]) -> None:
    """Print medians, without the warm-up run unless it is the only one."""
    rows = {tool: measure.median(runs[1:] or runs) for tool, runs in costs.items()}
    best = min((cost.wall for tool, cost in rows.items() if tool in job.peers), default=None)
    print("| | wall s | CPU s | RSS MiB | wall, best peer = 1 | runs |\n|---|---|---|---|---|---|")
    for tool, cost in sorted(rows.items(), key=lambda pair: pair[1].wall):
        name = f"**{tool}**" if tool == OURS else tool
        ratio = f"{cost.wall / best:.2f}" if best else "-"
        runs = len(costs[tool][1:]) or 1
        print(
            f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.memory:.0f} | {ratio} | {runs} |"
        )
    if best and job.goal is not None:
        reached = rows[OURS].wall / best
        print(
            f"\nGoal {job.goal}: {'reached' if reached <= job.goal else 'missed'} ({reached:.2f})."
        )
    print(flush=True)


def _machine() -> str:
    model = platform.processor() or platform.machine()
    cpus = Path("/proc/cpuinfo")
    if cpus.exists():
        names = [
            line.split(":", 1)[1].strip()
            for line in cpus.read_text().splitlines()
            if line.startswith("model name")
        ]
        model = names[0] if names else model
    return f"{os.cpu_count()} CPUs ({model}), Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
