"""Work is cut into parts that cover everything once."""

from __future__ import annotations

import pytest
import torch

from surge.native.threads import in_threads


@pytest.mark.parametrize(
    ("count", "threads", "block", "parts"),
    [
        (10, 1, 1, [(0, 10)]),
        (10, 3, 1, [(0, 4), (4, 8), (8, 10)]),
        (100, 2, 32, [(0, 64), (64, 100)]),
        (3, 16, 1, [(0, 1), (1, 2), (2, 3)]),
        (5, 4, 32, [(0, 5)]),
        (0, 2, 1, []),
    ],
)
def test_parts_cover_everything_once(
    count: int, threads: int, block: int, parts: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    done: list[tuple[int, int]] = []
    in_threads(count, lambda start, stop: done.append((start, stop)), block)
    assert sorted(done) == parts


def test_what_fails_in_a_thread_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)

    def fail(start: int, stop: int) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        in_threads(4, fail)
