"""What the finder narrows and sorts by: the widgets above its table, and how the URL keeps them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from math import ceil, floor, isfinite, log10
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.address import LONGEST_VALUE, Place
from app.components.inspection import heading
from surge.pictures import finder_questions as presets
from surge.pictures.metric_words import LOGARITHMIC
from surge.pictures.text import listed
from surge.vocabulary import METRICS
from surge.vocabulary.survey import USER
from surge.vocabulary.writing import metric_text

MOST_RANGES = 3
FIRST_COLOUR = "dominant_interest"
WHOLE = 100  # per cent: sliders of shares run in whole per cent
LADDER = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)  # times powers of ten: the steps of sliders of chances and lifts
Range = tuple[float, float]


@dataclass(frozen=True)
class Search:
    """`question` names a preset, `find` is a part of a user's id, `ranges` what figures are narrowed by, None where
    the whole range is meant; `sort` a figure, with "-" before it where high values come first, None for the
    question's own order; `colour` the figure that the map shows."""

    question: str = presets.PRESETS[0].name
    find: str = ""
    ranges: Mapping[str, Range | None] = field(default_factory=dict)
    sort: str | None = None
    colour: str | None = None

    @property
    def preset(self) -> presets.Preset:
        return presets.preset_named(self.question)

    def place(self) -> dict[str, str | None]:
        """The parts of the place that keep it; what is at its default is None."""
        narrow = [
            column if edges is None else f"{column}:{edges[0]:.10g}:{edges[1]:.10g}"
            for column, edges in self.ranges.items()
        ]
        return {
            "question": self.question if self.question != presets.PRESETS[0].name else None,
            "find": self.find or None,
            "narrow": ",".join(narrow) or None,
            "sort": self.sort,
            "colour": self.colour,
        }


def read_search(place: Place, columns: Collection[str]) -> tuple[Search, list[str]]:
    """What the place says, for a survey of these columns, and what of it makes no sense there."""
    bad: list[str] = []
    search = Search(find=place.find or "")
    if place.question in {preset.name for preset in presets.PRESETS}:
        search = replace(search, question=str(place.question))
    elif place.question is not None:
        bad.append(f"question {place.question[:40]!r}")
    ranges: dict[str, Range | None] = {}
    for part in (place.narrow or "").split(","):
        column, *edges = part.split(":")
        limits = sorted(number for number in map(_number, edges) if number is not None)
        if not part or (column in columns and column in ranges):
            continue
        if column not in columns or len(edges) not in (0, 2) or len(limits) < len(edges) or len(ranges) == MOST_RANGES:
            bad.append(f"range {part[:40]!r}")
        else:
            ranges[column] = (limits[0], limits[1]) if limits else None
    search = replace(search, ranges=ranges)
    for name in ("sort", "colour"):
        value = getattr(place, name)
        if value is not None and (value.removeprefix("-") if name == "sort" else value) not in columns:
            bad.append(f"{name} {value[:40]!r}")
        else:
            search = replace(search, **{name: value})
    return search, bad


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) and text.isascii() and "_" not in text else None


def current_search(frame: pd.DataFrame) -> Search:
    """What the place says; what makes no sense is said once and left out."""
    search, bad = read_search(state.current(), metrics_of(frame))
    if bad:
        state.add_note(f"The link's {listed(bad)} can't be found in this survey; left out.")
        state.settle(**search.place())
    return search


def metrics_of(frame: pd.DataFrame) -> list[str]:
    """The figures that a survey holds."""
    return [column for column in USER if column in frame]


# -- widgets --------------------------------------------------------------------------------------------


def _keep(search: Search, **changes: Any) -> None:
    state.change(page=None, **replace(search, **changes).place())


def _keep_preset(search: Search) -> None:
    question = st.session_state["finder_preset"]
    _keep(search, question=question, colour=presets.preset_named(question).column or search.colour)


def _keep_metrics(search: Search) -> None:
    chosen = st.session_state["finder_metrics"]
    _keep(search, ranges={column: search.ranges.get(column) for column in chosen})


def _keep_range(search: Search, column: str, scale: int, ends: tuple[Any, Any]) -> None:
    low, high = st.session_state[f"finder_range_{column}"]
    edges = None if (low, high) == ends else (low / scale, high / scale)
    _keep(search, ranges={**search.ranges, column: edges})


def narrow(frame: pd.DataFrame, search: Search) -> np.ndarray:
    """Draws the widgets; the row numbers of the users that are left, in order."""
    _question(search)
    _row(frame, search)
    rows = presets.matching(frame, search.preset)
    if needle := search.find.strip().lower():
        rows = rows[frame["user"].iloc[rows].str.lower().str.contains(needle, regex=False).to_numpy(dtype=bool)]
    if search.ranges:
        for column, place in zip(search.ranges, st.columns(MOST_RANGES, gap="large"), strict=False):
            with place:
                rows = rows[_in_range(frame, search, column)[rows]]
    if search.sort is not None:
        values = frame[search.sort.removeprefix("-")].to_numpy(dtype=np.float64)[rows]
        rows = rows[np.argsort(-values if search.sort.startswith("-") else values, kind="stable")]  # unknown: last
    return rows


def _question(search: Search) -> None:
    heading(
        "Find users",
        "Every user with figures of how the model reads the history. Each question keeps the users that stand out "
        "most, about a tenth of all, the clearest cases first. A tick in the table or a click on the map opens a user.",
    )
    st.session_state["finder_preset"] = search.question
    st.pills(
        "Question",
        [preset.name for preset in presets.PRESETS],
        key="finder_preset",
        required=True,
        on_change=_keep_preset,
        args=(search,),
        label_visibility="collapsed",
    )


