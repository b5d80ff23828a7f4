"""How fast SURGE trains, evaluates and ranks a catalogue, as ratios to a plain batched forward in the same process.

    python -m benchmarks.speed [--quick] [--shape NAME] [--threads N] [--device cuda] [--json FILE]

Shapes: Taobao's (50 items, 40 dimensions, 10 or 30 clusters, 64,138 items in the catalogue; batches of 100 histories)
and Kuaishou's (250 items, 50 clusters, 292,286 items; batches of 20), weights drawn at random. Every figure is the
median over rounds, in which all that is compared takes turns; catalogues are timed on a part, as each candidate costs
the same. The best 20 are searched in two stages and looked for in a ranking of all; random weights make that harder
than trained ones do (see benchmarks/search.py). For scale: the authors' TensorFlow code makes 1,200 training and
2,700 inference rows a second on one core like the one this was written on, at Taobao's shape, and 100 and 150 at
Kuaishou's.

On a GPU the whole catalogue is scored, and the best are found by bfloat16 for all and float32 for the best
(`shortlist`).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks.naive import naive_logits
from surge.backends.kernel import Scorer, by_torch
from surge.backends.scoring import candidates_at_once, score_rows
from surge.backends.training import EDGES
from surge.config import EquationForms, ModelConfig
from surge.data.history import History
from surge.explanation.search import search, shortlist
from surge.model.losses import log_loss
from surge.model.surge import ItemSequences, SurgeModel

CANDIDATES = 100  # of an evaluation list
NEGATIVES = 4
BEST = 20  # that a search in two stages looks for
FULL = 4  # times a part of the catalogue: fewer candidates don't fill two threads
PEAK = 1024  # rows and columns of the product that says what the machine can do


@dataclass(frozen=True)
class Shape:
    """A log's size: items of a history, clusters, items of the catalogue, histories of a batch."""

    length: int
    clusters: int
    catalogue: int
    batch: int


SHAPES = {
    "taobao_m10": Shape(50, 10, 64_138, 100),
    "taobao_m30": Shape(50, 30, 64_138, 100),
    "kuaishou": Shape(250, 50, 292_286, 20),
}


def model_of(shape: Shape) -> SurgeModel:
    """A model of this shape with weights that differ enough for every part to work."""
    torch.manual_seed(0)
    config = ModelConfig(
        item_count=shape.catalogue, category_count=100, max_length=shape.length, clusters=(shape.clusters,),
        forms=EquationForms(next_item=False),
    )  # fmt: skip
    model = SurgeModel(config, torch.arange(shape.catalogue) % 100)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    return model


