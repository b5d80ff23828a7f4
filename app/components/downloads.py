"""Downloads: the record, the tables, the graph and the whole page as files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from app import results
from app.components.inspection import Inspection
from app.library import PROJECT
from surge.explanation.compose import compose_story, shown_predictions
from surge.pictures import exports, tables
from surge.pictures.report import report
from surge.pictures.views import Scene, Table, drawn

MOST_PREDICTED = 100  # rows of the table of predictions


def take_away(inspection: Inspection) -> None:
    """A button that opens the downloads; each file is made when it is asked for."""
    record, styles, effects = inspection.record, inspection.styles, inspection.effects
    with st.popover("Download", icon=":material/download:", width="stretch", type="tertiary", key="take_away"):
        st.caption("Everything about this prediction, as files. The page as one file takes some seconds to make.")
        _download("The whole page as one HTML file", "html", "text/html", inspection, partial(_report, inspection))
        _download("The record (JSON)", "json", "application/json", inspection, record.to_json_bytes)
        _download("The record (NumPy)", "npz", "application/octet-stream", inspection, record.to_npz_bytes)
        scene = inspection.scene()
        predictions = Table("predictions", "predictions", partial(_predictions, inspection))
        for table in (*(view.table for view in drawn(scene)), predictions):
            make = partial(_csv, table, scene)
            _download(f"Table of {table.of} (CSV)", "csv", "text/csv", inspection, make, table.name)
        for label, suffix, write in (
            ("The graph for Gephi (GEXF)", "gexf", exports.gexf_bytes),
            ("The graph (GraphML)", "graphml", exports.graphml_bytes),
        ):
            make = partial(write, record, styles=styles, effects=effects)
            _download(label, suffix, "application/xml", inspection, make)
        st.caption("Pictures: point at one for its own SVG and PNG buttons; the graph has Save PNG.")


def _download(
    label: str, suffix: str, mime: str, inspection: Inspection, make: Callable[[], bytes], part: str = ""
) -> None:
    words = ("" if inspection.whose == "user" else inspection.whose, part)
    name = exports.file_name(inspection.record, f"{''.join(f'-{word}' for word in words if word)}.{suffix}")
    st.download_button(
        label, make, name, mime, key=f"download {suffix} {part}", on_click="ignore", type="tertiary", width="stretch"
    )


def _csv(table: Table, scene: Scene) -> bytes:
    """A table behind one of the page's pictures, with no cell that a spreadsheet would run."""
    return exports.csv_bytes(table.frame(scene))


def _predictions(inspection: Inspection, scene: Scene) -> pd.DataFrame:
    ranking, followed = inspection.ranking, inspection.history.next_item
    others = (followed.item if followed is not None else None, inspection.candidate)
    shown = shown_predictions(ranking, *others, best=MOST_PREDICTED) if ranking is not None else ()
    return tables.prediction_table(shown, followed, inspection.candidate, scene.record.history)


def _report(inspection: Inspection) -> bytes:
    """The standalone page, with the curves and the drift."""
    candidate, subject = inspection.candidate, inspection.subject
    story = compose_story(
        subject.checkpoint,
        inspection.dataset,
        subject.history,
        inspection.ranking,
        inspection.record,
        inspection.effects,
        results.faithfulness(subject, candidate),
        results.drift(subject, candidate),
        root=PROJECT,
    )
    return report(story, inspection.theme, styles=inspection.styles).encode()
