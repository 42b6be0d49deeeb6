"""`bench prepare`: download a data set, say how to get it, or draw `streets` in one of the official layouts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli import console
from bench.cli.options import AsJson, DatasetName, LayoutName, SplitName
