"""The history in time order: one column an item, with its measured effect or its importance, and its cluster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from surge.explanation.measurements import Effects
from surge.explanation.record import Explanation
from surge.pictures.edit_context import Before, Staged
from surge.pictures.factor_axis import LEAST_SPAN
from surge.pictures.figure import bare_axis, figure_of, places, rim
from surge.pictures.palette import ClusterStyle, Theme, cluster_styles, item_clusters
from surge.pictures.strip_axes import time_axis, value_axis
from surge.pictures.strip_columns import Words, columns_of, item_words, other_words, sign_of
from surge.vocabulary.amounts import percent

LETTERS_UP_TO = 100  # columns; with more the tiles are narrower than a letter
LEAST_SEEN = 0.01  # of the bars' height; a smaller change has no outline
GAMMA_TOP = 0.15  # of the picture's height, where the importance has a row of its own
CLEAR = "rgba(0,0,0,0)"


def history_strip(
    record: Explanation,
    theme: Theme | str,
    *,
    effects: Effects | None = None,
    before: Before | None = None,
    staged: Staged | None = None,
    styles: Sequence[ClusterStyle] | None = None,
) -> go.Figure:
    """Bars of the measured effect (a log, its ticks are factors) above the tiles, importance gamma in a row below.

    Without `effects` the bars are gamma. Traces by name: "columns" (transparent, over the whole height: what is
    hovered and clicked; customdata (item, title, words)), "bars", "tiles", all with one point an item of the record;
    "importance" with effects; "before" (outlines; where the record before is known), "marks" and "others" (what is
    hovered of items gone or to come). With `before` or `staged` x counts their columns too.
    """
    theme = Theme(theme)
    styles = cluster_styles(record, theme) if styles is None else styles
    strip = _Strip(record, theme, effects, before, staged, styles)
    return figure_of(
        theme,
        190 if effects is None else 250,
        strip.traces(),
        barmode="overlay",
        clickmode="event",
        bargap=0,
        shapes=strip.shapes(),
        annotations=strip.notes(),
        xaxis=time_axis(record, strip.place, len(strip.columns)),
        yaxis=strip.y_axis(),
        **({"yaxis2": strip.importance_axis()} if effects is not None else {}),
        margin={"l": 44 if effects is None else 56, "r": 76, "t": 8, "b": 26},
        meta=strip.meta(),
    )


class _Strip:
    """The parts of one strip, in units of its axes; `foot` is the height of the values' lower end, from 0 to 1."""

    def __init__(
        self,
        record: Explanation,
        theme: Theme,
        effects: Effects | None,
        before: Before | None,
        staged: Staged | None,
        styles: Sequence[ClusterStyle],
    ) -> None:
        self.record, self.theme, self.effects, self.before = record, theme, effects, before
        self.staged = staged or Staged()
        self.styles, self.clusters = styles, item_clusters(record)
        self.columns = columns_of(record, before, staged)
        # the column of each item of the record, from 1
        self.place = np.flatnonzero([column.kind == "item" for column in self.columns]) + 1
        self.values = record.interest_extraction.importance if effects is None else effects.item_effect
        self.ghosts = self._before_values()
        signs = [sign_of(column, before, self.staged) for column in self.columns]
        self.signs = [(place, sign) for place, sign in enumerate(signs, start=1) if sign]
        room = 0.08 if self.signs else 0.02
        self.tiles = (0.0, 0.12) if effects is None else (GAMMA_TOP + 0.05, GAMMA_TOP + 0.14)
        self.foot = self.tiles[1] + room
        self.low, self.high = self._range()
        few = len(self.columns) <= LETTERS_UP_TO
        self.width, self.lettered = 0.82 if few else 1.0, few

    # -- numbers ----------------------------------------------------------------------------------------

    def _before_values(self) -> np.ndarray | None:
        """What the bars were before (one an item of the record before), where the same thing is known."""
        if self.before is None or (self.effects is not None and self.before.effects is None):
            return None
        if self.effects is None:
            return self.before.record.interest_extraction.importance
        assert self.before.effects is not None
        return self.before.effects.item_effect

    def _range(self) -> tuple[float, float]:
        every = self.values if self.ghosts is None else np.concatenate([self.values, self.ghosts])
        every = np.concatenate([every[np.isfinite(every)], [0.0]])
        if self.effects is None:
            return 0.0, float(min(max(every.max(), 1.6 / self.record.length), 1.0)) * 1.12
        low, high = float(every.min()), float(every.max())
        if high - low < LEAST_SPAN:
            low, high = min(low, -0.3 * LEAST_SPAN), max(high, 0.7 * LEAST_SPAN)
        pad = 0.06 * (high - low)
        return low - pad, high + pad

    def level(self, height: float) -> float:
        """The value of the first y axis at a height of the picture, from 0 (bottom) to 1 (top)."""
        return self.low + (height - self.foot) / (1 - self.foot) * (self.high - self.low)

    # -- what is drawn ----------------------------------------------------------------------------------

    def traces(self) -> list[dict[str, Any]]:
        own = [self.styles[cluster] for cluster in self.clusters]
        colours = [style.colour for style in own]
        line = rim(self.theme, colours)
        leaving = [index in self.staged.removed for index in range(self.record.length)]
        marker: dict[str, Any] = {"color": colours, "line": line if self.lettered else {"width": 0}}
        if any(leaving):
            marker["opacity"] = [0.45 if going else 1.0 for going in leaving]
            marker["pattern"] = {
                "shape": ["x" if going else "" for going in leaving],
                "size": 6,
                "fgcolor": self.theme.text,
                "fillmode": "overlay",
            }
        bottom, top = (self.level(height) for height in self.tiles)
        still: dict[str, Any] = {"type": "bar", "hoverinfo": "skip", "width": self.width}
        tiles = {"base": bottom, "y": np.full(self.record.length, top - bottom), "marker": marker}
        if self.lettered:
            tiles |= {
                "text": [style.letter for style in own],
                "textposition": "inside",
                "insidetextanchor": "middle",
                "textangle": 0,
                "constraintext": "none",
                "textfont": {"size": 11, "color": [style.ink for style in own]},
            }
        words = [
            item_words(self.record, i, style, self.effects, self.before, self.staged) for i, style in enumerate(own)
        ]
        # the columns come first, so that the items are the first points in the browser's own list of bars
        drawn = [
            self._column("columns", self.place, words),
            still | {"name": "bars", "x": self.place, "y": self.values, "marker": marker},
            still | {"name": "tiles", "x": self.place} | tiles,
        ]
        if self.effects is not None:
            importance = self.record.interest_extraction.importance
            grey = {"color": self.theme.muted, "opacity": 0.8}
            drawn.append(
                still | {"name": "importance", "x": self.place, "y": importance, "yaxis": "y2", "marker": grey}
            )
        if self.ghosts is not None:
            drawn.append(still | {"name": "before"} | self._ghost_bars(self.ghosts))
        others = [(place, column) for place, column in enumerate(self.columns, start=1) if column.kind != "item"]
        if others:
            where = np.asarray([place for place, _ in others])
            said = [other_words(column, self.effects, self.before) for _, column in others]
            drawn.append(self._column("others", where, said))
        if self.signs:
            drawn.append(self._marks())
        return drawn

    def _column(self, name: str, x: np.ndarray, words: Sequence[Words]) -> dict[str, Any]:
        """Transparent bars over the whole height: a column answers wherever it is pointed at."""
        bottom, top = self.level(0), self.level(1)
        return {
            "type": "bar",
            "name": name,
            "x": x,
            "y": np.full(len(x), top - bottom),
            "base": bottom,
            "width": 1.0,
            "marker": {"color": CLEAR, "line": {"width": 0}},
            "customdata": list(words),
            "hovertemplate": "<b>%{customdata[1]}</b><br>%{customdata[2]}<extra></extra>",
        }

    def _ghost_bars(self, ghosts: np.ndarray) -> dict[str, Any]:
        """Outlines of what the bars were, where that can be seen."""
        assert self.before is not None
        x, y, least = [], [], LEAST_SEEN * (self.high - self.low)
        for place, column in enumerate(self.columns, start=1):
            earlier = self.before.origin[column.index] if column.kind == "item" else column.index
            if column.kind == "coming" or earlier is None:
                continue
            same = column.kind == "item" and abs(self.values[column.index] - ghosts[earlier]) < least
            if not same:
                x.append(place)
                y.append(float(ghosts[earlier]))
        line = {"color": self.theme.text, "width": 1.0 if self.lettered else 0.5}
        return {"x": np.asarray(x), "y": np.asarray(y), "marker": {"color": CLEAR, "line": line}}

    def _marks(self) -> dict[str, Any]:
        return {
            "type": "scatter",
            "name": "marks",
            "mode": "text",
            "hoverinfo": "skip",
            "x": np.asarray([place for place, _ in self.signs]),
            "y": np.full(len(self.signs), self.level(self.foot - 0.04)),
            "text": [sign for _, sign in self.signs],
            "textfont": {"size": 13, "color": self.theme.text},
            "cliponaxis": False,
        }

    def shapes(self) -> list[dict[str, Any]]:
        """The zero line, or the equal share; dashed tiles for what is gone or to come."""
        line = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "layer": "below"}
        if self.effects is None:
            share = 1 / self.record.length
            drawn = [line | {"y0": share, "y1": share, "line": {"color": self.theme.muted, "width": 1, "dash": "dot"}}]
        else:
            drawn = [line | {"y0": 0, "y1": 0, "line": {"color": self.theme.muted, "width": 1}}]
        bottom, top = (self.level(height) for height in self.tiles)
        half = self.width / 2
        for place, column in enumerate(self.columns, start=1):
            if column.kind == "item":
                continue
            colour = self.theme.muted if column.kind == "coming" else self._gone_colour(column.index)
            drawn.append(
                {
                    "type": "rect",
                    "x0": place - half,
                    "x1": place + half,
                    "y0": bottom,
                    "y1": top,
                    "line": {"color": colour, "width": 1.5, "dash": "dot"},
                }
            )
        return drawn

    def _gone_colour(self, index: int) -> str:
        """The colour of its cluster; what hardly stands out from the page is grey, as a hollow tile has no rim."""
        assert self.before is not None
        cluster = int(item_clusters(self.before.record)[index])
        style = self.styles[cluster] if cluster < len(self.styles) else None
        if style is None or rim(self.theme, [style.colour])["width"][0]:
            return self.theme.muted
        return style.colour

    def notes(self) -> list[dict[str, Any]]:
        """Words at the right edge."""
        shared = {
            "showarrow": False,
            "xref": "paper",
            "x": 1,
            "xanchor": "left",
            "xshift": 4,
            "align": "left",
            "font": {"size": 11, "color": self.theme.muted},
        }
        if self.effects is None:
            return [shared | {"text": "equal share", "y": 1 / self.record.length}]
        most = float(self.record.interest_extraction.importance.max())
        words = [
            shared | {"text": f"importance γ<br>up to {percent(most)}", "y": self.level(GAMMA_TOP / 2)},
        ]
        span = self.high - self.low
        if not np.isfinite(self.values).any():
            return words
        if self.high > 0.2 * span:
            words.append(shared | {"text": "▲ likelier<br>with it", "y": self.high, "yanchor": "top"})
        if -self.low > 0.2 * span:
            words.append(shared | {"text": "▼ less likely<br>with it", "y": self.low, "yanchor": "bottom"})
        return words

    def y_axis(self) -> dict[str, Any]:
        known, shown = bool(np.isfinite(self.values).any()), (self.level(0), self.level(1))
        return value_axis(self.low, self.high, shown, self.theme, known=known, factors=self.effects is not None)

    def importance_axis(self) -> dict[str, Any]:
        most = float(self.record.interest_extraction.importance.max())
        return bare_axis(overlaying="y", range=[0, most / GAMMA_TOP], showticklabels=False)

    def meta(self) -> dict[str, Any]:
        """The whole column of each item; of a cluster those of its items. What isn't selected fades."""
        bottom, top = self.level(0), self.level(1)
        columns = [[float(x) - 0.5, float(x) + 0.5, bottom, top] for x in self.place]
        clusters: dict[int, list[list[float]]] = {}
        for index, cluster in enumerate(self.clusters):
            clusters.setdefault(int(cluster), []).append(columns[index])
        return places([[column] for column in columns], clusters, fades=True)
