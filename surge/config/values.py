"""Settings as plain JSON values: what is on disk and on the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any, TypeVar

from surge.arguments import shown
from surge.config.checks import is_config, require, types
from surge.config.evaluation import EvaluationConfig
from surge.config.model import ModelConfig
from surge.config.training import TrainingConfig

PARTS: Mapping[str, type] = {"model": ModelConfig, "training": TrainingConfig, "evaluation": EvaluationConfig}

Config = TypeVar("Config")  # a frozen dataclass of settings


def read_value(text: str) -> Any:
    """A setting's value as it is written on a command line: JSON, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def names(kind: type) -> list[str]:
    """Every setting of a configuration; those of a configuration inside it stand among its own."""
    inside = {name: names(one) if is_config(one) else [name] for name, one in types(kind).items()}
    return [name for of_one in inside.values() for name in of_one]


def to_dict(config: Any) -> dict[str, Any]:
    """The settings as plain JSON values, by the names of `names`."""
    values: dict[str, Any] = {}
    for name, value in vars(config).items():
        values |= to_dict(value) if is_config(value) else {name: list(value) if isinstance(value, tuple) else value}
    return values


def from_dict(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """Settings from plain JSON values; an unknown or missing name is a SurgeError."""
    known = names(kind)
    unknown = sorted(set(values) - set(known))
    require(not unknown, f"Unknown setting {', '.join(unknown)}; the settings are {', '.join(sorted(known))}.")
    required = {field.name for field in fields(kind) if field.default is MISSING}  # type: ignore[arg-type]
    missing = sorted(required - set(values))
    require(not missing, f"The setting {', '.join(missing)} is missing.")
    given: dict[str, Any] = {}
    for name, one in types(kind).items():
        if is_config(one):
            given[name] = from_dict(one, {inner: values[inner] for inner in names(one) if inner in values})
        elif name in values:
            given[name] = tuple(values[name]) if isinstance(values[name], list) else values[name]
    return kind(**given)


def given_values(kind: type, given: Any, name: str) -> dict[str, Any]:
    """Settings of an argument as plain values: a configuration of this kind, a dict of some settings, or None."""
    if isinstance(given, kind):
        return to_dict(given)
    ok = given is None or (isinstance(given, Mapping) and all(isinstance(setting, str) for setting in given))
    require(ok, f"{name} is {shown(given)}; give surge.{kind.__name__}(...) or a dict of its settings.")
    return dict(given or {})


def in_parts(given: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Settings by part, {model: ..., training: ..., evaluation: ...}, each setting in its own.

    Those of the evaluation stood under training once, and are read from there. Any other that stands in the wrong part,
    or in two, is a SurgeError; a name that no part has stays where it is, for `from_dict` to refuse.
    """
    homes = {name: part for part, kind in PARTS.items() for name in names(kind)}
    arranged: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    for part, settings in given.items():
        for name, value in settings.items():
            home = homes.get(name, part)
            moved = (part, home) == ("training", "evaluation")
            require(home == part or moved, f"The setting {name} stands under {part}; it belongs under {home}.")
            require(
                name not in arranged[home],
                f"The setting {name} stands under training and evaluation; give it once.",
            )
            arranged[home][name] = value
    return arranged
