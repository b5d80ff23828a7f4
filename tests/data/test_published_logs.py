"""The commands of docs/logs.md, each on made-up rows of the shape in which the log is published."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import zipfile
from pathlib import Path

import pytest

from surge.cli import main
from surge.data.dataset import Dataset

DOCS = Path(__file__).parents[2] / "docs" / "logs.md"
COMMANDS = dict(
    re.findall(r"^\| ([^|]+) \| `(surge prepare [^`]+)` \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
)

# 6 users with 5 items each, one a day; what they are called is the log's affair.
EVENTS = [(user, item, 1_400_000_000 + 86_400 * item + user) for user in range(6) for item in range(5)]


def lines(row: str) -> str:
    """One line an event, `row` with user, item, time in several forms filled in."""
    from datetime import UTC, datetime

    text = []
    for user, item, time in EVENTS:
        moment = datetime.fromtimestamp(time, UTC)
        text.append(
            row.format(
                user=user,
                item=item,
                time=time,
                ms=time * 1000 + 7,
                iso=moment.strftime("%Y-%m-%dT%H:%M:%S"),
                spaced=moment.strftime("%Y-%m-%d %H:%M:%S"),
                day=moment.strftime("%Y-%m-%d"),
                words=moment.strftime("%a %b %d %H:%M:%S -0800 %Y"),
            )
        )
    return "\n".join(text) + "\n"


TAOBAO = "".join(f"{user},{item},7,pv,{1511600000 + 60 * item + user}\n" for user in range(10) for item in range(10))
KUAI = "user_id,video_id,date,hourmin,time_ms,is_click,long_view\n" + "".join(
    f"{user},{item},20220408,1,{1649347200000 + 60_000 * item},1,1\n" for user in range(10) for item in range(10)
)
OTTO = "".join(
    json.dumps(
        {"session": user, "events": [{"aid": item, "ts": 1659304800025 + item, "type": "clicks"} for item in range(5)]}
    )
    + "\n"
    for user in range(6)
)
FILES: dict[str, dict[str, str]] = {
    "MovieLens 1M": {
        "ml-1m.zip/ml-1m/ratings.dat": lines("{user}::{item}::4::{time}"),
        "ml-1m.zip/ml-1m/movies.dat": "".join(f"{item}::Film {item} (1999)::Drama|War\n" for item in range(5)),
    },
    "MovieLens 20M, 25M, 32M, latest": {
        "ml-20m.zip/ml-20m/ratings.csv": "userId,movieId,rating,timestamp\n" + lines("{user},{item},3.5,{time}"),
        "ml-20m.zip/ml-20m/movies.csv": "movieId,title,genres\n"
        + "".join(f'{item},"Film, {item}",Drama\n' for item in range(5)),
    },
    "Amazon reviews 2014, 2018, 2023": {
        "reviews.json.gz": lines(
            '{{"reviewerID": "A{user}", "asin": "B{item}", "overall": 5.0, "unixReviewTime": {time}}}'
        ),
        "meta.json.gz": "".join(
            json.dumps({"asin": f"B{item}", "title": f"Thing {item}", "category": ["Home", "Mugs"]}) + "\n"
            for item in range(5)
        ),
    },
    "Taobao UserBehavior": {"UserBehavior.csv.zip/UserBehavior.csv": TAOBAO},
    "KuaiRand": {"KuaiRand-Pure/data/log_standard_4_08_to_4_21_pure.csv": KUAI},
    "RetailRocket": {
        "events.csv": "timestamp,visitorid,event,itemid,transactionid\n"
        + lines("{ms},{user},view,{item},")
        + "1400000000000,1,addtocart,3,\n"
    },
    "Yoochoose (RecSys 2015)": {"yoochoose-clicks.dat": lines("{user},{iso}.277Z,{item},0")},
    "Diginetica (CIKM 2016)": {
        "train-item-views.csv": "sessionId;userId;itemId;timeframe;eventdate\n"
        + lines("{user};NA;{item};{item}526;2016-05-09")
    },
    "Last.fm 1K, by artist": {
        "userid-timestamp-artid-artname-traid-traname.tsv": lines(
            'user_00000{user}\t{iso}Z\tart-{item}\tThe "{item}\t\tFuniculi (12" mix)'
        )
    },
    "Gowalla": {"loc-gowalla_totalCheckins.txt.gz": lines("{user}\t{iso}Z\t30.2\t-97.7\t{item}")},
    "Yelp": {
        "yelp_academic_dataset_review.json": lines(
            '{{"review_id": "r{user}{item}", "user_id": "u{user}", "business_id": "b{item}", "stars": 4.0, '
            '"text": "Ok,\\n\\"good\\"", "date": "{spaced}"}}'
        ),
        "yelp_academic_dataset_business.json": "".join(
            json.dumps({"business_id": f"b{item}", "name": f"Bar {item}", "stars": 4.0, "categories": "Bars, Food"})
            + "\n"
            for item in range(5)
        ),
    },
    "Goodreads": {
        "goodreads_interactions_poetry.json.gz": lines(
            '{{"user_id": "u{user}", "book_id": "{item}", "is_read": true, "rating": 4, "date_added": "{words}"}}'
        )
    },
    "H&M": {
        "transactions_train.csv": "t_dat,customer_id,article_id,price,sales_channel_id\n"
        + lines("{day},c{user},010877500{item},0.05,2"),
        "articles.csv": "article_id,product_code,prod_name,product_type_name\n"
        + "".join(f'010877500{item},108775,"Strap ""top"", {item}",Vest top\n' for item in range(5)),
    },
    "OTTO": {"otto-recsys-train.jsonl": OTTO},
    "MIND": {  # the first two clicks of each user are in the history
        "MINDsmall_train.zip/MINDsmall_train/behaviors.tsv": "".join(
            f"{user}{item}\tU{user}\t11/{11 + item}/2019 {user + 1}:05:58 PM\tN0 N1\tN{item}-1 N9-0\n"
            for user in range(6)
            for item in (4, 2, 3)
        ),
        "MINDsmall_train.zip/MINDsmall_train/news.tsv": "".join(
            f'N{item}\tsports\tgolf\tThe "best {item}\tWhat\thttps://x\t[]\t[]\n' for item in range(5)
        ),
    },
    "Steam reviews": {
        "steam_new.json.gz": lines(
            "{{u'username': u'Chaos {user}', u'product_id': u'{item}', u'date': u'{day}', u'hours': 1.2}}"
        )
    },
    "Book-Crossing, without times": {
        "BX-Book-Ratings.csv": '"User-ID";"ISBN";"Book-Rating"\n' + lines('"27672{user}";"034545104{item}";"0"'),
        "BX-Books.csv": '"ISBN";"Book-Title";"Book-Author"\n'
        + "".join(f'"034545104{item}";"Caf\u00e9 \\"{item}\\"; a novel";"N. N."\n' for item in range(5)),
    },
}


def test_every_command_is_tried() -> None:
    assert set(COMMANDS) == set(FILES) and len(FILES) >= 17


@pytest.mark.parametrize("log", FILES)
def test_the_command_reads_the_log(log: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, text in FILES[log].items():
        content = text.encode("latin-1" if log.startswith("Book") else "utf-8")
        if ".zip/" in place:
            archive, _, member = place.partition(".zip/")
            with zipfile.ZipFile(tmp_path / f"{archive}.zip", "a") as file:
                file.writestr(member, content)
            continue
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if place.endswith(".gz") else content)
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(COMMANDS[log])
    assert main(arguments[1:]) == 0
    dataset = Dataset.load(tmp_path / "OUT")
    assert set(dataset.description["preparation"]["dropped"]) <= {"other behaviour"}, dataset.description["preparation"]
    users, items = (10, 10) if log in ("Taobao UserBehavior", "KuaiRand") else (6, 5)
    assert dataset.description["counts"]["interactions"] == users * items
    assert (len(dataset.users), len(dataset.items)) == (users, items)
    first = dataset.interactions.filter(dataset.interactions["user"] == dataset.users[0])["item"].to_list()
    assert first == sorted(first)  # in the order of time
    if len(FILES[log]) == 2:
        assert all(title != item for item, title in dataset.items.select("item", "title").rows())


def test_mind_has_clicks_of_histories_and_of_impressions(tmp_path: Path) -> None:
    (tmp_path / "MIND").mkdir()
    (tmp_path / "MIND" / "behaviors.tsv").write_text(
        "1\tU1\t11/13/2019 8:36:57 AM\tN1 N2 N3\tN4-1 N5-0 N1-1\n"
        "2\tU1\t11/11/2019 1:05:58 PM\tN1 N2 N1\tN7-0 N8-1\n"
        "3\tU2\t11/12/2019 6:11:30 PM\t\tN1-0 N2-1\n"
        "4\tU2\t11/12/2019 6:12:30 PM\t\tN1-0\n"
        "5\tU2\tnever\tN1\tN1-1\n6\tU2\n"
    )
    assert (
        main(["prepare", "mind", str(tmp_path / "MIND"), "--output", str(tmp_path / "out"), "--split", "leave-last"])
        == 0
    )
    dataset = Dataset.load(tmp_path / "out")
    first, last = 1573477558, 1573634217
    assert dataset.history("U1").select("item", "timestamp").rows() == [
        *(("N1", first), ("N2", first), ("N1", first), ("N8", first)),
        *(("N4", last), ("N1", last)),
    ]
    assert dataset.history("U2")["item"].to_list() == ["N2"]
    told = dataset.description["preparation"]
    assert told["dropped"] == {"malformed line": 1, "unparsable time": 1}
    assert "line 6" in "".join(told["notes"])
    (tmp_path / "MIND" / "behaviors.tsv").rename(tmp_path / "MIND" / "clicks.tsv")
    assert main(["prepare", "mind", str(tmp_path / "MIND"), "--output", str(tmp_path / "none")]) == 2


def test_options_change_what_is_known_of_a_log(tmp_path: Path) -> None:
    rows = "1400000000000,1,view,3,\n1400000001000,1,addtocart,4,\n1400000002000,1,addtocart,5,\n"
    (tmp_path / "events.csv").write_text("timestamp,visitorid,event,itemid,transactionid\n" + rows)
    arguments = ["prepare", "retailrocket", str(tmp_path / "events.csv"), "--split", "leave-last", "--force"]
    for options, items in (
        (["--behaviour", "addtocart"], ["4", "5"]),
        (["--item-column", "timestamp", "--time-unit", "milliseconds"], ["1400000000000"]),
    ):
        assert main([*arguments, *options, "--output", str(tmp_path / "out")]) == 0
        assert Dataset.load(tmp_path / "out").interactions["item"].to_list() == items


def test_a_column_of_times_counts_where_the_published_log_has_none(tmp_path: Path) -> None:
    """Not the order of the rows, which Book-Crossing goes by."""
    log = "User-ID;ISBN;Book-Rating;when\n1;a;5;1600000009\n1;b;5;1600000001\n"
    (tmp_path / "ratings.csv").write_text(log)
    arguments = ["prepare", "bookcrossing", str(tmp_path / "ratings.csv"), "--time-column", "when"]
    assert main([*arguments, "--split", "leave-last", "--output", str(tmp_path / "out")]) == 0
    assert Dataset.load(tmp_path / "out").interactions["item"].to_list() == ["b", "a"]


def test_a_format_that_is_not_there_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare", "netflix", "x.csv", "--output", str(tmp_path / "out")]) == 2
    assert "there is no format 'netflix'; choose from movielens, taobao" in capsys.readouterr().err
