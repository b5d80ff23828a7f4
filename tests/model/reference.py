"""SURGE (Chang et al., "Sequential Recommendation with Graph Neural Networks", SIGIR 2021), Eq. 1-18 to the letter.

A slow float64 reading of the paper for one history and one candidate item. Nothing here is batched, masked or padded:
`history` holds the n real items, oldest first. Every ambiguity and the reading taken is listed in docs/paper.md.

Weights are one dict of arrays; d is the embedding size, phi the heads of Eq. 5-8, m the clusters, H the GRU state:

    metric                          (metric heads, d)       w of Eq. 1-2
    W_a                             (phi, d / phi, d)       Eq. 4-5
    W_c, W_q                        (phi, d, d)             Eq. 6, Eq. 7
    attention_c, attention_q        phi lists of (W, b)     Attention_c of Eq. 6, Attention_q of Eq. 7; W is (out, in)
    W_p                             (m, d)                  Eq. 11
    weight_ih, weight_hh            (3 H, d), (3 H, H)      Eq. 16, rows stacked as reset, update, new
    bias_ih, bias_hh                (3 H,)
    predict                         list of (W, b)          Eq. 17, the last layer has one output
"""

import math
from fractions import Fraction

import numpy as np

FUSION_SLOPE = 0.01  # sigma of Eq. 4-5


def _array(values) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)


def _leaky_relu(values: np.ndarray, slope: float) -> np.ndarray:
    return np.where(values > 0, values, slope * values)


def _sigmoid(values):
    return np.exp(-np.logaddexp(0.0, -_array(values)))


def _softmax(values) -> np.ndarray:
    values = _array(values)
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def _feed_forward(features: np.ndarray, layers, slope: float) -> float:
    """Apply (W, b) layers with a LeakyReLU (slope 0 is ReLU) after each but the last, down to one number."""
    for index, (weight, bias) in enumerate(layers):
        features = _array(weight) @ features + _array(bias)
        if index < len(layers) - 1:
            features = _leaky_relu(features, slope)
    return features.reshape(()).item()


def _neighbours(adjacency: np.ndarray, node: int) -> list[int]:
    """N_i: the columns j with A_ij = 1, i itself among them because the diagonal is kept."""
    return [other for other in range(len(adjacency)) if adjacency[node, other] == 1]


# Eq. 1-3: interest graph construction


def weighted_cosine(weight: np.ndarray, left: np.ndarray, right: np.ndarray) -> float:
    """Eq. 1: cos(w * h_i, w * h_j); exactly 1 for equal non-zero vectors, 0 where either is the zero vector."""
    left, right = weight * left, weight * right
    if not left.any() or not right.any():
        return 0.0
    if np.array_equal(left, right):
        return 1.0
    cosine = np.sum(left * right) / (np.sqrt(np.sum(left * left)) * np.sqrt(np.sum(right * right)))
    return float(min(1.0, max(-1.0, cosine)))


def similarity(history: np.ndarray, metric: np.ndarray) -> np.ndarray:
    """Eq. 1-2: M (n, n), the mean over the metric heads of the weighted cosines of h_i and h_j."""
    n = len(history)
    result = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            result[i, j] = sum(weighted_cosine(head, history[i], history[j]) for head in metric) / len(metric)
    return result


def kept_entries(sparsity, n: int) -> int:
    """Eq. 3: epsilon n^2 rounded up, from the decimal that `sparsity` prints as (0.07 and n = 10 give 7, not 8)."""
    share = Fraction(str(sparsity))
    if not 0 < share <= 1:
        raise ValueError(f"sparsity must be in (0, 1], got {sparsity}")
    return math.ceil(share * n * n)


def adjacency(matrix: np.ndarray, sparsity) -> tuple[np.ndarray, float]:
    """Eq. 3: A (n, n) of 0 and 1, and its threshold Rank_{epsilon n^2}(M): not below 0, ties and diagonal kept."""
    n = len(matrix)
    ranked = sorted((matrix[i, j] for i in range(n) for j in range(n)), reverse=True)
    threshold = max(0.0, float(ranked[kept_entries(sparsity, n) - 1]))
    result = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i == j or matrix[i, j] >= threshold:
                result[i, j] = 1.0
    return result, threshold


# Eq. 6-8: cluster- and query-aware attention


def cluster_members(graph: np.ndarray, node: int, hops: int) -> list[int]:
    """Eq. 6: the nodes that `node` reaches in at most `hops` steps of A, itself included."""
    reached = {node}
    for _ in range(hops):
        reached |= {other for member in reached for other in _neighbours(graph, member)}
    return sorted(reached)


def cluster_scores(history, graph, W_c, layers, *, hops: int = 1, slope: float = 0.01) -> np.ndarray:
    """Eq. 6, one head: alpha_i = Attention_c(W_c h_i || h_ic || W_c h_i * h_ic), h_ic the mean over i's cluster."""
    scores = np.zeros(len(history))
    for i in range(len(history)):
        center = np.mean([history[j] for j in cluster_members(graph, i, hops)], axis=0)
        mapped = W_c @ history[i]
        scores[i] = _feed_forward(np.concatenate([mapped, center, mapped * center]), layers, slope)
    return scores


