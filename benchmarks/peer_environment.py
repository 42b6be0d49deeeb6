"""The virtual environment of the peers, made from peers.txt and separate from ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def make(folder: Path) -> None:
    """Create a virtual environment in `folder` with every peer that can be installed, and report
    the others.
    """
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    for line in (HERE / "peers.txt").read_text(encoding="utf-8").splitlines():
        requirement, _, remark = line.partition("#")
        if not requirement.strip():
            continue
        options = ["--no-deps"] if "--no-deps" in remark else []
        command = [
            str(python(folder)),
            "-m",
            "pip",
            "install",
            "--quiet",
            *options,
            requirement.strip(),
        ]
        if subprocess.run(command, check=False).returncode:
            print(f"left out: {requirement.strip()} could not be installed", file=sys.stderr)


def python(folder: Path) -> Path:
    """The interpreter of the environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
