"""Work in the background that a page looks at from time to time and that can be left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class _Left(Exception):
    """The work was left; nobody waits for it any more."""


class Job:
    """Runs `work(progress)` in a thread of its own, at once.

    `share` is what has been done, from 0 to 1; `result` is None until the work is done; `error` says what stopped it.
    """

    def __init__(self, work: Callable[[Callable[[float], None]], Any]) -> None:
        self.share = 0.0
        self.result: Any = None
        self.error: str | None = None
        self._left = threading.Event()
        self._work = work
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the work is still going on."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Leave the work: it ends at its next sign of progress, and has no result."""
        self._left.set()

    def wait(self, seconds: float) -> bool:
        """Whether the work ended within this time."""
        self._thread.join(seconds)
        return not self.running

    def _run(self) -> None:
        try:
            self.result = self._work(self._progress)
        except _Left:
            pass
        except Exception as error:  # it must not end unseen in the thread
            self.error = f"{type(error).__name__}: {error}"

    def _progress(self, share: float) -> None:
        self.share = share
        if self._left.is_set():
            raise _Left
