"""Amazon reviews in the layouts of 2018 and 2023, with and without meta, and what is no such file."""

import gzip
import json
from pathlib import Path

import pytest

from surge.data.dataset import Dataset
from surge.data.preparation import prepare
from surge.errors import SurgeError

EVERYTHING = {"split": "leave-last", "min_user_interactions": 1, "min_item_interactions": 1}
DAY = 86_400
TIME = 1445040000


def review(user: str, item: str, day: int, rating: float = 5.0) -> str:
    cells = {"overall": rating, "verified": True, "reviewerID": user, "asin": item, "unixReviewTime": TIME + day * DAY}
    return json.dumps({**cells, "reviewText": "Great,\nreally\u2028 \U0001f600", "image": ["x"]}) + "\n"


REVIEWS = review("A1", "0700026657", 0) + review("A1", "B2", 2, 1.0) + review("A2", "B2", 1)
META = (
    json.dumps({"category": ["Video Games", "PC &amp; Mac", "Games"], "title": "Anno &#39;70", "asin": "0700026657"})
    + "\n"
    + json.dumps({"category": ["Video Games"], "title": "", "asin": "B2"})
    + "\n"
    + json.dumps({"category": [], "title": "Never reviewed", "asin": "B3"})
    + "\n"
)
ROWS = [("A1", "0700026657", TIME, 5.0), ("A1", "B2", TIME + 2 * DAY, 1.0), ("A2", "B2", TIME + DAY, 5.0)]
ITEMS = [("0700026657", "Anno '70", "PC & Mac"), ("B2", "B2", "Video Games")]


def test_2018_with_meta_in_either_order_packed_or_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "amazon"
    folder.mkdir()
    reviews, meta = folder / "Video_Games_5.json.gz", folder / "meta_Video_Games.json.gz"
    reviews.write_bytes(gzip.compress(REVIEWS.encode()))
    meta.write_bytes(gzip.compress(META.encode()))
    for name, inputs in {"a": [reviews, meta], "b": [meta, reviews], "c": [folder]}.items():
        prepare("amazon", inputs, tmp_path / name, **EVERYTHING)
        dataset = Dataset.load(tmp_path / name)
        assert dataset.interactions.rows() == ROWS
        assert dataset.items.rows() == ITEMS


def test_2018_without_meta(tmp_path: Path) -> None:
    (tmp_path / "reviews.json").write_text(REVIEWS)
    description = prepare("amazon", [tmp_path / "reviews.json"], tmp_path / "out", **EVERYTHING)
    assert Dataset.load(tmp_path / "out").items.rows() == [("0700026657",) * 2 + (None,), ("B2", "B2", None)]
    assert description["preparation"]["notes"] == [
        "there is no meta file, so titles are ids and there are no categories"
    ]


def test_2023_csv_and_json_lines_give_the_same(tmp_path: Path) -> None:
    table = "user_id,parent_asin,rating,timestamp\n"
    lines = ""
    for user, item, seconds, rating in ROWS:
        table += f"{user},{item},{rating},{seconds * 1000 + 7}\n"
        cells = {"rating": rating, "title": "so so", "asin": "variant", "parent_asin": item, "user_id": user}
        lines += json.dumps({**cells, "timestamp": seconds * 1000 + 7, "verified_purchase": True}) + "\n"
    about = {"main_category": "Video Games", "title": "Anno '70", "parent_asin": "0700026657", "price": None}
    (tmp_path / "meta.jsonl").write_text(
        json.dumps({**about, "categories": ["Video Games", "PC & Mac"]})
        + "\n"
        + json.dumps({"parent_asin": "B2", "title": None, "categories": ["Video Games"]})
        + "\n"
    )
    for name, text in {"Video_Games.csv": table, "Video_Games.jsonl": lines}.items():
        (tmp_path / name).write_text(text)
        prepare("amazon", [tmp_path / name, tmp_path / "meta.jsonl"], tmp_path / "out", force=True, **EVERYTHING)
        dataset = Dataset.load(tmp_path / "out")
        assert dataset.interactions.rows() == ROWS
        assert dataset.items.rows() == ITEMS


