"""What a plan of edits makes of a history, and item lists from uploads, harmless or not."""

from __future__ import annotations

import pytest

from surge.errors import SurgeError
from surge.explanation.edit_plan import MOST_ENTRIES, Plan
from surge.explanation.explain import explain_history
from surge.explanation.history import TitledHistory, read_history
from surge.explanation.what_if import (
    LARGEST_LIST,
    change_history,
    known_plan,
    made_up_history,
    read_item_list,
    read_plan,
)
from tests.explanation.worlds import HOSTILE, catalogue, make_checkpoint, make_dataset
from tests.pictures.hostile import HOSTILE as HOSTILE_TITLES


def base(max_length: int = 50, interests: bool = True) -> tuple:
    """A checkpoint of 10 items and a user's history of i2, i3, i2, i5 before i6; i20 is unknown."""
    checkpoint = make_checkpoint(count=10, max_length=max_length)
    items = ["i2", "i3", "i20", "i2", "i5", "i6"]
    truth = {"ann": ["a", "b", "c", "d", "e", "f"]} if interests else None
    return checkpoint, read_history(checkpoint, make_dataset({"ann": items}, catalogue(30), truth), "ann")


def notes_about(word: str, history: TitledHistory) -> list[str]:
    return [note for note in history.notes if word in note]


# -- plans ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_length", [50, 4, 2, 1])
def test_the_whole_plan_is_the_history_as_it_was(max_length: int) -> None:
    checkpoint, history = base(max_length)
    assert change_history(checkpoint, history, Plan.whole(len(history.items))) is history


def test_kept_moved_and_inserted_items() -> None:
    checkpoint, history = base()
    changed = change_history(checkpoint, history, Plan((3, "i1", 0, "i4")))
    assert changed.rows.tolist() == [5, 1, 2, 4]
    assert changed.items[0] == history.items[3] and changed.items[2] == history.items[0]
    inserted = changed.items[1]
    assert (inserted.item, inserted.title, inserted.category, inserted.timestamp) == ("i1", HOSTILE, "shelf 1", None)
    assert changed.items[3].category is None
    assert changed.interests == ("e", "", "a", "")
    assert changed.user == "ann"
    assert (changed.next_item, changed.next_period) == (history.next_item, history.next_period)
    assert changed.next_item is not None and changed.next_period == "test"


def aged(items: list[str]) -> tuple:
    """The same for a model that reads ages: a day between two items, the last one a day before the prediction."""
    checkpoint = make_checkpoint(count=10, time="age")
    return checkpoint, read_history(checkpoint, make_dataset({"ann": [*items, "i6"]}, catalogue(10)), "ann")


def days_of(history: TitledHistory) -> list[float | None]:
    return [None if item.age is None else item.age / 86_400 for item in history.items]


@pytest.mark.parametrize(
    ("entries", "days", "new"),
    [
        ((0, 1, 2, 3), [4, 3, 2, 1], 0),
        ((0, 3), [4, 1], 0),
        ((0, "i7", 1, 2, 3), [4, 4, 3, 2, 1], 1),
        (("i7", "i8", 2, 3, "i9"), [2, 2, 2, 1, 1], 3),
        ((0, 2, 1, 3), [4, 3, 2, 1], 0),  # places keep their time
        ((3, 2, 1, 0), [4, 3, 2, 1], 0),
        ((3, "i7", 0), [4, 4, 1], 1),
    ],
)
def test_places_keep_their_age_and_new_items_have_that_of_a_neighbour(entries: tuple, days: list, new: int) -> None:
    checkpoint, history = aged(["i2", "i3", "i4", "i5"])
    changed = change_history(checkpoint, history, Plan(entries))
    assert days_of(changed) == days
    told = notes_about("how long ago", changed)
    assert len(told) == (new > 0)
    if new:
        assert ("1 new item has" if new == 1 else f"{new} new items have") in told[0]
    assert [item.timestamp for item in changed.items] == [
        None if isinstance(entry, str) else history.items[entry].timestamp for entry in entries
    ]


def test_where_no_item_is_kept_there_is_no_age_and_that_is_said() -> None:
    checkpoint, history = aged(["i2", "i3"])
    for changed in (
        change_history(checkpoint, history, Plan(("i7", "i8"))),
        change_history(checkpoint, made_up_history(), Plan(("i7", "i8"))),
    ):
        assert days_of(changed) == [None, None]
        assert notes_about("have no time", changed)
        again = change_history(checkpoint, changed, Plan((1, 0)))
        assert days_of(again) == [None, None]
        assert len(notes_about("how long ago", again)) == 1


