"""Rows of no name of the desk, and rows that would stop one name: in quarantine, said in the summary, alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

import pytest

from trading_assets.desk.calendar import sessions
from trading_assets.lake.contracts.contract import DUPLICATE
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.serving.data_notes import data_notes
from trading_assets_tests.desks import Bench, metadata_of, multi_range, open_bench

START, END = date(2014, 1, 1), date(2016, 1, 1)
DAYS = sessions("XNYS", START, date(2015, 12, 31))
SPLIT = date(2014, 5, 5)
# Days without a partition, on which only a symbol without a partition has bars.
OUTSIDE = (date(2013, 12, 30), date(2016, 1, 5))
NAMES = ("AAA", "BRK-B", "NORM")
TOO_LARGE = "value: the dividend of 4000.0 is not below "
EVERYTHING = multi_range({"date": "2014", "symbol": NAMES[0]}, {"date": "2015", "symbol": NAMES[-1]})
TABLES = tuple(f"market_data.{name}" for name in ("bars_daily", "corporate_actions", "listings", "news"))
ACTIONS = f"""symbol,ex_date,kind,value
BRK.B,{SPLIT},split,50
norm ,{SPLIT},split,2
AAA,2015-06-10,dividend,0.25
AAA,2015-06-10,dividend,1.00
AAA,2015-06-10,dividend,1.00
AAA,2015-07-15,dividend,4000
NOPE,{SPLIT},split,2
"""
LISTINGS = "symbol,date,kind\nnorm,2014-01-02,listing\nGONE,2015-03-02,delisting\n"
NEWS = "symbol,published_at,headline\nBRK/B,2015-03-02T12:00:00Z,Good\nZERO,2015-03-02T12:00:00Z,Bad\n"


def prices() -> str:
    """Two years of three names, two of them with a split, and of a symbol that can have no partition."""
    lines = ["symbol,date,open,high,low,close,volume"]
    for name, ratio in (*zip(NAMES, (1, 50, 2), strict=True), ("A|B", 1)):
        moves = Random(name)
        price = 100.0
        for day in DAYS:
            price *= 1 + moves.uniform(-0.02, 0.02)
            shares = ratio if day >= SPLIT else 1
            now, high, low = (round(price / shares * part, 6) for part in (1, 1.01, 0.99))
            lines.append(f"{name},{day},{now},{high},{low},{now},{1_000_000 * shares}")
    lines += [f"A|B,{day},10,11,9,10,5" for day in OUTSIDE]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("files")
    texts = {"prices": prices(), "actions": ACTIONS, "listings": LISTINGS, "news": NEWS}
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text)
    others = {f"{name}_path": str(folder / f"{name}.csv") for name in ("actions", "listings", "news")}
    return {"kind": "files", "path": str(folder / "prices.csv"), **others}


@pytest.fixture(scope="module")
def desk(postgres: PostgresUrl, files: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with open_bench(postgres, tmp_path_factory.mktemp("stray") / "lake", files, START, END) as bench:
        bench.list_symbols()
        yield bench


def quarantined(desk: Bench, table: str) -> list[str]:
    return sorted(desk.quarantined(f"market_data.{table}")["rule"].unique())


def test_stray_rows_stop_no_other_and_are_named_in_the_quarantine(desk: Bench) -> None:
    assert desk.run("refresh_panel", EVERYTHING, only=[*TABLES, "market_data.anomalies"]).success
    assert desk.read("market_data.corporate_actions").select("symbol", "kind", "value").rows() == [
        ("AAA", "dividend", 1.25),
        ("BRK-B", "split", 50.0),
        ("NORM", "split", 2.0),
    ]
    rules = quarantined(desk, "corporate_actions")
    assert [TOO_LARGE if rule.startswith(TOO_LARGE) else rule for rule in rules] == [
        DUPLICATE,
        "symbol: 'NOPE' of actions.csv has no bars",
        TOO_LARGE,
    ]
    assert desk.read("market_data.bars_daily").height == len(NAMES) * len(DAYS)
    (rule,) = quarantined(desk, "bars_daily")
    assert rule.startswith("symbol: 'A|B' of prices.csv can name no partition")
    assert desk.quarantined("market_data.bars_daily").height == len(DAYS) + len(OUTSIDE)
    assert quarantined(desk, "listings") == ["symbol: 'GONE' of listings.csv has no bars"]
    assert quarantined(desk, "news") == ["symbol: 'ZERO' of news.csv has no bars"]
    assert desk.read("market_data.news")["symbol"].to_list() == ["BRK-B"]
    rows = desk.quarantined("market_data.news")["row"]
    assert json.loads(json.loads(rows.item())["raw"])["headline"] == "Bad"


def test_no_return_is_that_of_a_split_whose_symbol_was_written_otherwise(desk: Bench) -> None:
    desk.run("refresh_panel", EVERYTHING, only=[*TABLES, "features.price_action"])
    found = desk.read("features.price_action")["log_return_1"].drop_nulls()
    assert found.len() > 0
    assert found.abs().max() < 0.04


def test_single_partitions_quarantine_the_same_rows_as_one_range(desk: Bench) -> None:
    desk.run("refresh_panel", EVERYTHING, only=TABLES)
    kept = {table: (desk.read(table), desk.quarantined(table)) for table in TABLES}
    for year in ("2015", "2014"):
        for name in reversed(NAMES):
            desk.run("refresh_panel", multi_range({"date": year, "symbol": name}), only=TABLES)
    for table, (rows, strays) in kept.items():
        assert desk.read(table).equals(rows), table
        assert desk.quarantined(table).equals(strays), table


def test_rows_of_no_name_are_in_the_check_and_do_not_count_towards_its_limit(desk: Bench) -> None:
    result = desk.run("refresh_panel", EVERYTHING, only=TABLES)
    checks = {
        one.asset_key.path[-1]: one for one in result.get_asset_check_evaluations() if one.check_name == "contract"
    }
    found = checks["corporate_actions"]
    assert found.passed
    assert found.metadata["rows_quarantined"].value == 3
    assert found.metadata["rows_counted"].value == 0
    assert found.metadata["share_quarantined"].value == 0
    assert metadata_of(result, "market_data.corporate_actions")["rows_quarantined"] == 3


def test_quarantined_bars_of_no_name_are_not_taken_for_those_of_another(desk: Bench) -> None:
    desk.run("refresh_panel", EVERYTHING, only=[*TABLES, "market_data.coverage"])
    assert desk.read("market_data.coverage")["quarantined"].sum() == 0


# --- the summary


def test_the_summary_names_symbol_file_and_rule_of_what_is_in_quarantine(desk: Bench) -> None:
    desk.run("refresh_panel", EVERYTHING, only=[*TABLES, "market_data.anomalies"])
    notes = data_notes(desk.desk)
    for expected in (
        f"market_data.bars_daily: {len(DAYS) + len(OUTSIDE)} rows in quarantine, symbol: 'A|B' of prices.csv",
        "market_data.corporate_actions: 1 row in quarantine, symbol: 'NOPE' of actions.csv has no bars",
        "market_data.corporate_actions: 1 row in quarantine, value: the dividend of 4000.0 is not below",
        "market_data.listings: 1 row in quarantine, symbol: 'GONE' of listings.csv has no bars",
        "market_data.news: 1 row in quarantine, symbol: 'ZERO' of news.csv has no bars",
    ):
        assert [note for note in notes if note.startswith(expected)], expected
    assert not [note for note in notes if "split" in note], "its splits are known"


def test_the_summary_says_which_names_differ_only_in_spelling(
    postgres: PostgresUrl, files: dict[str, str], tmp_path: Path
) -> None:
    text = Path(files["path"]).read_text()
    rows = [line for line in text.splitlines() if line.startswith("AAA,")]
    (tmp_path / "prices.csv").write_text("\n".join([text.rstrip(), *(line.replace("AAA", "aaa") for line in rows)]))
    source = {"kind": "files", "path": str(tmp_path / "prices.csv")}
    with open_bench(postgres, tmp_path / "lake", source, START, END) as bench:
        bench.list_symbols()
        (note,) = data_notes(bench.desk)
    assert note.startswith("AAA and aaa differ only in spelling, but have bars of the same day")


def test_the_summary_says_that_no_action_is_known_and_which_jumps_look_like_splits(
    postgres: PostgresUrl, files: dict[str, str], tmp_path: Path
) -> None:
    with open_bench(postgres, tmp_path / "lake", {"kind": "files", "path": files["path"]}, START, END) as bare:
        bare.list_symbols()
        assert data_notes(bare.desk) == [], "nothing is there yet"
        bare.run("refresh_panel", EVERYTHING, only=[*TABLES[:2], "market_data.anomalies"])
        notes = data_notes(bare.desk)
    assert any(note.endswith("name their file in the setting source.actions_path") for note in notes)
    (said,) = [note for note in notes if "like a split that no corporate action explains" in note]
    assert said.startswith("2 price jumps like a split")
    assert "NORM on 2014-05-05 (ratio 2.0)" in said
    assert "BRK-B on 2014-05-05 (ratio " in said
