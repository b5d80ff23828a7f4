"""What a list of predicted items shows, and what is known of the item that really came next: in words."""

from __future__ import annotations

ABOUT = (
    "The items that the model finds most likely to come next. Chance: how likely each is to be the next one, among "
    "all items. Lift: how many times as likely it is for this user as by popularity alone. Training draws the "
    "items to compare with by their popularity, so the model's raw score (logit, Eq. 17) says how much more this user "
    "wants an item than others do; with the item's popularity put back it is the chance, by which the list is ranked."
)
NOTHING = "No item is left that can be recommended."
PERIODS = {
    "train": " It lies in the training period, so the model has learned from it.",
    "valid": " It lies in the validation period, which decided when training stopped.",
}


def next_sentence(best: int, ranked: int, known: bool, rank: int | None, period: str | None) -> str:
    """The sentences below a list of the `best` of `ranked` items; where fewer are ranked, all of them are shown.

    `known`: whether there is a true next item; `rank`: its own, None where it can't be recommended; `period`: the
    part of the data that it lies in.
    """
    if not ranked:
        first = NOTHING
    elif ranked == 1:
        first = "The only item that can be recommended."
    elif ranked <= best:
        first = f"All {ranked:,} items that can be recommended."
    else:
        first = f"The {best:,} best of {ranked:,} items." if best > 1 else f"The best of {ranked:,} items."
    if not known:
        return f"{first} What came next is not known."
    if rank is None:
        return f"{first} The true next item is not among those that can be recommended."
    period_words = PERIODS.get(period or "", "")
    return (
        f"{first} The item that really came next, which is not part of the history here, ranks #{rank:,}.{period_words}"
    )


def found_sentence(best: int, read: int, size: int) -> str:
    """The sentence below the `best` items that a search found, which scored `read` of `size` items."""
    if not size:
        return NOTHING
    return (
        f"The {best:,} best that a search found, which scored {read:,} of {size:,} items. The lifts are exact, the "
        "chances are estimates, and a better item may have been passed over: ranks are certain when all are scored."
    )
