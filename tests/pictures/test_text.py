"""Words that several views share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surge.pictures.text import likely_words
from tests.records import make_explanation


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"next_probability": 0.036},
            "3.6 % chance of being the next item, 9.1 times as likely as by popularity alone",
        ),
        ({}, "9.1 times as likely as by popularity alone"),
        (
            {"next_probability": 0.082, "left_out": True},
            "not ranked, as it was taken before the items that are read here; it would have an 8.2 % chance of being "
            "the next item, 9.1 times as likely as by popularity alone",
        ),
        (
            {"left_out": True},
            "not ranked, as it was taken before the items that are read here; it would be 9.1 times as likely as by "
            "popularity alone",
        ),
    ],
)
def test_what_is_never_recommended_has_no_chance(changes: dict[str, object], words: str) -> None:
    record = make_explanation()
    assert likely_words(replace(record, prediction=replace(record.prediction, lift=9.1, **changes))) == words
