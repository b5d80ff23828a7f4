"""The k-th largest of a row: the same number as from sorting, bit for bit, compiled or not."""

from __future__ import annotations

import math
import os
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from surge.native import library
from surge.native.ranking import kth_largest
from tests.kernel import needs_kernel

numbers = st.floats(width=32, allow_nan=False)


@needs_kernel
@given(st.lists(numbers, min_size=1, max_size=60), st.data())
@settings(deadline=None)
def test_it_is_what_sorting_gives(row: list[float], data: st.DataObject) -> None:
    k = data.draw(st.integers(1, len(row)))
    x = torch.tensor([row, row[::-1]], dtype=torch.float32)
    for switch in ("1", "0"):
        with mock.patch.dict(os.environ, {library.SWITCH: switch}):
            found = kth_largest(x, torch.tensor([k, k]), k)
        assert found.tolist() == [sorted(x[0].tolist(), reverse=True)[k - 1]] * 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_every_row_has_its_own_k(dtype: torch.dtype) -> None:
    x = torch.tensor([[0.5, -0.0, 0.5, -math.inf], [-1.0, -2.0, -3.0, -1e-40], [7, 7, 7, 7]], dtype=dtype)
    assert kth_largest(x, torch.tensor([2, 4, 3]), 4).tolist() == [0.5, -3, 7]
    assert kth_largest(x, torch.tensor([4, 1, 1]), 4).tolist() == [-math.inf, x[1, 3].item(), 7]


def test_many_numbers() -> None:
    x = torch.randn(3, 62_500, generator=torch.Generator().manual_seed(0))
    k = torch.tensor([1, 6_250, 62_500])
    assert torch.equal(
        kth_largest(x, k, int(k.max())), x.sort(1, descending=True).values.gather(1, (k - 1).unsqueeze(1)).squeeze(1)
    )


@pytest.mark.parametrize(("count", "k"), [(3, 4), (0, 1)])
def test_there_is_no_kth_of_fewer_numbers(count: int, k: int) -> None:
    with pytest.raises(RuntimeError):
        kth_largest(torch.zeros(1, count), torch.tensor([k]), k)
