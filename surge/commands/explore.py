"""Commands that need nothing but the installed package: explore opens the app, demo hands out what it opens with."""

from __future__ import annotations

import argparse
import errno
import importlib.metadata
import importlib.util
import ipaddress
import os
import re
import runpy
import shlex
import shutil
import socket
import sys
import time
import webbrowser
from pathlib import Path
from threading import Thread
from typing import Any

from surge.atomic_write import check_parent, working_folder
from surge.commands import add_command
from surge.errors import SurgeError
from surge.folders import ROOTS_VARIABLE, is_checkpoint, is_dataset, own_folder

LOCAL = "127.0.0.1"
ANY = ("0.0.0.0", "::")  # all addresses of the machine
FIRST_PORT, PORTS = 8501, 100  # the first free one of these is taken
APP_NEEDS = ("streamlit", "plotly", "pyvis", "pandas", "networkx")
LONGEST_START = 60  # seconds that the app may take before the browser is opened


def add_explore(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "explore",
        "open the explorer in the browser, with the demo and with what is in your folders",
        "  surge explore\n  surge explore runs/shop runs/shop-data\n  surge explore runs --port 8600 --no-browser",
        _explore,
    )
    parser.add_argument(
        "folders", nargs="*", metavar="FOLDER", help="a checkpoint, a dataset, or a folder that holds some (the demo)"
    )
    parser.add_argument(
        "--port", type=int, metavar="N", help=f"port to listen on (the first free one from {FIRST_PORT})"
    )
    parser.add_argument(
        "--host", default=LOCAL, metavar="ADDRESS", help=f"address to listen on; others than {LOCAL} let others in"
    )
    parser.add_argument("--no-browser", action="store_true", help="tell the address and open nothing")


def add_demo(subparsers: Any) -> None:
    parser = add_command(
        subparsers,
        "demo",
        "write the demo's checkpoints and sample_data into a new folder, to try the commands on",
        "  surge demo trial && cd trial\n  surge recommend checkpoints/demo sample_data --user u1313",
        _demo,
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder to make")


def _explore(arguments: argparse.Namespace) -> None:
    folders = [_checked(name) for name in arguments.folders]
    own = own_folder()
    _check_packages()
    local = _is_local(arguments.host)
    port = _free_port(arguments.host, arguments.port)
    if not local:
        print(
            f"The explorer listens on {arguments.host}: whoever reaches port {port} of this machine sees what is in "
            "its folders, without a password and without encryption.",
            file=sys.stderr,
        )
    if not arguments.no_browser and _has_screen():
        where = LOCAL if arguments.host in ANY else arguments.host
        Thread(target=_open_browser, args=(where, port), daemon=True).start()
    _start(own, folders, arguments.host, port)


def _checked(name: str) -> Path:
    """The folder itself, links resolved: the app follows none."""
    folder = Path(name)
    if not folder.exists():
        raise SurgeError(f"There is no folder {name!r}; check the path.")
    if not folder.is_dir():
        raise SurgeError(f"{name!r} is a file; give the folder that holds it.")
    folder = folder.resolve()
    inside = (path for path in folder.iterdir() if not path.is_symlink() and not path.name.startswith("."))
    if any(is_checkpoint(path) or is_dataset(path) for path in (folder, *inside)):
        return folder
    raise SurgeError(
        f"The folder {name!r} holds neither a checkpoint nor a dataset, and no folder directly in it is one; give what "
        "`surge train` or `surge prepare` wrote."
    )


def _check_packages() -> None:
    """A sentence with the command that mends it where the app's packages are missing; with their own versions."""
    missing = [name for name in APP_NEEDS if importlib.util.find_spec(name) is None]
    if not missing:
        return
    try:
        wanted = importlib.metadata.requires("surge-explorer") or []
    except importlib.metadata.PackageNotFoundError:  # a clone
        wanted = []
    named = {re.split(r"[^\w-]", line, maxsplit=1)[0]: line.split(";")[0].strip() for line in wanted}
    command = shlex.join([sys.executable, "-m", "pip", "install", *(named.get(name, name) for name in missing)])
    raise SurgeError(f"The explorer needs {', '.join(missing)}, not installed here; install with: {command}")


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _free_port(host: str, port: int | None) -> int:
    """The port that was asked for, or the first free one; a SurgeError where the address or the port can't be had."""
    if port is not None and not 0 < port < 65_536:
        raise SurgeError(f"--port is {port}; give a whole number from 1 to 65535.")
    for number in range(FIRST_PORT, FIRST_PORT + PORTS) if port is None else [port]:
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, number, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind) as probe:
                if os.name == "posix":  # a port that was left a moment ago is free
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            return number
        except (socket.gaierror, UnicodeError) as problem:
            raise SurgeError(f"--host {host!r} is no address; give one of this machine, or {LOCAL}.") from problem
        except OSError as problem:
            if problem.errno == errno.EACCES:
                raise SurgeError(f"Port {number} is kept for the system; give --port a number from 1024.") from problem
            if problem.errno != errno.EADDRINUSE:
                raise SurgeError(f"--host {host!r} is no address of this machine; give {LOCAL}.") from problem
    if port is None:
        raise SurgeError(f"No port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is free; give another by --port.")
    raise SurgeError(f"Port {port} is taken by another program; give another, or leave --port out.")


def _has_screen() -> bool:
    """Whether a browser can be shown: without a screen, Python would open one of text in the terminal."""
    return not sys.platform.startswith("linux") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")))


def _open_browser(host: str, port: int) -> None:
    """As soon as the app listens."""
    end = time.monotonic() + LONGEST_START
    while time.monotonic() < end:
        try:
            socket.create_connection((host, port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            webbrowser.open(f"http://{_in_url(host)}:{port}")
            return


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _start(own: Path, folders: list[Path], host: str, port: int) -> None:
    """Becomes `streamlit run`, in the folder whose .streamlit/config.toml is the app's; it ends with the process."""
    roots = os.environ.get(ROOTS_VARIABLE, "")
    if roots:
        os.environ[ROOTS_VARIABLE] = os.pathsep.join(os.path.abspath(part) for part in roots.split(os.pathsep) if part)
    os.chdir(own)
    # names that a browser may call the app by: one that points here by a name of its own gets nothing
    names = ["*"] if host in ANY else dict.fromkeys([LOCAL, "localhost", host])
    options = {"address": host, "port": port, "headless": "true"}
    sys.argv = ["streamlit", "run", str(own / "app" / "main.py")]
    sys.argv += [f"--server.{name}={value}" for name, value in options.items()]
    sys.argv += [f"--server.allowedHosts={name}" for name in names]
    sys.argv += [f"--browser.serverAddress={LOCAL if host in ANY else _in_url(host)}"]
    sys.argv += ["--", *map(str, folders)]
    runpy.run_module("streamlit", run_name="__main__", alter_sys=True)


def _demo(arguments: argparse.Namespace) -> None:
    own, folder = own_folder(), Path(arguments.folder)
    if folder.exists() or folder.is_symlink():
        raise SurgeError(f"{str(folder)!r} exists already; give the name of a folder to make.")
    check_parent(folder)
    with working_folder(folder) as beside:
        whole = beside / "whole"
        for path in (*sorted((own / "checkpoints").glob("demo*")), own / "sample_data"):
            to = whole / path.relative_to(own)
            to.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if path.is_dir() else shutil.copyfile)(path, to)
        whole.rename(folder)
    print(f"written to {folder}: checkpoints and sample_data")
    print(f"try: cd {shlex.quote(str(folder))} && surge recommend checkpoints/demo sample_data --user u1313")
