"""Our baselines against RecBole's: its networks on the same instances, negatives, loss, loop, lists and metrics.

    python -m venv ../peers
    ../peers/bin/pip install torch==2.13.0 recbole==1.2.1 "setuptools<81" "numpy<2" "pandas<3" "scipy<1.16" \\
        polars==1.44.2 safetensors
    OMP_NUM_THREADS=1 ../peers/bin/python -m benchmarks.peers sample_data benchmarks/results/peers.md

Only RecBole's network classes are used, with its defaults and its own first weights; their ids are ours + 1, since
RecBole pads with 0. Finished runs are kept in the .json beside the table and not done again.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
import warnings
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse
import torch
from recbole.config import Config
from recbole.data.interaction import Interaction
from recbole.model.general_recommender import LightGCN, NeuMF
from recbole.model.sequential_recommender import DIEN, DIN, Caser, GRU4Rec, SASRec
from recbole.utils import FeatureType
from torch import Tensor, nn

from surge.baselines import Baseline, BaselineConfig, Context, build, configure
from surge.config import TrainingConfig, to_dict
from surge.data.store import Dataset
from surge.evaluation.evaluate import score_lists
from surge.evaluation.metrics import list_metrics
from surge.model.surge import History
from surge.training.data import TrainingData
from surge.training.fit import Fit
from surge.training.state import TrainingState

LENGTH, SIZE, HIDDEN = 50, 40, [80, 40]
METRICS = {"auc": "AUC", "gauc": "GAUC", "mrr": "MRR", "ndcg@2": "NDCG@2"}
TRAINING = TrainingConfig(
    epochs=6,
    patience=6,
    instances_per_epoch=12_000,
    validation_instances=500,
    test_instances=2_000,
    learning_rate=2e-3,
    weight_decay=0.0,
    device="cpu",
)
if not hasattr(scipy.sparse.dok_matrix, "_update"):  # RecBole's LightGCN fills a matrix by it; SciPy took it away
    scipy.sparse.dok_matrix._update = lambda self, entries: self._dict.update(entries)


@dataclass(frozen=True)
class Pair:
    """One of our baselines with its peer: the class, and the settings of both in which they are as alike as they get."""

    peer: type[nn.Module]
    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)


PAIRS = {
    "ncf": Pair(
        NeuMF,
        {"prediction_hidden": HIDDEN},
        {"mf_embedding_size": SIZE, "mlp_embedding_size": SIZE, "mlp_hidden_size": HIDDEN, "dropout_prob": 0.0},
    ),
    "lightgcn": Pair(LightGCN, {"layers": 3, "score": "dot"}, {"embedding_size": SIZE, "n_layers": 3}),
    "gru4rec": Pair(
        GRU4Rec,
        {"score": "dot", "hidden": SIZE},
        {"embedding_size": SIZE, "hidden_size": SIZE, "num_layers": 1, "dropout_prob": 0.0},
    ),
    "caser": Pair(
        Caser,
        {"score": "dot", "window": 5, "horizontal_filters": 16, "vertical_filters": 4, "dropout": 0.2},
        {"embedding_size": SIZE, "MAX_ITEM_LIST_LENGTH": 5, "nh": 16, "nv": 4, "dropout_prob": 0.2},
    ),
    "sasrec": Pair(
        SASRec,
        {"score": "dot", "layers": 2, "heads": 1, "dropout": 0.2},
        {
            "hidden_size": SIZE,
            "inner_size": SIZE,
            "n_layers": 2,
            "n_heads": 1,
            "hidden_act": "relu",
            "hidden_dropout_prob": 0.2,
            "attn_dropout_prob": 0.2,
        },
    ),
    "din": Pair(
        DIN,
        {"attention_hidden": HIDDEN, "prediction_hidden": HIDDEN},
        {"embedding_size": SIZE, "mlp_hidden_size": HIDDEN},
    ),
    "dien": Pair(
        DIEN,
        {"hidden": SIZE, "gate": "absolute", "prediction_hidden": HIDDEN},
        {"embedding_size": SIZE, "mlp_hidden_size": HIDDEN, "gru_type": "AUGRU", "alpha": 1.0},
    ),
}


class Facts:
    """What RecBole's networks ask of a dataset: how many ids there are (one more than ours), and the training graph."""

    field2type = {"user_id": FeatureType.TOKEN, "item_id": FeatureType.TOKEN}  # noqa: RUF012

    def __init__(self, data: TrainingData) -> None:
        users = len(data.log.offsets) - 1
        self.counts = {"user_id": users + 1, "item_id": data.items.height + 1}
        self.user_num = users + 1
        train = data.splits["train"]
        last = {user: position for user, position in zip(train.user.tolist(), train.position.tolist(), strict=True)}
        # an edge: what a user took up to the last training positive
        edges = {
            (user + 1, item + 1)
            for user, end in last.items()
            for item in data.log.items[data.log.offsets[user] : end + 1].tolist()
        }
        self.edges = np.array(sorted(edges)).T

    def num(self, name: str) -> int:
        return self.counts[name]

    def get_user_feature(self) -> Interaction:
        return Interaction({"user_id": torch.arange(self.counts["user_id"])})

    def get_item_feature(self) -> Interaction:
        return Interaction({"item_id": torch.arange(self.counts["item_id"])})

    def inter_matrix(self, form: str) -> scipy.sparse.coo_matrix:
        shape = (self.counts["user_id"], self.counts["item_id"])
        return scipy.sparse.coo_matrix((np.ones(self.edges.shape[1]), tuple(self.edges)), shape=shape)


