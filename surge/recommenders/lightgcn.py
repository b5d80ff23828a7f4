"""LightGCN: embeddings smoothed over the graph of who took what."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from surge.config import BaselineConfig
from surge.data.instances import EncodedLog, Instances
from surge.errors import SurgeError
from surge.model.embedding import embedding
from surge.model.surge import ItemSequences
from surge.recommenders.baseline import Baseline, Context, Head


class Propagate(torch.autograd.Function):
    """A x for a symmetric sparse A: its gradient is A g, with no transpose of A at every step."""

    @staticmethod
    def forward(ctx: Any, graph: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(graph)
        return graph @ x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        (graph,) = ctx.saved_tensors
        return None, graph @ gradients[0]


class LightGCN(Baseline):
    """Simplified graph convolution (He et al., SIGIR 2020, arXiv 2002.02126).

    x^(k+1) = D^(-1/2) A D^(-1/2) x^(k) over users and items, A_ui = 1 where u took i; both sides are the mean of
    x^(0)..x^(K); logit = x_u . x_t, since leaving the rest out is the paper's point (`score = "mlp"` has the
    shared head).

    Departs from the paper: the log loss in place of BPR; x^(0) of an item is h, with its category. As in the paper
    a training positive is itself an edge of the graph. The graph holds training positives and the histories
    before them, nothing later; it isn't saved with the weights: `prepare` builds it again.
    """

    own: ClassVar = {"layers": 3, "score": "dot"}
    starts: Tensor | None
    columns: Tensor
    values: Tensor

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.user_embedding = embedding(config.user_count, config.size)
        self.head = Head(config)
        # the graph in CSR form: a sparse tensor as a buffer couldn't be copied with the model
        for part in ("starts", "columns", "values"):
            self.register_buffer(part, None, persistent=False)
        self._smoothed: tuple[object, Tensor] | None = None

    def prepare(self, log: EncodedLog, trained_on: Instances) -> None:
        """The normalised graph (users + items, users + items) of what a user took up to the last training positive."""
        users, items = self.config.user_count, self.config.item_count
        if len(log.offsets) - 1 != users:
            raise SurgeError(f"The log has {len(log.offsets) - 1} users and LightGCN {users}; use the log it is for.")
        last = np.full(users, -1)
        np.maximum.at(last, trained_on.user, trained_on.position)
        user = np.repeat(np.arange(users), np.diff(log.offsets))
        known = np.arange(len(log.items)) <= last[user]
        user, item = np.divmod(np.unique(user[known] * items + log.items[known]), items)
        # unique pairs come user by user and argsort is stable, so both halves are in CSR order
        by_item = np.argsort(item, kind="stable")
        row = np.concatenate([user, users + item[by_item]])
        column = np.concatenate([users + item, user[by_item]])
        degree = np.bincount(row, minlength=users + items)
        device = self.item_embedding.weight.device
        self.starts = torch.from_numpy(np.concatenate([[0], np.cumsum(degree)])).to(device)
        self.columns = torch.from_numpy(column).to(device)
        self.values = torch.from_numpy(1 / np.sqrt(degree[row] * degree[column])).float().to(device)
        with warnings.catch_warnings():  # said once a process, at the first such tensor
            warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
            _ = self.graph
        self._smoothed = None

    @property
    def graph(self) -> Tensor:
        """D^(-1/2) A D^(-1/2), sparse."""
        if self.starts is None:
            raise SurgeError("LightGCN has no graph yet; call prepare with the log that it is trained on.")
        size = (len(self.starts) - 1, len(self.starts) - 1)
        return torch.sparse_csr_tensor(self.starts, self.columns, self.values, size, check_invariants=False)

    def propagate(self) -> Tensor:
        """The mean of x^(0)..x^(K), users above items: (users + items, d)."""
        graph = self.graph
        items = torch.arange(self.config.item_count, device=self.user_embedding.weight.device)
        with torch.autocast(items.device.type, enabled=False):
            x = torch.cat([self.user_embedding.weight, self.embed(items)])
            layers = [x]
            for _ in range(self.config.layers):
                layers.append(Propagate.apply(graph, layers[-1]))
            return torch.stack(layers).mean(0)

    def smoothed(self) -> Tensor:
        """`propagate`, once for all batches while the weights stay as they are and no gradient is asked for."""
        if torch.is_grad_enabled():
            return self.propagate()
        state = [(parameter.data_ptr(), parameter._version) for parameter in self.parameters()]
        if self._smoothed is None or self._smoothed[0] != state:
            self._smoothed = (state, self.propagate())
        return self._smoothed[1]

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        smoothed = self.smoothed()
        of_users, of_items = smoothed.split((self.config.user_count, self.config.item_count))
        return of_users[context.users], of_items

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        state, of_items = known
        return self.head(state, of_items[candidates])
