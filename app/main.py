"""Entry point of the explorer: page configuration and navigation, nothing else."""

import sys
from pathlib import Path

import streamlit as st

ROOT = str(Path(__file__).resolve().parent.parent)
if ROOT not in sys.path:  # `streamlit run app/main.py` puts app/ there, not the folder that holds it
    sys.path.insert(0, ROOT)

from app.components.bar import PAGES_KEY  # noqa: E402
from app.screens import finder, model, user  # noqa: E402

ICON = Path(__file__).with_name("icon.svg")  # a file: the browser would fetch a named icon from the network

st.set_page_config(page_title="SURGE explorer", page_icon=ICON, layout="wide")
pages = {
    "user": st.Page(user.page, title="SURGE explorer", url_path="user", default=True),
    "finder": st.Page(finder.page, title="SURGE explorer: find users", url_path="finder"),
    "model": st.Page(model.page, title="SURGE explorer: the model", url_path="model"),
}
st.session_state[PAGES_KEY] = pages
st.navigation(list(pages.values()), position="hidden").run()
