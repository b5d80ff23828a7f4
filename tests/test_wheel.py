"""The wheel, installed elsewhere: what is in it, a command, and the first page of the app, from an empty folder."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

from surge import __version__
from surge.cli import main
from tests.app.visit import Visit
from tests.serving import ROOT, launch_chromium, started

OWN = "surge/_explorer/"
NO_INDEX = ("No matching distribution found", "Could not find a version", "Connection", "connection")
PLACES = ("surge", "app", "sample_data", "checkpoints", ".streamlit")


def run(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Without this clone on Python's path."""
    clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SURGE_ROOTS")}
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `pip install .` builds it; its build backend comes from the package index."""
    place = tmp_path_factory.mktemp("wheel")
    done = run([sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", place, ROOT], place)
    if done.returncode and not os.environ.get("SURGE_REQUIRE_WHEEL") and any(w in done.stderr for w in NO_INDEX):
        pytest.skip("the package index, which has the build backend, can't be reached")
    assert done.returncode == 0, done.stderr
    (made,) = place.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an empty environment that holds the wheel, and of the tests' own everything but the project."""
    place = tmp_path_factory.mktemp("elsewhere") / "venv"
    made = run([sys.executable, "-m", "venv", "--without-pip", place], place.parent)
    assert made.returncode == 0, made.stderr
    programs = place / "bin"
    pip = [sys.executable, "-m", "pip", "--python", programs / "python"]
    done = run([*pip, "install", "--no-deps", "--no-index", wheel], place.parent)
    assert done.returncode == 0, done.stderr
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty folder"
    folder.mkdir()
    return folder


# -- what is in it ------------------------------------------------------------------------------------


def test_it_holds_what_the_repository_holds(wheel: Path) -> None:
    """Sources, C++, scripts and styles, the demo and the sample data; nothing that is made, nothing for one machine."""
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    listed = subprocess.run(["git", "ls-files", "--", *PLACES], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        tracked = {path for path in listed.stdout.splitlines() if (ROOT / path).exists()}
        expected = {path if path.startswith("surge/") else OWN + path for path in tracked}
        new = {name for name in names - expected if (ROOT / name.removeprefix(OWN)).exists()}  # not yet added to git
        assert names - new == expected
    assert {"surge/py.typed", "surge/native/reading.cpp", f"{OWN}app/main.py", f"{OWN}.streamlit/config.toml"} < names
    assert {Path(name).parts[0] for name in names} == {"surge"}  # no `app` that meets other people's
    assert not [name for name in names if name.endswith((".pyc", ".so", ".o", ".dll"))]
    assert wheel.name == f"surge_explorer-{__version__}-py3-none-any.whl"


def test_what_it_says_of_itself(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
    told = Parser().parsestr(archive.read(name).decode())
    assert (told["Name"], told["Version"], told["License-Expression"]) == ("surge-explorer", __version__, "MIT")
    assert set(told.get_all("Provides-Extra", [])) == {"app", "dev", "export"}
    needs = {re.split(r"[^\w-]", line)[0]: line for line in told.get_all("Requires-Dist", [])}
    assert (
        needs["torch"] == "torch<3,>=2.11" and "extra" not in needs["streamlit"] and "extra == 'dev'" in needs["mypy"]
    )
    assert "surge = surge.cli:main" in archive.read(name.replace("METADATA", "entry_points.txt")).decode()


# -- from an empty folder -----------------------------------------------------------------------------


def test_a_command_gives_what_it_gives_in_the_repository(
    installed: Path, empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = run([installed / "python", "-c", "import surge; print(surge.__file__)"], empty)
    assert where.stdout.startswith(str(installed.parent)), where
    assert run([installed / "surge", "--version"], empty).stdout == f"surge {__version__}\n"
    assert run([installed / "surge", "demo", "trial"], empty).returncode == 0
    arguments = ["--user", "u1313", "--top", "3"]
    told = run([installed / "surge", "recommend", "checkpoints/demo", "sample_data", *arguments], empty / "trial")
    assert (told.returncode, told.stderr) == (0, "")
    assert main(["recommend", str(ROOT / "checkpoints/demo"), str(ROOT / "sample_data"), *arguments]) == 0
    assert told.stdout == capsys.readouterr().out and len(told.stdout.splitlines()) >= 3


def test_a_folder_with_nothing_in_it_is_refused(installed: Path, empty: Path) -> None:
    told = run([installed / "surge", "explore", "."], empty)
    assert told.returncode == 2 and told.stderr.startswith("error: The folder '.' holds neither")


@pytest.fixture
def address(installed: Path, empty: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    command = [str(installed / "surge"), "explore", "--no-browser", "--port"]
    with started(command, empty, os.environ) as found:
        yield found
    assert list(empty.iterdir()) == []


@pytest.mark.browser
def test_the_first_page(address: str) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = launch_chromium(playwright)
        visit = Visit(browser, address).open()
        page = visit.page
        assert page.title() == "SURGE explorer" and page.get_by_role("heading", name="Interest graph").count() == 1
        assert visit.headline().count("ranks #") == 1
        assert page.locator(".st-key-history_strip .barlayer .point").count() > 10
        assert page.locator('[data-testid="stException"], [data-testid="stAlertContentError"]').count() == 0
        assert visit.outside == []
        browser.close()
    # the settings came along: a page of another name that points at this machine is shut out
    assert (asked(address, "localhost"), asked(address, "elsewhere.example")) == (101, 403)


def asked(address: str, name: str) -> int:
    """What the app answers a browser that calls it by this name and wants to talk."""
    host, port = address.removeprefix("http://").split(":")
    lines = [
        "GET /_stcore/stream HTTP/1.1",
        f"Host: {name}:{port}",
        f"Origin: http://{name}:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer: Any = connection.recv(100)
    return int(answer.split()[1])
