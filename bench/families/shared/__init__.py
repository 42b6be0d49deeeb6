"""What several families use: classes from which they derive, declarations, protocols, and notices.

Modules that compute are loaded when they are first used, as those of `bench.metrics` are.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.families.shared import label_maps as label_maps
    from bench.families.shared import lvis_objects as lvis_objects
    from bench.families.shared import objects as objects
    from bench.families.shared import segments as segments


def __getattr__(name: str) -> ModuleType:
    """Load a module of this folder: PEP 562."""
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
