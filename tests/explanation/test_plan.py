"""Plans of edits: each operation by hand, and the text that the URL keeps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surge.errors import SurgeError
from surge.explanation.edit_plan import MOST_ENTRIES, Plan
from tests.pictures.hostile import HOSTILE

PLAN = Plan((2, "new", 0, 3))


# -- operations -----------------------------------------------------------------------------------------


def test_the_whole_history() -> None:
    assert Plan.whole(3).entries == (0, 1, 2)
    assert Plan.whole(3).is_whole(3) and not Plan.whole(3).is_whole(4)
    assert not Plan((1, 0)).is_whole(2) and not Plan((0, 1, "1")).is_whole(2)
    assert Plan.whole(0) == Plan(()) and Plan(()).is_whole(0) and not Plan(()).is_whole(1)


def test_delete_and_keep_go_by_place_and_not_by_position() -> None:
    assert PLAN.delete({0, 2}).entries == ("new", 3)
    assert PLAN.keep([2, 0]).entries == (2, 0)  # the order of the plan
    assert PLAN.delete(()) == PLAN and PLAN.keep(()).entries == () and PLAN.delete({17}) == PLAN


def test_cut_after() -> None:
    assert PLAN.cut_after(1).entries == (2, "new")
    assert PLAN.cut_after(3) == PLAN.cut_after(99) == PLAN


def test_insert_before_a_place() -> None:
    assert PLAN.insert(0, ["a"]).entries == ("a", 2, "new", 0, 3)
    assert PLAN.insert(2, ["a", "a"]).entries == (2, "new", "a", "a", 0, 3)
    assert PLAN.insert(4, ["a"]).entries == (2, "new", 0, 3, "a")
    assert PLAN.insert(1, []) == PLAN


def test_a_copy_stands_right_after_and_is_a_new_item() -> None:
    ids = ("i9", "i8", "i7", "i6")
    assert PLAN.duplicate({0, 1}, ids).entries == (2, "i7", "new", "new", 0, 3)
    assert PLAN.duplicate((3,), ids).to_text() == "2,+new,0,3,+i6"
    assert PLAN.duplicate((), ids) == PLAN.duplicate({17}, ids) == PLAN
    twice = Plan.whole(2).duplicate({1}, ids).duplicate({1, 2}, ids)
    assert twice.entries == (0, 1, "i8", "i8", "i8") and Plan.from_text(twice.to_text(), 2) == twice
    assert twice.removed(2) == () and twice.origin == (0, 1, None, None, None)


def test_a_copy_is_told_apart_from_what_it_copies() -> None:
    for plan in (Plan.whole(3), Plan(("a", "b", "c")), Plan(("a", "a", "b"))):
        places, moved = plan.follow(plan.duplicate({1}, ("i0", "i1", "i2")))
        assert places == {0: 0, 1: 1, 2: 3} and not moved


@pytest.mark.parametrize(
    ("place", "to", "entries"),
    [
        (0, 2, ("new", 0, 2, 3)),
        (3, 0, (3, 2, "new", 0)),
        (1, 1, PLAN.entries),
        (1, 99, (2, 0, 3, "new")),
        (2, -5, (0, 2, "new", 3)),
    ],
)
def test_a_moved_entry_stands_where_it_was_sent(place: int, to: int, entries: tuple) -> None:
    assert PLAN.move(place, to).entries == entries


def test_operations_leave_the_plan_as_it_was() -> None:
    before = PLAN.entries
    PLAN.delete({0}), PLAN.insert(0, ["x"]), PLAN.move(0, 3), PLAN.cut_after(0)
    assert PLAN.entries == before


def test_where_entries_come_from_and_what_is_gone() -> None:
    assert PLAN.origin == (2, None, 0, 3)
    assert PLAN.removed(6) == (1, 4, 5)
    assert Plan.whole(4).removed(4) == () and Plan(("3",)).removed(2) == (0, 1)


# -- text -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ((0, 1, 2, 3, 4, 5, 7, "i12", 6), "0-5,7,+i12,6"),
        ((2, 1, 0), "2,1,0"),
        ((0, "a", "a", 1), "0,+a,+a,1"),
        ((), "none"),
        (("none",), "+none"),
        (("a,b-c+d%",), "+a%2Cb-c%2Bd%25"),
        ((3, 4), "3-4"),
    ],
)
def test_text_by_hand(entries: tuple, text: str) -> None:
    assert Plan(entries).to_text() == text
    assert Plan.from_text(text, 9) == Plan(entries)


@given(
    positions=st.permutations(range(12)),
    count=st.integers(0, 12),
    inserted=st.lists(
        st.tuples(
            st.integers(0, 12),
            st.text(min_size=1, alphabet=st.characters(exclude_categories=["Cs"])) | st.sampled_from(HOSTILE),
        ),
        max_size=5,
    ),
)
def test_text_leads_back_to_the_plan(positions: list[int], count: int, inserted: list[tuple[int, str]]) -> None:
    plan = Plan(tuple(positions[:count]))
    for place, item in inserted:
        plan = plan.insert(place, [item])
    text = plan.to_text()
    assert Plan.from_text(text, 12) == plan
    assert text.isascii() and not set(text) & set(' "<>&#?')


@pytest.mark.parametrize(
    "text",
    [
        *("", ",", "0,", "x", "-1", "0-", "-", "3-", "2-1", "0-3-4", "5", "0-5", "1.0", " 1", "１", "1_0", "+", "0,+"),
        *("none,0", "9" * 30, "0-" + "9" * 30, "0\n", "0;1"),
        *HOSTILE,
    ],
)
def test_anything_else_is_no_part_of_the_history(text: str) -> None:
    with pytest.raises(SurgeError, match="is no part of a history of 5 items") as refusal:
        Plan.from_text(text, 5)
    assert len(str(refusal.value)) < 150


@pytest.mark.parametrize("text", ["0,0", "0-2,1", "2,+a,2"])
def test_an_item_of_the_history_is_named_once(text: str) -> None:
    with pytest.raises(SurgeError, match="twice"):
        Plan.from_text(text, 5)


def test_broken_percent_signs_are_read_as_they_can_be() -> None:
    assert Plan.from_text("+%zz,+%ff", 0).entries == ("%zz", "\ufffd")  # no id: refused where ids are looked up


def test_a_text_can_name_only_so_many() -> None:
    assert len(Plan.from_text(",".join(["+a"] * MOST_ENTRIES), 0).entries) == MOST_ENTRIES
    with pytest.raises(SurgeError, match=f"more than {MOST_ENTRIES:,} items"):
        Plan.from_text(",".join(["+a"] * (MOST_ENTRIES + 1)), 0)
    with pytest.raises(SurgeError, match=f"more than {MOST_ENTRIES:,} items"):
        Plan.from_text("0-99999999", 10**8)


def test_entries_are_followed_into_another_plan_and_equal_ids_by_their_order() -> None:
    assert Plan((0, 1, 2, 3)).follow(Plan((0, 2, 3))) == ({0: 0, 2: 1, 3: 2}, frozenset())
    assert Plan(("a", "b", "a")).follow(Plan(("b", "a"))) == ({1: 0, 2: 1}, frozenset())
    assert Plan(("a",)).follow(Plan(("a", "a"))) == ({0: 0}, frozenset())
    places, moved = Plan((0, 1, 2, 3)).follow(Plan((3, 0, 1, "new", 2)))
    assert places == {0: 1, 1: 2, 2: 4, 3: 0} and moved == {3}


def test_long_histories_of_one_item_are_followed() -> None:
    places, moved = Plan(("a",) * 3000).follow(Plan(("a",) * 2999))
    assert places == {place: place for place in range(2999)} and not moved


@given(
    first=st.lists(st.sampled_from(["a", "b", "c"]) | st.integers(0, 3), max_size=8),
    second=st.lists(st.sampled_from(["a", "b", "c"]) | st.integers(0, 3), max_size=8),
)
def test_what_is_followed_is_the_same_entry_and_has_its_own_place(first: list, second: list) -> None:
    one, other = Plan(tuple(first)), Plan(tuple(second))
    places, moved = one.follow(other)
    assert all(first[here] == second[there] for here, there in places.items())
    assert len(set(places.values())) == len(places) == sum(min(first.count(e), second.count(e)) for e in {*first})
    assert moved <= places.keys()
    kept = [places[here] for here in sorted(places.keys() - moved)]
    assert kept == sorted(kept)
