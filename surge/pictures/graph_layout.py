"""Where the graph's nodes stand: groups of similar items side by side, the same for every candidate, layer and edit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import networkx as nx
import numpy as np

from surge.explanation.record import Explanation
from surge.pictures.edit_context import Before

SPACING = 56.0  # canvas units between neighbouring nodes of a group
GAP = 1.7 * SPACING  # between nodes of different groups
ASPECT = 1.45  # width over height of the canvas
SEED = 7


def graph_positions(record: Explanation) -> np.ndarray:
    """Coordinates (n x 2) on the canvas, centred on 0, y pointing down.

    Computed from similarity and adjacency alone, which depend on the history and not on the candidate.
    """
    graph = record.graph_construction
    similarity = np.round(graph.similarity.astype(np.float64), 4)
    return _positions(similarity.tobytes(), graph.adjacency.astype(np.uint8).tobytes(), record.length).copy()


def edited_positions(record: Explanation, before: Before) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (n x 2) after edits, and (r x 2) where the items stood that are gone (`before.removed`).

    What was there before stands where it stood. A new item stands beside the kept item that is most similar to it
    (Eq. 1), as near as can be without covering another node.
    """
    old = graph_positions(before.record)
    gone = old[list(before.removed)]
    return _beside_kept(record, list(before.origin), old, gone), gone


def shared_positions(record: Explanation, first: Explanation, places: np.ndarray) -> np.ndarray:
    """Coordinates (n x 2) for a second model's record of the same user, as the first's graph has them.

    `places` (k x 2) are the items that both read, by their positions in the first and in this record (see
    surge.explanation.measurements.Match). What only this one reads stands beside the common item that is most similar
    to it; without a common item the graph stands as it does alone.
    """
    if not len(places):
        return graph_positions(record)
    origin: list[int | None] = [None] * record.length
    for there, here in places.tolist():
        origin[here] = there
    old = graph_positions(first)
    return _beside_kept(record, origin, old, np.delete(old, places[:, 0], axis=0))


def _beside_kept(
    record: Explanation, origin: Sequence[int | None], old: np.ndarray, occupied: np.ndarray
) -> np.ndarray:
    """Coordinates (n x 2): an item with an origin stands where that does, each other one near its most similar one
    of them; `occupied` (r x 2) is where nothing may stand."""
    positions = np.zeros((record.length, 2))
    kept = [i for i, source in enumerate(origin) if source is not None]
    positions[kept] = old[[source for source in origin if source is not None]]
    similarity, taken = record.graph_construction.similarity, np.concatenate([positions[kept], occupied])
    for i, source in enumerate(origin):
        if source is None:
            beside = positions[kept[int(np.argmax(similarity[i, kept]))]] if kept else np.zeros(2)
            positions[i] = _free_spot(beside, taken)
            taken = np.concatenate([taken, positions[i : i + 1]])
    return positions


