"""Caser: the last few items as an image, read by convolutions."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from surge.config import BaselineConfig
from surge.model.embedding import embedding
from surge.model.surge import ItemSequences
from surge.recommenders.baseline import Baseline, Context, Head


class Caser(Baseline):
    """Convolutional sequence embedding (Tang and Wang, WSDM 2018, arXiv 1809.07426).

    The last L items are an L x d image. Horizontal filters (height x d, height = 1..L, maximum over time) find
    unions of items in a row; vertical filters (L x 1) weigh the L items; z = ReLU(W [o_h ; o_v]).

    Departs from the paper: its output row for an item, of size 2 d against [z ; p_u], is tied to h_t twice, so
    the user's state is z + p_u; the shared head; one next item is the target, not the next T.
    A user who isn't among the training positives has an untrained row p_u.
    """

    own: ClassVar = {"dropout": 0.5}

    def __init__(self, config: BaselineConfig, item_category: Tensor) -> None:
        super().__init__(config, item_category)
        self.window = min(config.window, config.max_length)
        heights = range(1, self.window + 1)
        self.horizontal = nn.ModuleList(
            nn.Conv1d(config.size, config.horizontal_filters, kernel_size=height) for height in heights
        )
        self.vertical = nn.Linear(self.window, config.vertical_filters)  # an L x 1 filter acts on each column alike
        features = config.horizontal_filters * self.window + config.vertical_filters * config.size
        self.dropout = nn.Dropout(config.dropout)
        self.join = nn.Sequential(nn.Linear(features, config.size), nn.ReLU())
        self.user_embedding = embedding(config.user_count, config.size)
        self.head = Head(config)

    def image(self, history: ItemSequences) -> Tensor:
        """h of the last L items, (B, d, L); where a history is shorter, zeros come first."""
        place = history.mask.sum(1, keepdim=True) - self.window + torch.arange(self.window, device=history.mask.device)
        items = history.items.gather(1, place.clamp(min=0))
        return (self.embed(items) * (place >= 0).unsqueeze(-1)).transpose(1, 2)

    def _read(self, history: ItemSequences, context: Context) -> tuple[Tensor, ...]:
        image = self.image(history)
        features = [torch.relu(convolve(image)).amax(-1) for convolve in self.horizontal]
        features.append(self.vertical(image).flatten(1))
        return (self.join(self.dropout(torch.cat(features, dim=-1))) + self.user_embedding(context.users),)

    def score(self, known: tuple[Tensor, ...], candidates: Tensor) -> Tensor:
        return self.head(known[0], self.embed(candidates))
