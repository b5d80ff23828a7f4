"""What lies beside a checkpoint's folder, read for the app and kept: the survey of its users, comparison tables."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from app.background import with_spinner
from app.library import PROJECT
from surge.checkpoint import Checkpoint
from surge.data.dataset import Dataset
from surge.errors import SurgeError
from surge.explanation.survey_file import check_output, read_survey, survey_path
from surge.pictures.comparison_file import LARGEST_COMPARISON, comparison_table

COMPANIONS = 3  # items of one category: enough to show an interest
LOOKED_AT = 50  # users of a survey whose history is read to find a telling one
IN_CLONE = (PROJECT / "surge").is_dir()
SURGE = ("python", "-m", "surge") if IN_CLONE else ("surge",)
LEAST_ITEMS, MOST_ITEMS = 20, 40  # of a history to open with
PERSONAL = 3  # times as likely as by popularity alone: then a prediction is more than popularity


@dataclass(frozen=True)
class Survey:
    """One row a user in `frame`, numbered from 0 (unknown numbers are NaN). `made` is how the map was made.

    `stale` says in sentences what the survey was made with that is not on the screen; empty where it fits.
    """

    frame: pd.DataFrame
    made: str
    stale: tuple[str, ...]


def find_survey(checkpoint: Checkpoint, dataset: Dataset) -> Survey | None:
    """The survey beside the checkpoint's folder; None where there is none, a SurgeError where it is damaged."""
    path = survey_path(checkpoint.folder)
    if path.is_symlink():
        raise SurgeError(f"The survey {path.name!r} is a symbolic link, which is not followed; put the file itself.")
    try:
        stamp = path.stat()
    except OSError:
        return None
    try:
        key = (str(path), stamp.st_mtime_ns, stamp.st_size, stamp.st_ino)
        frame, metadata = with_spinner("survey", key, lambda: _read(path), "Reading the survey …")
    except SurgeError:
        raise
    except Exception as error:  # a damaged file can fail in as many ways as its libraries have
        raise SurgeError(f"The survey {path.name!r} can't be read ({type(error).__name__}); make it again.") from error
    stale = [
        f"The survey was made with another {kind} than {name!r}, or another version of it."
        for kind, name, digest in (
            ("checkpoint", checkpoint.name, checkpoint.digest),
            ("dataset", dataset.folder.name, dataset.digest),
        )
        if metadata.get(f"surge.{kind}") != digest
    ]
    return Survey(frame, metadata.get("surge.map", ""), tuple(stale))


def _read(path: Path) -> tuple[pd.DataFrame, dict[str, str]]:
    frame, metadata = read_survey(path)
    columns = {}
    for series in frame.iter_columns():
        if series.dtype.is_numeric():
            columns[series.name] = pd.Series(
                series.cast(float).to_numpy() if series.null_count() else series.to_numpy()
            )
        else:
            columns[series.name] = pd.Series(series.to_list(), dtype=object)
    return pd.DataFrame(columns), dict(metadata)


def shows_much(length: Any, rank: Any, period: Any, clusters: Any, lift: Any) -> Any:
    """Whether there is much to see at a user, or at many, of columns: a history that fits the screen, its next item, of
    the test period, in the top 10, three interests or more, and a personal top prediction, by its lift."""
    short = (length >= LEAST_ITEMS) & (length <= MOST_ITEMS)
    return short & (rank <= 10) & (period == "test") & (clusters >= 3) & (lift >= PERSONAL)


def telling_user(checkpoint: Checkpoint, dataset: Dataset) -> str | None:
    """A user to open with, from a survey that fits: of those with much to see (`shows_much`) whose history doesn't hold
    the top prediction already, the most faithful one.

    Rather one whose history holds COMPANIONS items or more of that prediction's category, where items have one: a first
    visitor sees at once why."""
    try:
        survey = find_survey(checkpoint, dataset)
    except SurgeError:
        return None
    if survey is None or survey.stale:
        return None
    frame = survey.frame
    figures = [frame[name] for name in ("length", "next_rank", "next_period", "effective_clusters", "top_lift")]
    telling = frame[shows_much(*figures)].sort_values(
        "faithfulness", ascending=False, na_position="last", kind="stable"
    )
    category = dict(zip(dataset.items["item"], dataset.items["category"], strict=True))
    second = None
    for user, item in zip(telling["user"].head(LOOKED_AT), telling["top_item"].head(LOOKED_AT), strict=True):
        taken = dataset.history(user)["item"].to_list()
        if item in taken:
            continue
        second = second or str(user)
        if category.get(item) and sum(category.get(other) == category[item] for other in taken) >= COMPANIONS:
            return str(user)
    return second


