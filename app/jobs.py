"""Work in the background that a page looks at from time to time and that can be left, a few pieces at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

Work = Callable[[Callable[[float], None]], Any]


class _Left(Exception):
    """The work was left; nobody waits for it any more."""


class Job:
    """Runs `work(progress)` in a thread of its own, at once; then `on_end(job)`, if given, in that thread.

    `share` is what has been done, from 0 to 1; `result` is None until the work is done; `error` says what stopped it.
    """

    def __init__(self, work: Work, on_end: Callable[[Job], None] | None = None) -> None:
        self.share = 0.0
        self.result: Any = None
        self.error: str | None = None
        self._left = threading.Event()
        self._work, self._on_end = work, on_end
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
        finally:
            if self._on_end is not None:
                self._on_end(self)

    def _progress(self, share: float) -> None:
        self.share = share
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
    """Pieces of work by their key, for many visitors: `at_once` run, the others wait in line.

    The last `kept` results stay, apart from what runs. Work ends early only when everyone who asked for it has left.
    """

    def __init__(self, at_once: int, kept: int) -> None:
        self._at_once, self._kept = at_once, kept
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, Work] = {}
        self._running: dict[Hashable, Job] = {}
        self._busy = 0  # threads: those that were left and have yet to notice count too
        self._asking: dict[Hashable, set[str]] = {}
        self._results: dict[Hashable, Any] = {}
        self._errors: dict[Hashable, str] = {}

    def ask(self, key: Hashable, work: Work, visitor: str) -> None:
        """A visitor wants this work done; what failed before is tried again."""
        with self._lock:
            if key in self._results:
                return
            self._errors.pop(key, None)
            self._asking.setdefault(key, set()).add(visitor)
            if key not in self._running:
                self._waiting.setdefault(key, work)
            self._start()

    def leave(self, key: Hashable, visitor: str) -> None:
        """A visitor no longer wants it; without any other who does, it stops."""
        with self._lock:
            others = self._asking.get(key, set()) - {visitor}
            if others:
                self._asking[key] = others
                return
            for kept in (self._asking, self._waiting, self._errors):
                kept.pop(key, None)
            job = self._running.pop(key, None)
        if job is not None:
            job.stop()

    def standing(self, key: Hashable) -> Standing:
        """How the work of a key stands; idle where nobody asked."""
        with self._lock:
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

    def _start(self) -> None:
        while self._waiting and self._busy < self._at_once:
            key = next(iter(self._waiting))
            work = self._waiting.pop(key)
            self._busy += 1
            self._running[key] = Job(work, partial(self._ended, key))

    def _ended(self, key: Hashable, job: Job) -> None:
        with self._lock:
            self._busy -= 1
            if self._running.get(key) is job:  # not one that was left
                del self._running[key]
                self._asking.pop(key, None)
                if job.error is not None:
                    _keep(self._errors, key, job.error, self._kept)
                else:
                    _keep(self._results, key, job.result, self._kept)
            self._start()


def _keep(store: dict[Hashable, Any], key: Hashable, value: Any, most: int) -> None:
    store[key] = value
    for old in list(store)[:-most]:
        del store[old]
