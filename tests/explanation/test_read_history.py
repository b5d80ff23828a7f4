"""What is read of a user: the hold-out, unknown and repeated items, the longest history, and the notes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.data.instances import encode
from surge.data.splits import split_instances
from surge.errors import SurgeError
from surge.explanation.history import TitledHistory, read_history
from tests.explanation.worlds import HOSTILE, START, catalogue, make_checkpoint, make_dataset

DAY = 86_400


def notes_about(word: str, notes: tuple[str, ...]) -> list[str]:
    return [note for note in notes if word in note]


def test_the_last_interaction_is_held_out() -> None:
    checkpoint = make_checkpoint()
    dataset = make_dataset({"ann": ["i1", "i4", "i2"], "bob": ["i9", "i8"]}, checkpoint.items)
    history = read_history(checkpoint, dataset, "ann")
    assert history.user == "ann"
    assert [item.item for item in history.items] == ["i1", "i4"]
    assert history.rows.tolist() == [1, 4]
    assert history.next_item is not None
    assert (history.next_item.item, history.next_item.timestamp) == ("i2", START + 2 * DAY)
    assert history.items[0].title == HOSTILE
    assert history.items[1].category is None
    assert [item.timestamp for item in history.items] == [START, START + DAY]
    assert history.interests is None
    assert history.notes == ()


def test_the_whole_history_is_read_without_hold_out() -> None:
    checkpoint = make_checkpoint()
    history = read_history(
        checkpoint, make_dataset({"ann": ["i1", "i4", "i2"]}, checkpoint.items), "ann", hold_out=False
    )
    assert history.rows.tolist() == [1, 4, 2]
    assert history.next_item is None
    assert history.notes == ()


def test_a_single_interaction_is_read_and_said() -> None:
    checkpoint = make_checkpoint()
    dataset = make_dataset({"ann": ["i3"]}, checkpoint.items)
    history = read_history(checkpoint, dataset, "ann")
    assert history.rows.tolist() == [3]
    assert history.next_item is None
    assert notes_about("single interaction", history.notes)
    assert notes_about("single node", history.notes)
    assert not notes_about("single interaction", read_history(checkpoint, dataset, "ann", hold_out=False).notes)


def test_unknown_items_are_left_out_and_counted() -> None:
    checkpoint = make_checkpoint(count=10)
    interests = {"ann": ["camping", "noise", "jazz", "camping", "jazz"]}
    dataset = make_dataset({"ann": ["i1", "i20", "i4", "i25", "i2"]}, catalogue(30), interests)
    history = read_history(checkpoint, dataset, "ann")
    assert history.rows.tolist() == [1, 4]
    assert history.interests == ("camping", "jazz")
    (note,) = notes_about("unknown", history.notes)
    assert note.startswith("2 of 4 ")


def test_an_unknown_next_item_is_still_the_next_item() -> None:
    checkpoint = make_checkpoint(count=10)
    dataset = make_dataset({"ann": ["i1", "i2", "i20"]}, catalogue(30))
    history = read_history(checkpoint, dataset, "ann")
    assert history.next_item is not None
    assert history.next_item.item == "i20"
    assert history.notes == ()


def test_a_long_history_is_cut_to_its_last_items_after_the_unknown_ones() -> None:
    checkpoint = make_checkpoint(count=10, max_length=3)
    interests = {"ann": ["a", "b", "c", "d", "e", "f"]}
    dataset = make_dataset({"ann": ["i1", "i2", "i3", "i20", "i4", "i5"]}, catalogue(30), interests)
    history = read_history(checkpoint, dataset, "ann", hold_out=False)
    assert history.rows.tolist() == [3, 4, 5]
    assert history.interests == ("c", "e", "f")
    (note,) = notes_about("the last 3 items", history.notes)
    assert "; 2 earlier" in note


def test_a_history_as_long_as_the_model_reads_is_not_cut() -> None:
    checkpoint = make_checkpoint(count=10, max_length=3)
    dataset = make_dataset({"ann": ["i1", "i2", "i3", "i4"]}, checkpoint.items)
    history = read_history(checkpoint, dataset, "ann")
    assert history.rows.tolist() == [1, 2, 3]
    assert history.notes == ()


def test_repeats_stay_and_are_counted() -> None:
    checkpoint = make_checkpoint()
    dataset = make_dataset({"ann": ["i1", "i2", "i1", "i1", "i2", "i7"]}, checkpoint.items)
    history = read_history(checkpoint, dataset, "ann")
    assert history.rows.tolist() == [1, 2, 1, 1, 2]
    (note,) = notes_about("repeat", history.notes)
    assert note.startswith("3 of the 5 ")


def test_repeats_of_what_was_cut_are_no_repeats() -> None:
    checkpoint = make_checkpoint(max_length=2)
    history = read_history(checkpoint, make_dataset({"ann": ["i1", "i1", "i2", "i7"]}, checkpoint.items), "ann")
    assert history.rows.tolist() == [1, 2]
    assert not notes_about("repeat", history.notes)


def test_a_user_of_whose_items_none_is_known_is_refused() -> None:
    checkpoint = make_checkpoint(count=10)
    dataset = make_dataset({"ann": ["i20", "i21", "i3"]}, catalogue(30))
    with pytest.raises(SurgeError, match=r"none of the 2 items.*'ann'") as refusal:
        read_history(checkpoint, dataset, "ann")
    assert "dataset that the checkpoint was trained on" in str(refusal.value)


def test_an_unknown_user_is_refused_with_the_closest_ids() -> None:
    checkpoint = make_checkpoint()
    dataset = make_dataset({"anna": ["i1", "i2"], "bob": ["i3", "i4"]}, checkpoint.items)
    with pytest.raises(SurgeError, match=r"no user 'anne'.*'anna'"):
        read_history(checkpoint, dataset, "anne")


def test_an_item_without_a_title_is_called_by_its_id() -> None:
    checkpoint = make_checkpoint(count=5)
    items = checkpoint.items.with_columns(title=pl.when(pl.col("item") != "i3").then("title"))
    history = read_history(checkpoint, make_dataset({"ann": ["i2", "i3"]}, items), "ann", hold_out=False)
    assert [item.title for item in history.items] == ["Title 2", "i3"]


@pytest.mark.parametrize(
    ("split", "period"),
    [
        ({"method": "leave-last"}, "test"),
        ({"method": "time", "valid_start": 10**12, "test_start": 10**12 + 1}, "train"),
        ({"method": "time", "valid_start": 0, "test_start": 10**12}, "valid"),
        ({"method": "time", "valid_start": 0, "test_start": 0}, "test"),
    ],
)
def test_the_next_item_says_which_period_it_is_in(split, period):
    checkpoint = make_checkpoint()
    dataset = make_dataset({"ann": ["i1", "i4", "i2"]}, checkpoint.items)
    dataset = replace(dataset, description={**dataset.description, "split": split})
    assert read_history(checkpoint, dataset, "ann").next_period == period
    assert read_history(checkpoint, dataset, "ann", hold_out=False).next_period is None


@given(
    st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(0, 14), min_size=2, max_size=8), min_size=1),
    st.integers(1, 5),
)
def test_what_is_explained_is_the_history_that_the_log_gives(users: dict[str, list[int]], longest: int) -> None:
    """Training and evaluation read the whole log, an explanation one user of it: the same window, taken and ages."""
    checkpoint = make_checkpoint(count=10, max_length=longest, time="age")  # of 15 items, five are strangers
    dataset = make_dataset({user: [f"i{row}" for row in rows] for user, rows in users.items()}, catalogue(15))
    log = encode(dataset, checkpoint.rows)
    splits = split_instances(log, dataset.description["split"])
    histories = log.histories(splits["test"], longest)
    for place, user in enumerate(splits["test"].user.tolist()):
        read, of_log = read_history(checkpoint, dataset, dataset.users[user]), histories[place]
        assert read.key == of_log.key and read.taken.tolist() == of_log.taken.tolist()
        assert (read.owner, read.now, read.whose) == (user, of_log.now, "user")
        assert read.next_item is not None
        assert checkpoint.rows[read.next_item.item] == log.items[splits["test"].position[place]]


# -- ages ---------------------------------------------------------------------------------------------


def ages_of(history: TitledHistory) -> list[int | None]:
    assert [None if np.isnan(age) else age for age in history.ages] == [item.age for item in history.items]
    return [item.age for item in history.items]


def test_ages_count_to_the_next_item_and_are_read_by_a_model_that_knows_them() -> None:
    items = ["i1", "i99", "i4", "i2"]
    for checkpoint, ages in ((make_checkpoint(time="age"), [3 * DAY, DAY]), (make_checkpoint(), [None, None])):
        history = read_history(checkpoint, make_dataset({"ann": items}, catalogue(100)), "ann")
        assert history.rows.tolist() == [1, 4]  # a stranger leaves its time out, too
        assert ages_of(history) == ages


def test_without_a_next_item_the_model_is_asked_after_a_step_as_long_as_the_others() -> None:
    checkpoint = make_checkpoint(time="age")
    dataset = make_dataset({"ann": ["i1", "i4", "i2"], "bob": ["i3"]}, checkpoint.items)
    assert ages_of(read_history(checkpoint, dataset, "ann", hold_out=False)) == [3 * DAY, 2 * DAY, DAY]
    times = pl.Series([START, START + 100, START + 107, START + 207])
    dataset = make_dataset({"ann": ["i1", "i4", "i2", "i6"]}, checkpoint.items)
    dataset = replace(dataset, interactions=dataset.interactions.with_columns(timestamp=times))
    assert ages_of(read_history(checkpoint, dataset, "ann", hold_out=False)) == [307, 207, 200, 100]


def test_a_single_item_without_a_next_one_has_no_age() -> None:
    checkpoint = make_checkpoint(time="age")
    assert ages_of(read_history(checkpoint, make_dataset({"bob": ["i3"]}, checkpoint.items), "bob")) == [None]


def test_a_prefix_was_read_when_the_item_after_it_came() -> None:
    for checkpoint, day in ((make_checkpoint(time="age"), DAY), (make_checkpoint(), None)):
        dataset = make_dataset({"ann": ["i1", "i4", "i2", "i7"]}, checkpoint.items)
        history = read_history(checkpoint, dataset, "ann")
        ages = [[days * day if day else None for days in range(length, 0, -1)] for length in (1, 2, 3)]
        for length, expected in enumerate(ages, start=1):
            prefix = history.prefix(length)
            assert prefix.rows.tolist() == [1, 4, 2][:length]
            assert prefix.ages.tolist() == pytest.approx(
                [np.nan if days is None else days for days in expected], nan_ok=True
            )
        assert history.prefix(3).key == history.key
