"""The mark of tests that need what is compiled."""

from __future__ import annotations

import os

import pytest

from surge.native.library import SOURCES, library

needs_kernel = pytest.mark.skipif(
    any(library(name) is None for name in SOURCES) and not os.environ.get("SURGE_REQUIRE_KERNEL"),
    reason="no C++ compiler here, so the kernel can't be built",
)
