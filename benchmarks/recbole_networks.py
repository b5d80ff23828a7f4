"""RecBole's networks as baselines of ours, each with the one of ours that it should agree with."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
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

from surge.config import BaselineConfig, TrainingConfig
from surge.model.surge import ItemSequences
from surge.recommenders import BASELINES, Baseline, Context, configure
from surge.recommenders.base import Batch
from surge.training.data import TrainingData

LENGTH, SIZE, HIDDEN, WINDOW = 10, 40, [80, 40], 5
SPREAD = 0.1  # of the first entries of our embeddings
if not hasattr(scipy.sparse.dok_matrix, "_update"):  # RecBole's LightGCN fills a matrix by it; SciPy took it away
    scipy.sparse.dok_matrix._update = lambda self, entries: self._dict.update(entries)


@dataclass(frozen=True)
class Pair:
    """One of our baselines and its peer, with the settings of both in which they are as alike as they get, the
    learning rate and the epochs of both, and what in the two networks still differs.

    `change` makes a part of RecBole's network ours, named by `changed`: does the difference go with it?"""

    peer: type[nn.Module]
    rate: float
    epochs: int
    ours: dict[str, Any]
    theirs: dict[str, Any]
    differs: str = "nothing"
    changed: str = ""
    change: Callable[[Any], None] | None = None


class Halves(nn.Module):
    """The sum of the two halves of a row."""

    def forward(self, x: Tensor) -> Tensor:
        one, other = x.chunk(2, dim=-1)
        return one + other


def sum_user(caser: Any) -> None:
    """RecBole's Caser ends in z + p_u."""
    caser.fc1, caser.fc2, caser.ac_fc = nn.Sequential(caser.fc1, nn.ReLU()), Halves(), nn.Identity()


def no_last_layer(gru4rec: Any) -> None:
    """The state of RecBole's GRU4Rec is that of its GRU."""
    gru4rec.dense = nn.Identity()


class Product(nn.Module):
    """(s, h_t, p_u) side by side to (s, h_t, s * h_t), or with `score` (g, h) to g . h."""

    def __init__(self, score: bool) -> None:
        super().__init__()
        self.score = score

    def forward(self, x: Tensor) -> Tensor:
        one, other, *_ = x.split(SIZE, dim=-1)
        return (one * other).sum(-1, keepdim=True) if self.score else torch.cat([one, other, one * other], dim=-1)


def learning_auxiliary(dien: Any) -> None:
    """The auxiliary loss of RecBole's DIEN scores g . h; its AUGRU starts as small as a GRU; its head sees s * h_t."""
    dien.interset_extractor.auxiliary_net, dien.alpha = Product(score=True), 2.0  # it averages over true and false
    for weights in dien.interest_evolution.dynamic_rnn.rnn.parameters():
        nn.init.uniform_(weights, -(SIZE**-0.5), SIZE**-0.5)
    dien.dnn_mlp_layers = nn.Sequential(Product(score=False), dien.dnn_mlp_layers)


PAIRS = {
    "ncf": Pair(
        NeuMF,
        0.01,
        8,
        {"prediction_hidden": HIDDEN},
        {"mf_embedding_size": SIZE, "mlp_embedding_size": SIZE, "mlp_hidden_size": HIDDEN, "dropout_prob": 0.0},
    ),
    "lightgcn": Pair(LightGCN, 0.01, 5, {"layers": 3, "score": "dot"}, {"embedding_size": SIZE, "n_layers": 3}),
    "gru4rec": Pair(
        GRU4Rec,
        0.01,
        8,
        {"score": "dot", "hidden": SIZE},
        {"embedding_size": SIZE, "hidden_size": SIZE, "num_layers": 1, "dropout_prob": 0.0},
        "RecBole's GRU has no biases, and a linear layer follows its last state",
        "without the layer after the GRU",
        no_last_layer,
    ),
    "caser": Pair(
        Caser,
        0.01,
        8,
        {"score": "dot", "window": WINDOW, "horizontal_filters": 16, "vertical_filters": 4, "dropout": 0.2},
        {"embedding_size": SIZE, "MAX_ITEM_LIST_LENGTH": WINDOW, "nh": 16, "nv": 4, "dropout_prob": 0.2},
        "the state is z + p_u here and ReLU(W [z ; p_u]) there; short histories are filled up at the other end",
        "ending in z + p_u",
        sum_user,
    ),
    "sasrec": Pair(
        SASRec,
        0.003,
        8,
        {"score": "dot", "layers": 2, "heads": 1, "dropout": 0.2},
        {"hidden_size": SIZE, "inner_size": SIZE, "n_layers": 2, "n_heads": 1, "hidden_act": "relu"}
        | {"hidden_dropout_prob": 0.2, "attn_dropout_prob": 0.2},
        "layer norms before each part here and after it there; positions counted from the last item here and from "
        "the first there; h scaled by sqrt(d) here and layer-normalised there",
    ),
    "din": Pair(
        DIN,
        0.003,
        5,
        {"attention_hidden": HIDDEN, "prediction_hidden": HIDDEN},
        {"embedding_size": SIZE, "mlp_hidden_size": HIDDEN},
        "the activation unit reads W h_j, h_t and their product here, h_t, h_j, h_t - h_j and the product, with "
        "sigmoids and divided by sqrt(d), there; ReLU here, batch norm and Dice there",
    ),
    "dien": Pair(
        DIEN,
        0.003,
        4,
        {"hidden": SIZE, "gate": "absolute", "prediction_hidden": HIDDEN},
        {"embedding_size": SIZE, "mlp_hidden_size": HIDDEN, "gru_type": "AUGRU", "alpha": 1.0},
        "the auxiliary loss scores g_j . h here; there a network without activations scores (g_j, h), which can't tell "
        "whether the one follows the other, and its loss stays at log 2; RecBole's AUGRU starts from weights of "
        "deviation 1; the head reads s, h_t and their product here, s, h_t and a user's row, with batch norm and Dice, "
        "there; attention is g_j . W h_t here and DIN's unit there",
        "an auxiliary loss by g . h, an AUGRU that starts small, and s * h_t for the user's row",
        learning_auxiliary,
    ),
}


