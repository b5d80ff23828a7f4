"""`surge explore` and `surge demo` as a user meets them, up to the moment when Streamlit takes over."""

from __future__ import annotations

import importlib.util
import os
import runpy
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from surge import __version__
from surge.cli import main
from surge.commands import explore
from surge.folders import is_checkpoint, is_dataset, own_folder

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """What Streamlit was started with: `arguments` of it, `script`, `folders` of the app, `where` and `roots`."""
    found = SimpleNamespace(arguments=None)

    def run_module(name: str, **options: Any) -> None:
        assert (name, options["run_name"], sys.argv[:2]) == ("streamlit", "__main__", ["streamlit", "run"])
        dashes = sys.argv.index("--")
        found.script, found.arguments, found.folders = sys.argv[2], sys.argv[3:dashes], sys.argv[dashes + 1 :]
        found.where, found.roots = Path.cwd(), os.environ.get("SURGE_ROOTS")

    monkeypatch.setattr(runpy, "run_module", run_module)
    monkeypatch.setattr(sys, "argv", ["surge"])
    monkeypatch.setattr(explore, "FIRST_PORT", free_port())
    monkeypatch.setattr(explore.webbrowser, "open", lambda address: pytest.fail("opened a browser"))
    monkeypatch.delenv("SURGE_ROOTS", raising=False)
    monkeypatch.chdir(tmp_path)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def made(folder: Path, name: str = "manifest.json") -> Path:
    folder.mkdir(parents=True)
    (folder / name).write_text("{}")
    return folder


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one sentence on which the command ends."""
    assert main(["explore", "--no-browser", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.startswith("error: ") and told.err.count("\n") == 1
    return told.err


# -- what is started ----------------------------------------------------------------------------------


def test_it_starts_the_app_with_its_own_settings(started: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "--no-browser"]) == 0
    assert (started.script, started.where) == (str(ROOT / "app" / "main.py"), ROOT)
    assert (started.where / ".streamlit" / "config.toml").is_file()
    assert started.arguments == [
        "--server.address=127.0.0.1",
        f"--server.port={explore.FIRST_PORT}",
        "--server.headless=true",
        "--server.allowedHosts=127.0.0.1",
        "--server.allowedHosts=localhost",
        "--browser.serverAddress=127.0.0.1",
    ]
    assert started.folders == [] and started.roots is None
    assert capsys.readouterr() == ("", "")


def test_folders_are_handed_on_as_they_are_from_where_one_stands(started: SimpleNamespace, tmp_path: Path) -> None:
    """The app follows no link, so a link that the user gives is followed here."""
    model, data, runs = made(tmp_path / "model"), made(tmp_path / "data", "dataset.json"), tmp_path / "runs"
    made(runs / "one", "model.safetensors")
    made(tmp_path / "-odd")
    (tmp_path / "link").symlink_to(model)
    assert main(["explore", "--no-browser", "link", "./data", "runs", "--", "-odd"]) == 0
    assert started.folders == [str(model), str(data), str(runs), str(tmp_path / "-odd")]


def test_places_of_the_environment_stay_what_they_are(
    started: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURGE_ROOTS", os.pathsep.join(["mine", "", "/elsewhere"]))
    assert main(["explore", "--no-browser"]) == 0
    assert started.roots == os.pathsep.join([str(tmp_path / "mine"), "/elsewhere"])


@pytest.mark.parametrize("kind", ["missing", "file", "empty", "a link inside", "hidden", "deep", "a pickle"])
def test_a_folder_with_nothing_to_open_is_refused_before_anything_starts(
    started: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    folder = tmp_path / kind
    if kind == "file":
        folder.write_text("")
    elif kind != "missing":
        folder.mkdir()
    if kind == "a link inside":
        (folder / "link").symlink_to(made(tmp_path / "model"))
    elif kind == "hidden":
        made(folder / ".hidden")
    elif kind == "deep":
        made(folder / "runs" / "model")
    elif kind == "a pickle":
        (folder / "model.pt").write_bytes(b"\x80\x04")
    words = {"missing": "There is no folder", "file": "is a file"}.get(kind, "holds neither a checkpoint nor a dataset")
    told = refused(capsys, str(made(tmp_path / "good")), str(folder))
    assert words in told and kind in told
    assert started.arguments is None


def test_a_folder_that_can_not_be_looked_into_is_nothing() -> None:
    unreadable = Path("x" * 5000)  # even the superuser is told so
    assert not is_checkpoint(unreadable) and not is_dataset(unreadable)


# -- address and port ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_an_address_of_this_machine_alone_needs_no_word(
    started: SimpleNamespace, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    assert main(["explore", "--no-browser", "--host", host]) == 0
    assert f"--server.address={host}" in started.arguments
    assert f"--server.allowedHosts={host}" in started.arguments and "--server.allowedHosts=*" not in started.arguments
    assert capsys.readouterr() == ("", "")


def test_an_address_that_lets_others_in_is_told(started: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explore", "--no-browser", "--host", "0.0.0.0"]) == 0
    assert [one for one in started.arguments if "allowedHosts" in one] == ["--server.allowedHosts=*"]
    assert "--browser.serverAddress=127.0.0.1" in started.arguments
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "0.0.0.0" in told and "without a password" in told


@pytest.mark.parametrize("host", ["203.0.113.7", "no such..host", "", "-"])
def test_an_address_that_is_none_of_this_machine_is_refused(
    started: SimpleNamespace, capsys: pytest.CaptureFixture[str], host: str
) -> None:
    assert "is no address" in refused(capsys, f"--host={host}")
    assert started.arguments is None


@pytest.mark.parametrize("port", ["0", "-1", "65536"])
def test_a_port_that_is_none_is_refused(
    started: SimpleNamespace, capsys: pytest.CaptureFixture[str], port: str
) -> None:
    assert "from 1 to 65535" in refused(capsys, f"--port={port}")
    assert started.arguments is None


def test_a_port_that_is_taken(
    started: SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert f"Port {taken} is taken" in refused(capsys, "--port", str(taken))
        assert started.arguments is None
        monkeypatch.setattr(explore, "FIRST_PORT", taken)
        assert main(["explore", "--no-browser"]) == 0
        (port,) = (int(one.split("=")[1]) for one in started.arguments if "server.port" in one)
        assert taken < port < taken + 100
        monkeypatch.setattr(explore, "PORTS", 1)
        assert "is free" in refused(capsys)


# -- what is missing ----------------------------------------------------------------------------------


def test_without_its_packages_it_says_what_to_install(
    started: SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    gone = ("streamlit", "pyvis")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in gone else real(name))
    wanted = ["streamlit<2,>=1.67", "pyvis==0.3.2", "pandas<4,>=2.2", "ruff<1; extra == 'dev'"]
    monkeypatch.setattr(explore.importlib.metadata, "requires", lambda name: wanted)
    told = refused(capsys)
    assert "needs streamlit, pyvis" in told and "-m pip install 'streamlit<2,>=1.67' pyvis==0.3.2\n" in told

    def none(name: str) -> list[str]:
        raise explore.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(explore.importlib.metadata, "requires", none)
    assert refused(capsys).endswith("-m pip install streamlit pyvis\n")
    assert started.arguments is None


def test_the_packages_of_the_app_are_those_that_the_project_names() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in explore.APP_NEEDS:
        assert f'\n    "{name}' in text and importlib.util.find_spec(name) is not None


def test_an_installation_without_the_app_says_so(
    started: SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("surge.folders.PACKAGE", tmp_path / "site-packages" / "surge")
    made(tmp_path / "site-packages" / "app", "main.py")  # somebody else's
    assert "install the wheel" in refused(capsys)
    assert main(["demo", str(tmp_path / "demo")]) == 2


# -- the browser --------------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], list[str]]:
    """The addresses that are opened for a server of this host and port."""

    def watch(host: str, port: int) -> list[str]:
        addresses: list[str] = []
        monkeypatch.setattr(explore.webbrowser, "open", addresses.append)
        explore._open_browser(host, port)
        return addresses

    return watch


def test_the_browser_is_opened_once_the_app_listens(
    opened: Callable[[str, int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        waits: list[float] = []

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            server.listen()

        monkeypatch.setattr(explore.time, "sleep", sleep)
        assert opened("127.0.0.1", port) == [f"http://127.0.0.1:{port}"]
        assert len(waits) == 1


def test_an_app_that_never_starts_opens_no_browser(
    opened: Callable[[str, int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explore, "LONGEST_START", 0.0)
    assert opened("127.0.0.1", free_port()) == []


@pytest.mark.parametrize(
    ("arguments", "environment", "expected"),
    [
        ([], {"DISPLAY": ":0"}, "127.0.0.1"),
        (["--host", "0.0.0.0"], {"WAYLAND_DISPLAY": "wayland-0"}, "127.0.0.1"),
        (["--host", "127.0.0.2"], {"BROWSER": "firefox"}, "127.0.0.2"),
        ([], {}, None),  # a text browser would take the terminal
        (["--no-browser"], {"DISPLAY": ":0"}, None),
    ],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="how Linux tells whether there is a screen")
def test_when_a_browser_is_opened(
    started: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    environment: dict[str, str],
    expected: str | None,
) -> None:
    threads: list[tuple[str, int]] = []

    def thread(target: Any, args: tuple[str, int], daemon: bool) -> Any:
        assert target is explore._open_browser and daemon
        return SimpleNamespace(start=lambda: threads.append(args))

    monkeypatch.setattr(explore, "Thread", thread)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["explore", *arguments]) == 0
    assert threads == ([] if expected is None else [(expected, explore.FIRST_PORT)])


# -- demo, version, help ------------------------------------------------------------------------------


def test_the_demo_is_written_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", str(tmp_path / "my trial")]) == 0
    assert "cd '" in capsys.readouterr().out
    own, there = own_folder(), tmp_path / "my trial"
    names = {path.relative_to(there) for path in there.rglob("*") if path.is_file()}
    assert {Path("checkpoints/demo/model.safetensors"), Path("checkpoints/demo.survey.parquet")} < names
    assert {Path("sample_data") / name.name for name in (own / "sample_data").iterdir()} < names
    assert all((there / name).read_bytes() == (own / name).read_bytes() for name in names)
    assert list(tmp_path.iterdir()) == [there]


@pytest.mark.parametrize("kind", ["folder", "file", "link", "no parent"])
def test_a_demo_that_can_not_be_written_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    place = tmp_path / "place"
    if kind == "folder":
        place.mkdir()
    elif kind == "file":
        place.write_text("mine")
    elif kind == "link":
        place.symlink_to(tmp_path / "nowhere")
    before = sorted(tmp_path.iterdir())
    assert main(["demo", str(place / "deeper" if kind == "no parent" else place)]) == 2
    assert ("does not exist" if kind == "no parent" else "exists already") in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_a_demo_that_is_cut_off_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, to: Any, **options: Any) -> None:
        Path(to).write_bytes(b"half")
        raise OSError(28, "No space left on device", str(to))

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(shutil, "copyfile", full)
    assert main(["demo", str(tmp_path / "trial")]) == 2
    assert "No space left" in capsys.readouterr().err and list(tmp_path.iterdir()) == []


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == f"surge {__version__}\n"


@pytest.mark.parametrize(
    ("called", "name"), [("/somewhere/bin/surge", "surge"), ("/somewhere/surge/__main__.py", "python -m surge")]
)
def test_help_calls_the_program_by_the_name_it_was_called_by(
    called: str, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [called])
    with pytest.raises(SystemExit):
        main(["explore", "--help"])
    told = capsys.readouterr().out
    assert told.startswith(f"usage: {name} explore") and "example:\n  surge explore" in told