def _row(frame: pd.DataFrame, search: Search) -> None:
    """A part of the id, the figures to narrow and to sort by, and the way back to all users."""
    text, chosen, sort, clear = st.columns([4, 8, 5, 2], gap="medium", vertical_alignment="bottom")
    metrics = metrics_of(frame)
    with text:
        st.session_state["finder_text"] = search.find
        st.text_input(
            "User id",
            key="finder_text",
            placeholder="a part of the id, then Enter",
            on_change=lambda: _keep(search, find=st.session_state["finder_text"][:LONGEST_VALUE]),
        )
    with chosen:
        st.session_state["finder_metrics"] = list(search.ranges)
        st.multiselect(
            "Narrow by",
            metrics,
            key="finder_metrics",
            format_func=lambda column: METRICS[column].name,
            max_selections=MOST_RANGES,
            placeholder="up to three figures, each with a range",
            on_change=_keep_metrics,
            args=(search,),
        )
    with sort:
        st.session_state["finder_sort"] = search.sort
        st.selectbox(
            "Sort by",
            [f"{sign}{column}" for column in metrics for sign in ("-", "")],
            key="finder_sort",
            format_func=sort_words,
            placeholder="the question's own order",
            on_change=lambda: _keep(search, sort=st.session_state["finder_sort"]),
            help="Kept in the link, and in the CSV; a click on a column's head sorts only what you see.",
        )
    with clear:
        st.button(
            "Clear",
            key="finder_clear",
            icon=":material/close:",
            width="stretch",
            on_click=_keep,
            args=(Search(colour=search.colour),),
        )


def sort_words(sort: str) -> str:
    """A way to sort, in words."""
    return f"{METRICS[sort.removeprefix('-')].name}, {'highest' if sort.startswith('-') else 'lowest'} first"


def _in_range(frame: pd.DataFrame, search: Search, column: str) -> np.ndarray:
    """A slider; true for the users inside. Those without a value are inside while the slider is at its ends."""
    values = frame[column].to_numpy(dtype=np.float64)
    scale = {"percent": WHOLE, "integer": 1}.get(METRICS[column].format, 0)
    known = values[np.isfinite(values)]
    if not len(known) or np.ptp(known) == 0:
        st.caption(f"{METRICS[column].name} is unknown or the same for everybody.")
        return np.ones(len(frame), dtype=bool)
    low, high = float(known.min()), float(known.max())
    if METRICS[column].format in LOGARITHMIC:
        return _on_ladder(values, ladder(low, high, LOGARITHMIC[METRICS[column].format]), search, column)
    ends: tuple[Any, Any] = (
        (floor(low * scale), ceil(high * scale)) if scale else (floor(low * 100) / 100, ceil(high * 100) / 100)
    )
    wanted = search.ranges[column] or (-np.inf, np.inf)
    shown = [float(np.clip(edge * (scale or 1), *ends)) for edge in wanted]
    key = f"finder_range_{column}"
    st.session_state[key] = tuple(round(edge) if scale else edge for edge in shown)
    chosen = st.slider(
        METRICS[column].name,
        *ends,
        key=key,
        step=1 if scale else 0.01,
        format="%d %%" if scale == WHOLE else None,
        help=METRICS[column].says,
        on_change=_keep_range,
        args=(search, column, scale or 1, ends),
    )
    if tuple(chosen) == ends:
        return np.ones(len(frame), dtype=bool)
    with np.errstate(invalid="ignore"):
        # not the values times the scale: 0.29 * 100 is less than 29
        return (values >= chosen[0] / (scale or 1)) & (values <= chosen[1] / (scale or 1))


def _on_ladder(values: np.ndarray, rungs: list[float], search: Search, column: str) -> np.ndarray:
    """The same for a chance or a lift, whose slider moves over the rungs."""
    ends = (rungs[0], rungs[-1])
    wanted = search.ranges[column]
    # a range of another survey, or one that a link brings, takes the rungs around it
    shown = ends if wanted is None else (_rung_below(rungs, wanted[0]), _rung_above(rungs, wanted[1]))
    key = f"finder_range_{column}"
    if st.session_state.get(key, shown) != shown:
        st.session_state[key] = shown
    low, high = st.select_slider(
        METRICS[column].name,
        rungs,
        shown,  # without a value at first, a slider has one end only
        key=key,
        format_func=lambda rung: metric_text(column, rung),
        help=METRICS[column].says,
        on_change=_keep_range,
        args=(search, column, 1, ends),
    )
    if (low, high) == ends:
        return np.ones(len(values), dtype=bool)
    with np.errstate(invalid="ignore"):
        return (values >= low) & (values <= high)


def ladder(low: float, high: float, foot: float) -> list[float]:
    """Round numbers (see LADDER) from the last one that isn't above `low` to the first that isn't below `high`; what
    lies under `foot`, the least that has a name of its own, is 0."""
    first, last = floor(log10(max(low, foot))), ceil(log10(max(high, foot)))
    rungs = [float(f"{step * 10.0**power:.2g}") for power in range(first, last + 1) for step in LADDER]
    if low < foot:
        rungs = [0.0, *rungs]
    start, end = _rung_below(rungs, low), _rung_above(rungs, high)
    return [rung for rung in rungs if start <= rung <= end]


def _rung_below(rungs: list[float], value: float) -> float:
    return max((rung for rung in rungs if rung <= value), default=rungs[0])


def _rung_above(rungs: list[float], value: float) -> float:
    return min((rung for rung in rungs if rung >= value), default=rungs[-1])