def test_notes_about_ages_are_told_anew() -> None:
    checkpoint, history = aged(["i2", "i3"])
    once = change_history(checkpoint, history, Plan((0, "i7", 1)))
    assert len(notes_about("how long ago", once)) == 1
    assert len(notes_about("how long ago", change_history(checkpoint, once, Plan((1, 0))))) == 1  # it still is new
    assert not notes_about("how long ago", change_history(checkpoint, once, Plan((2, 0))))


def test_a_model_that_reads_no_ages_says_nothing_of_them() -> None:
    checkpoint, history = base()
    changed = change_history(checkpoint, history, Plan((3, "i1", 0)))
    assert days_of(changed) == [None] * 3 and not notes_about("how long ago", changed)


def test_without_the_simulated_truth_there_are_no_interests() -> None:
    checkpoint, history = base(interests=False)
    assert change_history(checkpoint, history, Plan((0, "i1"))).interests is None


def test_notes_are_told_anew_and_those_of_unknown_items_stay() -> None:
    checkpoint, history = base()
    assert notes_about("1 of the 4 items read is a repeat", history) and notes_about("1 of 5 history items", history)
    unrepeated = change_history(checkpoint, history, Plan((0, 1, 3)))
    assert not notes_about("repeat", unrepeated) and notes_about("1 of 5 history items", unrepeated)
    repeated = change_history(checkpoint, history, Plan((0, 1, 2, 3, "i5", "i2")))
    assert notes_about("3 of the 6 items read are repeats", repeated)
    assert len(repeated.notes) == 2
    single = change_history(checkpoint, history, Plan((1,)))
    assert notes_about("single node", single) and len(single.notes) == 2
    again = change_history(checkpoint, single, Plan((0, "i1")))
    assert not notes_about("single node", again) and len(again.notes) == 1


def test_the_model_reads_the_last_items_of_a_longer_plan() -> None:
    checkpoint, history = base(max_length=3)
    assert history.rows.tolist() == [3, 2, 5] and notes_about("1 earlier ones", history)
    plan = Plan((0, "i7", 1, 2, "i8"))
    assert read_plan(checkpoint, plan) == Plan((1, 2, "i8"))
    changed = change_history(checkpoint, history, plan)
    assert changed.rows.tolist() == [2, 5, 8]
    assert notes_about("3 earlier ones", changed) and not notes_about("1 earlier ones", changed)
    assert changed.taken.tolist() == [2, 3, 7, 2, 5, 8]
    shorter = change_history(checkpoint, history, Plan((0, 1)))
    assert notes_about("1 earlier ones", shorter)
    assert read_plan(checkpoint, Plan((0, 1))) == Plan((0, 1))


def test_what_is_cut_may_name_anything() -> None:
    """Only what the model reads is looked up."""
    checkpoint, history = base(max_length=2)
    assert change_history(checkpoint, history, Plan(("nothing", 0, 1))).taken.tolist() == history.taken.tolist()


def test_ids_that_the_model_does_not_know_are_left_out_of_a_plan() -> None:
    checkpoint, _ = base()
    assert known_plan(checkpoint, Plan((2, "i3", "i10", 0, HOSTILE, "i3"))) == Plan((2, "i3", 0, "i3"))
    assert known_plan(checkpoint, Plan(("i10",))) == known_plan(checkpoint, Plan(())) == Plan(())


def test_a_made_up_history_is_what_was_inserted() -> None:
    checkpoint, _ = base()
    changed = change_history(checkpoint, made_up_history(), Plan(("i1", "i4", "i1")))
    assert changed.user == "made-up user" and changed.rows.tolist() == [1, 4, 1]
    assert changed.next_item is None and changed.next_period is None and changed.interests is None
    assert notes_about("1 of the 3 items read is a repeat", changed)
    assert explain_history(checkpoint, changed).length == 3
    assert made_up_history("me").user == "me" and made_up_history().items == ()


def test_a_changed_history_is_explained_like_one_that_was_always_so() -> None:
    checkpoint = make_checkpoint(count=10)
    long, short = ["i2", "i3", "i4", "i6"], ["i2", "i4", "i6"]
    dataset = make_dataset({"ann": long, "bob": short}, checkpoint.items)
    changed = change_history(checkpoint, read_history(checkpoint, dataset, "ann"), Plan((0, 2)))
    record, other = (
        explain_history(checkpoint, history, "i7") for history in (changed, read_history(checkpoint, dataset, "bob"))
    )
    assert record.prediction.logit == other.prediction.logit


def test_an_empty_plan_is_refused() -> None:
    checkpoint, history = base()
    for of in (history, made_up_history()):
        with pytest.raises(SurgeError, match=r"^Nothing is left of the history; add an item"):
            change_history(checkpoint, of, Plan(()))
    assert read_plan(checkpoint, Plan(())) == Plan(())


