"""The door of `bench`: the public names, each loaded when it is first used.

Importing `bench` loads neither NumPy nor torch. `docs/python.md` is the guide to these names and
`docs/api.md` the reference.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bench.version import __version__ as __version__

if TYPE_CHECKING:
    from bench.api.comparing import check as check
    from bench.api.comparing import compare as compare
    from bench.api.evaluating import evaluate as evaluate
    from bench.api.listing import list_datasets as list_datasets
    from bench.api.listing import list_metrics as list_metrics
    from bench.api.listing import list_models as list_models
    from bench.api.loading import board as board
    from bench.api.loading import load_card as load_card
    from bench.api.loading import open_data as open_data
    from bench.api.loading import read_run as read_run
    from bench.cards import Card as Card
    from bench.classes import Class as Class
    from bench.classes import Classes as Classes
    from bench.comparison import Comparison as Comparison
    from bench.errors import BenchError as BenchError
    from bench.errors import InputError as InputError
    from bench.evaluation.evaluator import Evaluator as Evaluator
    from bench.evaluation.jobs import Job as Job
    from bench.evaluation.result import Result as Result
    from bench.gate import Verdict as Verdict
    from bench.models import Options as Options
    from bench.runs import Run as Run
    from bench.samples import Instances as Instances
    from bench.samples import LabelMap as LabelMap
    from bench.samples import Sample as Sample
    from bench.samples import Segments as Segments
    from bench.samples import Truth as Truth

_MODULES = {
    "BenchError": "bench.errors",
    "Card": "bench.cards",
    "Class": "bench.classes",
    "Classes": "bench.classes",
    "Comparison": "bench.comparison",
    "Evaluator": "bench.evaluation.evaluator",
    "InputError": "bench.errors",
    "Instances": "bench.samples",
    "Job": "bench.evaluation.jobs",
    "LabelMap": "bench.samples",
    "Options": "bench.models",
    "Result": "bench.evaluation.result",
    "Run": "bench.runs",
    "Sample": "bench.samples",
    "Segments": "bench.samples",
    "Truth": "bench.samples",
    "Verdict": "bench.gate",
    "board": "bench.api.loading",
    "check": "bench.api.comparing",
    "compare": "bench.api.comparing",
    "evaluate": "bench.api.evaluating",
    "list_datasets": "bench.api.listing",
    "list_metrics": "bench.api.listing",
    "list_models": "bench.api.listing",
    "load_card": "bench.api.loading",
    "open_data": "bench.api.loading",
    "read_run": "bench.api.loading",
}
"""Public name -> the module that defines it."""

__all__ = [
    "BenchError",
    "Card",
    "Class",
    "Classes",
    "Comparison",
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
    "Verdict",
    "board",
    "check",
    "compare",
    "evaluate",
    "list_datasets",
    "list_metrics",
    "list_models",
    "load_card",
    "open_data",
    "read_run",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module on first use."""
    if name not in _MODULES:
        offered = ", ".join(__all__)
        raise AttributeError(f"module 'bench' has no attribute {name!r}; it offers {offered}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
