"""Where a record may be written: a new file, or in the place of an older record."""

import json
import zipfile
from pathlib import Path

from surge.atomic_write import check_place, check_replaceable

_PARTS = {"user", "target", "history", "model", "prediction"}  # some of what a record holds
_NPZ_PARTS = {"text.npy", "embeddings/history.npy"}
_LARGEST = 1 << 30  # bytes of a record


def check_output(path: str | Path) -> Path:
    """A SurgeError unless a record may be written here."""
    path = check_place(path, "An explanation", ".json", ".npz")
    check_replaceable(path, "explanation", _is_json_record if path.suffix == ".json" else _is_npz_record)
    return path


def _is_json_record(path: Path) -> bool:
    if path.stat().st_size > _LARGEST:
        return False
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return False
    return isinstance(values, dict) and set(values) >= _PARTS


def _is_npz_record(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist()) >= _NPZ_PARTS
    except zipfile.BadZipFile:
        return False