def test_an_unknown_insertion_is_refused_with_the_closest_ids() -> None:
    checkpoint, history = base()
    with pytest.raises(SurgeError, match=r"knows no item 'i55'.*'i5'"):
        change_history(checkpoint, history, Plan((0, "i55")))
    for id_ in (*HOSTILE_TITLES, "x" * 20_000):
        with pytest.raises(SurgeError, match="knows no item"):
            change_history(checkpoint, history, Plan((id_,)))


@pytest.mark.parametrize("position", [4, -1, 10**12])
def test_a_position_outside_the_history_is_refused(position: int) -> None:
    checkpoint, history = base()
    with pytest.raises(SurgeError, match=rf"history of 4 items has no item at position {position};"):
        change_history(checkpoint, history, Plan((0, position)))
    checkpoint, history = base(max_length=2)
    with pytest.raises(SurgeError, match=rf"history of 2 items has no item at position {position};"):
        change_history(checkpoint, history, Plan((position, 0, 1)))  # before what the model reads


# -- lists of items -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("i1\ni2\ni1\n", ["i1", "i2", "i1"]),
        ("i1", ["i1"]),
        ("item\ni1\ni2", ["i1", "i2"]),
        ("ITEM_ID\r\ni1\r\n\r\n  \r\ni2\r\n", ["i1", "i2"]),
        ("i1\ri2\r", ["i1", "i2"]),
        ("time,Item,title\n5,i1,Tent\n6,i2,Boots", ["i1", "i2"]),
        ("item,item_id\na,b", ["a"]),
        ("i1,Tent\ni2,Boots", ["i1", "i2"]),
        ("i1;Tent, green\ni2;Boots", ["i1", "i2"]),
        ("i1,Tent; green\ni2,Boots", ["i1", "i2"]),
        ("i1\tTent, green\ni2\tBoots", ["i1", "i2"]),
        ('"a,b";x\n"c\nd";y', ["a,b", "c\nd"]),
        ('item\n"say ""hi"""\n', ['say "hi"']),
        ('5" pipe\n', ['5" pipe']),
        (" i1 \n\ti2\t", ["i1", "i2"]),
        ("title,item\nTent\nBoots,i2\nStove,", ["i2"]),
        ("\ufeffitem\ni1", ["i1"]),
        ("\n\nitem\ni1", ["i1"]),
        ("007\n1e3", ["007", "1e3"]),
        ("items\ni1", ["items", "i1"]),
        ("i1\nitem\ni2", ["i1", "item", "i2"]),
        ("Ünïcødé 漢字 🎣\n", ["Ünïcødé 漢字 🎣"]),
        ("<img src=x onerror=alert(1)>\n=1+1\n", ["<img src=x onerror=alert(1)>", "=1+1"]),
    ],
)
def test_lists_are_read(text: str, ids: list[str]) -> None:
    assert read_item_list(text) == ids
    assert read_item_list(text.encode()) == ids


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "names no item"),
        ("\n \r\n,,\n", "names no item"),
        ("item\n", "names no item"),
        ("title,item\nTent,\n", "names no item"),
        ("i1\ni2".encode("utf-16"), "not UTF-8"),
        (b"caf\xe9\n", "not UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
        ("\ud800", "not UTF-8"),
        ("i1\ni2".encode("utf-16-le"), "NUL"),
        ("i1\0\n", "NUL"),
        ('i1\n"never closed\ni3', r"Line 3 .* can't be read as CSV"),
        ('"a"b', r"Line 1 .* can't be read as CSV"),
        (b"\n" * (LARGEST_LIST * 1_000_000 + 1), "larger than 5 MB"),
        ("x" * 200_000, r"Line 1 .* can't be read as CSV \(field larger"),
    ],
)
def test_what_is_no_list_is_one_sentence(text: bytes | str, sentence: str) -> None:
    with pytest.raises(SurgeError, match=sentence) as refusal:
        read_item_list(text)
    assert len(str(refusal.value)) < 250 and "\n" not in str(refusal.value)


def test_a_list_is_no_longer_than_a_plan_may_be() -> None:
    assert len(read_item_list("i1\n" * MOST_ENTRIES)) == MOST_ENTRIES
    with pytest.raises(SurgeError, match=f"more than {MOST_ENTRIES:,} items"):
        read_item_list("i1\n" * (MOST_ENTRIES + 1))
    with pytest.raises(SurgeError, match=f"more than {MOST_ENTRIES:,} items"):
        read_item_list("i1\n" * 10**6)
