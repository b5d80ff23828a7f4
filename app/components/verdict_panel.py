"""The computed sentences on top: what the prediction rests on, and whether the model's own weights say so."""

from __future__ import annotations

import streamlit as st

from app import results
from app.components.inspection import Inspection, about
from surge.escapes import for_markdown
from surge.pictures.trust import trust
from surge.pictures.verdict import ABOUT, verdict

TRUST_ICONS = {
    "good": ":material/verified:",
    "partly": ":material/help:",
    "poor": ":material/warning:",
    "unknown": ":material/help:",
}


def verdict_panel(inspection: Inspection) -> None:
    """The verdict, and a plain word about attention and importance against the measured effect."""
    record, effects, ranking = inspection.record, inspection.effects, inspection.ranking
    chance = results.chance(inspection.subject, record)
    pieces = verdict(
        record,
        effects,
        inspection.rank,
        len(ranking.order) if ranking is not None else None,
        next_probability=chance[0] if chance is not None else None,
        about=chance is not None and chance[1],
        styles=inspection.styles,
        interests=inspection.history.interests,
        whose=inspection.whose,
        weights=False,  # said below, with a sign
    )
    with st.container(key="headline"):
        st.markdown("".join(f"**{for_markdown(p.text)}**" if p.strong else _inline(p.text) for p in pieces))
        verdict_on_weights = trust(record, effects)
        st.caption(f"{TRUST_ICONS[verdict_on_weights.level]} {for_markdown(verdict_on_weights.sentence)}")
        about(ABOUT, "The verdict", "About this sentence")


def _inline(text: str) -> str:
    """As text, with the spaces at its ends that part it from its neighbours."""
    left, right = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    return f"{' ' if left else ''}{for_markdown(text)}{' ' if right else ''}" if text.strip() else " "
