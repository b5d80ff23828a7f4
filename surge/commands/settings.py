"""Settings as they are given to a command: by a preset, in a file, one by one."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from surge.errors import SurgeError

FILE = '{"model": {...}, "training": {...}, "evaluation": {...}}'
FROM_DATA = ("item_count", "category_count")
OPTIONS = ("epochs", "seed", "device", "precision")  # of training, with a name of their own


def assignments(given: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Name and value of each NAME=VALUE; one without a sign is a SurgeError."""
    from surge.config import read_value

    for assignment in given:
        name, sign, text = assignment.partition("=")
        if not sign:
            raise SurgeError(f"--set {assignment!r}: give NAME=VALUE.")
        yield name, read_value(text)


def read_settings(arguments: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Settings of the model, training and evaluation: the preset's, then the file's, then --set, then the options."""
    from surge.config import PARTS, in_parts, names, preset

    parts = in_parts(preset(arguments.preset) if arguments.preset is not None else {})
    if arguments.config:
        for part, settings in _read_file(arguments.config).items():
            parts[part] |= settings
    homes = {name: part for part, kind in PARTS.items() for name in names(kind) if name not in FROM_DATA}
    for name, value in assignments(arguments.set):
        if name in FROM_DATA:
            raise SurgeError(f"--set {name}: it is counted in the dataset; leave it out.")
        if name not in homes:
            raise SurgeError(f"--set {name!r}: give NAME=VALUE, NAME one of {', '.join(sorted(homes))}.")
        parts[homes[name]][name] = value
    for name in OPTIONS:
        if getattr(arguments, name) is not None:
            parts["training"][name] = getattr(arguments, name)
    return parts


def _read_file(path: str) -> dict[str, dict[str, Any]]:
    from surge.config import PARTS, in_parts

    try:
        read = json.loads(Path(path).read_text(encoding="utf-8-sig"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise SurgeError(f"{path!r} is not a JSON file {FILE} ({error}).") from error
    if not isinstance(read, dict):
        raise SurgeError(f"{path!r} is not a JSON file {FILE}: it holds {json.dumps(read):.60}.")
    is_checkpoint = "format_version" in read  # its config.json, which says more than settings
    given = {part: settings for part, settings in read.items() if part in PARTS or not is_checkpoint}
    unknown = sorted(set(given) - set(PARTS))
    if unknown:
        raise SurgeError(f"{path!r} names {', '.join(unknown)}; it may hold model, training and evaluation: {FILE}.")
    for part, settings in given.items():
        if not isinstance(settings, dict):
            raise SurgeError(
                f'{path!r} has {json.dumps(settings):.60} as {part}; give its settings, {{"NAME": VALUE}}.'
            )
    parts = in_parts(given)
    for name in FROM_DATA:
        if name in parts["model"] and not is_checkpoint:
            raise SurgeError(f"{path!r} sets {name}, which is counted in the dataset; leave it out.")
        parts["model"].pop(name, None)
    return parts


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, which may say a name twice; of these, all but the last would be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands there twice")
    return found
