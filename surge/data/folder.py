"""The dataset folder as it is written: three files in a temporary folder beside the output, renamed once."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl

from surge.atomic_write import check_folder, put_in_place, working_folder
from surge.data.layout import DESCRIPTION_FILE, FILES, INTERACTIONS_FILE, ITEMS_FILE

# What --force may replace: a dataset, and the README that a person may have put beside it.
README_FILE = "README.md"

_ROW_GROUP_SIZE = 131_072  # small enough to read one user without the whole file, large enough to compress


def check_output(output: Path, force: bool) -> None:
    """Raise SurgeError when the folder must not be written; called before the work and again before the rename."""
    check_folder(output, "dataset", (*FILES, README_FILE), DESCRIPTION_FILE, force)


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
        put_in_place(fresh, output)
