"""What the README names is there: files, folders, modules, commands and settings."""

from __future__ import annotations

import re
import runpy
import subprocess
import tomllib
from dataclasses import replace
from fnmatch import fnmatch
from pathlib import Path

import pytest

from surge.cli import main
from surge.pictures.views import VIEWS

ROOT = Path(__file__).resolve().parent.parent
TABLE = runpy.run_path(str(ROOT / ".ci" / "views.py"))
GUIDES = tuple(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))
PAGES = ("README.md", "CHANGELOG.md", "benchmarks/results/README.md", "benchmarks/results/trials.md", *GUIDES)
FOLDERS = ("app", "surge", "checkpoints", "sample_data", "tests", "benchmarks", "docs")
# a path in code quotes, in a link or in a command; runs/ is what the reader makes
PATH = re.compile(rf"(?<![\w./-])((?:{'|'.join(FOLDERS)})/[\w./-]*[\w/]|sample_data)(?![\w*{{])")
WILD = re.compile(r"[*<{]")


def named(page: str) -> list[str]:
    """The project's own paths that a page names."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return sorted({path for path in PATH.findall(text) if not WILD.search(path)})


def in_the_repository(path: str) -> bool:
    """Whether a clone has it: tracked, or a folder that holds what is tracked."""
    listed = subprocess.run(["git", "ls-files", "--", path], cwd=ROOT, capture_output=True, text=True, check=True)
    return bool(listed.stdout.strip())


@pytest.mark.parametrize("page", PAGES)
def test_every_path_that_is_named_exists(page: str) -> None:
    paths = named(page)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    if (ROOT / ".git").exists():
        assert [path for path in paths if not in_the_repository(path)] == []


def test_paths_are_found_at_all() -> None:
    assert {"checkpoints/demo-as-printed", "checkpoints/demo-no-regularisation", "sample_data"} <= set(
        named("README.md")
    )
    assert {"checkpoints/demo", "checkpoints/demo-no-regularisation", "sample_data"} <= set(named("docs/results.md"))
    assert {"surge/config/", "surge/model/surge.py", "surge/pictures/"} <= set(named("docs/architecture.md"))


def test_the_readme_is_short_and_leads_to_every_guide() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    assert len(GUIDES) >= 8
    assert [guide for guide in GUIDES if f"]({guide})" not in text] == []


def test_the_table_of_views_is_made_from_their_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    assert TABLE["BLOCK"].findall((ROOT / "README.md").read_text(encoding="utf-8")) == [TABLE["table"]()], (
        "run `make views`"
    )
    added = replace(VIEWS[-1], name="own", title="My own view", shows="a bar", question="", paper="Eq. 1")
    monkeypatch.setitem(TABLE["table"].__globals__, "VIEWS", (*VIEWS, added))
    assert TABLE["table"]().endswith("| My own view | a bar | Eq. 1 |\n")


def test_the_source_distribution_has_what_the_readme_links_to() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packed = project["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    files = [f"/{link}" for link in links if not link.startswith("http")]
    assert len(files) > 10
    assert [file for file in files if not any(fnmatch(file, f"{one}*") for one in packed)] == []


def anchors(text: str) -> set[str]:
    """What a link may name after `#`: the headings, as the places that show Markdown write them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_to_a_file_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)\s]*)\)", text):
        if not target.startswith("http"):
            path = (ROOT / page).parent.joinpath(target) if target else ROOT / page
            assert path.exists(), (page, target)
            assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), (page, target, anchor)


def test_every_command_that_is_named_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    texts = [(ROOT / page).read_text(encoding="utf-8") for page in PAGES]
    commands = {command for text in texts for command in re.findall(r"(?:python -m|`) ?surge ([a-z]+)", text)}
    assert {"prepare", "train", "evaluate", "compare", "survey"} <= commands
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
    capsys.readouterr()


def test_the_table_of_commands_has_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    known = set(re.findall(r"^    ([a-z]+)(?:  |$)", capsys.readouterr().out, re.MULTILINE))
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([a-z]+)", text, re.MULTILINE)) == known >= {"explore", "train"}
