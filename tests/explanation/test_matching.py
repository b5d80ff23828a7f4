"""Two records made comparable: common items, matched clusters, agreement and shared edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from surge.explanation.matching import common_places, match_records
from surge.explanation.record import Explanation, Item
from tests.records import make_explanation


def named(record: Explanation, names: str, times: list[int | None] | None = None) -> Explanation:
    """The record with its history's ids and times replaced."""
    stamps = times if times is not None else list(range(len(names)))
    history = tuple(Item(name, "", None, stamp) for name, stamp in zip(names, stamps, strict=True))
    return replace(record, history=history)


def last(record: Explanation, count: int) -> Explanation:
    """A record of other numbers that reads the last `count` items of this one's history."""
    return replace(make_explanation(items=count, seed=77), history=record.history[-count:])


def with_assignment(record: Explanation, assignment: np.ndarray) -> Explanation:
    """The record with another assignment; what follows from it is left as large as it must be."""
    m, d = assignment.shape[1], record.embeddings.target.shape[0]
    size = record.prediction.evolution.shape[1]
    return replace(
        record,
        interest_extraction=replace(
            record.interest_extraction,
            assignment=assignment,
            pooled=np.zeros((m, d)),
            pooled_importance=np.full(m, 1 / m),
            pooled_adjacency=np.zeros((m, m)),
            layers=(),
        ),
        prediction=replace(
            record.prediction,
            order=np.arange(m),
            evolution=np.zeros((m, size)),
            update_gate=np.zeros((m, size)),
        ),
    )


def with_edges(record: Explanation, edges: list[tuple[int, int]]) -> Explanation:
    adjacency = np.eye(record.length)
    for first, second in edges:
        adjacency[first, second] = adjacency[second, first] = 1
    return replace(record, graph_construction=replace(record.graph_construction, adjacency=adjacency))


def crisp(choices: list[int], clusters: int) -> np.ndarray:
    return np.eye(clusters)[choices]


# -- common items ---------------------------------------------------------------------------------------


def test_common_items_are_those_of_one_id_and_time() -> None:
    first = named(make_explanation(items=4), "abcd")
    second = named(make_explanation(items=3), "bxd", [1, 2, 9])
    assert common_places(first, second).tolist() == [[1, 0]]  # c is not there, d is of another time
    assert common_places(second, first).tolist() == [[0, 1]]


def test_a_shorter_reading_is_aligned_with_the_end_of_the_longer() -> None:
    whole = make_explanation(items=12)
    assert common_places(whole, last(whole, 5)).tolist() == [[7 + place, place] for place in range(5)]


def test_repeats_are_paired_one_to_one_in_their_order_from_the_end() -> None:
    times: list[int | None] = [None] * 5
    first = named(make_explanation(items=5), "abaca"[:5], times)
    second = named(make_explanation(items=3), "aba", [None] * 3)
    assert common_places(first, second).tolist() == [[1, 1], [2, 0], [4, 2]]
    assert common_places(second, first).tolist() == [[0, 2], [1, 1], [2, 4]]


def test_an_edited_order_is_followed() -> None:
    first = named(make_explanation(items=3), "abc")
    second = named(make_explanation(items=3), "cab", [2, 0, 1])
    assert common_places(first, second).tolist() == [[0, 1], [1, 2], [2, 0]]


# -- clusters -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.02, 0.15, 1.0])
@pytest.mark.parametrize("clusters", [2, 6])
def test_permuted_clusters_are_matched_back(clusters: int, temperature: float) -> None:
    record = make_explanation(items=30, clusters=clusters, seed=3, temperature=temperature)
    permutation = np.random.default_rng(1).permutation(clusters)
    permuted = with_assignment(record, record.interest_extraction.assignment[:, permutation])
    match = match_records(record, permuted)
    np.testing.assert_array_equal(match.partner, permutation)
    np.testing.assert_allclose(match.overlap, 1)
    assert match.agreement == pytest.approx(1) and match.shared_edges == 1


def test_a_record_agrees_with_itself() -> None:
    record = make_explanation(items=20, clusters=5, seed=2, layers=(3,))
    match = match_records(record, record)
    assert match.partner.tolist() == [0, 1, 2]  # those of the last layer
    assert match.agreement == pytest.approx(1) and match.shared_edges == 1
    np.testing.assert_array_equal(match.places, np.repeat(np.arange(20)[:, None], 2, axis=1))


