"""A Streamlit server on a free port of this machine, for the browser tests and the interaction benchmark."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
START = 60  # seconds that a server may take


@contextmanager
def serve(script: Path, environment: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address of a server of `script` under the project's own settings; it ends with the block."""
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port"]
    with started(command, ROOT, {**os.environ, **(environment or {})}) as address:
        yield address


@contextmanager
def started(command: list[str], folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """The address of a server that `command`, with a port at its end, starts in `folder`; it ends with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [*command, str(port)], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", server, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait(health: str, server: subprocess.Popen[bytes], log: Any) -> None:
    deadline = time.monotonic() + START
    while server.poll() is None and time.monotonic() < deadline:
        try:
            urllib.request.urlopen(health, timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    log.seek(0)
    raise RuntimeError(f"the app did not start: {log.read().decode(errors='replace')}")


def launch_chromium(playwright: Any) -> Any:
    """The system's Chromium, headless."""
    return playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
