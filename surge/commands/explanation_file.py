"""Where explain may write: a new file, or in the place of what it wrote before."""

import json
import zipfile
from pathlib import Path

from surge.atomic_write import check_parent, check_replaceable
from surge.errors import SurgeError

_PARTS = {"user", "target", "history", "model", "prediction"}  # some of what a record holds
_NPZ_PARTS = {"text.npy", "embeddings/history.npy"}
_REPORT = b"<strong>SURGE explorer</strong>"
_LARGEST = 1 << 30  # bytes of a record
_HEAD = 1 << 20  # bytes, in which a report says what it is


def check_explanation(output: str) -> Path:
    """The path, a SurgeError unless an explanation may be written there."""
    path = Path(output)
    if path.suffix not in _KINDS:
        raise SurgeError(f"--output {output!r} must end in .json or .npz (the record) or in .html (the report).")
    check_parent(path)
    noun = "report" if path.suffix == ".html" else "explanation"
    check_replaceable(path, noun, _KINDS[path.suffix])
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


def _is_report(path: Path) -> bool:
    with path.open("rb") as stream:
        return _REPORT in stream.read(_HEAD)


_KINDS = {".json": _is_json_record, ".npz": _is_npz_record, ".html": _is_report}
