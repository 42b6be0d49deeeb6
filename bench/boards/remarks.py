"""The remarks below a board's table: how intervals, ranks and costs were obtained, and notices."""

from __future__ import annotations

from collections.abc import Sequence

from bench.boards.board_file import Board, BoardFile
from bench.boards.board_runs import Measured
from bench.boards.board_seeds import SeedMean
from bench.comparison import Comparison
from bench.notices import few, many
from bench.runs import circumstances


def remarks(
    comparable: Sequence[Measured],
    comparison: Comparison | None,
    means: Sequence[SeedMean],
    board: Board,
) -> tuple[str, ...]:
    """All remarks of a board, each a sentence."""
    sentences = []
    if comparable:
        sentences.append(_on_intervals(comparable[0]))
    if comparison is not None:
        sentences += _on_ranks(comparison, board.file)
    sentences += _on_cost(comparable, board.file)
    if board.published:
        sentences.append(
            "Reported: values as published; without counts there is no interval, no test and "
            "no bold."
        )
    return (*sentences, *_notices(comparable), *_on_means(means))


def _on_intervals(run: Measured) -> str:
    used = run.scored.intervals
    methods = dict.fromkeys(method["method"] for method in used["methods"].values())
    units = many(used["images"], "image")
    if used["clusters"] != used["images"]:
        units = f"{many(used['clusters'], 'cluster')} of {units}"
    how = "; ".join(methods) or "none possible"
    return f"Intervals: {100 * used['level']:g} %, {how}, over {units}."


def _on_ranks(comparison: Comparison, file: BoardFile) -> list[str]:
    correction = "Holm" if comparison.correction == "holm" else comparison.correction
    tests = f"paired permutation tests of all pairs, {correction}, alpha {comparison.alpha:g}"
    return [
        f"Bold: not significantly worse than the best of its column ({tests}).",
        (
            f"Rows that share a letter do not differ significantly in {file.primary}; "
            "a rank such as 1-2 is the range of ranks that the tests leave open."
        ),
        *(f"Note: {note}." for note in comparison.notes),
    ]


def _on_cost(comparable: Sequence[Measured], file: BoardFile) -> list[str]:
    """The devices on which speed and memory were measured, with a warning if they differ."""
    names = [name for name in file.cost if name not in circumstances.SAME_EVERYWHERE]
    records = [run.run.record for run in comparable]
    timed = [record for record in records if record.timings.get("cost")]
    devices = circumstances.devices(timed)
    if not names or not devices:
        return []
    several = len({circumstances.device(record) for record in timed}) > 1
    warning = "; figures of different devices are not comparable" if several else ""
    return [f"Measured on {' and '.join(devices)}: {', '.join(names)}{warning}."]


def _notices(comparable: Sequence[Measured]) -> list[str]:
    """The notices on the scores; those that do not apply to all rows name their rows."""
    names_by_message: dict[str, list[str]] = {}
    for run in comparable:
        for notice in run.scored.warnings:
            names_by_message.setdefault(notice.message, []).append(run.name)
    sentences = []
    for message, names in names_by_message.items():
        which = "" if len(names) == len(comparable) else f" on {few(names)}"
        sentences.append(f"Note{which}: {message}.")
    return sentences


def _on_means(means: Sequence[SeedMean]) -> list[str]:
    sentences = [
        (
            f"Note: the mean of {mean.name} leaves out {', '.join(mean.left_out)}, which cannot be "
            "compared."
        )
        for mean in means
        if mean.left_out
    ]
    if means:
        sentences.append(
            "Means over seeds: the interval covers the variation of images and of training seeds "
            "(two-level bootstrap); ranks, letters and bold refer to single training runs."
        )
    return sentences