def command_folder() -> str:
    """Where the commands below are to be typed; empty where the app is installed and any folder will do."""
    return "in the project's folder" if IN_CLONE else ""


def survey_command(checkpoint: Checkpoint, dataset: Dataset) -> str:
    """What to type in `command_folder` to make the survey, quoted for a shell."""
    return shlex.join([*SURGE, "survey", _shown(checkpoint.folder), _shown(dataset.folder)])


def can_be_replaced(checkpoint: Checkpoint) -> bool:
    """Whether `survey_command` may write in the place of what lies there: a survey of any version, but nothing else."""
    try:
        check_output(survey_path(checkpoint.folder))
    except SurgeError:
        return False
    return True


def evaluate_command(checkpoint: Checkpoint, dataset: Dataset | None) -> str:
    """What to type in `command_folder` to measure the test split and the explanations, quoted for a shell; DATASET
    stands for the dataset that the checkpoint was trained on where none is at hand or another one is."""
    fits = dataset is not None and _dataset_digest(checkpoint.description) in (None, dataset.digest)
    folder = _shown(dataset.folder) if dataset is not None and fits else "DATASET"
    return shlex.join([*SURGE, "evaluate", _shown(checkpoint.folder), folder])


def train_command(dataset: Dataset) -> tuple[str, str]:
    """What to type in `command_folder` to train another checkpoint, quoted for a shell, and how the app comes to list
    it, as the end of a sentence."""
    output = "checkpoints/other" if IN_CLONE else "other"
    command = shlex.join([*SURGE, "train", _shown(dataset.folder), "--output", output, "--set", "position=none"])
    return command, "load this page again" if IN_CLONE else "start the explorer with its folder: `surge explore other`"


def _shown(folder: Path) -> str:
    """A folder as seen from the project's own where it lies in there; whole where the app is installed."""
    folder = folder.resolve()
    return str(folder.relative_to(PROJECT) if IN_CLONE and folder.is_relative_to(PROJECT) else folder)


def find_comparison(checkpoint: Checkpoint, name: str) -> pd.DataFrame | None:
    """The comparison table of that name that belongs to the checkpoint; None where there is none, a SurgeError where it
    isn't such a table.

    It is the one in the checkpoint's folder, or beside it under the folder's name, as in demo.baselines.json; else what
    lies beside all checkpoints of a folder, if it names the digest of the dataset that this one was trained on.
    """
    folder = checkpoint.folder
    for path in (folder / name, folder.parent / f"{folder.name}.{name}", folder.parent / name):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            with path.open("rb") as stream:
                content = stream.read(LARGEST_COMPARISON + 1)
        except OSError as error:
            raise SurgeError(f"{name} can't be read ({error.strerror or type(error).__name__}).") from error
        table = comparison_table(content, path.name)
        if path != folder.parent / name:
            return table
        measured_on, trained_on = _dataset_digest(json.loads(content)), _dataset_digest(checkpoint.description)
        if measured_on is not None and measured_on == trained_on:
            return table
        if measured_on is None:
            raise SurgeError(
                f"{name} lies beside all checkpoints of its folder and doesn't say which dataset it was measured on, "
                f"so it is left out; if it belongs to this one, name it {folder.name}.{name}."
            )
    return None


def _dataset_digest(description: Any) -> str | None:
    """The digest of the dataset that a comparison or a checkpoint names."""
    dataset = description.get("dataset") if isinstance(description, dict) else None
    digest = dataset.get("digest") if isinstance(dataset, dict) else None
    return digest if isinstance(digest, str) else None
