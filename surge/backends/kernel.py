"""Logits of many candidates: by the C++ kernel where it can read the model, by torch where it can't."""

from __future__ import annotations

import ctypes
from typing import cast

import torch
from torch import Tensor, nn

from surge.backends.neighbours import LEAST, NEIGHBOURS
from surge.model.assignment import SoftAssignment
from surge.model.dense import DENSE
from surge.model.evolution import RecurrentEvolution
from surge.model.interest_fusion import InterestFusion
from surge.model.layers import scaled
from surge.model.surge import InterestGraph, SurgeModel
from surge.native.library import fall_back, library
from surge.native.threads import team

SIZES = (
    *("item_size", "n", "d", "m", "heads", "first", "second", "state", "by_query", "mean", "by_time", "gate", "linear"),
    *("leaky", "printed", "readout", "long_term", "normalise", "layers"),
)
WEIGHTS = (
    *("item", "category"),
    *("projected", "of_x", "of_product", "of_y", "bias1", "w2", "bias2", "w3", "bias3"),
    *("alpha", "message", "values", "assign", "from_input", "bias_input", "from_state", "bias_state"),
    *("always", "score"),
)
ARRAYS = (*WEIGHTS, "begin", "neighbour", "width", "of_item")


class Sizes(ctypes.Structure):
    """`Sizes` of reading.cpp."""

    _fields_ = [(name, ctypes.c_int32) for name in SIZES]


class Arrays(ctypes.Structure):
    """`Arrays` of reading.cpp."""

    _fields_ = [(name, ctypes.c_void_p) for name in ARRAYS]


class Scorer:
    """Logits of candidate rows (B, T) for B graphs, (B, T), without gradients: those of `model.score`, within rounding.

    The kernel reads what `unknown_part` lets pass, and LEAST candidates or more; `fused` says whether it does.
    """

    def __init__(self, model: SurgeModel, graph: InterestGraph) -> None:
        kernel = kernel_for(model)
        self.model, self.graph, self.fused = model, graph, kernel is not None
        places = range(len(graph.mask))
        self._readers = [_Reader(kernel, model, graph, place) for place in places] if kernel is not None else []

    def __call__(self, candidates: Tensor) -> Tensor:
        if not self.fused or candidates.shape[1] < LEAST:
            return by_torch(self.model, self.graph, candidates)
        low, high = candidates.aminmax()
        if low < 0 or high >= self.model.config.item_count:  # the kernel would read what lies there
            raise IndexError("there is a candidate without an embedding")
        return torch.stack([reader.logits(own) for reader, own in zip(self._readers, candidates, strict=True)])


def by_torch(model: SurgeModel, graph: InterestGraph, candidates: Tensor) -> Tensor:
    """The same by torch alone: along lists of neighbours where there are candidates enough, else densely."""
    return model.score(graph, candidates, NEIGHBOURS if candidates.shape[1] >= LEAST else DENSE)


def kernel_for(model: SurgeModel) -> ctypes.CDLL | None:
    """The kernel, where there is one and it can read this model: in float32 on a CPU. Settings that it doesn't know are
    told once."""
    weight = model.item_embedding.weight
    if weight.device.type != "cpu" or weight.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
        return None
    if unknown := unknown_part(model):
        return fall_back(f"The compiled kernel can't score a model with {unknown}", "the scores are the same")
    return library("reading")


def unknown_part(model: SurgeModel) -> str | None:
    """What the kernel doesn't know of a model, in words; it knows attention with two hidden layers in Eq. 7 and one
    layer of soft clusters, read by a GRU or AUGRU."""
    if type(model.fuse) is not InterestFusion:
        return "another fusion than that of Eq. 4-8"
    if [*map(type, model.extract.assign)] != [SoftAssignment]:
        return "another pooling than one layer of soft clusters"
    if type(model.predict.evolve) is not RecurrentEvolution:
        return "another evolution than gru and augru"
    if len(model.config.attention_hidden) != 2:
        return "another number of attention_hidden layers than two"
    return None


