"""Work in the background that open pages watch, a few pieces at once; what no page watches any more is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from app.cache import Interrupted
from surge.errors import SurgeError

Work = Callable[[Callable[[float], None]], Any]
PATIENCE = 15.0  # seconds without a heartbeat, after which a page is held to be gone; loading it again takes some
HIDDEN = 75.0  # of a page that is still connected: a browser slows the clock of a page in the background to a minute
LONGEST_LINE = 12  # pieces of work that wait
KEPT_ERRORS = 32


class _Left(Interrupted):
    """The work was left; nobody waits for it any more."""


class Job:
    """Runs `work(progress)` in a thread of its own, at once; then `on_end(job)`, if given, in that thread.

    `share` is what has been done, from 0 to 1; `result` is None until the work is done; `error` says what stopped it.
    `on_sign`, if given, is called at each sign of progress, and may stop the job.
    """

    def __init__(
        self, work: Work, on_end: Callable[[Job], None] | None = None, on_sign: Callable[[], None] | None = None
    ) -> None:
        self.share = 0.0
        self.result: Any = None
        self.error: str | None = None
        self._left = threading.Event()
        self._work, self._on_end, self._on_sign = work, on_end, on_sign
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
        except SurgeError as error:
            self.error = str(error)
        except Exception as error:  # it must not end unseen in the thread
            self.error = f"{type(error).__name__}: {error}"
        finally:
            if self._on_end is not None:
                self._on_end(self)

    def _progress(self, share: float) -> None:
        self.share = share
        if self._on_sign is not None:
            self._on_sign()
        if self._left.is_set():
            raise _Left


@dataclass(frozen=True)
class Standing:
    """How a piece of work stands.

    `share` is what has been done of one that runs, from 0 to 1; `ahead` how many pieces go before one that waits,
    those that run among them; `error` what stopped one that failed.
    """

    state: Literal["idle", "waiting", "running", "failed", "done"]
    share: float = 0.0
    ahead: int = 0
    error: str = ""

    @property
    def under_way(self) -> bool:
        """Whether it will end by itself."""
        return self.state in ("waiting", "running")


class Jobs:
    """Pieces of work by their key, for many watchers: `at_once` run, no more than `line` wait.

    Whoever asks for work or looks how it stands watches it, and each look is a heartbeat. Work that nobody watches, as
    all have left or their heartbeats are older than `patience` seconds, is stopped: running work at its next sign of
    progress. `connected` tells of a watcher whether its page is still there, if only in the background: then it may be
    silent for HIDDEN seconds. The last `kept` results stay, apart from what runs.
    """

    def __init__(
        self,
        at_once: int,
        kept: int,
        *,
        line: int = LONGEST_LINE,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
        connected: Callable[[str], bool] | None = None,
    ) -> None:
        self._at_once, self._kept, self._line = at_once, kept, line
        self._patience, self._clock, self._connected = patience, clock, connected
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, Work] = {}
        self._running: dict[Hashable, Job] = {}
        self._busy = 0  # threads: those that were left and have yet to notice count too
        self._watching: dict[Hashable, dict[str, float]] = {}  # when each watcher was last heard of
        self._results: dict[Hashable, Any] = {}
        self._errors: dict[Hashable, str] = {}

    def ask(self, key: Hashable, work: Work, watcher: str) -> None:
        """A watcher wants this work done; what failed before is tried again. A SurgeError where the line is full."""
        with self._lock:
            self._sweep()
            if key in self._results:
                return
            if key not in self._running and key not in self._waiting:
                if self._busy >= self._at_once and len(self._waiting) >= self._line:
                    raise SurgeError(
                        f"Too much is computed here at this moment: {len(self._waiting)} others wait in line already; "
                        "try again in a while."
                    )
                self._errors.pop(key, None)
                self._waiting[key] = work
            self._watching.setdefault(key, {})[watcher] = self._clock()
            self._start()

    def leave(self, key: Hashable, watcher: str) -> None:
        """A watcher no longer wants it; without any other who is there, it stops."""
        with self._lock:
            watching = self._watching.get(key, {})
            watching.pop(watcher, None)
            if self._connected is not None and not any(map(self._connected, watching)):
                watching.clear()  # the page before it was loaded again
            if not watching:
                self._errors.pop(key, None)
                self._stop(key)
            self._sweep()

    def standing(self, key: Hashable, watcher: str | None = None) -> Standing:
        """How the work of a key stands; idle where nobody asked, or nobody watched. With a `watcher`, who watches."""
        with self._lock:
            if watcher is not None and (key in self._running or key in self._waiting):
                self._watching.setdefault(key, {})[watcher] = self._clock()
            self._sweep()
            if key in self._results:
                return Standing("done", share=1.0)
            if key in self._running:
                return Standing("running", share=self._running[key].share)
            if key in self._waiting:
                return Standing("waiting", ahead=self._busy + list(self._waiting).index(key))
            if key in self._errors:
                return Standing("failed", error=self._errors[key])
            return Standing("idle")

    def result(self, key: Hashable) -> Any:
        """What the work came to, None where it isn't done, or so long ago that it was forgotten."""
        with self._lock:
            if key in self._results:
                self._results[key] = self._results.pop(key)  # the last that is forgotten
            return self._results.get(key)

    def wait(self, key: Hashable, seconds: float) -> None:
        """Waits so long at most for work that runs, and so long for work that doesn't yet."""
        with self._lock:
            job = self._running.get(key)
        if job is not None:
            job.wait(seconds)
        else:
            time.sleep(seconds)

    def _sweep(self) -> None:
        """Under the lock: stop what nobody watches any more."""
        now = self._clock()
        for key in [*self._waiting, *self._running]:
            watching = self._watching.get(key, {})
            for watcher, heard in list(watching.items()):
                silent = now - heard
                if silent > self._patience and (
                    silent > HIDDEN or self._connected is None or not self._connected(watcher)
                ):
                    del watching[watcher]
            if not watching:
                self._stop(key)

    def _stop(self, key: Hashable) -> None:
        self._watching.pop(key, None)
        self._waiting.pop(key, None)
        job = self._running.pop(key, None)
        if job is not None:
            job.stop()

    def _look(self) -> None:
        with self._lock:
            self._sweep()

    def _start(self) -> None:
        while self._waiting and self._busy < self._at_once:
            key = next(iter(self._waiting))
            work = self._waiting.pop(key)
            self._busy += 1
            self._running[key] = Job(work, partial(self._ended, key), self._look)

    def _ended(self, key: Hashable, job: Job) -> None:
        with self._lock:
            self._busy -= 1
            if self._running.get(key) is job:  # not one that was left
                del self._running[key]
                self._watching.pop(key, None)
                if job.error is not None:
                    _keep(self._errors, key, job.error, KEPT_ERRORS)
                else:
                    _keep(self._results, key, job.result, self._kept)
            self._sweep()
            self._start()


def _keep(store: dict[Hashable, Any], key: Hashable, value: Any, most: int) -> None:
    store[key] = value
    for old in list(store)[: max(0, len(store) - most)]:
        del store[old]
