"""The scripts, styles and markup of the pictures, as text: one set for the app, reports and notebooks."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def asset(name: str) -> str:
    """A file of this folder, such as "chart.js"; nothing in it asks for anything on the network."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
