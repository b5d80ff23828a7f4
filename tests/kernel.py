"""The mark of tests that need what is compiled."""

from __future__ import annotations

import os

import pytest

from surge.native.library import library

needs_kernel = pytest.mark.skipif(
    library() is None and not os.environ.get("SURGE_REQUIRE_KERNEL"),
    reason="no C++ compiler here, so the kernel can't be built",
)
