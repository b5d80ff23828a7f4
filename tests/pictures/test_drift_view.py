"""Drift: every frame draws what the measurement holds, the curves are its numbers, and titles stay text."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from surge.explanation.measurements import Drift
from surge.explanation.record import Explanation
from surge.pictures.drift import BLANK, LARGEST, SMALLEST, TO_COME, drift_figure, drift_table
from surge.pictures.drift_words import ABOUT, caption
from surge.pictures.graph_layout import graph_positions
from surge.pictures.palette import Theme, cluster_mass, cluster_styles, item_clusters
from surge.vocabulary import amounts
from tests.pictures.hostile import HOSTILE
from tests.records import make_explanation


def make_drift(record: Explanation, steps: int | None = None, seed: int = 0, known: bool = True) -> Drift:
    """Numbers that could be a drift of this record; the last step is the record itself."""
    rng = np.random.default_rng(seed)
    n, m = record.length, len(cluster_mass(record))
    lengths = np.unique(np.round(np.linspace(1, n, steps or n)).astype(np.int64))
    pairs = np.argwhere(np.triu(record.graph_construction.adjacency, 1) > 0)
    clusters, edges, similarity, importance, mass = [], [], [], [], []
    for length in lengths.tolist():
        last = length == n
        shares = rng.dirichlet(np.full(m, 0.2), size=length)
        clusters.append(item_clusters(record) if last else shares.argmax(axis=1))
        mass.append(cluster_mass(record) if last else shares.sum(axis=0))
        importance.append(rng.dirichlet(np.ones(length)))
        edges.append(pairs[(pairs < length).all(axis=1)][:60])
        similarity.append(record.graph_construction.similarity[tuple(edges[-1].T)])
    rank = rng.integers(1, 2000, size=len(lengths)).astype(np.float64)
    return Drift(
        lengths=lengths,
        logit=rng.normal(size=len(lengths)),
        rank=rank if known else np.full(len(lengths), np.nan),
        exact=known,
        cluster_mass=np.array(mass),
        clusters=tuple(clusters),
        importance=tuple(importance),
        edges=tuple(edges),
        edge_similarity=tuple(similarity),
    )


def pairs_of(record: Explanation, links: Any) -> set[frozenset[int]]:
    """The items that a line with gaps connects, found by where they stand."""
    where = {tuple(place): i for i, place in enumerate(np.round(graph_positions(record), 1).tolist())}
    places = list(zip(links["x"] or [], links["y"] or [], strict=True))
    assert all(gap == (None, None) for gap in places[2::3])
    return {frozenset((where[a], where[b])) for a, b in zip(places[::3], places[1::3], strict=True)}


@pytest.mark.parametrize("theme", list(Theme))
def test_frames_are_the_measurement(theme: Theme) -> None:
    record = make_explanation(items=24, clusters=5, seed=2)
    drift, styles = make_drift(record), cluster_styles(record, theme)
    figure = drift_figure(record, drift, theme)
    assert [frame.name for frame in figure.frames] == [str(step) for step in range(24)]
    for step, frame in enumerate(figure.frames):
        length = int(drift.lengths[step])
        links, items, *cursors = frame.data
        assert pairs_of(record, links) == {frozenset(pair) for pair in drift.edges[step].tolist()}
        looks = [styles[c] for c in drift.clusters[step]]
        assert list(items.marker.color[:length]) == [look.colour for look in looks]
        assert list(items.text[:length]) == [look.letter if look.lettered else BLANK for look in looks]
        assert list(items.text[length:]) == [BLANK] * (24 - length) and BLANK  # an empty word would never come back
        sizes = np.array(items.marker.size)
        assert len(sizes) == 24 and (sizes[length:] == TO_COME).all() and (sizes[:length] > TO_COME).all()
        inner = (sizes[:length] > sizes[:length].min()) & (sizes[:length] < sizes[:length].max())
        if inner.sum() > 2:  # area, within the limits
            ratio = sizes[:length][inner] ** 2 / drift.importance[step][inner]
            np.testing.assert_allclose(ratio, ratio.mean(), rtol=0.02)
        assert list(frame.traces[:2]) == [0, 1]
        assert [figure.data[place].yaxis for place in frame.traces[2:]] == ["y2", "y3", "y4"]
        assert all(list(cursor.x) == [length, length] for cursor in cursors)
    assert [list(step["args"][0]) for step in figure.layout.sliders[0].steps] == [[f.name] for f in figure.frames]
    assert all(step["args"][1]["frame"]["redraw"] is False for step in figure.layout.sliders[0].steps)


def test_the_figure_opens_at_the_whole_history() -> None:
    record = make_explanation(items=20, clusters=4, seed=3)
    drift = make_drift(record, steps=7)
    figure = drift_figure(record, drift, "light")
    last = figure.frames[-1]
    assert len(figure.frames) == 7 and figure.layout.sliders[0].active == 6
    for place, frozen in zip(last.traces, last.data, strict=True):
        shown = figure.data[place].to_plotly_json()
        for name, value in frozen.to_plotly_json().items():
            if isinstance(value, dict):
                assert value.items() <= shown[name].items()
            elif name != "type":
                assert list(shown[name]) == list(value)
    np.testing.assert_allclose(np.transpose([figure.data[1].x, figure.data[1].y]), graph_positions(record), atol=0.06)


def test_curves_are_the_numbers() -> None:
    record = make_explanation(items=20, clusters=12, seed=3, interests=12)
    drift = make_drift(record)
    styles = cluster_styles(record)
    figure = drift_figure(record, drift, "light")
    stack = [trace for trace in figure.data if trace.stackgroup]
    lettered = sorted((style for style in styles if style.lettered), key=lambda style: style.letter)
    assert [trace.fillcolor for trace in stack[:-1]] == [style.colour for style in lettered]
    for trace, style in zip(stack, lettered, strict=False):
        np.testing.assert_allclose(trace.y, drift.cluster_mass[:, style.index], atol=1e-3)
    assert len(stack) == len(lettered) + 1 and stack[-1].fillcolor == Theme.LIGHT.other
    np.testing.assert_allclose(np.sum([trace.y for trace in stack], axis=0), drift.lengths, atol=0.02)
    lift, rank = (next(t for t in figure.data if t.yaxis == axis and t.customdata is not None) for axis in ("y3", "y4"))
    np.testing.assert_allclose(lift.y, drift.log_lift, atol=1e-5)
    assert lift.customdata[-1].startswith(f"lift {amounts.lift(float(np.exp(drift.log_lift[-1])))} after 20 items: ")
    assert figure.layout.yaxis3.range[0] < drift.log_lift.min() < drift.log_lift.max() < figure.layout.yaxis3.range[1]
    assert list(rank.y) == drift.rank.tolist() and list(rank.x) == drift.lengths.tolist()
    axis = figure.layout.yaxis4
    assert axis.type == "log" and axis.range[0] > np.log10(drift.rank.max()) > axis.range[1]  # the best at the top
    assert axis.range[1] < 0 < axis.range[0]


def test_what_is_not_known_is_not_drawn() -> None:
    record = make_explanation(items=12, seed=1)
    unknown = make_drift(record, known=False)
    figure = drift_figure(record, unknown, "dark")
    assert {trace.yaxis for trace in figure.data} == {None, "y2", "y3"}
    assert caption(record, unknown).endswith(
        "as by popularity alone. Its rank is not known until the catalogue is scored."
    )
    assert drift_table(record, unknown)["rank"].isna().all()
    drift = make_drift(record)
    drift.rank[3] = np.nan
    rank = next(t for t in drift_figure(record, drift, "dark").data if t.yaxis == "y4")
    assert rank.y[3] is None and drift_table(record, drift)["rank"].isna().tolist() == [k == 3 for k in range(12)]


def test_estimated_ranks_are_said_to_be() -> None:
    record = make_explanation(items=12, seed=1)
    drift = make_drift(record)
    guessed = Drift(**{**vars(drift), "exact": False})
    assert "estimated" in caption(record, guessed) and "estimated" not in caption(record, drift)
    headings = " ".join(note.text for note in drift_figure(record, guessed, "light").layout.annotations)
    assert "estimated" in headings


@pytest.mark.parametrize("items", [1, 2, 250])
def test_every_length_is_drawn(items: int) -> None:
    record = make_explanation(items=items, clusters=8, seed=items)
    drift = make_drift(record, steps=min(items, 60))
    figure = drift_figure(record, drift, "light")
    assert json.loads(figure.to_json()) and go.Figure(figure.to_dict())  # plotly takes every value
    if items == 1:  # nothing to play
        assert not figure.frames and not figure.layout.sliders and not figure.layout.updatemenus
    else:
        assert len(figure.frames) == len(drift.lengths) == len(figure.layout.sliders[0].steps)
    sizes = np.array(figure.data[1].marker.size)
    assert (sizes <= LARGEST).all() and (sizes > TO_COME).all()
    assert (sizes >= SMALLEST).all() == (items < 250)  # nodes of a large graph are smaller, so that none covers another
    assert len(drift_table(record, drift)) == len(drift.lengths)


def test_titles_stay_text() -> None:
    titles = [*HOSTILE, "%{x} %{customdata}"]
    record = make_explanation(items=len(titles), titles=titles, categories=list(HOSTILE), seed=1)
    figure = drift_figure(record, make_drift(record), "light")
    texts = [step.label for step in figure.layout.sliders[0].steps] + [note.text for note in figure.layout.annotations]
    texts += [row[k] for row in figure.data[1].customdata for k in (0, 1)]
    texts += [words for trace in figure.data if trace.yaxis == "y3" for words in trace.customdata or ()]
    for text in texts:
        assert "<" not in text.replace("<b>", "", 1).replace("</b>", "", 1), text
    assert figure.data[1].customdata[0][0] == "&lt;img src=x onerror=alert(1)&gt;"
    templates = {trace.hovertemplate for trace in figure.data if trace.hovertemplate and not trace.stackgroup}
    assert not any("img" in template for template in templates)
    for trace in figure.data:
        if trace.stackgroup:  # their templates hold the names of the clusters
            assert "<img" not in trace.hovertemplate and "%{customdata[0]}" not in trace.hovertemplate


def test_a_drift_of_another_history_is_refused() -> None:
    with pytest.raises(ValueError, match="another history"):
        drift_figure(make_explanation(items=5), make_drift(make_explanation(items=6)), "light")


def test_the_table_holds_what_is_drawn() -> None:
    record = make_explanation(items=20, clusters=12, seed=3, interests=12)
    drift = make_drift(record, steps=9)
    table = drift_table(record, drift)
    assert table["items read"].tolist() == drift.lengths.tolist()
    assert table["item"].tolist() == [record.history[k - 1].item for k in drift.lengths]
    assert table["newest item"].tolist() == [record.history[k - 1].title for k in drift.lengths]
    seconds = (table["date"] - np.datetime64(0, "s")).dt.total_seconds()
    assert seconds.tolist() == [record.history[k - 1].timestamp for k in drift.lengths]
    np.testing.assert_allclose(table["lift"], np.exp(drift.log_lift))
    assert table["rank"].tolist() == drift.rank.tolist()
    for style in cluster_styles(record):
        if style.lettered:
            np.testing.assert_array_equal(table[f"mass {style.letter}"], drift.cluster_mass[:, style.index])
    masses = [name for name in table if name.startswith("mass")]
    np.testing.assert_allclose(table[masses].sum(axis=1), drift.lengths)


def test_styles_of_another_record_are_kept() -> None:
    record = make_explanation(items=20, clusters=4, seed=3)
    styles = cluster_styles(record)[::-1]
    swapped = tuple(type(style)(k, style.letter, style.colour, style.name) for k, style in enumerate(styles))
    drift = make_drift(record, steps=3)
    figure = drift_figure(record, drift, "light", styles=swapped)
    assert list(figure.data[1].marker.color) == [swapped[c].colour for c in item_clusters(record)]
    held = drift_table(record, drift, styles=swapped)[f"mass {swapped[0].letter}"]
    np.testing.assert_array_equal(held, drift.cluster_mass[:, 0])


def test_the_words_say_what_is_left_out() -> None:
    record = make_explanation(items=40, seed=1)
    assert "9 of 40 steps" in caption(record, make_drift(record, steps=9))
    assert "40 steps, one per item" in caption(record, make_drift(record))
    assert "at most 60 per step" in caption(record, make_drift(record))
    assert len(ABOUT.split()) <= 90
