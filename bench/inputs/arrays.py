"""Arrays of whatever library, as NumPy arrays; torch is never imported here."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.errors import InputError
from bench.samples import Array

_NOT_IN_NUMPY = ("bfloat16", "float8")
"""Types of tensors that NumPy does not have; a label below 256 is the same number in float32."""


def array(value: Any) -> Array:
    """A NumPy array of an array, a list, a picture of Pillow, or a tensor on any device.

    Raises:
        InputError: rows of unequal length, or a tensor whose numbers are elsewhere (sparse, meta).
    """
    if hasattr(value, "detach") and hasattr(value, "cpu"):
        value = value.detach().cpu()
        if any(name in str(value.dtype) for name in _NOT_IN_NUMPY):
            value = value.float()
        try:
            value = value.numpy()
        except (TypeError, RuntimeError, NotImplementedError) as error:
            raise InputError(f"this tensor cannot be read as a plain array ({error})") from None
    try:
        return np.asarray(value)
    except ValueError:
        raise InputError("these are rows of unequal length, and an array is needed") from None


def whole(values: Array, what: str, hint: str = "") -> Array:
    """Numbers that stand for classes or ids, as integers; floats are taken where each is a whole number.

    Raises:
        InputError: other numbers, or what is no number; `what` says what they are to be.
    """
    if values.dtype.kind in "iub":
        return values
    if values.dtype.kind != "f":
        raise InputError(f"{what} are whole numbers, and these are {values.dtype}{hint}")
    found = values.ravel().astype(np.float64)
    wrong = ~np.isfinite(found) | (found != np.floor(found)) | (np.abs(found) > 2**53)
    if wrong.any():
        raise InputError(f"{what} are whole numbers, and one of these is {float(found[wrong.argmax()]):g}{hint}")
    return values.astype(np.int64)
