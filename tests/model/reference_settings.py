"""Eq. 1-17 with all settings of this project, in float64 NumPy: one history, one candidate, plain loops."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from surge.config import ModelConfig

Array = np.ndarray
Weights = dict[str, Array]


def sigmoid(x: Array | float) -> Any:
    return 1.0 / (1.0 + np.exp(-np.asarray(x, dtype=np.float64)))


def leaky_relu(x: Array | float, slope: float) -> Any:
    return np.where(np.asarray(x) > 0, x, slope * np.asarray(x))


def softmax(values: Sequence[float]) -> list[float]:
    powers = [math.exp(value - max(values)) for value in values]
    return [power / sum(powers) for power in powers]


def mean_cosine(x: Array, y: Array, metric: Array) -> float:
    """Eq. 1-2: the mean over the rows w of `metric` of cos(w * x, w * y)."""
    total = 0.0
    for w in metric:
        a, b = w * x, w * y
        total += float(a @ b) / math.sqrt(float(a @ a) * float(b @ b))
    return total / len(metric)


def sparse_graph(similarity: Array, sparsity: float) -> tuple[float, Array]:
    """Eq. 3: the threshold and the 0/1 adjacency with its diagonal."""
    n = len(similarity)
    entries = sorted((similarity[i, j] for i in range(n) for j in range(n)), reverse=True)
    k = max(1, math.ceil(round(sparsity * n**2, 9)))
    threshold = max(0.0, entries[k - 1])
    adjacency = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            adjacency[i, j] = 1.0 if i == j or similarity[i, j] >= threshold else 0.0
    return threshold, adjacency


def within(adjacency: Array, start: int, hops: int) -> list[int]:
    """The nodes that `start` reaches in at most `hops` steps, itself included."""
    found, edge = {start}, {start}
    for _ in range(hops):
        edge = {j for i in edge for j in range(len(adjacency)) if adjacency[i, j]} - found
        found |= edge
    return sorted(found)


def perceptron(layers: list[tuple[Array, Array]], x: Array, slope: float = 0.0) -> float:
    """Linear layers with ReLU between them, or LeakyReLU of a slope; one number comes out."""
    for index, (weight, bias) in enumerate(layers):
        x = weight @ (leaky_relu(x, slope) if index else x) + bias
    return float(x[0])


def standardised(x: Array) -> Array:
    """Mean 0 and variance 1."""
    return (x - np.mean(x)) / np.sqrt(np.var(x) + 1e-5)


def stack(weights: Weights, prefix: str) -> list[tuple[Array, Array]]:
    """The linear layers of a sequential module, in order."""
    steps = sorted({int(name[len(prefix) :].split(".")[0]) for name in weights if name.startswith(prefix)})
    return [(weights[f"{prefix}{step}.weight"], weights[f"{prefix}{step}.bias"]) for step in steps]


def pair_score(weights: Weights, prefix: str, x: Array, y: Array, slope: float = 0.0) -> float:
    """FFN(W x, y, W x * y)."""
    projected = weights[f"{prefix}.project.weight"] @ x
    first = (weights[f"{prefix}.first.weight"], weights[f"{prefix}.first.bias"])
    layers = [first, *stack(weights, f"{prefix}.rest.1.")]
    return perceptron(layers, np.concatenate([projected, y, projected * y]), slope)


def attention_row(alpha: float, beta: Array, neighbours: list[int], printed: bool) -> Array:
    """Eq. 8 for one target node; `printed`: without LeakyReLU."""
    row = np.zeros(len(beta))
    row[neighbours] = softmax([float(leaky_relu(alpha + beta[j], 1.0 if printed else 0.2)) for j in neighbours])
    return row


def gru_step(weights: Weights, x: Array, state: Array, scale: float) -> tuple[Array, Array]:
    """Eq. 16: the next state, and the update gate after scaling."""
    size = len(state)
    prefix = "predict.evolve.recurrence"
    given = weights[f"{prefix}.from_input.weight"] @ x + weights[f"{prefix}.from_input.bias"]
    kept = weights[f"{prefix}.from_state.weight"] @ state + weights[f"{prefix}.from_state.bias"]
    update = scale * sigmoid(given[:size] + kept[:size])
    reset = sigmoid(given[size : 2 * size] + kept[size : 2 * size])
    proposed = np.tanh(given[2 * size :] + reset * kept[2 * size :])
    return (1 - update) * state + update * proposed, update


def time_lstm_step(
    weights: Weights, x: Array, state: Array, memory: Array, since: float, left: float
) -> tuple[Array, Array, Array]:
    """The next state, the next memory and what was let in; `since` and `left` are log(1 + items)."""
    prefix = "predict.evolve.time_lstm"

    def linear(name: str, given: Array) -> Array:
        return weights[f"{prefix}.{name}.weight"] @ given + weights.get(f"{prefix}.{name}.bias", 0.0)

    delta, sigma = np.tanh(linear("interval", np.array([since]))), np.tanh(linear("age", np.array([left])))
    let, forget, out, new = np.split(linear("from_input", x) + linear("from_state", state), 4)
    keep = sigmoid(linear("keep", np.concatenate([x, delta])))
    let_in = sigmoid(let) * sigmoid(linear("write", np.concatenate([x, sigma])))
    memory = sigmoid(forget) * keep * memory + let_in * np.tanh(new)
    state = sigmoid(out + linear("output_of_time", np.concatenate([delta, sigma]))) * np.tanh(memory)
    return state, memory, let_in


def evolve(
    weights: Weights, config: ModelConfig, sequence: Array, importance: Array, place: Array, target: Array, n: int
) -> tuple[Array, Array]:
    """States and gates after each step of the flattened sequence; `importance` is gamma* in that order, and `place`
    the mean position of each cluster, in items."""
    states, gates = [], []
    state = memory = np.zeros(config.state_size)
    for step, (x, weight) in enumerate(zip(sequence, importance, strict=True)):
        if config.forms.evolution == "time_lstm":
            since = np.log1p(abs(place[step] - place[max(step - 1, 0)]))
            state, memory, gate = time_lstm_step(weights, x, state, memory, since, np.log1p(n - place[step]))
            states.append(state)
            gates.append(gate)
            continue
        if config.forms.evolution in ("augru", "gru"):
            scale = 1.0
            if config.forms.evolution == "augru":
                scale = weight / max(importance) if config.forms.gate == "relative" else weight
            state, gate = gru_step(weights, x, state, scale)
        else:
            share = 1 / n
            if config.forms.evolution == "attention":
                share = float(sigmoid(pair_score(weights, "predict.evolve.score", x, target)))
            gate = np.full(len(x), share)
            state = state + share * x
        states.append(state)
        gates.append(gate)
    return np.array(states), np.array(gates)


def surge(
    weights: Weights,
    config: ModelConfig,
    item_category: Sequence[int],
    history: Sequence[int],
    candidate: int,
    ages: Sequence[float] = (),
) -> dict[str, Any]:
    """Every intermediate for one history and one candidate. Heads come first, as in the record.

    The ages (whole seconds) are read where the settings say so."""
    n, d, heads = len(history), config.size, config.heads

    def embed(row: int) -> Array:
        parts = [weights["item_embedding.weight"][row]]
        if config.category_size:
            parts.append(weights["category_embedding.weight"][item_category[row]])
        return np.concatenate(parts)

    h = np.array([embed(row) for row in history])
    target = embed(candidate)
    values = h.copy()
    if config.forms.position != "none":
        for i in range(n):
            steps_ago = min(n - 1 - i, config.max_length - 1)
            values[i] += weights["position_embedding.weight"][steps_ago]
    if config.forms.time == "age":
        for i in range(n):
            values[i] += weights["age_embedding.weight"][(int(ages[i]) + 1).bit_length() - 1]

    # Eq. 1-3
    metric = weights["construct.weight"]
    similarity = np.array([[mean_cosine(h[i], h[j], metric) for j in range(n)] for i in range(n)])
    threshold, adjacency = sparse_graph(similarity, config.sparsity)
    neighbours = [[j for j in range(n) if adjacency[i, j]] for i in range(n)]

    # Eq. 6-7
    alpha, beta = np.zeros((heads, n)), np.zeros((heads, n))
    slope = 0.2 if config.forms.attention_activation == "leaky_relu" else 0.0
    for head in range(heads):
        for i in range(n):
            if config.forms.fusion in ("full", "without_query"):
                around = np.mean([h[j] for j in within(adjacency, i, config.hops)], axis=0)
                alpha[head, i] = pair_score(weights, f"fuse.cluster.{head}", h[i], around, slope)
            if config.forms.fusion in ("full", "without_cluster"):
                asked = h if config.forms.position == "message" else values
                beta[head, i] = pair_score(weights, f"fuse.query.{head}", asked[i], target, slope)

    # Eq. 8 and 4-5
    attention, fused = np.zeros((heads, n, n)), np.zeros((n, d))
    for i in range(n):
        for head in range(heads):
            part = slice(head * d // heads, (head + 1) * d // heads)
            if config.forms.fusion == "none":
                attention[head, i, i] = 1.0
                fused[i, part] = values[i, part]
                continue
            printed = config.forms.attention_nonlinearity == "none"
            attention[head, i] = attention_row(alpha[head, i], beta[head], neighbours[i], printed)
            message = sum(attention[head, i, j] * values[j] for j in range(n))
            fused[i, part] = weights["fuse.aggregate.weight"][part] @ message + values[i, part]
            if config.forms.activation == "leaky_relu":
                fused[i, part] = leaky_relu(fused[i, part], 0.01)

    # Eq. 9-11 and 15
    importance = np.mean([softmax(beta[head].tolist()) for head in range(heads)], axis=0)
    readout = sum(importance[i] * fused[i] for i in range(n))
    nodes, node_importance, graph, total = fused, importance, adjacency, np.eye(n)
    layers = []
    for index in range(len(config.clusters) if config.forms.extraction == "soft" else 1):
        if config.forms.extraction == "soft":
            assign = weights[f"extract.assign.{index}.weight"]
            rows = []
            for i in range(len(nodes)):
                around = sum(graph[i, j] * nodes[j] for j in range(len(nodes)))
                if config.forms.assignment_aggregation == "mean":
                    around = around / sum(graph[i])
                rows.append(softmax((assign @ around).tolist()))
            assignment = np.array(rows)
        else:
            assignment = np.eye(n)
        nodes = assignment.T @ nodes
        node_importance = assignment.T @ node_importance
        graph = assignment.T @ graph @ assignment
        total = total @ assignment
        layers.append({"assignment": assignment, "pooled": nodes, "importance": node_importance, "adjacency": graph})

    # Eq. 16-17
    count = len(nodes)
    mass = [sum(total[i, c] for i in range(n)) for c in range(count)]
    position = [sum(total[i, c] * (i + 0.5) / n for i in range(n)) / mass[c] for c in range(count)]
    order = list(range(count))
    if config.forms.flatten == "time":
        order.sort(key=lambda c: round(position[c], 5))  # nearer than that, clusters tie: slot order
    states, gates = evolve(
        weights, config, nodes[order], node_importance[order], np.array(position)[order] * n, target, n
    )
    scale = standardised if config.forms.normalise else np.asarray
    parts = [scale(states[-1]), scale(target)]
    if config.forms.readout:
        parts += [scale(readout), scale(readout) * scale(target)]
    wanted = np.zeros(n)
    if config.forms.long_term:
        wanted = np.array(softmax([perceptron(stack(weights, "long_term.score."), h[i]) for i in range(n)]))
        always = sum(wanted[i] * h[i] for i in range(n))
        parts += [scale(always), scale(always) * scale(target)]
    logit = perceptron(stack(weights, "predict.score."), np.concatenate(parts))
    return {
        "embedded": h,
        "target": target,
        "values": values,
        "similarity": similarity,
        "threshold": threshold,
        "adjacency": adjacency,
        "cluster_score": alpha,
        "query_score": beta,
        "attention": attention,
        "fused": fused,
        "importance": importance,
        "readout": readout,
        "layers": layers,
        "position": np.array(position),
        "mass": np.array(mass),
        "order": np.array(order),
        "states": states,
        "update_gate": gates,
        "long_weight": wanted,
        "logit": logit,
    }
