"""A shop log with ground truth: simulated users whose every click names the interest that produced it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from surge.data.arguments import dataset_name
from surge.data.description import describe
from surge.data.folder import check_output, write_dataset
from surge.data.shop import INTERESTS, catalogue
from surge.data.splits import time_split
from surge.errors import SurgeError

NOISE = "noise"

_DAY = 86_400
_START = 1_772_409_600  # Monday 2026-03-02, 00:00 UTC
_DAYS = 56
_NOISE_SHARE = 0.15
_FOLLOW_SHARE = 0.55  # of a click that the interest's last click led to it
_REPEAT_SHARE = 0.06
_SUCCESSORS = 4
_SUCCESSOR_WEIGHTS = np.array([0.55, 0.25, 0.13, 0.07])
_SHORTEST, _LONGEST, _MEDIAN = 10, 120, 40
_MOST_USERS = 1_000_000


@dataclass(frozen=True)
class _Shop:
    """The catalogue as numbers; `cumulative` rows are distribution functions over all items."""

    items: pl.DataFrame
    interest_weight: np.ndarray  # how likely a user takes up each interest
    cumulative: np.ndarray  # interests x items: what a user with that interest clicks without a lead
    successors: np.ndarray  # interests x items x _SUCCESSORS: what an item leads to inside an interest
    noise_cumulative: np.ndarray  # items: overall popularity


def simulate(
    output: str | Path,
    users: int = 3000,
    seed: int = 0,
    *,
    name: str = "sample",
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Write a simulated dataset folder and return its description.

    `progress` is told how many users are done out of how many. Equal arguments give equal bytes under equal
    NumPy and polars versions. Raises SurgeError for a count or a folder that can't be used.
    """
    output, name = Path(output), dataset_name(name)
    check_output(output, force)
    interactions, items = simulate_frames(users, seed, progress)
    preparation = {
        "command": "simulate",
        "options": {"users": users, "seed": seed},
        "versions": {"numpy": np.__version__, "polars": pl.__version__},
    }
    split = time_split(interactions["timestamp"])
    description = describe(interactions, items, name=name, split=split, preparation=preparation)
    write_dataset(output, interactions, items, description, force=force)
    return description


