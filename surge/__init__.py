"""SURGE: sequential recommendation with graph neural networks, and the explanation of its predictions.

The public names are loaded when first used: `import surge` alone does not load torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from surge.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from surge.config import EvaluationConfig, ModelConfig, TrainingConfig
    from surge.data.dataset import Dataset
    from surge.data.preparation import prepare
    from surge.deployment.export import export
    from surge.errors import SurgeError
    from surge.evaluation.evaluate import evaluate_split as evaluate
    from surge.evaluation.own_lists import evaluate_own_lists as evaluate_lists
    from surge.explanation.explain import explain
    from surge.explanation.recommend import recommend, recommend_all
    from surge.explanation.record import Explanation
    from surge.model.surge import SurgeModel
    from surge.training.trainer import train

_HOMES = {
    "Checkpoint": "surge.checkpoint",
    "load_checkpoint": "surge.checkpoint",
    "save_checkpoint": "surge.checkpoint",
    "EvaluationConfig": "surge.config",
    "ModelConfig": "surge.config",
    "TrainingConfig": "surge.config",
    "Dataset": "surge.data.dataset",
    "SurgeError": "surge.errors",
    "evaluate": "surge.evaluation.evaluate:evaluate_split",
    "evaluate_lists": "surge.evaluation.own_lists:evaluate_own_lists",
    "export": "surge.deployment.export",
    "explain": "surge.explanation.explain",
    "prepare": "surge.data.frames:prepare_files",
    "recommend": "surge.explanation.recommend",
    "recommend_all": "surge.explanation.recommend",
    "Explanation": "surge.explanation.record",
    "SurgeModel": "surge.model.surge",
    "train": "surge.training.trainer",
}
__all__ = [
    "Checkpoint",
    "Dataset",
    "EvaluationConfig",
    "Explanation",
    "ModelConfig",
    "SurgeError",
    "SurgeModel",
    "TrainingConfig",
    "evaluate",
    "evaluate_lists",
    "explain",
    "export",
    "load_checkpoint",
    "prepare",
    "recommend",
    "recommend_all",
    "save_checkpoint",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        module, _, own = _HOMES[name].partition(":")
        return getattr(importlib.import_module(module), own or name)
    raise AttributeError(f"module 'surge' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
