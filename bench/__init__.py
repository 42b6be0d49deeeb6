"""The door of `bench`: the names a user imports, each loaded when first asked for.

It must stay light: importing it loads neither NumPy nor torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bench.version import __version__ as __version__

if TYPE_CHECKING:
    from bench.api import evaluate as evaluate
    from bench.api import open_data as open_data
    from bench.boards import board as board
    from bench.cards import Card as Card
    from bench.cards import load_card as load_card
    from bench.classes import Class as Class
    from bench.classes import Classes as Classes
    from bench.errors import BenchError as BenchError
    from bench.errors import InputError as InputError
    from bench.evaluation.evaluator import Evaluator as Evaluator
    from bench.evaluation.jobs import Job as Job
    from bench.evaluation.result import Result as Result
    from bench.models import Options as Options
    from bench.runs import Run as Run
    from bench.runs.finding import read_run as read_run
    from bench.samples import Instances as Instances
    from bench.samples import LabelMap as LabelMap
    from bench.samples import Sample as Sample
    from bench.samples import Segments as Segments
    from bench.samples import Truth as Truth

_HOMES = {
    "BenchError": ("bench.errors", "BenchError"),
    "Card": ("bench.cards", "Card"),
    "Class": ("bench.classes", "Class"),
    "Classes": ("bench.classes", "Classes"),
    "Evaluator": ("bench.evaluation.evaluator", "Evaluator"),
    "InputError": ("bench.errors", "InputError"),
    "Instances": ("bench.samples", "Instances"),
    "Job": ("bench.evaluation.jobs", "Job"),
    "LabelMap": ("bench.samples", "LabelMap"),
    "Options": ("bench.models", "Options"),
    "Result": ("bench.evaluation.result", "Result"),
    "Run": ("bench.runs", "Run"),
    "Sample": ("bench.samples", "Sample"),
    "Segments": ("bench.samples", "Segments"),
    "Truth": ("bench.samples", "Truth"),
    "board": ("bench.boards", "board"),
    "evaluate": ("bench.api", "evaluate"),
    "load_card": ("bench.cards", "load_card"),
    "open_data": ("bench.api", "open_data"),
    "read_run": ("bench.runs.finding", "read_run"),
}

__all__ = [
    "BenchError",
    "Card",
    "Class",
    "Classes",
    "Evaluator",
    "InputError",
    "Instances",
    "Job",
    "LabelMap",
    "Options",
    "Result",
    "Run",
    "Sample",
    "Segments",
    "Truth",
    "board",
    "evaluate",
    "load_card",
    "open_data",
    "read_run",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bench' has no attribute {name!r}; it offers {', '.join(__all__)}")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
