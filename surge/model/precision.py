"""The arithmetic that a model computes in."""

from __future__ import annotations

from contextlib import nullcontext

import torch


def autocast(device: torch.device, precision: str) -> torch.autocast | nullcontext[None]:
    """bfloat16 arithmetic where asked for; parameters stay float32."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()
