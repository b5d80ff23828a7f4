"""Downloads in a real browser, as they are made: after the page was drawn, without its session."""

from __future__ import annotations

import html
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from surge.checkpoint import load_checkpoint
from tests.app.conftest import World
from tests.app.visit import Visit
from tests.serving import ROOT

pytestmark = pytest.mark.browser
REPORT = "The whole page as one HTML file"


def _report(visit: Visit, into: Path) -> tuple[str, str]:
    """The name and the words of the report of what is on the screen."""
    visit.page.get_by_text("Download", exact=True).click()
    with visit.page.expect_download(timeout=60_000) as download:
        visit.page.get_by_role("button", name=REPORT).click()
    download.value.save_as(into)
    text = re.sub(r"<(script|style).*?</\1>", "", into.read_text(encoding="utf-8"), flags=re.DOTALL)
    return download.value.suggested_filename, html.unescape(re.sub(r"<[^>]*>", " ", text))


def test_the_report_of_a_made_up_user_never_passes_for_a_users(
    browser: Any, address: str, world: World, tmp_path: Path
) -> None:
    items = load_checkpoint(world.root / "tiny model").items["item"][:3].to_list()
    edits = ",".join(f"%2B{item}" for item in items)
    visit = Visit(browser, address).open(f"?checkpoint=tiny%20model&dataset=tiny&made_up=1&edits={edits}")
    name, words = _report(visit, tmp_path / "made up.html")
    assert name.endswith("-made-up.html")
    assert "A history made up by you, oldest first." in words and "for a made-up history" in words
    assert "no command makes this page" in words
    assert "What the user did" not in words and "python -m surge" not in words
    visit.close()


def test_the_command_in_a_users_report_makes_it_again(browser: Any, address: str, tmp_path: Path) -> None:
    visit = Visit(browser, address).open("?checkpoint=demo&dataset=sample_data&user=u1313")
    name, words = _report(visit, tmp_path / "user.html")
    visit.close()
    assert name.startswith("surge-user-u1313-item-") and "What the user did" in words
    told = re.search(r"python -m surge explain .* --output report\.html", words)
    assert told is not None
    command = shlex.split(told.group())
    assert command[4:8] == ["checkpoints/demo", "sample_data", "--user", "u1313"]
    again = tmp_path / "report.html"
    subprocess.run([sys.executable, *command[1:-1], str(again)], cwd=ROOT, check=True, capture_output=True)
    assert "What the user did" in again.read_text(encoding="utf-8")
