"""Who takes part in a comparison: a model by its name, with the settings in which it differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from surge.config import PARTS, EvaluationConfig, TrainingConfig, from_dict, names, preset, read_value, to_dict
from surge.errors import SurgeError
from surge.recommenders import RECOMMENDERS, Recommender, build, configure
from surge.training.data import TrainingData
from surge.training.fit import check_epochs

SURGE = "surge"
NAMES = tuple(RECOMMENDERS)
FROM_DATA = {"item_count", "category_count", "user_count"}
OF_SURGE = {  # of the training settings: what no baseline reads, so that it decides none of their runs
    "same_mapping_weight",
    "same_mapping",
    "single_affiliation_weight",
    "relative_position_weight",
    "relative_position",
    "balance_weight",
    "next_item_weight",
    "warmup_steps",
}
SHARED = {"seed", "device", *names(EvaluationConfig)}


@dataclass(frozen=True)
class Contestant:
    """One row of the table. `label` is how it was written: NAME, or NAME:setting=value:..., settings of the model or
    of its training. surge:preset=NAME takes a preset of `surge.config` for all that isn't given beside it. `evaluation`
    is the same for all."""

    label: str
    name: str
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Contestant:
        """From "sasrec" or "surge:fusion=none:clusters=[30,10]"; an unknown name or setting is a SurgeError."""
        name, *parts = text.split(":")
        if name not in NAMES:
            raise SurgeError(f"There is no model {name!r}; the models are {', '.join(NAMES)}.")
        contestant = cls(text, name)
        presets = [part for part in parts if name == SURGE and part.startswith("preset=")]
        if len(presets) > 1:
            raise SurgeError(f"The model {text!r} gives preset more than once.")
        for part in [part for part in parts if part not in presets]:
            setting, sign, value = part.partition("=")
            if not sign or setting in SHARED or setting not in contestant.settings:
                known = sorted(contestant.settings - SHARED)
                raise SurgeError(f"{part!r} of the model {text!r}: give setting=value, one of {', '.join(known)}.")
            if setting in contestant.model or setting in contestant.training:
                raise SurgeError(f"The model {text!r} gives {setting} more than once.")
            contestant = contestant.with_settings({setting: read_value(value)})
        for part in presets:  # last: what is given beside it comes first
            chosen = preset(part.removeprefix("preset="))
            contestant = contestant.with_settings(chosen["model"] | chosen["training"])
        return contestant

    @property
    def settings(self) -> set[str]:
        """Every setting that this model, its training or its evaluation has."""
        return set().union(*self._parts.values())

    @property
    def _parts(self) -> dict[str, set[str]]:
        """The same by part."""
        kinds = {**PARTS, "model": RECOMMENDERS[self.name].settings}
        return {part: set(names(kind)) - FROM_DATA - self._idle for part, kind in kinds.items()}

    @property
    def _idle(self) -> set[str]:
        return set() if self.name == SURGE else OF_SURGE

    def with_settings(self, settings: Mapping[str, Any]) -> Contestant:
        """With those of the settings that it has; its own come first."""
        parts: dict[str, Any] = {
            part: {k: v for k, v in settings.items() if k in known} | dict(getattr(self, part))
            for part, known in self._parts.items()
        }
        return replace(self, **parts)

    def training_config(self, seed: int) -> TrainingConfig:
        """How it is trained; for not a single epoch is a SurgeError."""
        config = from_dict(TrainingConfig, dict(self.training) | {"seed": seed})
        check_epochs(config)
        return config

    def evaluation_config(self) -> EvaluationConfig:
        """How it is measured."""
        return from_dict(EvaluationConfig, self.evaluation)

    def configuration(self, data: TrainingData) -> Any:
        """All settings of the model."""
        given = data.sizes() | {"user_count": len(data.log.offsets) - 1}
        known = names(RECOMMENDERS[self.name].settings)
        return configure(self.name, dict(self.model) | {k: v for k, v in given.items() if k in known})

    def build(self, data: TrainingData, seed: int, device: torch.device) -> Recommender:
        """The untrained model."""
        torch.manual_seed(seed)
        recommender = build(self.name, self.configuration(data), data.item_category)
        recommender.network.to(device)
        return recommender

    def described(self, seed: int) -> dict[str, Any]:
        """All that decides a run but the data."""
        training = {k: v for k, v in to_dict(self.training_config(seed)).items() if k not in self._idle}
        evaluation = to_dict(self.evaluation_config())
        return {"name": self.name, "model": dict(self.model), "training": training, "evaluation": evaluation}


def contestants(texts: Iterable[str], shared: Mapping[str, Any]) -> list[Contestant]:
    """Everybody, with settings that all share. None, one named twice, or a setting that nobody has: a SurgeError."""
    parsed = [Contestant.parse(text) for text in texts]
    if not parsed:
        raise SurgeError(f"No model is named; the models are {', '.join(NAMES)}.")
    twice = sorted({one.label for one in parsed if [other.label for other in parsed].count(one.label) > 1})
    if twice:
        raise SurgeError(f"{', '.join(twice)} is named more than once.")
    if "seed" in shared:
        raise SurgeError("Every model is trained with the seeds 0, 1, ..., so seed is no setting; give --seeds N.")
    for name in shared:
        if not any(name in contestant.settings for contestant in parsed):
            raise SurgeError(f"None of these models has the setting {name!r}.")
    return [contestant.with_settings(shared) for contestant in parsed]
