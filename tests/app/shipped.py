"""What the checkpoints that lie in the project say of themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"


def shipped(checkpoint: str, file: str) -> Any:
    """A JSON file of a checkpoint."""
    return json.loads((CHECKPOINTS / checkpoint / file).read_text(encoding="utf-8"))
