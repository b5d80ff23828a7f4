"""What all tests share: browser tests need Chromium, and one CPU thread is faster on a busy machine."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

# examples that take longer to make or to run on a busy machine are no fault
settings.register_profile("surge", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("surge")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests skip where there is no Chromium, unless the environment says that there must be one."""
    if shutil.which("chromium") or os.environ.get("SURGE_REQUIRE_BROWSER"):
        return
    missing = pytest.mark.skip(reason="needs Chromium: apt-get install chromium")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(missing)