def _free_spot(centre: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """The nearest place on rings around a centre that is SPACING away from all others."""
    for ring in range(1, 2 * len(taken) + 2):
        angles = 2 * np.pi * np.arange(8 + 4 * ring) / (8 + 4 * ring)
        spots = centre + (0.5 + 0.5 * ring) * SPACING * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        apart = np.sqrt(((spots[:, None] - taken[None]) ** 2).sum(-1)).min(axis=1, initial=np.inf)
        free = np.flatnonzero(apart >= SPACING - 1e-6)
        if len(free):
            return spots[free[np.argmin(apart[free])]]  # the snuggest: next to others rather than far outside
    raise AssertionError("a ring beyond all nodes has room")


@lru_cache(maxsize=16)
def _positions(similarity_bytes: bytes, adjacency_bytes: bytes, n: int) -> np.ndarray:
    similarity = np.frombuffer(similarity_bytes, dtype=np.float64).reshape(n, n)
    adjacency = np.frombuffer(adjacency_bytes, dtype=np.uint8).reshape(n, n).astype(bool)
    graph = nx.Graph()
    graph.add_nodes_from(range(n))
    for i, j in zip(*np.nonzero(np.triu(adjacency, 1)), strict=True):
        graph.add_edge(int(i), int(j), weight=float(max(similarity[i, j], 1e-3)))
    alone = [node for node in range(n) if graph.degree(node) == 0]
    groups = _groups(graph.subgraph(node for node in range(n) if graph.degree(node) > 0))

    positions = np.zeros((n, 2))
    radii = np.zeros(len(groups))
    for place, group in enumerate(groups):
        local = _within(graph, group)
        positions[group] = local
        radii[place] = np.sqrt((local**2).sum(1)).max() + 0.6 * SPACING
    if groups:
        centres = _between(similarity, groups, radii)
        for group, centre in zip(groups, centres, strict=True):
            positions[group] += centre
        _draw_together(positions, groups)
    placed = [node for group in groups for node in group]
    if placed:
        positions[placed] -= (positions[placed].max(0) + positions[placed].min(0)) / 2
        positions[placed] *= _stretch(positions[placed], rows=2 if alone else 0)
    _place_alone(positions, similarity, placed, alone)
    positions.flags.writeable = False
    return positions


def _groups(graph: nx.Graph) -> list[list[int]]:
    """Communities of the kept edges, the largest first, each in time order."""
    if not graph.number_of_nodes():
        return []
    found = nx.community.louvain_communities(graph, weight="weight", resolution=1.0, seed=SEED)
    return sorted((sorted(group) for group in found), key=lambda group: (-len(group), group[0]))


def _within(graph: nx.Graph, group: list[int]) -> np.ndarray:
    """One group around 0: a spring layout, spread until no two nodes are closer than SPACING."""
    size = len(group)
    if size == 1:
        return np.zeros((1, 2))
    if size == 2:
        return np.array([[-0.5 * SPACING, 0.0], [0.5 * SPACING, 0.0]])
    spring = nx.spring_layout(graph.subgraph(group), weight="weight", seed=SEED, iterations=80)
    local = np.array([spring[node] for node in group])
    local -= local.mean(0)
    local *= 0.55 * SPACING * np.sqrt(size) / max(float(np.sqrt((local**2).sum(1)).max()), 1e-9)
    local = _push_apart(local, np.full(size, 0.5 * SPACING), rounds=120)
    return local - (local.max(0) + local.min(0)) / 2


def _between(similarity: np.ndarray, groups: list[list[int]], radii: np.ndarray) -> np.ndarray:
    """Centres of the groups: classical scaling of 1 - mean similarity, then pulled together without overlap."""
    size = len(groups)
    if size == 1:
        return np.zeros((1, 2))
    means = np.array([[similarity[np.ix_(a, b)].mean() for b in groups] for a in groups])
    distance = np.clip(1 - means, 0, None) ** 2
    np.fill_diagonal(distance, 0)
    centring = np.eye(size) - 1 / size
    values, vectors = np.linalg.eigh(-0.5 * centring @ distance @ centring)
    axes = vectors[:, ::-1][:, :2] * np.sqrt(np.clip(values[::-1][:2], 0, None))
    axes = np.pad(axes, ((0, 0), (0, 2 - axes.shape[1])))
    signs = np.sign(axes[np.argmax(np.abs(axes), axis=0), np.arange(2)])
    centres = axes * np.where(signs == 0, 1, signs)
    angle = 2 * np.pi * np.arange(size) / size  # parts coinciding centres
    centres = centres / max(float(np.abs(centres).max()), 1e-9) + 0.05 * np.stack([np.cos(angle), np.sin(angle)], 1)
    centres *= radii.sum() * np.array([ASPECT, 1.0]) / np.sqrt(ASPECT)
    for _ in range(200):
        centres -= centres.mean(0)
        centres *= np.array([0.985, 0.979])  # flatter than wide, like the canvas
        centres = _push_apart(centres, radii, rounds=6)
    return _push_apart(centres, radii, rounds=100)


def _draw_together(positions: np.ndarray, groups: list[list[int]]) -> None:
    """Moves whole groups towards the middle for as long as no node comes nearer than GAP to another group's."""
    for _ in range(80):
        moved = False
        for group in groups:
            others = np.concatenate([other for other in groups if other is not group] or [[]]).astype(np.int64)
            if not len(others):
                return
            middle = positions[group].mean(0)
            for step in (np.array([-0.05, -0.05]), np.array([0.0, -0.05]), np.array([-0.05, 0.0])):
                there = positions[group] + step * middle
                if ((there[:, None] - positions[others][None]) ** 2).sum(-1).min() >= GAP**2:
                    positions[group] = there
                    moved = True
                    break
        if not moved:
            return


def _stretch(points: np.ndarray, rows: int) -> np.ndarray:
    """Factors from 1 to 1.4 for x and y that bring the picture nearer to the canvas's ASPECT; spacing only grows."""
    width, height = np.ptp(points, axis=0) + SPACING
    wanted = ASPECT * (height + rows * SPACING) / width
    return np.clip([wanted, 1 / wanted], 1.0, 1.4)


def _push_apart(points: np.ndarray, radii: np.ndarray, rounds: int) -> np.ndarray:
    """Moves discs apart along the lines between their centres until none overlap, or `rounds` are over."""
    points = points.copy()
    needed = radii[:, None] + radii[None, :]
    np.fill_diagonal(needed, 0)
    for _ in range(rounds):
        offset = points[:, None] - points[None]
        distance = np.sqrt((offset**2).sum(-1))
        overlap = np.clip(needed - distance, 0, None)
        if overlap.max() < 0.5:
            break
        close = np.maximum(distance, 1e-6)
        points += 0.25 * ((overlap / close)[:, :, None] * offset).sum(1)
    return points


def _place_alone(positions: np.ndarray, similarity: np.ndarray, placed: list[int], alone: list[int]) -> None:
    """Items without a kept edge stand in rows under the groups, each as near as can be to its most similar item."""
    if not alone:
        return
    if not placed:
        columns = int(np.ceil(np.sqrt(ASPECT * len(alone))))
        for step, node in enumerate(alone):
            positions[node] = (step % columns * SPACING, step // columns * SPACING)
        positions[alone] -= (positions[alone].max(0) + positions[alone].min(0)) / 2
        return
    nearest = similarity[np.ix_(alone, placed)].argmax(axis=1)
    wanted = positions[np.asarray(placed)[nearest], 0]
    order = np.argsort(wanted, kind="stable")
    left, right = float(positions[placed, 0].min()), float(positions[placed, 0].max())
    fits = max(int((right - left) / SPACING) + 1, 4)
    rows = int(np.ceil(len(alone) / fits))
    for row in range(rows):
        members = order[row::rows]
        across = _spread(wanted[members])
        below = positions[placed, 1].max() + (1.5 + row) * SPACING
        for place, member in zip(across, members, strict=True):
            positions[alone[member]] = (place, below)


def _spread(wanted: np.ndarray) -> np.ndarray:
    """Places in ascending order, SPACING apart at least, with the least squared distance to those wanted."""
    # pools neighbours that would collide into blocks that stand around the mean of what they want
    blocks: list[tuple[float, int]] = []
    offsets = wanted - SPACING * np.arange(len(wanted))
    for value in offsets:
        mean, size = float(value), 1
        while blocks and blocks[-1][0] > mean:
            before, count = blocks.pop()
            mean, size = (mean * size + before * count) / (size + count), size + count
        blocks.append((mean, size))
    return np.repeat([mean for mean, _ in blocks], [size for _, size in blocks]) + SPACING * np.arange(len(wanted))
