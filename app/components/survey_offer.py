"""The survey of all users on a page that needs it, or how to make it."""

from __future__ import annotations

import streamlit as st

from app.surveys import Survey, command_folder, find_survey, survey_command
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.escapes import for_markdown


def survey_here(checkpoint: Checkpoint, dataset: Dataset, missing: str) -> Survey | None:
    """The survey, with what is stale about it; None where it is damaged or there is none: then `missing` is said, and
    the command that makes it."""
    try:
        survey = find_survey(checkpoint, dataset)
    except SurgeError as error:
        st.error(for_markdown(str(error)))
        return None
    if survey is None:
        st.info(missing)
        offer_command("Make it", checkpoint, dataset)
    elif survey.stale:
        st.warning(for_markdown(" ".join(survey.stale)))
    return survey


def offer_command(wish: str, checkpoint: Checkpoint, dataset: Dataset) -> None:
    """The command that makes the survey, and where to type it."""
    place = command_folder()
    st.markdown(f"{wish} with this command{place and f', {place}'}:")
    st.code(survey_command(checkpoint, dataset), language="bash", wrap_lines=True)