def test_lines_that_cannot_be_used_are_counted_by_reason(tmp_path: Path) -> None:
    bad = [
        '{"reviewerID": "A1", "asin": "B2", "unixRevi\n',  # cut off
        "{'reviewerID': 'A1', 'asin': B2, 'unixReviewTime': 1445040000}\n",  # neither JSON nor Python
        '["A1", "B2", 1445040000]\n',
        "[" * 5_000 + "\n",
        "\n",
        '{"reviewerID": null, "asin": "B2", "unixReviewTime": 1445040000}\n',
        '{"reviewerID": "A1", "unixReviewTime": 1445040000}\n',
        '{"reviewerID": "A1", "asin": "B2"}\n',
        '{"reviewerID": "A1", "asin": "B2", "unixReviewTime": "then"}\n',
    ]
    (tmp_path / "reviews.json").write_text("\ufeff" + REVIEWS + "".join(bad) + review("A2", "B2", 1))
    (tmp_path / "meta.json").write_text(META + "{not JSON\n\n" + META)
    inputs = [tmp_path / "reviews.json", tmp_path / "meta.json"]
    description = prepare("amazon", inputs, tmp_path / "out", **EVERYTHING)
    dataset = Dataset.load(tmp_path / "out")
    assert dataset.interactions.rows() == ROWS
    assert dataset.items.rows() == ITEMS
    assert description["preparation"]["rows_read"] == 13
    assert description["preparation"]["dropped"] == {
        "malformed line": 4,
        "blank line": 1,
        "missing user": 1,
        "missing item": 1,
        "missing time": 1,
        "unparsable time": 1,
        "exact duplicate": 1,
    }
    assert description["preparation"]["notes"] == [
        "1 line of meta.json was malformed and passed over",
        "4 lines of reviews.json were left out, with no JSON object: lines 4, 5, 6 and 1 more",
        "first rows that were left out: missing item in line 10 of reviews.json, missing time in line 11 of "
        "reviews.json, missing user in line 9 of reviews.json, unparsable time in line 12 of reviews.json ('then')",
        "3 repeated items in the file about items were passed over",
    ]


def test_five_core_by_default(tmp_path: Path) -> None:
    lines = [review(f"A{user}", f"B{item}", item) for user in range(5) for item in range(5)]
    (tmp_path / "reviews.json").write_text("".join(lines) + review("A9", "B1", 1))
    description = prepare("amazon", [tmp_path / "reviews.json"], tmp_path / "out", split="leave-last")
    assert description["counts"] == {"interactions": 25, "users": 5, "items": 5, "categories": 0}
    assert description["preparation"]["dropped"] == {"user with fewer than 5 interactions": 1}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("\n\n", "neither reviewerID and asin"),
        ("movieId,title,genres\n1,2,3\n", "neither reviewerID and asin"),
        ("user_id,parent_asin,rating\nA1,B2,5.0\n", "has no 'timestamp'"),
        ("user_id,parent_asin,rating,timestamp\n", "a header but no rows"),
        ('{"reviewerID": "A1", "asin": "B2"}\n', "has no 'overall'"),
        ("{'asin': 'B2', 'title': 'as of 2014'}\n", "has 0 files of reviews and 1 of meta"),
        (META, "has 0 files of reviews and 1 of meta"),
        ('[{"reviewerID": "A1"}]\n', "neither reviewerID and asin"),
        ("\x00\x01", "a binary file"),
        ("PAR1", "is Parquet; prepare it with the format csv"),
    ],
)
def test_what_is_no_file_of_reviews(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "reviews.json").write_text(text)
    with pytest.raises(SurgeError, match=sentence):
        prepare("amazon", [tmp_path / "reviews.json"], tmp_path / "out", **EVERYTHING)
    assert not (tmp_path / "out").exists()


def test_two_files_of_reviews_or_none(tmp_path: Path) -> None:
    folder = tmp_path / "amazon"
    folder.mkdir()
    with pytest.raises(SurgeError, match="has 0 files of reviews and 0 of meta"):
        prepare("amazon", [folder], tmp_path / "out")
    for name in ("Video_Games.json", "Video_Games_5.json"):
        (folder / name).write_text(REVIEWS)
    with pytest.raises(SurgeError, match="has 2 files of reviews and 0 of meta"):
        prepare("amazon", [folder], tmp_path / "out")
    with pytest.raises(SurgeError, match="does not exist"):
        prepare("amazon", [folder / "none.json"], tmp_path / "out")