class _Reader:
    """One history, ready for the kernel."""

    def __init__(self, kernel: ctypes.CDLL, model: SurgeModel, graph: InterestGraph, place: int) -> None:
        config, forms, n = model.config, model.config.forms, int(graph.mask[place].sum())
        near = graph.adjacency[place, :n, :n] > 0
        assign = cast(SoftAssignment, model.extract.assign[0])
        gate = cast(RecurrentEvolution, model.predict.evolve).gate
        self.kernel = kernel
        layers = _layers(model.predict.score)
        self.tensors = {
            name: tensor.detach().float().contiguous() for name, tensor in _weights(model, graph, place, n).items()
        }
        begin = torch.cat([near.new_zeros(1, dtype=torch.int64), near.sum(1).cumsum(0)])
        self.tensors |= {"begin": begin.int(), "neighbour": near.nonzero()[:, 1].int().contiguous()}
        width = [layers[0].in_features, *(layer.out_features for layer in layers)]
        self.tensors |= {"width": torch.tensor(width, dtype=torch.int32), "of_item": model.item_category}
        self.sizes = Sizes(
            *(config.item_size, n, config.size, len(assign.weight), config.heads),
            *(*config.attention_hidden, config.evolution_size),
            by_query=len(model.fuse.query) > 0,
            mean=assign.mean,
            by_time=forms.flatten == "time",
            linear=forms.activation == "none",
            leaky=forms.attention_activation == "leaky_relu",
            printed=model.fuse.slope == 1,
            gate=2 if gate is None else 0 if gate == "relative" else 1,
            readout=forms.readout,
            long_term=forms.long_term,
            normalise=forms.normalise,
            layers=len(layers),
        )
        pointers = {name: tensor.data_ptr() for name, tensor in self.tensors.items()}
        self.arrays = Arrays(*(pointers.get(name) for name in ARRAYS))

    def logits(self, candidates: Tensor) -> Tensor:
        """Of candidate rows (T,), on as many threads as torch has."""
        candidates = candidates.long().contiguous()
        logit = torch.empty(len(candidates))
        failed = self.kernel.read_candidates(
            ctypes.byref(team()),
            ctypes.byref(self.sizes),
            ctypes.byref(self.arrays),
            ctypes.c_int64(len(candidates)),
            *(ctypes.c_void_p(tensor.data_ptr()) for tensor in (candidates, logit)),
        )
        if failed:
            raise MemoryError
        return logit


def _weights(model: SurgeModel, graph: InterestGraph, place: int, n: int) -> dict[str, Tensor]:
    """What the kernel reads of one history and of the model, by the names of `Arrays`."""
    values = graph.values[place, :n]
    recurrence, long = cast(RecurrentEvolution, model.predict.evolve).recurrence, model.long(graph)[place]
    given = {
        "item": model.item_embedding.weight,
        "alpha": graph.cluster_score[place, :, :n],
        "message": model.fuse.aggregate(values),
        "values": values,
        "assign": cast(SoftAssignment, model.extract.assign[0]).weight,
        "from_input": recurrence.from_input.weight,
        "bias_input": recurrence.from_input.bias,
        "from_state": recurrence.from_state.weight,
        "bias_state": recurrence.from_state.bias,
        "always": scaled(long) if model.config.forms.normalise else long,
        "score": torch.cat([x.flatten() for layer in _layers(model.predict.score) for x in (layer.weight, layer.bias)]),
    }
    if model.category_embedding is not None:
        given["category"] = model.category_embedding.weight
    if not len(model.fuse.query):
        return given
    heads: list[dict[str, Tensor]] = []
    for score in model.fuse.query:
        of_x, of_y, of_product = score.first.weight.chunk(3, dim=1)
        projected = score.project(graph.queried[place, :n])
        second, third = _layers(cast(nn.Sequential, score.rest[1]))
        heads.append(
            {
                "projected": projected,
                "of_x": projected @ of_x.T,
                "of_y": of_y,
                "of_product": of_product,
                "bias1": score.first.bias,
                "w2": second.weight,
                "bias2": second.bias,
                "w3": third.weight[0],
                "bias3": third.bias,
            }
        )
    return given | {name: torch.stack([head[name] for head in heads]) for name in heads[0]}


def _layers(perceptron: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in perceptron if isinstance(layer, nn.Linear)]
