"""What is recommended to one user and to all: the same as one ranking at a time, and an interrupted run continues."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from surge.cli import main
from surge.errors import SurgeError
from surge.explanation import recommend as module
from surge.explanation.history import read_history
from surge.explanation.ranking import rank_catalogue
from surge.explanation.recommend import recommend, recommend_all
from tests.explanation.worlds import make_checkpoint, make_dataset

HISTORIES = {f"u{user}": [f"i{(7 * user + 5 * place) % 30}" for place in range(3 + user % 4)] for user in range(9)} | {
    "u9": ["unknown", "items"]
}


@pytest.fixture
def world() -> tuple:
    checkpoint = make_checkpoint(count=30, exclude_seen=True)
    return checkpoint, make_dataset(HISTORIES, checkpoint.items.drop("count"))


def test_all_users_have_what_each_of_them_has_alone(world: tuple, tmp_path: Path) -> None:
    checkpoint, dataset = world
    shares: list[float] = []
    done = recommend_all(checkpoint, dataset, tmp_path / "top.parquet", 5, progress=shares.append)
    left_out = {"unknown_interactions": 2, "unknown_items": 2, "users_with_unknown_items": 1}
    assert done == {"users": 9, "unknown": 1, "rows": 45, **left_out}
    table = pl.read_parquet(tmp_path / "top.parquet")
    assert table.columns == ["user", "rank", "item", "chance", "lift"] and shares[-1] == 1.0
    for user in list(HISTORIES)[:9]:
        history = read_history(checkpoint, dataset, user, hold_out=False)
        ranking = rank_catalogue(checkpoint, history)
        rows = table.filter(pl.col("user") == user)
        assert rows["item"].to_list() == [f"i{row}" for row in ranking.order[:5]]
        assert rows["rank"].to_list() == [1, 2, 3, 4, 5]
        np.testing.assert_allclose(rows["chance"], ranking.next_probability(ranking.order[:5]))
        assert not set(rows["item"]) & set(HISTORIES[user])  # nothing that was taken
        assert [one.item for one in recommend(checkpoint, dataset, user, 5, hold_out=False)] == rows["item"].to_list()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["top.parquet"]


def test_users_of_whose_items_none_is_known_are_a_sentence_and_no_empty_table(world: tuple, tmp_path: Path) -> None:
    checkpoint, dataset = world
    told = r"knows none of the items of these users.*; write ids as it does: it has 'i0', and the users have 'unknown'"
    with pytest.raises(SurgeError, match=told):
        recommend_all(checkpoint, dataset, tmp_path / "top.parquet", users=["u9"])
    assert not list(tmp_path.iterdir())


def test_an_interrupted_run_continues_and_other_settings_begin_anew(
    world: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint, dataset = world
    monkeypatch.setattr(module, "TOGETHER", 4)
    asked: list[str] = []
    real = module.read_history

    def counted(checkpoint: object, dataset: object, user: str, **more: bool) -> object:
        asked.append(user)
        if len(asked) == 6:
            raise KeyboardInterrupt
        return real(checkpoint, dataset, user, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "read_history", counted)
    with pytest.raises(KeyboardInterrupt):
        recommend_all(checkpoint, dataset, tmp_path / "top.parquet", 5)
    assert not (tmp_path / "top.parquet").exists()
    recommend_all(checkpoint, dataset, tmp_path / "top.parquet", 5)
    assert asked == [*dataset.users[:6], *dataset.users[4:]]  # the first four were done
    again = pl.read_parquet(tmp_path / "top.parquet")
    recommend_all(checkpoint, dataset, tmp_path / "other.parquet", 5)
    assert pl.read_parquet(tmp_path / "other.parquet").equals(again)
    assert len(asked) == 6 + 6 + 10


def test_what_can_not_be(world: tuple, tmp_path: Path) -> None:
    checkpoint, dataset = world
    with pytest.raises(SurgeError, match="is 0; give a whole number from 1"):
        recommend(checkpoint, dataset, "u0", 0)
    with pytest.raises(SurgeError, match=r"saved as \.parquet"):
        recommend_all(checkpoint, dataset, tmp_path / "top.csv")
    with pytest.raises(SurgeError, match="no user 'nobody'"):
        recommend_all(checkpoint, dataset, tmp_path / "top.parquet", users=["nobody"])
    assert not any(tmp_path.iterdir())


def test_what_is_left_out_of_the_histories_that_are_read_is_counted(world: tuple, tmp_path: Path) -> None:
    checkpoint, _ = world
    items = pl.concat(
        [checkpoint.items.drop("count"), pl.DataFrame({"item": ["x", "y"], "title": ["X", "Y"]})], how="diagonal"
    )
    dataset = make_dataset({"a": ["x", "i1", "x", "y"], "b": ["i1", "i2", "x"], "c": ["i1", "i2"]}, items)
    done = recommend_all(checkpoint, dataset, tmp_path / "top.parquet", 2, users=["a", "b"], hold_out=True)
    counts = ("unknown_interactions", "unknown_items", "users_with_unknown_items")
    assert [done[name] for name in counts] == [2, 1, 1]
    done = recommend_all(checkpoint, dataset, tmp_path / "top.parquet", 2)
    assert [done[name] for name in counts] == [4, 2, 2]


def test_only_an_older_table_of_recommendations_is_replaced(world: tuple, tmp_path: Path) -> None:
    checkpoint, dataset = world
    output = tmp_path / "top.parquet"
    recommend_all(checkpoint, dataset, output, 5)
    recommend_all(checkpoint, dataset, output, 2)
    assert pl.read_parquet(output)["rank"].max() == 2
    (tmp_path / "text.parquet").write_text("mine")
    pl.read_parquet(output).write_parquet(tmp_path / "log.parquet")
    (tmp_path / "folder.parquet").mkdir()
    (tmp_path / "link.parquet").symlink_to(output)
    for name, words in {
        "text": "holds no table of recommendations",
        "log": "holds no table of recommendations",
        "folder": "is a folder; give the name of a file",
        "link": "not an ordinary file",
    }.items():
        before = sorted(tmp_path.iterdir())
        with pytest.raises(SurgeError, match=words):
            recommend_all(checkpoint, dataset, tmp_path / f"{name}.parquet", 5)
        assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "text.parquet").read_text() == "mine"


def test_histories_from_a_file_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    demo = str(Path(__file__).parents[2] / "checkpoints" / "demo")
    items = pl.read_parquet(Path(demo) / "items.parquet")["item"].to_list()
    (tmp_path / "basket.csv").write_text(
        "customer,sku,ts\n"
        + "".join(f"{name},{items[place]},{1700000000 + place}\n" for place in range(6) for name in "ab")
    )
    output = tmp_path / "top.parquet"
    arguments = ["recommend", demo, "--histories", str(tmp_path / "basket.csv"), "--top", "3", "--output", str(output)]
    assert main(arguments) == 0
    assert "6 rows of 2 users" in capsys.readouterr().out
    assert pl.read_parquet(output)["user"].to_list() == ["a"] * 3 + ["b"] * 3


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--all-users"], "--output is missing; name the .parquet file"),
        (["--all-users", "--whole-history", "--output", "x.parquet"], "--whole-history belongs to --user"),
        (["--user", "u0001", "--output", "x.parquet"], "--output belongs to"),
        (["--all-users", "--output", "x.csv"], "saved as .parquet"),
        (["--user", "u0001", "--top", "0"], "--top is 0"),
    ],
)
def test_options_that_do_not_go_together(options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).parents[2]
    assert main(["recommend", str(root / "checkpoints/demo"), str(root / "sample_data"), *options]) == 2
    assert sentence in capsys.readouterr().err
    assert main(["recommend", str(root / "checkpoints/demo"), "--user", "u0001"]) == 2
    assert "Give a dataset folder, or --histories" in capsys.readouterr().err
