"""The dataset folder as it is written: three files in a temporary folder beside the output, renamed once."""

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from surge.data.dataset import DESCRIPTION_FILE, FILES, INTERACTIONS_FILE, ITEMS_FILE
from surge.errors import SurgeError

# What --force may replace: a dataset, and the README that a person may have put beside it.
README_FILE = "README.md"

_ROW_GROUP_SIZE = 131_072  # small enough to read one user without the whole file, large enough to compress


def check_output(output: Path, force: bool) -> None:
    """Raise SurgeError when the folder must not be written; called before the work and again before the rename."""
    if output.is_symlink():
        raise SurgeError(f"{output} is a symbolic link; give the folder itself")
    if not output.exists():
        return
    if not output.is_dir():
        raise SurgeError(f"{output} is a file; give a folder that does not exist yet")
    names = {path.name for path in output.iterdir()}
    if not names:
        return
    if not force:
        raise SurgeError(f"{output} is not empty; give another folder, or --force to replace the dataset in it")
    foreign = sorted(names - {*FILES, README_FILE})
    if foreign or DESCRIPTION_FILE not in names:
        detail = f"holds {foreign[0]!r}" if foreign else f"has no {DESCRIPTION_FILE}"
        raise SurgeError(f"{output} {detail}, so it is not replaced even with --force; give another folder")


@contextmanager
def working_folder(output: Path) -> Iterator[Path]:
    """A temporary folder beside the output, and so on the same disk, that is gone afterwards whatever happens."""
    parent = output.absolute().parent
    made = [folder for folder in (parent, *parent.parents) if not folder.exists()]
    folder = parent / f".{output.name}.{uuid.uuid4().hex}.partial"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for created in made:  # innermost first; one that came to hold the output stays
            try:
                created.rmdir()
            except OSError:
                break


def write_dataset(
    output: Path,
    interactions: pl.DataFrame,
    items: pl.DataFrame,
    description: dict[str, Any],
    *,
    force: bool = False,
) -> None:
    """Write a dataset folder so that it is there whole or not at all; with `force` an older one is replaced."""
    with working_folder(output) as temporary:
        fresh = temporary / "dataset"
        fresh.mkdir()
        for table, name in ((interactions, INTERACTIONS_FILE), (items, ITEMS_FILE)):
            table.write_parquet(fresh / name, compression="zstd", row_group_size=_ROW_GROUP_SIZE)
        text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        (fresh / DESCRIPTION_FILE).write_text(text, encoding="utf-8")
        check_output(output, force)
        if (output / README_FILE).is_file():
            shutil.copy2(output / README_FILE, fresh / README_FILE)
        _put_in_place(fresh, output, temporary / "replaced")


def _put_in_place(fresh: Path, output: Path, replaced: Path) -> None:
    try:
        if output.exists():
            output.rename(replaced)
        fresh.rename(output)
    except BaseException:
        if replaced.exists() and not output.exists():
            replaced.rename(output)
        raise
