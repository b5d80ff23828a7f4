"""The finder: every user of the survey, narrowed by a question, a text and ranges, as a table and as a map."""

from __future__ import annotations

import json
from hashlib import blake2b
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from app import state
from app.components.bar import bar, go_to, page_notes
from app.components.finder_filters import (
    FIRST_COLOUR,
    WHOLE,
    Search,
    current_search,
    metrics_of,
    narrow,
    sort_words,
)
from app.components.inspection import caption, heading
from app.components.map_ring import map_ring
from app.components.survey_offer import offer_command
from app.components.tables import number_table
from app.components.theme import current_theme
from app.surveys import Survey, can_be_replaced, find_survey
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.escapes import for_markdown
from surge.pictures import finder_questions as presets
from surge.pictures import survey_words, users_map
from surge.pictures.exports import csv_bytes
from surge.pictures.html_parts import Column
from surge.pictures.metric_words import metric_column
from surge.pictures.text import count, lower_first
from surge.vocabulary import METRICS

HEIGHT = 560
ROWS = 500  # of a page of the table: what is sent at once
# of numbers by the browser; a share counts in per cent
FORMATS = {"percent": "%.1f %%", "integer": "localized", "chance": "%.2g %%", "lift": "%.2g×"}
TABLE, MAP = "finder_table", "finder_map"


def page() -> None:
    """The bar, what is wrong if something is, and the users."""
    here = bar("finder")
    with page_notes(here.messages):
        if here.checkpoint is not None and here.dataset is not None:
            _find(here.checkpoint, here.dataset)


def open_user(user: str) -> None:
    """Leave for the user page; ends this run of the script."""
    state.change(user=user)
    go_to("user")


def _find(checkpoint: Checkpoint, dataset: Dataset) -> None:
    try:
        survey = find_survey(checkpoint, dataset)
    except SurgeError as error:
        st.error(for_markdown(str(error)))
        wish = "Make it again" if can_be_replaced(checkpoint) else "Remove the file, then make it again"
        offer_command(wish, checkpoint, dataset)
        return
    if survey is None or not len(survey.frame):
        what = "There is no survey" if survey is None else "The survey holds no user"
        name = for_markdown(repr(checkpoint.name))
        st.info(
            f"{what} of checkpoint {name} yet. It reads every user once and writes one small file "
            "beside the checkpoint."
        )
        offer_command("Make it", checkpoint, dataset)
        return
    if survey.stale:
        st.warning(for_markdown(f"{' '.join(survey.stale)} Its figures are shown all the same; they may not fit."))
        offer_command("Make it anew", checkpoint, dataset)
    search = current_search(survey.frame)
    rows = narrow(survey.frame, search)
    preset = search.preset
    table, picture = st.columns([5, 4], gap="medium")
    sort = lower_first(sort_words(search.sort)) if search.sort is not None else None
    said = presets.caption(survey.frame, preset, len(rows), sort=sort)
    if len(survey.frame) < len(dataset.users):
        said += f" The survey holds {len(survey.frame):,} of the {len(dataset.users):,} users."
    with table:
        first = search.sort.removeprefix("-") if search.sort is not None else preset.column
        picked = _table(survey.frame.iloc[rows], first, said, checkpoint)
    with picture:
        _map(survey, rows, picked or state.current().user, search)


# -- table and map --------------------------------------------------------------------------------------


def _table(frame: pd.DataFrame, first: str | None, said: str, checkpoint: Checkpoint) -> str | None:
    """The users that are left, and who is picked among them. A tick opens a user at once.

    A cell only picks: the keyboard can't enter a table without choosing a cell, and must not be led away by that.
    """
    heading(
        "Users",
        "A tick in the first column opens the user; a click on any other cell selects the user for the Open button. A "
        "click on a column's head sorts what you see.",
    )
    pages = max(1, ceil(len(frame) / ROWS))
    page = min(max(state.current().page or 1, 1), pages)
    shown = frame.iloc[(page - 1) * ROWS : page * ROWS]
    users = shown["user"].tolist()
    actions = st.container(horizontal=True, vertical_alignment="center", key="finder_actions")
    picked = None
    if users:
        event = number_table(
            _as_shown(shown, checkpoint),
            _columns(shown, first),
            "Users with the figures of the survey.",
            pinned="user",
            formats={name: FORMATS.get(METRICS[name].format, "%.2f") for name in metrics_of(shown)},
            key=table_key(users),
            height=HEIGHT,
            on_select="rerun",
            selection_mode=["single-row", "single-cell"],
        )
        if pages > 1:
            st.pagination(pages, **state.shows("page", page, "finder_page"))
            said += f" The table shows {(page - 1) * ROWS + 1:,} to {(page - 1) * ROWS + len(users):,} of them."
        ticked, picked = (_chosen(users, event["selection"], kind) for kind in ("rows", "cells"))
        if ticked is not None:
            open_user(ticked)
    else:
        st.info("No user is left; choose another question, widen a range, or clear the text.")
    with actions:
        st.markdown(f"**{count(len(frame), 'user')}**", width="content")
        target = picked or (users[0] if users else "")
        if st.button(
            f"Open {for_markdown(target, 24)}", key="finder_open", icon=":material/arrow_forward:", disabled=not users,
            help="Opens the user whose cell was clicked, or else the first of the table.",
        ):  # fmt: skip
            open_user(target)
        st.download_button(
            "CSV", lambda: csv_bytes(frame), "users.csv", "text/csv", key="finder_csv", icon=":material/download:",
            disabled=not users, on_click="ignore", help="Downloads all of these users, with all figures of the survey.",
        )  # fmt: skip
    caption(said, "finder_table")
    return picked


