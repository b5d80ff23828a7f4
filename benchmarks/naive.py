"""SURGE as a plain batched forward: every pair of a history and a candidate is a row, and each row does everything.

The same weights and the same logits as `surge.model.surge`, which does what depends on the history alone once. It is
what an implementation that follows the paper line by line costs, and what `benchmarks.speed` measures against.
"""

from __future__ import annotations

import math
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from surge.model.assignment import SoftAssignment
from surge.model.interest_extraction import Pooling
from surge.model.layers import PairScore
from surge.model.surge import SurgeModel


def naive_logits(model: SurgeModel, items: Tensor, candidates: Tensor) -> Tensor:
    """Logits (R,) of candidates (R,) for full histories items (R, n): one head, one layer of soft clusters."""
    config, n = model.config, items.shape[1]
    h, target = model.embed(items), model.embed(candidates)
    # Eq. 1-3
    weighted = functional.normalize(h.unsqueeze(1) * model.construct.weight[:, None, :], dim=-1)
    similarity = (weighted @ weighted.transpose(-1, -2)).mean(1)
    k = max(1, math.ceil(round(config.sparsity * n * n, 9)))
    threshold = similarity.detach().flatten(1).sort(dim=1, descending=True).values[:, k - 1].clamp(min=0)
    itself = torch.eye(n, dtype=torch.bool)
    adjacency = ((similarity >= threshold[:, None, None]) | itself).to(h.dtype)
    passed = similarity * adjacency
    adjacency = adjacency + (passed - passed.detach())
    # Eq. 6-7
    near = adjacency.detach()
    around = (near @ h) / near.sum(-1, keepdim=True)
    values = model.position_embedding(h, torch.ones_like(items, dtype=torch.bool))
    alpha = _score(cast(PairScore, model.fuse.cluster[0]), h, around)
    beta = _score(cast(PairScore, model.fuse.query[0]), values, target.unsqueeze(1).expand_as(values))
    # Eq. 8 and 4-5
    raw = functional.leaky_relu(alpha.unsqueeze(2) + beta.unsqueeze(1), 0.2) + (adjacency - near)
    attention = raw.masked_fill(near == 0, -torch.inf).softmax(-1)
    fused = model.fuse.activation(model.fuse.aggregate(attention @ values) + values)
    # Eq. 9-11 and 15
    gamma = beta.softmax(-1)
    readout = (gamma.unsqueeze(1) @ fused).squeeze(1)
    degree = adjacency.sum(-1, keepdim=True)
    assignment = (((adjacency @ fused) / degree) @ cast(SoftAssignment, model.extract.assign[0]).weight.T).softmax(-1)
    across = assignment.transpose(1, 2)
    steps = ((torch.arange(n, dtype=h.dtype) + 0.5) / n).expand(len(items), -1)
    mass = assignment.sum(1)
    pooling = Pooling(
        assignment=assignment,
        pooled=across @ fused,
        pooled_importance=(across @ gamma.unsqueeze(-1)).squeeze(-1),
        position=(across @ steps.unsqueeze(-1)).squeeze(-1) / mass,
        mass=mass,
    )
    rows = Pooling(*(tensor.unsqueeze(1) for tensor in pooling))
    return model.predict(rows, readout.unsqueeze(1), torch.zeros_like(target), target.unsqueeze(1))[1].squeeze(1)


def _score(score: PairScore, x: Tensor, y: Tensor) -> Tensor:
    """FFN(W x, y, W x * y), with its concatenation as a tensor."""
    projected = score.project(x)
    return score.rest(score.first(torch.cat([projected, y, projected * y], dim=-1))).squeeze(-1)