class Facts:
    """What RecBole's networks ask of a dataset: how many ids there are (ours + 1: it pads with 0), and the graph."""

    field2type = dict.fromkeys(("user_id", "item_id"), FeatureType.TOKEN)

    def __init__(self, data: TrainingData) -> None:
        self.user_num = len(data.log.offsets)
        self.counts = {"user_id": self.user_num, "item_id": data.items.height + 1}
        train = data.splits["train"]
        last = dict(zip(train.user.tolist(), train.position.tolist(), strict=True))
        # an edge: what a user took up to the last training positive
        edges = {
            (user + 1, item + 1)
            for user, end in last.items()
            for item in data.log.items[data.log.offsets[user] : end + 1].tolist()
        }
        self.edges = tuple(np.array(sorted(edges)).T)

    def num(self, name: str) -> int:
        return self.counts[name]

    def get_user_feature(self) -> Interaction:
        return Interaction({"user_id": torch.arange(self.counts["user_id"])})

    def get_item_feature(self) -> Interaction:
        return Interaction({"item_id": torch.arange(self.counts["item_id"])})

    def inter_matrix(self, form: str) -> scipy.sparse.coo_matrix:
        return scipy.sparse.coo_matrix((np.ones(len(self.edges[0])), self.edges), shape=tuple(self.counts.values()))


class Peer(Baseline):
    """A RecBole network as one of our baselines."""

    def __init__(self, pair: Pair, config: BaselineConfig, facts: Facts) -> None:
        nn.Module.__init__(self)  # not Baseline's own: the embeddings are the network's
        self.config = config
        settings = {"MAX_ITEM_LIST_LENGTH": LENGTH, "use_gpu": False, "state": "ERROR", "train_neg_sample_args": None}
        recbole = Config(pair.peer.__name__, "sample", config_dict=settings | pair.theirs)
        self.longest = recbole["MAX_ITEM_LIST_LENGTH"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, at the old way in which LightGCN makes a sparse tensor
            self.peer = pair.peer(recbole, facts)
        # Fit and score_lists ask for the device of some embedding
        self.item_embedding = next(part for part in self.peer.modules() if isinstance(part, nn.Embedding))
        self._auxiliary: dict[str, Tensor] = {}
        self._smoothed: tuple[Tensor, Tensor] | None = None

    def train(self, mode: bool = True) -> Peer:
        self._smoothed = None
        return super().train(mode)

    def sequence(self, history: ItemSequences) -> tuple[Tensor, Tensor]:
        """The last items, filled up on the right with 0, and how many: (B, longest) and (B,)."""
        length = history.mask.sum(1)
        kept, steps = length.clamp(max=self.longest), torch.arange(self.longest)
        place = ((length - kept).unsqueeze(1) + steps).clamp(max=history.items.shape[1] - 1)
        return (history.items.gather(1, place) + 1) * (steps < kept.unsqueeze(1)), kept

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        return (context.users + 1, *self.sequence(history))

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        users, sequence, length = known
        items, network = candidates + 1, self.peer
        if isinstance(network, LightGCN):
            smoothed = self._smoothed or network()
            if not torch.is_grad_enabled():
                self._smoothed = smoothed  # one propagation for all lists; RecBole keeps one for its evaluation too
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
        pool = sequence[sequence > 0]  # what its auxiliary loss sets apart is drawn in the batch, as ours is
        drawn = pool[torch.randint(len(pool), rows.shape)]
        logits, auxiliary = network(user, rows, drawn, lengths, item)
        self._auxiliary = {"auxiliary": network.alpha * auxiliary}
        return logits.view(items.shape)

    def loss_terms(self, batch: Batch, config: TrainingConfig) -> dict[str, Tensor]:
        return super().loss_terms(batch, config) | self._auxiliary


def build_side(name: str, side: str, data: TrainingData, facts: Facts, seed: int = 0) -> Baseline:
    """One untrained model of a pair."""
    torch.manual_seed(seed)
    pair = PAIRS[name]
    sizes = data.sizes() | {"user_count": len(data.log.offsets) - 1, "max_length": LENGTH}
    # the peers' inputs aren't normalised, and only DIEN's learns at every step
    alike = {"item_size": SIZE, "category_size": 0, "normalise": False, "auxiliary_weight": float(name == "dien")}
    config = configure(name, sizes | alike | pair.ours)
    if side == "ours":
        return BASELINES[name](config, data.item_category)
    model = Peer(pair, config, facts)
    if side == "changed" and pair.change:
        pair.change(model.peer)
    if side != "shipped":
        for part, table_ in model.peer.named_modules():
            if isinstance(table_, nn.Embedding) and part != "position_embedding":
                nn.init.normal_(table_.weight, std=SPREAD)
                if table_.padding_idx is not None:
                    nn.init.zeros_(table_.weight[table_.padding_idx : table_.padding_idx + 1])
    return model
