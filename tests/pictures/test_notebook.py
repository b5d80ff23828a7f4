"""Records that show themselves, and reports that are written whole or not at all."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import plotly.graph_objects as go
import pytest

from surge.errors import SurgeError
from surge.explanation.record import Explanation
from surge.explanation.story import Story
from surge.pictures import report as report_view
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation

ROOT = Path(__file__).parents[2]


@pytest.fixture
def record() -> Explanation:
    return make_explanation(items=10, titles=HOSTILE)


def test_a_notebook_shows_a_record_in_a_frame_of_its_own(record: Explanation) -> None:
    shown = record._repr_html_()
    found = re.fullmatch(r'<iframe srcdoc="([^"]*)" sandbox="([^"]*)"[^<>]*></iframe>', shown)
    assert found is not None  # nothing of the page stands outside the frame's attribute
    assert html.unescape(found[1]) == report_view.record_page(record)
    assert found[2].split() == ["allow-scripts", "allow-downloads"]
    assert len(shown) < 3_500_000


def test_figures_are_plotly_figures_and_a_graph_that_shows_itself(record: Explanation) -> None:
    figures = record.figures("dark")
    assert list(figures) == ["history", "assignment", "sequence", "attention", "graph"]
    assert all(isinstance(figures[name], go.Figure) for name in list(figures)[:-1])
    graph = figures["graph"]._repr_html_()
    assert graph.startswith("<iframe srcdoc=") and len(graph) < 600_000
    assert figures["history"].to_json() == report_view.record_figures(record, "dark")["history"].to_json()
    with pytest.raises(SurgeError, match="no theme 'sepia'"):
        record.figures("sepia")


def test_a_report_is_written_whole(record: Explanation, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("<strong>SURGE explorer</strong> an older report")
    size = report_view.save_report(Story(record), path)
    assert path.read_text(encoding="utf-8") == report_view.report(Story(record))
    assert path.stat().st_size == size
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "my notes", "<strong>SURGE</strong>"])
def test_a_file_that_is_no_report_is_not_replaced(record: Explanation, tmp_path: Path, content: str) -> None:
    (path := tmp_path / "report.html").write_text(content)
    with pytest.raises(SurgeError, match="is there already and holds no report; remove it or give another name"):
        report_view.save_report(Story(record), path)
    assert path.read_text() == content


@pytest.mark.parametrize(
    ("name", "words"), [("report.htm", "saved as .html"), ("no/such/folder/report.html", "does not exist")]
)
def test_a_report_elsewhere_is_refused(record: Explanation, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(SurgeError, match=words):
        report_view.save_report(Story(record), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_fails_leaves_what_was_there(
    record: Explanation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "report.html"
    path.write_text(older := "<strong>SURGE explorer</strong> an older report")

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        report_view.save_report(Story(record), path)
    assert path.read_text() == older
    assert list(tmp_path.iterdir()) == [path]


def test_a_loaded_record_shows_itself_without_torch(record: Explanation, tmp_path: Path) -> None:
    record.save(tmp_path / "why.npz")
    code = (
        "import sys\nfor name in ('torch', 'streamlit'): sys.modules[name] = None\n"
        "from surge.explanation.record import Explanation\n"
        f"record = Explanation.load({str(tmp_path / 'why.npz')!r})\n"
        "assert 'plotly' not in sys.modules\n"
        "assert record._repr_html_().startswith('<iframe') and len(record.figures()) == 5\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
