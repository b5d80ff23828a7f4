"""What the README names is there: files, folders, modules, commands and settings."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from surge.cli import main

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("README.md", "CHANGELOG.md", "benchmarks/results/README.md", "docs/paper.md")
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
    assert {"checkpoints/demo", "checkpoints/demo-no-regularisation", "surge/config.py", "sample_data"} <= set(
        named("README.md")
    )


def test_every_link_to_a_file_leads_somewhere() -> None:
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)\)", text):
            if not target.startswith("http"):
                assert (ROOT / page).parent.joinpath(target).exists(), (page, target)


def test_every_command_that_is_named_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = set(re.findall(r"python -m surge ([a-z]+)", text))
    assert {"prepare", "train", "evaluate", "compare", "survey"} <= commands
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([command, "--help"])
        assert ended.value.code == 0
    capsys.readouterr()
