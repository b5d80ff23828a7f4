"""NCF: a user's row against the candidate's, with no history at all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from surge.config import BaselineConfig
from surge.errors import SurgeError
from surge.model.embedding import embedding
from surge.model.layers import multilayer_perceptron
from surge.model.surge import ItemSequences
from surge.recommenders.baseline import Baseline, Context


class NCF(Baseline):
    """Neural collaborative filtering, as its NeuMF (He et al., WWW 2017, arXiv 1708.05031).

    logit = w . [p_u * q_t ; MLP(p'_u, h_t)]: generalised matrix factorisation beside a tower, each with its own
    embeddings, joined by one linear layer.

    Departs from the paper: the tower's item is h_t with its category; both branches start untrained (the paper
    pretrains them apart); the tower has the sizes of the prediction head that the other models share.
    A user who isn't among the training positives has an untrained row.
    """

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        if config.score != "mlp":
            raise SurgeError("NCF is its own head, so its setting score must be mlp.")
        self.user_tower = embedding(config.user_count, config.size)
        self.user_factors = embedding(config.user_count, config.size)
        self.item_factors = embedding(config.item_count, config.size)
        *first, last = config.prediction_hidden
        self.tower = nn.Sequential(multilayer_perceptron(2 * config.size, first, last), nn.ReLU())
        self.join = nn.Linear(config.size + last, 1)

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        return (context.users,)

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        target = self.embed(candidates)
        users = known[0].unsqueeze(1)
        factors = self.user_factors(users) * self.item_factors(candidates)
        deep = self.tower(torch.cat([self.user_tower(users).expand_as(target), target], dim=-1))
        return self.join(torch.cat([factors, deep], dim=-1)).squeeze(-1)
