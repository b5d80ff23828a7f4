"""A factory of explanation records that satisfy the design's equations, computed with NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surge.explanation.record import (
    Embeddings,
    Explanation,
    GraphConstruction,
    InterestExtraction,
    InterestFusion,
    Item,
    PoolingLayer,
    Prediction,
)

CATEGORIES = (
    "Tents",
    "Boots",
    "Camp kitchen",
    "Jazz records",
    "Headphones",
    "Cookbooks",
    "Seeds",
    "Dog care",
    "Board games",
)
DAY = 86_400
START = 1_700_000_000


def make_explanation(
    items: int = 12,
    clusters: int = 4,
    heads: int = 1,
    seed: int = 0,
    titles: Sequence[str] | None = None,
    layers: Sequence[int] = (),
    sparsity: float = 0.1,
    interests: int | None = None,
    categories: Sequence[str | None] | None = None,
    noise: float = 0.15,
    candidate_seed: int | None = None,
    temperature: float = 0.15,
) -> Explanation:
    """A record of `items` history items that come from `interests` directions (default: as many as clusters).

    `layers` are the numbers of clusters of the deeper pooling layers. `candidate_seed` changes the candidate
    alone: similarity, adjacency and alpha stay as they are. A low `temperature` makes the assignment crisp.
    """
    rng = np.random.default_rng(seed)
    size, n, m = 8 * heads, items, clusters
    directions = rng.normal(size=(interests or clusters, size))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    kind = rng.integers(0, len(directions), size=n)
    noisy = rng.random(n) < noise
    history = directions[kind] + rng.normal(size=(n, size)) * np.where(noisy, 0.9, 0.12)[:, None]
    alpha = rng.normal(size=(heads, n))
    prototypes = rng.normal(size=(m, size)) * 0.1  # those without an interest of their own stay almost empty
    used = min(m, len(directions))
    prototypes[:used] = directions[:used]

    rng = np.random.default_rng(seed + 1 if candidate_seed is None else candidate_seed + 10_000)
    target = directions[rng.integers(0, len(directions))] + rng.normal(size=size) * 0.1

    unit = history / np.linalg.norm(history, axis=1, keepdims=True)
    similarity = np.clip(unit @ unit.T, -1, 1)
    similarity = (similarity + similarity.T) / 2
    kept = max(1, int(np.ceil(round(sparsity * n * n, 9))))
    threshold = max(0.0, float(np.sort(similarity, axis=None)[::-1][kept - 1]))
    adjacency = np.maximum(similarity >= threshold, np.eye(n)).astype(np.float64)

    beta = 2.0 * (unit @ target)[None] + 0.3 * rng.normal(size=(heads, n))
    raw = alpha[:, :, None] + beta[:, None, :]
    scores = np.where(raw > 0, raw, 0.2 * raw)
    attention = softmax(np.where(adjacency > 0, scores, -np.inf))
    by_head = history.reshape(n, heads, -1).transpose(1, 0, 2)
    fused = (attention @ by_head).transpose(1, 0, 2).reshape(n, size) + history

    importance = softmax(beta).mean(axis=0)
    neighbourhood = adjacency @ fused / adjacency.sum(axis=1, keepdims=True)
    assignment = softmax(neighbourhood @ prototypes.T / temperature)
    position = (np.arange(n) + 0.5) / n
    first, position, mass = pool(assignment, fused, importance, adjacency, position, np.ones(n))
    deeper, last = [], first
    for width in layers:
        between = softmax(last.pooled @ rng.normal(size=(size, width)) / temperature)
        last, position, mass = pool(between, last.pooled, last.pooled_importance, last.pooled_adjacency, position, mass)
        deeper.append(last)

    order = np.argsort(position, kind="stable")
    scale = (last.pooled_importance / last.pooled_importance.max())[order]
    gate = scale[:, None] * rng.uniform(0.3, 0.95, size=(len(order), 6))
    evolution = np.cumsum(gate * rng.normal(size=gate.shape), axis=0)
    logit = float(unit[-1] @ target)
    names = titles if titles is not None else [f"{CATEGORIES[kind[i] % len(CATEGORIES)]} no. {i + 1}" for i in range(n)]
    shelves = categories if categories is not None else [CATEGORIES[k % len(CATEGORIES)] for k in kind]
    return Explanation(
        user="u1",
        target=Item("t1", "Target item", CATEGORIES[0]),
        history=tuple(
            Item(f"i{i}", names[i % len(names)], shelves[i % len(shelves)], START + i * DAY + 3_600 * (i % 5))
            for i in range(n)
        ),
        model={
            "sparsity": sparsity,
            "heads": heads,
            "clusters": (m, *layers),
            "flatten": "time",
            "attention_nonlinearity": "leaky_relu",
        },
        embeddings=Embeddings(history, target),
        graph_construction=GraphConstruction(similarity, threshold, adjacency),
        interest_fusion=InterestFusion(alpha, beta, attention, fused),
        interest_extraction=InterestExtraction(
            assignment=assignment,
            importance=importance,
            pooled=first.pooled,
            pooled_importance=first.pooled_importance,
            pooled_adjacency=first.pooled_adjacency,
            readout=importance @ fused,
            layers=tuple(deeper),
        ),
        prediction=Prediction(order, evolution, gate, logit, 1 / (1 + np.exp(-logit))),
    )


def softmax(scores: np.ndarray) -> np.ndarray:
    """Softmax over the last axis."""
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def pool(
    assignment: np.ndarray,
    nodes: np.ndarray,
    importance: np.ndarray,
    adjacency: np.ndarray,
    position: np.ndarray,
    mass: np.ndarray,
) -> tuple[PoolingLayer, np.ndarray, np.ndarray]:
    """Eq. 9-10 of one layer, and each cluster's mean position and mass."""
    held = assignment.T @ mass
    layer = PoolingLayer(
        assignment=assignment,
        pooled=assignment.T @ nodes,
        pooled_importance=assignment.T @ importance,
        pooled_adjacency=assignment.T @ adjacency @ assignment,
    )
    return layer, assignment.T @ (mass * position) / held, held
