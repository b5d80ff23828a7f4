"""One thread, as the matrices are tiny; an export of the demo, made once; the packages that write and run ONNX."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from surge.deployment import export as exporting
from surge.deployment.onnx_model import PACKAGES
from surge.errors import SurgeError

torch.set_num_threads(1)
ROOT = Path(__file__).resolve().parents[2]


class Exported(NamedTuple):
    folder: Path
    told: list[str]


def need_onnx() -> None:
    """Skip where the extra [export] is not installed, unless the environment says that it must be."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing and not os.environ.get("SURGE_REQUIRE_ONNX"):
        pytest.skip(f"needs pip install {' '.join(missing)}")


@pytest.fixture(scope="session")
def demo_export(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """By the command, with sample_data; and what it printed."""
    need_onnx()
    folder = tmp_path_factory.mktemp("exported") / "demo-export"
    command = [sys.executable, "-m", "surge", "export", "checkpoints/demo", "sample_data", "--output", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # neither the exporter's notes nor those of onnxruntime
    return Exported(folder, done.stdout.splitlines())


@pytest.fixture
def no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is not written as ONNX, which takes half a minute."""

    def refuse(*given: object) -> None:
        raise SurgeError("not now")

    monkeypatch.setattr(exporting, "write_onnx", refuse)
