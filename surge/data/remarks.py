"""What is to be told of a text file: how its quotes, blanks and rows were taken."""

from __future__ import annotations

from surge.data.text import Delimited, lines_of


def remarks(name: str, table: Delimited) -> list[str]:
    """A sentence for each thing that is odd about a file, by what `scan_delimited` found."""
    notes = []
    if table.literal:
        notes.append(
            f"{lines_of(name, table.literal, 'has', 'have')} a quote that closes nothing; it was read as text "
            "(with --no-quotes all are)"
        )
    if table.continued:
        on = lines_of(name, table.continued, "goes on", "go on")
        notes.append(f"{on} with a quoted text of the line before")
    if table.row_names:
        notes.append(
            f"the rows of {name} have a field more than its header; the first is taken for a row's name, as R writes it"
        )
    if table.uneven:
        notes.append(maybe_sequences(name))
    if table.blanks:
        notes.append(f"runs of blanks in {name} were read as one blank")
    return notes


def maybe_sequences(name: str) -> str:
    """What to tell of a file without a header that may have a user's items in each line."""
    return f"{name}: where each line is a user and their items, prepare it with the format sequences"
