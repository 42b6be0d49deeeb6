"""The door of `bench`: the names a user imports, each loaded when first asked for.

It must stay light: importing it loads neither NumPy-heavy packages nor torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.cards import Card as Card
    from bench.cards import load_card as load_card
    from bench.classes import Class as Class
    from bench.classes import Classes as Classes
    from bench.errors import BenchError as BenchError
    from bench.errors import InputError as InputError
    from bench.samples import Instances as Instances
    from bench.samples import LabelMap as LabelMap
    from bench.samples import Sample as Sample
    from bench.samples import Segments as Segments

__version__ = "0.1.0"

_HOMES = {
    "BenchError": "bench.errors",
    "Card": "bench.cards",
    "Class": "bench.classes",
    "Classes": "bench.classes",
    "InputError": "bench.errors",
    "Instances": "bench.samples",
    "LabelMap": "bench.samples",
    "Sample": "bench.samples",
    "Segments": "bench.samples",
    "load_card": "bench.cards",
}

__all__ = [
    "BenchError",
    "Card",
    "Class",
    "Classes",
    "InputError",
    "Instances",
    "LabelMap",
    "Sample",
    "Segments",
    "load_card",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its home module on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'bench' has no attribute {name!r}; it offers {', '.join(__all__)}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
