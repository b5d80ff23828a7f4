"""Every setting of a model, of its training and of its evaluation: frozen, checked, saved with the weights."""

from surge.config.baseline import BaselineConfig
from surge.config.evaluation import EvaluationConfig
from surge.config.model import EquationForms, ModelConfig
from surge.config.presets import PRESETS, preset
from surge.config.recommender import RecommenderConfig
from surge.config.training import LossTerms, TrainingConfig
from surge.config.values import PARTS, from_dict, given_values, in_parts, names, read_value, to_dict

__all__ = [
    "PARTS",
    "PRESETS",
    "BaselineConfig",
    "EquationForms",
    "EvaluationConfig",
    "LossTerms",
    "ModelConfig",
    "RecommenderConfig",
    "TrainingConfig",
    "from_dict",
    "given_values",
    "in_parts",
    "names",
    "preset",
    "read_value",
    "to_dict",
]