def test_shares_worked_out_by_hand_and_more_clusters_than_partners() -> None:
    record = make_explanation(items=4)
    first = with_assignment(record, np.array([[1, 0], [0.75, 0.25], [0, 1], [0, 1]]))
    second = with_assignment(record, np.array([[0, 1, 0], [0.25, 0.5, 0.25], [1, 0, 0], [0.5, 0, 0.5]]))
    match = match_records(first, second)
    # second's 0 (mass 1.75) shares 0.25 + 1 + 0.5 = 1.75 with first's 1; second's 1 (mass 1.5) all with first's 0
    assert match.partner.tolist() == [1, 0, -1]
    assert match.overlap.tolist() == [1.0, 1.0, 0.0]
    back = match_records(second, first)
    assert back.partner.tolist() == [1, 0]
    assert back.overlap == pytest.approx([1.5 / 1.75, 1.75 / 2.25])


def test_the_most_is_shared_in_all_not_by_the_first_to_choose() -> None:
    record = make_explanation(items=10)
    first = with_assignment(record, crisp([0] * 6 + [1] * 4, 2))
    second = with_assignment(record, crisp([0] * 3 + [1] * 3 + [0] * 4, 2))
    # 0 shares 3 with 0 and 4 with 1, 1 shares 3 with 0: 0-1 and 1-0 share 7, 0-0 and 1-1 only 3
    assert match_records(first, second).partner.tolist() == [1, 0]


def test_clusters_that_share_next_to_nothing_have_no_partner() -> None:
    record = make_explanation(items=20)
    first = with_assignment(record, crisp([0] * 20, 2))
    assignment = np.tile([0.996, 0.004], (20, 1))  # 0.08 items in all
    assert match_records(first, with_assignment(record, assignment)).partner.tolist() == [0, -1]
    little = np.tile([0.95, 0.05], (20, 1))  # the second cluster of both: 0 of 1 item
    match = match_records(first, with_assignment(record, little))
    assert match.partner.tolist() == [0, -1] and match.overlap.tolist() == [1.0, 0.0]


def test_disjoint_histories_have_nothing_in_common() -> None:
    first, second = named(make_explanation(items=3), "abc"), named(make_explanation(items=2, clusters=5), "xy")
    match = match_records(first, second)
    assert match.places.shape == (0, 2)
    assert match.partner.tolist() == [-1] * 5 and match.overlap.tolist() == [0.0] * 5
    assert match.agreement is None and match.shared_edges == 0


def test_only_common_items_count() -> None:
    whole = make_explanation(items=10, clusters=3)
    first = with_assignment(whole, crisp([0] * 4 + [1, 1, 1, 2, 2, 2], 3))
    second = with_assignment(last(whole, 6), crisp([1, 1, 1, 0, 0, 0], 2))
    match = match_records(first, second)
    assert match.partner.tolist() == [2, 1] and match.overlap.tolist() == [1.0, 1.0]
    assert match.agreement == pytest.approx(1)
    chosen = match_records(first, second, np.array([[4, 0], [5, 1]]))
    assert chosen.partner.tolist() == [-1, 1] and chosen.agreement is None


@pytest.mark.parametrize(
    ("first", "second", "agreement"), [([0, 0, 1, 1], [0, 1, 0, 1], 0.0), ([0] * 4, [1] * 4, None)]
)
def test_agreement_of_groupings_that_say_nothing_of_each_other(first, second, agreement) -> None:
    record = make_explanation(items=4)
    match = match_records(with_assignment(record, crisp(first, 2)), with_assignment(record, crisp(second, 2)))
    assert match.agreement == (None if agreement is None else pytest.approx(agreement, abs=1e-9))


# -- edges ----------------------------------------------------------------------------------------------


def test_shared_edges_are_a_jaccard_index_between_common_items() -> None:
    whole = make_explanation(items=6)
    first = with_edges(whole, [(0, 1), (2, 3), (3, 4), (1, 5)])
    second = with_edges(last(whole, 4), [(0, 1), (0, 3)])  # items 2-3 and 2-5
    assert match_records(first, second).shared_edges == pytest.approx(1 / 3)  # 2-3 of 2-3, 3-4, 2-5
    assert match_records(second, first).shared_edges == pytest.approx(1 / 3)


def test_no_edges_on_either_side_are_the_same_edges() -> None:
    record = make_explanation(items=4)
    bare = with_edges(record, [])
    assert match_records(bare, bare).shared_edges == 1
    assert match_records(bare, with_edges(record, [(0, 1)])).shared_edges == 0