def seconds(compared: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median seconds of each, after a first call that isn't counted."""
    taken: dict[str, list[float]] = {name: [] for name in compared}
    for turn in range(rounds + 1):
        for name, run in compared.items():
            started = time.perf_counter()
            run()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            if turn:
                taken[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in taken.items()}


def macs_of_a_reading(model: SurgeModel, edges: int) -> int:
    """Multiplications of the products that a candidate needs, whoever computes them (Eq. 7, 5, 11, 9, 15 and 16)."""
    config = model.config
    n, d, m, state = config.max_length, config.size, config.clusters[0], config.evolution_size
    first, second = config.attention_hidden
    attention = n * (d * first + first * second + second) + edges * d
    return attention + 2 * n * d * m + edges * m + n * d + m * 3 * state * (d + state)


def two_stages(model: SurgeModel, shape: Shape, users: int) -> dict[str, float | None]:
    """Milliseconds of a search for the best of the catalogue, and the share of them that it finds, over some users."""
    if not users:
        return {"ms": None, "recall": None}
    every, rng = np.arange(shape.catalogue), np.random.default_rng(2)
    find = shortlist if model.item_embedding.weight.device.type == "cuda" else search
    taken, shares, alike = [], [], np.zeros(shape.catalogue)  # as popular as one another: the harder case
    for _ in range(users):
        history = History.made_up(rng.integers(shape.catalogue, size=shape.length))
        started = time.perf_counter()
        found = find(model, history, every, alike, BEST).best
        taken.append(time.perf_counter() - started)
        ranking = np.argsort(-score_rows(model, history, every), kind="stable")
        shares.append(np.isin(ranking[:BEST], found).mean())
    return {"ms": statistics.median(taken) * 1000, "recall": float(np.mean(shares))}


def measure(shape: Shape, rounds: int, part: int, rows: int, users: int) -> dict[str, Any]:
    """The ratios of one shape; `part` candidates of the catalogue (on a GPU all), `rows` pairs of a history and a
    candidate, `users` whose whole catalogue is ranked."""
    device = torch.get_default_device()
    if device.type == "cuda":
        part = shape.catalogue
    with torch.device("cpu"):
        model = model_of(shape).to(device)
    generator = torch.Generator("cpu").manual_seed(1)

    def draw(*size: int) -> Tensor:
        return torch.randint(shape.catalogue, size, generator=generator, device="cpu").to(device)

    histories = ItemSequences(draw(shape.batch, shape.length), torch.ones(shape.batch, shape.length, dtype=torch.bool))
    lists = draw(shape.batch, 1 + NEGATIVES)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)

    def step(logits: Callable[[], Tensor]) -> None:
        optimiser.zero_grad(set_to_none=True)
        log_loss(logits()).backward()
        optimiser.step()

    repeated = histories.items.repeat_interleave(lists.shape[1], 0)
    steps: dict[str, Callable[[], Any]] = {
        "naive": lambda: step(lambda: naive_logits(model, repeated, lists.flatten()).view_as(lists)),
        "product": lambda: step(lambda: model.score_batch(histories, lists, None, EDGES)[1].logit),
    }
    training = seconds(steps, rounds)
    model.eval().requires_grad_(False)
    before = torch.get_num_threads()
    with torch.inference_mode():
        one = ItemSequences(histories.items[:1], histories.mask[:1])
        graph = model.build_graph(one)
        score = Scorer(model, graph)
        catalogue, few = torch.arange(part).unsqueeze(0), torch.arange(rows)
        chunk = candidates_at_once(model, shape.length, int(graph.adjacency.sum(-1).max()))
        tests = draw(shape.batch, CANDIDATES)
        square = torch.randn(PEAK, PEAK)

        def plain() -> None:
            for piece in catalogue.split(chunk, dim=1):
                by_torch(model, graph, piece)

        def test() -> None:
            for place in range(shape.batch):
                pick = slice(place, place + 1)
                history = ItemSequences(histories.items[pick], histories.mask[pick])
                Scorer(model, model.build_graph(history))(tests[pick])

        compared: dict[str, Callable[[], Any]] = {
            "naive": lambda: naive_logits(model, one.items.expand(rows, -1), few),
            "evaluation": test,
            "catalogue": plain,
            "peak": lambda: square @ square,
        }
        if score.fused:
            more = torch.arange(FULL * part).remainder(shape.catalogue).unsqueeze(0)

            def threaded(threads: int) -> None:
                torch.set_num_threads(threads)
                score(more)
                torch.set_num_threads(before)

            compared["fused"] = lambda: score(catalogue)
            compared |= {"one thread": lambda: threaded(1), "two threads": lambda: threaded(2)}
        taken = seconds(compared, rounds)
        edges = int(graph.adjacency.sum())
    with torch.device("cpu"):
        searched = two_stages(model, shape, users)
    naive = taken["naive"] / rows
    peak = PEAK**3 / taken["peak"]
    reading = taken["fused"] / part if score.fused else None
    return {
        "training": training["naive"] / training["product"],
        "evaluation": naive / (taken["evaluation"] / (shape.batch * CANDIDATES)),
        "catalogue": naive / (taken["catalogue"] / part),
        "fused": naive / reading if reading else None,
        "gemm_share": macs_of_a_reading(model, edges) / reading / peak if reading else None,
        "two_threads": taken["one thread"] / taken["two threads"] if score.fused else None,
        "two_stage_ms": searched["ms"],
        "two_stage_recall": searched["recall"],
        "naive_us": naive * 1e6,
        "fused_us": reading * 1e6 if reading else None,
        "training_rows_per_second": lists.numel() / training["product"],
        "gemm_gflops": 2 * peak / 1e9,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="less than a minute, for a first look")
    parser.add_argument("--shape", choices=SHAPES, help="this one alone (all)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of torch and of the kernel (1)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (cpu); the kernel is the CPU's alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    results: dict[str, Any] = {}
    heads = f"{'training':>10}{'evaluation':>12}{'catalogue':>11}{'fused':>8}{'us':>8}{'of peak':>9}{'2 threads':>11}"
    print(f"{'':12}{heads}{'two stages':>12}{'recall@20':>11}")
    for name, shape in SHAPES.items():
        if arguments.shape not in (None, name):
            continue
        long = shape.length > 100
        rounds, part, rows = (2, 512, 64 if long else 256) if arguments.quick else (7, 4096, 128 if long else 512)
        users = (0 if arguments.quick else 2) if long else 3 if arguments.quick else 20
        with torch.device(arguments.device):
            figures = results[name] = measure(shape, rounds, part, rows, users)
        fused = "none" if figures["fused"] is None else f"{figures['fused']:.1f}x"
        rest = f"{'':28}"
        if figures["fused"] is not None:
            rest = f"{figures['fused_us']:>8.1f}{figures['gemm_share']:>9.0%}{figures['two_threads']:>10.2f}x"
        if users:
            rest += f"{figures['two_stage_ms']:>9.0f} ms{figures['two_stage_recall']:>11.3f}"
        print(
            f"{name:12}{figures['training']:>9.1f}x{figures['evaluation']:>11.1f}x{figures['catalogue']:>10.1f}x"
            f"{fused:>8}{rest}"
        )
    results["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"peak memory {results['memory_mb']:.0f} MB; a product of {PEAK} x {PEAK}: {figures['gemm_gflops']:.0f} GFLOP/s"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