def query_scores(history, target, W_q, layers, *, slope: float = 0.01) -> np.ndarray:
    """Eq. 7, one head: beta_j = Attention_q(W_q h_j || h_t || W_q h_j * h_t)."""
    scores = np.zeros(len(history))
    for j in range(len(history)):
        mapped = W_q @ history[j]
        scores[j] = _feed_forward(np.concatenate([mapped, target, mapped * target]), layers, slope)
    return scores


def attention(graph: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Eq. 8, one head: E_ij = exp(alpha_i + beta_j) / sum over k in N_i of exp(alpha_i + beta_k); 0 outside N_i."""
    n = len(graph)
    result = np.zeros((n, n))
    for i in range(n):
        around = _neighbours(graph, i)
        result[i, around] = _softmax([alpha[i] + beta[j] for j in around])
    return result


# Eq. 4-5: interest fusion


def fuse(history: np.ndarray, graph: np.ndarray, weights_E: np.ndarray, W_a: np.ndarray) -> np.ndarray:
    """Eq. 4-5: h'_i = || over heads of sigma(W_a . sum over j in N_i of E_ij h_j, plus the head's slice of h_i)."""
    n, d = history.shape
    heads, width, _ = W_a.shape
    if heads * width != d:
        raise ValueError(f"{heads} heads of width {width} do not fill d = {d}")
    result = np.zeros((n, d))
    for i in range(n):
        for head in range(heads):
            gathered = np.zeros(d)
            for j in _neighbours(graph, i):
                gathered += weights_E[head, i, j] * history[j]
            part = slice(head * width, (head + 1) * width)
            result[i, part] = _leaky_relu(W_a[head] @ gathered + history[i, part], FUSION_SLOPE)
    return result


# Eq. 9-11: interest extraction


def importance(query_score: np.ndarray) -> np.ndarray:
    """Gamma of Eq. 10 and 15 (n,): softmax of beta over the items of the history, averaged over the heads."""
    return sum(_softmax(beta) for beta in query_score) / len(query_score)


def assignment(fused: np.ndarray, graph: np.ndarray, W_p: np.ndarray) -> np.ndarray:
    """Eq. 11: S_i: = softmax(W_p . sum over j in N_i of A_ij h'_j), shape (n, m)."""
    result = np.zeros((len(fused), len(W_p)))
    for i in range(len(fused)):
        gathered = np.zeros(fused.shape[1])
        for j in _neighbours(graph, i):
            gathered += graph[i, j] * fused[j]
        result[i] = _softmax(W_p @ gathered)
    return result


def pool(S: np.ndarray, fused: np.ndarray, gamma: np.ndarray, graph: np.ndarray):
    """Eq. 9, Eq. 10 and the text below Eq. 11: h* = S^T h' (m, d), gamma* = S^T gamma (m,), A* = S^T A S (m, m)."""
    n, m = S.shape
    pooled, pooled_gamma, pooled_graph = np.zeros((m, fused.shape[1])), np.zeros(m), np.zeros((m, m))
    for c in range(m):
        for i in range(n):
            pooled[c] += S[i, c] * fused[i]
            pooled_gamma[c] += S[i, c] * gamma[i]
            for e in range(m):
                for j in range(n):
                    pooled_graph[c, e] += S[i, c] * graph[i, j] * S[j, e]
    return pooled, pooled_gamma, pooled_graph


# Eq. 12-14: assignment regularization


def same_mapping(graph: np.ndarray, S: np.ndarray) -> float:
    """Eq. 12: L_M = ||A - S S^T||_F, neither squared nor divided."""
    total = 0.0
    for i in range(len(S)):
        for j in range(len(S)):
            total += (graph[i, j] - np.sum(S[i] * S[j])) ** 2
    return math.sqrt(total)


def single_affiliation(S: np.ndarray) -> float:
    """Eq. 13: L_A = (1 / n) sum over i of H(S_i:), H the entropy in nats with 0 log 0 = 0."""
    return float(sum(-p * math.log(p) for row in S for p in row if p > 0) / len(S))


def relative_position(S: np.ndarray) -> float:
    """Eq. 14: L_P = ||P_n S - P_m||_2 with P_n = (1..n) and P_m = (1..m), not squared."""
    n, m = S.shape
    total = 0.0
    for c in range(m):
        total += (sum((i + 1) * S[i, c] for i in range(n)) - (c + 1)) ** 2
    return math.sqrt(total)


def losses(result: dict) -> dict:
    """Eq. 12-14 on the output of `surge`."""
    return {
        "same_mapping": same_mapping(result["adjacency"], result["assignment"]),
        "single_affiliation": single_affiliation(result["assignment"]),
        "relative_position": relative_position(result["assignment"]),
    }


# Eq. 15-17: readout, interest evolution, prediction


def readout(fused: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """Eq. 15: h_g = sum over i of gamma_i h'_i."""
    total = np.zeros(fused.shape[1])
    for i in range(len(fused)):
        total += gamma[i] * fused[i]
    return total


def augru(pooled, pooled_gamma, weight_ih, weight_hh, bias_ih, bias_hh) -> tuple[np.ndarray, np.ndarray]:
    """Eq. 16: the states and the scaled update gates, both (m, H), of AUGRU over h*_1..h*_m from a zero state.

    u~ = gamma*_c u and h = (1 - u~) h_before + u~ n: the gate weighs the NEW state, as in DIEN and unlike torch.
    """
    size = weight_hh.shape[1]
    state = np.zeros(size)
    states, gates = np.zeros((len(pooled), size)), np.zeros((len(pooled), size))
    for c in range(len(pooled)):
        input_reset, input_update, input_new = np.split(weight_ih @ pooled[c] + bias_ih, 3)
        state_reset, state_update, state_new = np.split(weight_hh @ state + bias_hh, 3)
        reset = _sigmoid(input_reset + state_reset)
        update = pooled_gamma[c] * _sigmoid(input_update + state_update)
        new = np.tanh(input_new + reset * state_new)
        state = (1 - update) * state + update * new
        states[c], gates[c] = state, update
    return states, gates


def predict(h_s: np.ndarray, h_g: np.ndarray, h_t: np.ndarray, layers) -> tuple[float, float]:
    """Eq. 17: logit and probability of Predict(h_s || h_g || h_t || h_g * h_t), ReLU between the layers."""
    logit = _feed_forward(np.concatenate([h_s, h_g, h_t, h_g * h_t]), layers, 0.0)
    return logit, float(_sigmoid(logit))


# Eq. 18: objective


def log_loss(logits, labels) -> float:
    """Eq. 18, first term: -(1 / |O|) sum of y log y^ + (1 - y) log(1 - y^), with y^ = sigmoid(logit)."""
    pairs = list(zip(_array(logits).ravel(), _array(labels).ravel(), strict=True))
    return float(sum(y * np.logaddexp(0.0, -z) + (1 - y) * np.logaddexp(0.0, z) for z, y in pairs) / len(pairs))


def l2(weights_list, lam: float) -> float:
    """Eq. 18, second term: lambda ||Theta||^2, the sum of squares over all the arrays given."""
    return float(lam * sum(np.sum(_array(values) ** 2) for values in weights_list))


def objective(logits, labels, weights_list, lam: float, regularizers=()) -> float:
    """Eq. 18 plus whatever already weighted values of Eq. 12-14 are given."""
    return log_loss(logits, labels) + l2(weights_list, lam) + float(sum(regularizers))


# All of them


def surge(history, target, weights: dict, *, sparsity, hops: int = 1, attention_slope: float = 0.01) -> dict:
    """Eq. 1-11 and 15-17 for one history (n, d), oldest item first, and one candidate (d,): every intermediate."""
    history, target = _array(history), _array(target)
    w = {name: value if isinstance(value, list | tuple) else _array(value) for name, value in weights.items()}
    heads = range(len(w["W_a"]))

    M = similarity(history, w["metric"])
    A, threshold = adjacency(M, sparsity)

    alpha, beta, E = [], [], []
    for head in heads:
        layers_c, layers_q = w["attention_c"][head], w["attention_q"][head]
        alpha.append(cluster_scores(history, A, _array(w["W_c"][head]), layers_c, hops=hops, slope=attention_slope))
        beta.append(query_scores(history, target, _array(w["W_q"][head]), layers_q, slope=attention_slope))
        E.append(attention(A, alpha[head], beta[head]))
    alpha, beta, E = np.stack(alpha), np.stack(beta), np.stack(E)
    fused = fuse(history, A, E, _array(w["W_a"]))

    gamma = importance(beta)
    S = assignment(fused, A, w["W_p"])
    pooled, pooled_gamma, pooled_graph = pool(S, fused, gamma, A)

    h_g = readout(fused, gamma)
    states, gates = augru(pooled, pooled_gamma, w["weight_ih"], w["weight_hh"], w["bias_ih"], w["bias_hh"])
    logit, probability = predict(states[-1], h_g, target, w["predict"])
    return {
        "similarity": M,
        "threshold": threshold,
        "adjacency": A,
        "cluster_score": alpha,
        "query_score": beta,
        "attention": E,
        "fused": fused,
        "importance": gamma,
        "assignment": S,
        "pooled": pooled,
        "pooled_importance": pooled_gamma,
        "pooled_adjacency": pooled_graph,
        "readout": h_g,
        "evolution": states,
        "update_gate": gates,
        "logit": logit,
        "probability": probability,
    }
