"""How many interactions a user and an item need by default: what each format's publications keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from surge.data.preparation import prepare

NIGHT = 1511600000  # in the window of taobao, too


def movielens(folder: Path, pairs: list[tuple[int, int]]) -> Path:
    (folder / "ratings.dat").write_text("".join(f"{u}::{i}::4::{NIGHT + i}\n" for u, i in pairs))
    return folder


def amazon(folder: Path, pairs: list[tuple[int, int]]) -> Path:
    rows = "".join(f"{u},{i},5.0,{NIGHT + i}\n" for u, i in pairs)
    (folder / "reviews.csv").write_text("user_id,parent_asin,rating,timestamp\n" + rows)
    return folder / "reviews.csv"


def taobao(folder: Path, pairs: list[tuple[int, int]]) -> Path:
    (folder / "UserBehavior.csv").write_text("".join(f"{u},{i},7,pv,{NIGHT + i}\n" for u, i in pairs))
    return folder / "UserBehavior.csv"


def kuairand(folder: Path, pairs: list[tuple[int, int]]) -> Path:
    signals = "is_click,is_like,is_follow,is_comment,is_forward,is_profile_enter,is_hate,long_view,is_rand"
    rows = "".join(f"{u},{i},{NIGHT + i}000,1,0,0,0,0,0,0,0,0\n" for u, i in pairs)
    (folder / "log_standard_a.csv").write_text(f"user_id,video_id,time_ms,{signals}\n{rows}")
    return folder


def csv(folder: Path, pairs: list[tuple[int, int]]) -> Path:
    (folder / "log.csv").write_text("user,item,timestamp\n" + "".join(f"{u},{i},{NIGHT + i}\n" for u, i in pairs))
    return folder / "log.csv"


@pytest.mark.parametrize(("written", "core"), [(movielens, 5), (amazon, 5), (taobao, 10), (kuairand, 10)])
def test_one_interaction_less_is_too_few(written: Callable[..., Path], core: int, tmp_path: Path) -> None:
    """Of `core` users who all took `core` items all stay; a user, and an item, with one less go."""
    whole = [(user, item) for user in range(core) for item in range(core)]
    short = [(99, item) for item in range(core - 1)] + [(user, 99) for user in range(core - 1)]
    source = tmp_path / "raw"
    source.mkdir()
    given = written(source, whole + short)
    description = prepare(written.__name__, [given], tmp_path / "out", split="leave-last")
    assert description["counts"]["interactions"] == core * core
    assert description["preparation"]["dropped"] == {
        f"user with fewer than {core} interactions": core - 1,
        f"item with fewer than {core} interactions": core - 1,
    }


def test_a_log_of_ones_own_stays_whole(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    given = csv(tmp_path / "raw", [(1, 1), (1, 2), (2, 3)])
    assert prepare("csv", [given], tmp_path / "out", split="leave-last")["counts"]["interactions"] == 3
