"""Settings of the rules by name: known names, valid values, and whether the chosen metrics use
them.

Only settings that were given are checked, and one that would change nothing is refused. The numbers
of COCO's protocol are read in `object_settings.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from bench.errors import UsageError, did_you_mean
from bench.families import Family
from bench.families.contract.rules import Rules, refuse_unknown
from bench.metrics.regions import CROP0, Plan

_OWN = ("families", "regions")
"""Rules whose options have other names or forms: `metrics` and `regions`."""
KNOWN = (
    "metrics",
    "regions",
    "crop0",
    *(name for name in Rules.__struct_fields__ if name not in _OWN),
)
_FOR = {
    "classes_in": (
        "means over classes of label maps and segments; AP and AR run over the classes in the truth"
    ),
    "area_from": "AP and AR of masks with area ranges",
    "boundary_ratio": "Boundary IoU, Boundary AP and Boundary PQ (--metrics boundary ...)",
    "boundary_mode": "boundary F-scores (--metrics boundary)",
    "voc_form": "VOC's AP^r (--metrics voc_instance)",
    "shown_from": (
        "precision, recall, F1 and the confusion of objects (--metrics "
        "operating_points,object_confusion)"
    ),
}
_NEED_JACKKNIFE = ("bca", "studentised")
"""Methods of intervals that need the jackknife, which fails for step functions such as AP."""


def check(settings: Mapping[str, Any]) -> None:
    """Refuse unknown settings and values before any model runs or data are read.

    Raises:
        UsageError: the first one, with the valid ones.
    """
    for name, value in settings.items():
        if name not in KNOWN:
            raise UsageError(f"there is no setting {name!r}: {did_you_mean(name, KNOWN)}")
        if name == "crop0" and value not in CROP0:
            raise UsageError(f"--crop0 {value}: {did_you_mean(str(value), CROP0)}")
    if not isinstance(settings.get("regions", ""), str):
        raise UsageError(
            f"--regions must be a text such as 'crops,trimap=3:5', got {settings['regions']!r}"
        )
    if "shown_from" in settings and not _is_number(settings["shown_from"]):
        raise UsageError(
            f"--shown-from must be a number such as 0.5, got {settings['shown_from']!r}"
        )
    ratio = settings.get("boundary_ratio", 0.5)
    if not (_is_number(ratio) and 0 < ratio < 1):
        raise UsageError(
            "--boundary-ratio must be a fraction of the image diagonal between 0 and 1, got "
            f"{ratio!r}"
        )
    refuse_unknown({name: value for name, value in settings.items() if value is not None})


def require_use(settings: Mapping[str, Any], families: Sequence[Family[Any]], plan: Plan) -> None:
    """Refuse a given setting that none of the chosen families uses.

    Raises:
        UsageError: the first one, with its purpose.
    """
    counted = ", ".join(family.key for family in families)
    followed = frozenset().union(*(family.settings for family in families))
    for name, purpose in _FOR.items():
        if settings.get(name) is not None and name not in followed:
            raise UsageError(
                f"{flag(name)} has no effect on {counted}: it is for {purpose}; leave it out"
            )
    if plan != Plan(crop0=plan.crop0) and "regions" not in followed:
        raise UsageError(
            f"--regions has no effect on {counted}: regions are scored in label maps (mIoU); "
            "leave it out"
        )
    if settings.get("crop0") is not None and 0 not in plan.crops:
        raise UsageError(
            "--crop0 has no effect without the crop factor 0: say --regions crops, or leave it out"
        )
    without_jackknife = [family.key for family in families if "leave_out" not in family.abilities]
    if settings.get("interval") in _NEED_JACKKNIFE and without_jackknife:
        raise UsageError(
            f"--interval {settings['interval']} has no effect on {', '.join(without_jackknife)}, "
            "whose scores are made of steps: say --interval percentile, or leave it out"
        )


def require_semantic(given: Mapping[str, Any], *, what: str) -> None:
    """Refuse options for reading label maps if the predictions are not label maps but `what`.

    Raises:
        UsageError: the first option that was given.
    """
    for name, value in given.items():
        if value is not None:
            raise UsageError(
                f"{flag(name)} has no effect on {what}: it is for stored label maps; leave it out"
            )


def flag(name: str) -> str:
    """The option of a setting."""
    return f"--{name.replace('_', '-')}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
