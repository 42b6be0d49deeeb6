"""The metrics, one file per task: `count` makes rows of additive counts, `score` turns weighted
counts into scores.

Metrics never see files, models, statistics or tables. The modules are loaded when they are first
used, because the declarations of all families are read where no score is computed.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.metrics import (
        average_precision as average_precision,
    )
    from bench.metrics import (
        boundary as boundary,
    )
    from bench.metrics import (
        boundary_overlaps as boundary_overlaps,
    )
    from bench.metrics import (
        calibration as calibration,
    )
    from bench.metrics import (
        categories as categories,
    )
    from bench.metrics import (
        cityscapes_instance as cityscapes_instance,
    )
    from bench.metrics import (
        edges as edges,
    )
    from bench.metrics import (
        found_as as found_as,
    )
    from bench.metrics import (
        instance as instance,
    )
    from bench.metrics import (
        label_space as label_space,
    )
    from bench.metrics import (
        lvis as lvis,
    )
    from bench.metrics import (
        matching as matching,
    )
    from bench.metrics import (
        max_detections as max_detections,
    )
    from bench.metrics import (
        object_checks as object_checks,
    )
    from bench.metrics import (
        object_confusion as object_confusion,
    )
    from bench.metrics import (
        operating_points as operating_points,
    )
    from bench.metrics import (
        overlaps as overlaps,
    )
    from bench.metrics import (
        panoptic as panoptic,
    )
    from bench.metrics import (
        pixels as pixels,
    )
    from bench.metrics import (
        prompted as prompted,
    )
    from bench.metrics import (
        protocols as protocols,
    )
    from bench.metrics import (
        ranking as ranking,
    )
    from bench.metrics import (
        rates as rates,
    )
    from bench.metrics import (
        regions as regions,
    )
    from bench.metrics import (
        segments as segments,
    )
    from bench.metrics import (
        semantic as semantic,
    )
    from bench.metrics import (
        tide as tide,
    )
    from bench.metrics import (
        trapezoids as trapezoids,
    )
    from bench.metrics import (
        unscored_pixels as unscored_pixels,
    )
    from bench.metrics import (
        voc_instance as voc_instance,
    )
    from bench.metrics import (
        weighted as weighted,
    )


def __getattr__(name: str) -> ModuleType:
    """Load a module of this folder: PEP 562."""
    if name.startswith("_"):
        raise AttributeError(name)
    return import_module(f"{__name__}.{name}")