class Peer(Baseline):
    """A RecBole network as one of our baselines."""

    def __init__(self, pair: Pair, config: BaselineConfig, facts: Facts) -> None:
        nn.Module.__init__(self)  # not Baseline's: the embeddings are the network's own
        self.config = config
        settings = {"MAX_ITEM_LIST_LENGTH": LENGTH, "use_gpu": False, "state": "ERROR"} | pair.theirs
        recbole = Config(model=pair.peer.__name__, dataset="sample", config_dict=settings)
        self.longest = recbole["MAX_ITEM_LIST_LENGTH"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, at the old way in which LightGCN makes a sparse tensor
            self.network = pair.peer(recbole, facts)
        if isinstance(self.network, DIN | DIEN):
            self.item_embedding = self.network.embedding_layer.token_embedding_table["item"].embedding
        elif isinstance(self.network, NeuMF):
            self.item_embedding = self.network.item_mlp_embedding
        else:
            self.item_embedding = self.network.item_embedding
        self._auxiliary: Tensor | None = None
        self._smoothed: tuple[Tensor, Tensor] | None = None

    def train(self, mode: bool = True) -> Peer:
        self._smoothed = None
        return super().train(mode)

    def sequence(self, history: History) -> tuple[Tensor, Tensor]:
        """The last items, shifted and padded on the right with 0, and how many: (B, longest) and (B,)."""
        length = history.mask.sum(1)
        kept = length.clamp(max=self.longest)
        steps = torch.arange(self.longest)
        place = ((length - kept).unsqueeze(1) + steps).clamp(max=history.items.shape[1] - 1)
        return (history.items.gather(1, place) + 1) * (steps < kept.unsqueeze(1)), kept

    def forward(self, history: History, candidates: Tensor, context: Context) -> Tensor:
        items, users, network = candidates + 1, context.users + 1, self.network
        sequence, length = self.sequence(history)
        if isinstance(network, LightGCN):
            smoothed = self._smoothed or network.forward()
            if not torch.is_grad_enabled():
                self._smoothed = smoothed  # one propagation for all lists, as RecBole's full_sort_predict keeps one
            return (smoothed[0][users].unsqueeze(1) * smoothed[1][items]).sum(-1)
        if isinstance(network, GRU4Rec | SASRec | Caser):
            state = network(users, sequence) if isinstance(network, Caser) else network(sequence, length)
            return (state.unsqueeze(1) * network.item_embedding(items)).sum(-1)
        count = items.shape[1]
        user, item = users.repeat_interleave(count), items.flatten()
        if isinstance(network, NeuMF):
            return network(user, item).view(items.shape)
        rows, lengths = sequence.repeat_interleave(count, 0), length.repeat_interleave(count)
        if isinstance(network, DIN):
            return network(user, rows, lengths, item).view(items.shape)
        pool = sequence[sequence > 0]  # the auxiliary loss draws in the batch, as ours does
        drawn = pool[torch.randint(len(pool), rows.shape)]
        logits, auxiliary = network(user, rows, drawn, lengths, item)
        self._auxiliary = auxiliary * network.alpha
        return logits.view(items.shape)

    def auxiliary(self, history: History, candidates: Tensor, context: Context) -> dict[str, Tensor]:
        return {} if self._auxiliary is None else {"auxiliary": self._auxiliary}


def pair_of(name: str, data: TrainingData, facts: Facts) -> tuple[Baseline, Peer]:
    """Both untrained models; each draws its own first weights."""
    pair = PAIRS[name]
    sizes = data.sizes() | {"user_count": len(data.log.offsets) - 1, "max_length": LENGTH}
    config = configure(name, sizes | {"item_size": SIZE, "category_size": 0} | pair.ours)
    return build(name, config, data.item_category), Peer(pair, config, facts)


def run(model: Baseline, data: TrainingData, seed: int) -> dict[str, Any]:
    """Train a model as `python -m surge compare` does, and measure it on the test lists, the same for all."""
    started = time.process_time()
    state = TrainingState({})
    Fit(data, model, replace(TRAINING, seed=seed), quiet=True).run(state)
    listed = data.splits["test"].sample(TRAINING.test_instances, np.random.default_rng(0))
    scores = score_lists(model, data.log, listed, data.lists(listed, TRAINING, LENGTH))
    return {
        "seed": seed,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "cpu_seconds": round(time.process_time() - started, 1),
        "best_epoch": state.best_epoch,
        "epochs": state.epochs,
        "test": list_metrics(scores, listed.user),
    }
