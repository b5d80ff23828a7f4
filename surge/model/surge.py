"""SURGE: one history becomes one graph; every candidate is one reading of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from surge.config import ModelConfig
from surge.errors import SurgeError
from surge.model.assignment import Assignment
from surge.model.dense import DENSE
from surge.model.edge_operations import EdgeOperations
from surge.model.embedding import EmbedsItems
from surge.model.evolution import InterestEvolution
from surge.model.forms import EVOLUTIONS, FUSIONS, POSITIONS, TIMES, layers_named
from surge.model.graph_construction import GraphConstruction
from surge.model.interest_extraction import Extraction, InterestExtraction
from surge.model.interest_fusion import Fusion
from surge.model.long_term import LongTerm, NoLongTerm
from surge.model.prediction import Evolution, Prediction

EMPTY = "A history without an item can't be read; leave that user out, or give at least one item."


class ItemSequences(NamedTuple):
    """Item rows (B, n) in time order, padded on the right, and a mask (B, n) that is true where an item is."""

    items: Tensor
    mask: Tensor


def refuse_empty(mask: Tensor) -> None:
    """A SurgeError where a row of a mask (B, n) has no item, whose softmaxes would be 0 / 0.

    Looked at where it needs no waiting, so not on a GPU: batches for one come from `read_batch`, which looks itself.
    """
    if mask.device.type == "cpu" and not bool(mask.any(1).all()):
        raise SurgeError(EMPTY)


class Context(NamedTuple):
    """What a history doesn't say: users (B,), the user's row in the log; times (B, n) of its items and now (B,), the
    time at which the candidates are scored, in unix seconds (int64 or float64, NaN where not known: float32 would lose
    minutes).

    SURGE reads the ages where its setting `time` says so, and nothing else; some baselines read more."""

    users: Tensor
    times: Tensor
    now: Tensor

    def ages(self) -> Tensor:
        """How long before now each item was taken (B, n), in seconds; meaningless in the padding."""
        return self.now.unsqueeze(1) - self.times


class InterestGraph(NamedTuple):
    """All that depends on the history alone (Eq. 1-3 and 6).

    mask (B, n); embedded h (B, n, d); values h plus position and age (B, n, d); queried (B, n, d), what beta reads:
    values or h; similarity M and adjacency A (B, n, n); threshold (B,); cluster_score alpha (B, heads, n);
    long_weight lambda (B, n), all 0 for a model without long_term.
    """

    mask: Tensor
    embedded: Tensor
    values: Tensor
    queried: Tensor
    similarity: Tensor
    threshold: Tensor
    adjacency: Tensor
    cluster_score: Tensor
    long_weight: Tensor


class Reading(NamedTuple):
    """All that depends on the candidates too (Eq. 4-5 and 7-17): target h_t (B, T, d), logit (B, T)."""

    target: Tensor
    fusion: Fusion
    extraction: Extraction
    evolution: Evolution
    logit: Tensor


class Scored(NamedTuple):
    """What a loss needs of a reading: the clusters, and logit (B, T)."""

    extraction: Extraction
    logit: Tensor


class SurgeModel(EmbedsItems):
    """Sequential recommendation with graph neural networks (Chang et al., SIGIR 2021, arXiv 2106.14226).

    `assignments` (one a pooling layer) and `evolution` take the place of what the settings `extraction` and `evolution`
    name; an evolution's state has `config.state_size` numbers. `docs/extend.md` shows how a new one gets a name.
    """

    def __init__(
        self,
        config: ModelConfig,
        item_category: Tensor,
        *,
        assignments: Sequence[Assignment] | None = None,
        evolution: InterestEvolution | None = None,
    ) -> None:
        super().__init__(config, item_category)
        self.config, forms = config, config.forms
        self.position_embedding = POSITIONS[forms.position](config)
        self.age_embedding = TIMES[forms.time](config)
        if forms.next_item:
            self.follow = nn.Linear(config.size, config.size, bias=False)
        self.construct = GraphConstruction(config.size, config.metric_heads, config.sparsity)
        self.fuse = FUSIONS[forms.fusion](config)
        self.extract = InterestExtraction(assignments or layers_named(forms.extraction)(config))
        self.long_term = LongTerm(config.size, config.attention_hidden) if forms.long_term else NoLongTerm()
        self.predict = Prediction(config, evolution or EVOLUTIONS[forms.evolution](config))

    def build_graph(self, history: ItemSequences, ages: Tensor | None = None) -> InterestGraph:
        """The interest graph of each history; ages (B, n) in seconds for a model that reads them.

        An unknown age (NaN) adds nothing to its item. A model that reads ages and is given none: ValueError. A history
        without an item: SurgeError, see `refuse_empty`."""
        refuse_empty(history.mask)
        return self.graph_from_embeddings(self.embed(history.items), history.mask, ages)

    def graph_from_embeddings(self, embedded: Tensor, mask: Tensor, ages: Tensor | None = None) -> InterestGraph:
        """The same from embeddings h (B, n, d): gradients with respect to the history alone start here."""
        graph = self.construct(embedded, mask)
        values = self.age_embedding(self.position_embedding(embedded, mask), mask, ages)
        return InterestGraph(
            mask=mask,
            embedded=embedded,
            values=values,
            queried=self.position_embedding.queried(embedded, values),
            similarity=graph.similarity,
            threshold=graph.threshold,
            adjacency=graph.adjacency,
            cluster_score=self.fuse.cluster_score(embedded, graph.adjacency),
            long_weight=self.long_term(embedded, mask),
        )

    def long(self, graph: InterestGraph) -> Tensor:
        """l (B, d), what each history always wants; 0 for a model without long_term, which doesn't read it."""
        return (graph.long_weight.unsqueeze(1) @ graph.embedded).squeeze(1)

    def read(self, graph: InterestGraph, candidates: Tensor) -> Reading:
        """Reads each graph with each of its T candidates: item rows (B, T); all that is computed on the way."""
        return self.read_embeddings(graph, self.embed(candidates))

    def read_embeddings(self, graph: InterestGraph, target: Tensor) -> Reading:
        """The same from candidate embeddings h_t (B, T, d)."""
        query_score = self.fuse.query_score(graph.queried, target)
        fusion = self.fuse(graph.values, graph.adjacency, graph.cluster_score, query_score)
        extraction = self.extract(fusion.fused, query_score, graph.adjacency, graph.mask, DENSE)
        evolution, logit = self.predict(extraction.layers[-1], extraction.readout, self.long(graph), target)
        return Reading(target, fusion, extraction, evolution, logit)

    def score(self, graph: InterestGraph, candidates: Tensor, operations: EdgeOperations = DENSE) -> Tensor:
        """The logits (B, T) of such a reading alone; `operations`: by whom it is done along the edges."""
        return self.score_embeddings(graph, self.embed(candidates), operations).logit

    def score_embeddings(self, graph: InterestGraph, target: Tensor, operations: EdgeOperations = DENSE) -> Scored:
        """The same from candidate embeddings h_t (B, T, d), and what the loss needs beside the logits."""
        query_score = self.fuse.query_score(graph.queried, target)
        fused = self.fuse.fused(graph.values, graph.adjacency, graph.cluster_score, query_score, operations)
        extraction = self.extract(fused, query_score, graph.adjacency, graph.mask, operations)
        _, logit = self.predict(extraction.layers[-1], extraction.readout, self.long(graph), target)
        return Scored(extraction, logit)

    def forward(self, history: ItemSequences, candidates: Tensor, context: Context | None = None) -> Tensor:
        """Logits (B, T) of T candidates for each of B histories; a model that reads ages needs the context."""
        return self.score_batch(history, candidates, context.ages() if context else None)[1].logit

    def score_batch(
        self,
        history: ItemSequences,
        candidates: Tensor,
        ages: Tensor | None = None,
        operations: EdgeOperations = DENSE,
    ) -> tuple[InterestGraph, Scored]:
        """The graphs of a batch and the scores of their candidates, as `build_graph` and `score` make them.

        All embeddings are looked up at once: the gradient of a lookup is as large as the whole table.
        """
        refuse_empty(history.mask)
        both = self.embed(torch.cat([history.items, candidates], dim=1))
        # contiguous, as `embed` alone would give them: products of strided tensors are rounded in another way
        embedded, target = (
            part.contiguous() for part in both.split([history.items.shape[1], candidates.shape[1]], dim=1)
        )
        graph = self.graph_from_embeddings(embedded, history.mask, ages)
        return graph, self.score_embeddings(graph, target, operations)
