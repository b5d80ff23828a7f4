"""What a folder holds, told by the names in it alone, and where the project's own folders are."""

from __future__ import annotations

import os.path
from pathlib import Path

from surge.errors import SurgeError

ROOTS_VARIABLE = "SURGE_ROOTS"  # of the environment: folders that the app looks in, beside those it is given
CHECKPOINT_NAMES = ("manifest.json", "model.safetensors")
DATASET_NAME = "dataset.json"
PACKAGE = Path(__file__).resolve().parent


def is_checkpoint(folder: Path) -> bool:
    """Whether the folder is meant as a checkpoint; what may be wrong with it is said when it is opened.

    One that can't be looked into is none, here as below.
    """
    return any(os.path.isfile(folder / name) for name in CHECKPOINT_NAMES)


def is_dataset(folder: Path) -> bool:
    """Whether the folder is meant as a dataset."""
    return os.path.isfile(folder / DATASET_NAME)


def own_folder() -> Path:
    """The folder with app/, checkpoints/ and sample_data/: a part of an installed package, or the clone around it."""
    for folder in (PACKAGE / "_explorer", PACKAGE.parent):
        if all((folder / part).is_file() for part in ("app/main.py", ".streamlit/config.toml")):
            return folder
    raise SurgeError(
        "The explorer and its demo are no part of this installation of surge; install the wheel, or run `make app` in "
        "a clone of the repository."
    )