def simulate_frames(
    users: int, seed: int, progress: Callable[[int, int], None] | None = None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Interactions (user, item, timestamp, interest) sorted by user, then time, and the items that occur in them."""
    if not 1 <= users <= _MOST_USERS:
        raise SurgeError(f"{users} users can't be simulated; give a number from 1 to {_MOST_USERS:,}")
    if seed < 0:
        raise SurgeError(f"seed {seed} is negative; give a whole number from 0 on")
    random = np.random.Generator(np.random.PCG64(seed))
    shop = _furnish(random)
    owners, items, timestamps, interests = [], [], [], []
    for user in range(users):
        user_items, user_times, user_interests = _one_user(random, shop)
        owners.append(np.full(len(user_items), user, dtype=np.int64))
        items.append(user_items)
        timestamps.append(user_times)
        interests.append(user_interests)
        if progress is not None:
            progress(user + 1, users)

    width = max(4, len(str(users)))
    user_ids = pl.Series("user", [f"u{number:0{width}d}" for number in range(1, users + 1)])
    names = pl.Series("interest", [*INTERESTS, NOISE])
    interactions = pl.DataFrame(
        [
            user_ids.gather(np.concatenate(owners)),
            shop.items["item"].gather(np.concatenate(items)),
            pl.Series("timestamp", np.concatenate(timestamps), dtype=pl.Int64),
            names.gather(np.concatenate(interests)),
        ]
    )
    seen = shop.items.filter(pl.col("item").is_in(interactions["item"].unique().implode()))
    return interactions, seen.select("item", "title", "category")


def _furnish(random: np.random.Generator) -> _Shop:
    items = catalogue()
    kinds = items["kind"].to_numpy()
    names = list(INTERESTS)
    interest_weight = _shuffled_zipf(random, len(names), 0.5)
    weight = np.zeros((len(names), len(items)))
    homes: dict[str, int] = {}
    for kind in dict.fromkeys(kinds):
        members = np.flatnonzero(kinds == kind)
        popularity = _shuffled_zipf(random, len(members), 0.9)
        sharing = [row for row, name in enumerate(names) if kind in INTERESTS[name]]
        homes[kind] = len(sharing)
        for turn, row in enumerate(sharing):
            # Interests that share a kind each prefer their own part of it, so an item says more than its kind.
            own = np.arange(len(members)) % len(sharing) == turn
            weight[row, members] = popularity * np.where(own, 1.0, 0.12) / popularity[own].sum()
    share = weight / weight.sum(axis=1, keepdims=True)
    successors = np.stack([_successors(random, kinds, INTERESTS[name], share[row]) for row, name in enumerate(names)])
    overall = interest_weight @ share
    # A little of everything: noise reaches the items that hardly any interest prefers too.
    noise = 0.9 * overall / overall.sum() + 0.1 / len(items)
    return _Shop(items, interest_weight, np.cumsum(share, axis=1), successors, np.cumsum(noise))


def _shuffled_zipf(random: np.random.Generator, count: int, exponent: float) -> np.ndarray:
    weight = 1.0 / np.arange(1, count + 1) ** exponent
    return random.permutation(weight / weight.sum())


def _successors(
    random: np.random.Generator, kinds: np.ndarray, chain: tuple[str, ...], share: np.ndarray
) -> np.ndarray:
    """What each item leads to: mostly goods of the next kind in the interest's chain, one of its own kind."""
    successors = np.zeros((len(kinds), _SUCCESSORS), dtype=np.int64)
    for step, kind in enumerate(chain):
        following = np.flatnonzero(kinds == chain[(step + 1) % len(chain)])
        alike = np.flatnonzero(kinds == kind)
        for item in alike:
            towards = share[following] / share[following].sum()
            successors[item, :-1] = random.choice(following, size=_SUCCESSORS - 1, replace=False, p=towards)
            successors[item, -1] = random.choice(alike, p=share[alike] / share[alike].sum())
    return successors


def _one_user(random: np.random.Generator, shop: _Shop) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One history in time order: item numbers, unix seconds, interest numbers (the last number is noise)."""
    count = int(np.clip(round(_MEDIAN * np.exp(random.normal(0, 0.55))), _SHORTEST, _LONGEST))
    mine = random.choice(
        len(shop.interest_weight),
        size=random.integers(2, 6),
        replace=False,
        p=shop.interest_weight,
    )
    strength = random.gamma(2.0, 1.0, len(mine)) + 0.3
    centre = random.uniform(-2, _DAYS + 2, len(mine))
    width = random.uniform(4, 13, len(mine))
    sizes = _session_sizes(random, count)
    starts, leading = _session_starts(random, strength, centre, width, len(sizes))

    noise_number = len(shop.interest_weight)
    chance = random.random((count, 5))
    gaps = np.rint(15 + random.exponential(70, count)).astype(np.int64)
    items = np.empty(count, dtype=np.int64)
    interests = np.empty(count, dtype=np.int64)
    timestamps = np.empty(count, dtype=np.int64)
    clicked: dict[int, list[int]] = {int(interest): [] for interest in mine}
    position, free = 0, 0
    for size, start, lead in zip(sizes, starts, leading, strict=True):
        clock = max(int(start), free)
        second = _second_interest(random, strength, centre, width, start, lead)
        for _ in range(size):
            clock += int(gaps[position])
            interest, item = _one_click(shop, chance[position], mine, lead, second, clicked, noise_number)
            items[position], interests[position], timestamps[position] = item, interest, clock
            position += 1
        free = clock + 1_800
    return items, timestamps, interests


def _session_sizes(random: np.random.Generator, count: int) -> list[int]:
    drawn = np.clip(random.geometric(0.3, count), 1, 8)
    ends = np.cumsum(drawn)
    last = int(np.searchsorted(ends, count))
    sizes = drawn[: last + 1].tolist()
    sizes[-1] -= int(ends[last]) - count
    return sizes


def _session_starts(
    random: np.random.Generator, strength: np.ndarray, centre: np.ndarray, width: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sorted start times (unix seconds) and the interest that leads each session, as positions in `strength`."""
    leading = random.choice(len(strength), size=count, p=strength / strength.sum())
    day = random.normal(centre[leading], width[leading])
    # A visit outside the eight weeks is folded back into them, so that no day at the edge is crowded.
    day = np.abs(day)
    day = np.where(day >= _DAYS, np.maximum(2 * _DAYS - day, 0) % _DAYS, day)
    busy = random.random(count) < 0.7
    hour = np.where(busy, random.normal(20.0, 1.6, count), random.normal(12.5, 2.2, count)) % 24
    starts = _START + (np.floor(day) * _DAY + hour * 3_600).astype(np.int64)
    order = np.argsort(starts, kind="stable")
    return starts[order], leading[order]


def _second_interest(
    random: np.random.Generator,
    strength: np.ndarray,
    centre: np.ndarray,
    width: np.ndarray,
    start: int,
    lead: int,
) -> int:
    """Another interest that is alive at that time, as a position in `strength`."""
    day = (start - _START) / _DAY
    alive = strength * np.exp(-0.5 * ((day - centre) / width) ** 2) + 0.01
    alive[lead] = 0.0
    return _draw(np.cumsum(alive), random.random())


def _one_click(
    shop: _Shop,
    chance: np.ndarray,
    mine: np.ndarray,
    lead: int,
    second: int,
    clicked: dict[int, list[int]],
    noise_number: int,
) -> tuple[int, int]:
    """Interest and item of one click, from five uniform numbers."""
    if chance[0] < _NOISE_SHARE:
        return noise_number, _draw(shop.noise_cumulative, chance[1])
    interest = int(mine[lead if chance[1] < 0.85 else second])
    before = clicked[interest]
    if before and chance[2] < _REPEAT_SHARE:
        item = before[int(chance[3] * len(before))]
    elif before and chance[3] < _FOLLOW_SHARE:
        item = int(shop.successors[interest, before[-1], _draw(np.cumsum(_SUCCESSOR_WEIGHTS), chance[4])])
    else:
        item = _draw(shop.cumulative[interest], chance[4])
    before.append(item)
    return interest, item


def _draw(cumulative: np.ndarray, chance: float) -> int:
    place = np.searchsorted(cumulative, chance * cumulative[-1], side="right")
    return int(min(place, len(cumulative) - 1))