def table_key(users: list[str]) -> str:
    """The table's key: a pick is the number of a row, so other users, or another order of them, are a new table."""
    return f"{TABLE} {blake2b(json.dumps(users).encode(), digest_size=8).hexdigest()}"


def _chosen(users: list[str], selection: Any, kind: str) -> str | None:
    """The user of the first ticked row, or chosen cell; None where the list has no such row."""
    for entry in selection.get(kind, ()):
        row = int(entry[0] if kind == "cells" else entry)
        return users[row] if 0 <= row < len(users) else None
    return None


def _as_shown(frame: pd.DataFrame, checkpoint: Checkpoint) -> pd.DataFrame:
    """The frame as the table shows it: shares in per cent, and the titles of items, where the model knows them."""
    ids = {item for column in ("next_item", "top_item") for item in frame[column] if isinstance(item, str)}
    known = checkpoint.items.select("item", "title")
    titles = dict(known.filter(known["item"].is_in(list(ids))).iter_rows())
    named = {column: [titles.get(item, item) for item in frame[column]] for column in ("next_item", "top_item")}
    shares = {name: frame[name] * WHOLE for name in metrics_of(frame) if METRICS[name].format in ("percent", "chance")}
    return frame.assign(**named, **shares)


def _columns(frame: pd.DataFrame, first: str | None) -> dict[str, Column]:
    """The columns that are shown, the `first` metric foremost."""
    metrics = sorted(metrics_of(frame), key=lambda name: name != first)
    columns = {name: metric_column(name) for name in ("user", *metrics, "next_item", "next_period", "top_item")}
    return columns | {name: columns[name]._replace(long=True) for name in ("next_item", "top_item")}


def _map(survey: Survey, rows: np.ndarray, user: str | None, search: Search) -> None:
    """All users on a plane, one of them ringed; a click on a point opens the user."""
    heading(
        "Map", "Users whose histories hold items that the model finds alike lie close together.", survey_words.ABOUT_MAP
    )
    frame = survey.frame
    if not np.isfinite(frame[["x", "y"]].to_numpy(dtype=np.float64)).all(axis=1).any():
        st.info("This survey places no user on a map.")
        return
    options = metrics_of(frame)
    shown = search.colour or search.preset.column or FIRST_COLOUR
    metric = st.selectbox(
        "Colour",
        options,
        format_func=lambda column: METRICS[column].name,
        label_visibility="collapsed",
        **state.shows("colour", shown if shown in options else options[0], "finder_colour"),
    )
    emphasised = rows.tolist() if len(rows) < len(frame) else None
    event: Any = st.plotly_chart(
        users_map.users_map(frame, metric, current_theme(), emphasised=emphasised),
        theme=None,
        key=MAP,
        on_select="rerun",
        selection_mode="points",
        config={"displaylogo": False, "scrollZoom": False, "doubleClick": "reset"},
        alt="Users on a map; the table holds the same users.",
    )
    map_ring(MAP, *_ringed(frame, rows, user), current_theme())
    caption(survey_words.map_caption(frame, metric, emphasised=emphasised, method=survey.made), "finder_map")
    row = _clicked_row(event["selection"])
    if row is not None and row < len(frame):
        open_user(frame["user"].iat[row])


def _ringed(frame: pd.DataFrame, rows: np.ndarray, user: str | None) -> tuple[tuple[float, float] | None, float]:
    """Where a user stands on the map, None where nowhere, and how large the ring is in pixels."""
    places = frame[["x", "y"]].to_numpy(dtype=np.float64)
    placed = np.isfinite(places).all(axis=1)
    size = users_map.mark_size(int(placed[rows].sum())) + 10
    for row in np.flatnonzero(placed & (frame["user"] == user).to_numpy())[:1]:
        return (float(places[row, 0]), float(places[row, 1])), size
    return None, size


def _clicked_row(selection: Any) -> int | None:
    """The row number of the clicked point, which is its customdata."""
    for point in selection.get("points", ()):
        row = point.get("customdata")
        if isinstance(row, int) and not isinstance(row, bool) and row >= 0:
            return row
    return None
