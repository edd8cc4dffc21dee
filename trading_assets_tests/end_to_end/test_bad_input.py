"""Bad input through the files source: a clear error, or quarantine with the rule and the row; nothing is lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from trading_assets.cli.full_run import configure
from trading_assets.desk.calendar import first_session, last_session, sessions
from trading_assets.desk.clock import last_close, now
from trading_assets.desk.settings import Settings
from trading_assets.lake import LakeFrame
from trading_assets.lake.contracts.contract import CONFLICT, DUPLICATE
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.market_data.contract import SOURCE_FAILURES
from trading_assets.market_data.sources.errors import SourceFormatError, UnknownSymbolError
from trading_assets_tests.desks import Bench, metadata_of, multi_range, open_bench

START, END = date(2015, 1, 1), date(2017, 1, 1)
NAMES = ("AAA", "BBB", "CCC", "DDD")
BARS = "market_data.bars_daily"
RAW = (BARS, "market_data.corporate_actions")
DAYS = sessions("XNYS", START, date(2016, 12, 31))
EVERYTHING = multi_range({"date": "2015", "symbol": "AAA"}, {"date": "2016", "symbol": "DDD"})
COLUMNS = ("symbol", "date", "open", "high", "low", "close", "volume")


def good_rows() -> pl.DataFrame:
    """Two years of four names, as text: a CSV can hold anything."""
    rows = [
        (name, str(day), f"{price}", f"{price + 2}", f"{price - 2}", f"{price + 1}", "1000")
        for name in NAMES
        for place, day in enumerate(DAYS)
        for price in (20 + place % 7,)
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String), orient="row")


@dataclass(frozen=True)
class Bad:
    """A row of AAA that is bad: the day it replaces, what is wrong in it, and the rule that it breaks."""

    day: int
    cells: dict[str, str | None]
    rule: str


BAD = {
    "NaN": Bad(10, {"close": "NaN"}, "close: not_nullable"),
    "empty cell": Bad(11, {"open": ""}, "open: not_nullable"),
    "negative price": Bad(12, {"low": "-3"}, "low: greater_than(0)"),
    "high below low": Bad(13, {"high": "5", "low": "30"}, "high is below open, close or low; low is above open"),
    "high below close": Bad(14, {"high": "20.5", "close": "25"}, "high is below open, close or low"),
    "text for a price": Bad(15, {"open": "n.a. today"}, "open: not_nullable"),
    "fraction of a share": Bad(16, {"volume": "10.5"}, "volume: has a fraction, but shares are whole"),
    "negative volume": Bad(17, {"volume": "-1"}, "volume: greater_than_or_equal_to(0)"),
    "holiday": Bad(18, {"date": "2015-12-25"}, "date is not a session of XNYS"),
    "weekend": Bad(19, {"date": "2016-06-04"}, "date is not a session of XNYS"),
    "before there was a calendar": Bad(20, {"date": "1066-10-14"}, "date is not a session of XNYS"),
    "future": Bad(21, {"date": "2199-01-02"}, "date is after the last close known"),
    "no date": Bad(22, {"date": "soon"}, "date: not_nullable"),
    "no symbol": Bad(23, {"symbol": None}, "symbol: not_nullable"),
}  # fmt: skip


def with_bad_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """The good rows with those of `BAD` in place of AAA's, and three pairs of duplicates for BBB and CCC."""
    frame = rows.with_row_index("place")
    for bad in BAD.values():
        here = pl.col("place") == bad.day
        frame = frame.with_columns(
            pl.when(here).then(pl.lit(value, dtype=pl.String)).otherwise(name).alias(name)
            for name, value in bad.cells.items()
        )
    other = rows.filter(symbol="CCC", date=str(DAYS[3])).with_columns(close=pl.lit("21.25"))
    return pl.concat([frame.drop("place"), rows.filter(symbol="BBB", date=str(DAYS[3])), other])


@pytest.fixture(scope="module")
def desk(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A lake of 2015 and 2016 whose files a test puts in place."""
    folder = tmp_path_factory.mktemp("bad")
    good_rows().write_csv(folder / "good.csv")
    with open_bench(
        postgres, folder / "lake", {"kind": "files", "path": str(folder / "good.csv")}, START, END
    ) as bench:
        bench.list_symbols()
        yield bench


@dataclass(frozen=True)
class Outcome:
    """What became of a file's bars."""

    bench: Bench
    delivered: int
    result: dg.ExecuteInProcessResult
    stored: pl.DataFrame
    quarantined: pl.DataFrame


def materialise(desk: Bench, path: Path, *, tags: dict[str, str] | None = None, **options: object) -> Outcome:
    """Bring a file into the lake, its universe first."""
    bench = desk.with_source({"kind": "files", "path": str(path), **options})
    bench.list_symbols()
    result = bench.run("refresh_panel", tags or EVERYTHING, only=[BARS], raises=False)
    delivered = pl.read_csv(path, infer_schema=False).height if path.suffix == ".csv" else pl.read_parquet(path).height
    return Outcome(bench, delivered, result, bench.read(BARS), bench.quarantined(BARS))


@pytest.fixture(scope="module")
def outcome(desk: Bench, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A file with one row of every kind of bad, materialised in one range."""
    path = tmp_path_factory.mktemp("file") / "bad.csv"
    with_bad_rows(good_rows()).write_csv(path)
    return materialise(desk, path)


# --- rows that are bad --------------------------------------------------------------------------------------------


def test_every_row_is_stored_or_quarantined(outcome: Outcome) -> None:
    assert outcome.stored.height + outcome.quarantined.height == outcome.delivered
    assert outcome.quarantined.height == len(BAD) + 1 + 2
    assert outcome.stored.height == len(NAMES) * len(DAYS) - len(BAD) - 1


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_row_is_quarantined_with_its_rule_and_as_it_was_delivered(outcome: Outcome, kind: str) -> None:
    bad = BAD[kind]
    delivered = {"symbol": "AAA", "date": str(DAYS[bad.day])} | bad.cells
    found = [json.loads(row) | {"rule": rule} for rule, row in outcome.quarantined.select("rule", "row").iter_rows()]
    same = [row for row in found if says(row, delivered)]
    assert len(same) == 1
    assert same[0]["rule"].startswith(bad.rule)


def says(row: dict[str, object], delivered: dict[str, str | None]) -> bool:
    """Whether a quarantined row holds what was delivered, in its columns or in the raw row of the file."""
    raw = json.loads(str(row["raw"])) if row["raw"] else row
    if any(value is None or value in ("", "NaN") for value in delivered.values()):
        delivered = {name: value for name, value in delivered.items() if value not in (None, "", "NaN")}
        return all(same_text(raw[name], value) for name, value in delivered.items()) and None in raw.values()
    return all(same_text(raw[name], value) for name, value in delivered.items())


def same_text(found: object, wanted: str | None) -> bool:
    try:
        return float(str(found)) == float(str(wanted))
    except ValueError:
        return str(found) == wanted


def test_of_exact_duplicates_one_is_stored(outcome: Outcome) -> None:
    assert outcome.stored.filter(symbol="BBB", date=DAYS[3]).height == 1
    assert outcome.quarantined.filter(symbol="BBB")["rule"].to_list() == [DUPLICATE]


def test_of_conflicting_duplicates_none_is_stored(outcome: Outcome) -> None:
    assert outcome.stored.filter(symbol="CCC", date=DAYS[3]).is_empty()
    conflicts = outcome.quarantined.filter(symbol="CCC")
    assert conflicts["rule"].to_list() == [CONFLICT, CONFLICT]
    assert sorted(float(json.loads(row)["close"]) for row in conflicts["row"]) == [21.25, 24.0]


def test_good_rows_of_the_same_and_of_other_names_go_on(outcome: Outcome) -> None:
    assert outcome.stored.filter(symbol="AAA").height == len(DAYS) - len(BAD)
    assert outcome.stored.filter(symbol="BBB").height == len(DAYS)


def test_the_count_is_visible_on_the_materialization_and_on_the_check(outcome: Outcome) -> None:
    assert outcome.result.success
    assert metadata_of(outcome.result, BARS)["rows_quarantined"] == outcome.quarantined.height
    contract = next(check for check in outcome.result.get_asset_check_evaluations() if check.check_name == "contract")
    assert contract.blocking
    assert contract.metadata["rows_quarantined"].value == outcome.quarantined.height
    assert contract.description == f"{outcome.quarantined.height} rows quarantined"
    shown = {record.data["rule"]: record.data["rows"] for record in contract.metadata["rules_broken"].records}
    assert sum(shown.values()) == outcome.quarantined.height
    assert shown[CONFLICT] == 2


def test_single_partitions_quarantine_the_same_rows_as_one_range(outcome: Outcome) -> None:
    """A row without a readable symbol or date is in one partition only, and counted once."""
    for year in ("2016", "2015"):
        for name in reversed(NAMES):
            tags = multi_range({"date": year, "symbol": name})
            outcome.bench.run("refresh_panel", tags, only=[BARS], raises=False)  # AAA's year is past the limit
    assert outcome.bench.quarantined(BARS).equals(outcome.quarantined)
    assert outcome.bench.read(BARS).equals(outcome.stored)


def test_a_corrected_file_empties_the_quarantine(desk: Bench, outcome: Outcome, tmp_path: Path) -> None:
    good_rows().write_csv(tmp_path / "good.csv")
    corrected = materialise(desk, tmp_path / "good.csv")
    assert corrected.quarantined.is_empty()
    assert corrected.stored.height == corrected.delivered
    with_bad_rows(good_rows()).write_csv(tmp_path / "bad.csv")
    again = materialise(desk, tmp_path / "bad.csv")
    assert again.quarantined.equals(outcome.quarantined)


def test_past_the_limit_the_check_blocks_and_nothing_downstream_runs(desk: Bench, tmp_path: Path) -> None:
    """One row in fifty is bad, the contract of bars allows one in a hundred."""
    is_bad = pl.int_range(pl.len()) % 50 == 0
    rows = good_rows().with_columns(close=pl.when(is_bad).then(pl.lit("-1")).otherwise("close"))
    rows.write_csv(tmp_path / "bad.csv")
    bench = desk.with_source({"kind": "files", "path": str(tmp_path / "bad.csv")})
    before = bench.hashes("features.technical", "labels.forward_return")
    result = bench.run("refresh_panel", EVERYTHING, raises=False)
    assert not result.success
    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert made == {"market_data/bars_daily", "market_data/corporate_actions", "market_data/listings"}
    assert bench.hashes("features.technical", "labels.forward_return") == before
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    assert [check.check_name for check in failed] == ["contract"]
    assert "the limit is 1.00%" in failed[0].description
    assert "trading-assets sql 'FROM quarantine.market_data_bars_daily'" in failed[0].description
    assert bench.read(BARS).height + bench.quarantined(BARS).height == rows.height


def test_a_name_without_any_bar_on_a_session_is_quarantined_in_the_universe(desk: Bench, tmp_path: Path) -> None:
    rows = good_rows().with_columns(date=pl.when(pl.col("symbol") == "CCC").then(pl.lit("soon")).otherwise("date"))
    rows.write_csv(tmp_path / "undated.csv")
    bench = desk.with_source({"kind": "files", "path": str(tmp_path / "undated.csv")})
    result = bench.run("refresh_symbols", raises=False)
    assert not result.success  # one of four names is past the limit of the contract
    assert bench.read("market_data.symbols")["symbol"].to_list() == ["AAA", "BBB", "DDD"]
    assert bench.quarantined("market_data.symbols")["symbol"].to_list() == ["CCC"]


def test_a_lake_spans_no_day_on_which_no_bar_can_be(tmp_path: Path) -> None:
    """Before the first session of the calendar, or after the last close that has passed."""
    far = {"AAA": "1066-10-14", "BBB": str(last_session("XNYS"))}
    strays = [good_rows().filter(symbol=name).tail(1).with_columns(date=pl.lit(day)) for name, day in far.items()]
    pl.concat([good_rows(), *strays]).write_csv(tmp_path / "bars.csv")
    settings = configure(Settings(home=tmp_path / "lake"), {"kind": "files", "path": str(tmp_path / "bars.csv")})
    assert settings.start == first_session("XNYS").replace(day=1)
    assert settings.last_day == last_close("XNYS", now())


# --- files that are bad -------------------------------------------------------------------------------------------


def parquet(rows: pl.DataFrame, path: Path) -> Path:
    rows.with_columns(
        pl.col("date").str.to_date(), pl.col("open", "high", "low", "close").cast(pl.Float64)
    ).write_parquet(path)
    return path


def truncated(folder: Path) -> Path:
    path = parquet(good_rows(), folder / "bars.parquet")
    path.write_bytes(path.read_bytes()[:-2_000])
    return path


def nothing(folder: Path) -> Path:
    (folder / "bars.parquet").write_bytes(b"")
    return folder / "bars.parquet"


def headers_only(folder: Path) -> Path:
    good_rows().clear().write_csv(folder / "bars.csv")
    return folder / "bars.csv"


def renamed_column(folder: Path) -> Path:
    good_rows().rename({"close": "last_price"}).write_csv(folder / "bars.csv")
    return folder / "bars.csv"


def mixed_feeds(folder: Path) -> Path:
    rows = good_rows()
    pl.concat([rows.with_columns(feed=pl.lit(feed)) for feed in ("iex", "sip")]).write_csv(folder / "bars.csv")
    return folder / "bars.csv"


def prices_of_another_type(folder: Path) -> Path:
    rows = good_rows().with_columns(pl.col("date").str.to_date(), open=pl.lit(value=True))
    rows.write_parquet(folder / "bars.parquet")
    return folder / "bars.parquet"


def dates_in_another_format(folder: Path) -> Path:
    day = pl.col("date").str.to_date().dt.strftime("%d.%m.%Y")
    good_rows().with_columns(date=day).write_csv(folder / "bars.csv")
    return folder / "bars.csv"


def no_file(folder: Path) -> Path:
    return folder / "bars.parquet"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (truncated, "bars.parquet cannot be read, it is truncated.*fetch it again.*source.files.path"),
        (nothing, r"bars.parquet is empty \(0 bytes\); fetch it again.*source.files.path"),
        (headers_only, "bars.csv contains no rows.*source.files.path"),
        (no_file, "bars.parquet does not exist; correct the setting source.files.path"),
        (renamed_column, "bars.csv has no column for close; columns found.*'last_price'.*source.files.columns"),
        (mixed_feeds, "bars.csv: bars of several feeds are mixed: 'iex', 'sip'; choose one in .* source.files.feed"),
        (prices_of_another_type, "bars.parquet: column 'open' contains Boolean, not numbers.*source.files.columns"),
        (dates_in_another_format, "bars.csv: column 'date' has no value that can be read as a date.*files.date_format"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_an_error_that_names_file_and_setting(
    desk: Bench, tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    snapshot = desk.desk.lake.current_snapshot()
    bench = desk.with_source({"kind": "files", "path": str(make(tmp_path))})
    for job, tags in (("refresh_symbols", {}), ("refresh_panel", EVERYTHING)):
        with pytest.raises(SourceFormatError, match=f"(?s){message}"):
            bench.run(job, tags, only=RAW[:1] if tags else ())
    assert desk.desk.lake.current_snapshot() == snapshot


def test_a_feed_that_is_chosen_is_the_only_one_read(desk: Bench, tmp_path: Path) -> None:
    found = materialise(desk, mixed_feeds(tmp_path), feed="sip")
    assert found.stored.height == good_rows().height == found.delivered / 2
    assert found.quarantined.is_empty()


def test_a_symbol_that_the_files_no_longer_have_keeps_its_rows_is_reported_and_stops_no_other(
    desk: Bench, tmp_path: Path
) -> None:
    changed = good_rows().filter(pl.col("symbol") != "BBB")
    changed = changed.with_columns(volume=pl.col("volume").cast(pl.Int64) + 1)
    changed.write_csv(tmp_path / "bars.csv")
    bench = desk.with_source({"kind": "files", "path": str(tmp_path / "bars.csv")})
    before = bench.read(BARS)
    result = bench.run("refresh_panel", EVERYTHING, only=[BARS])
    after = bench.read(BARS)
    of_bbb = pl.col("symbol") == "BBB"
    assert after.filter(of_bbb).equals(before.filter(of_bbb))
    assert after.filter(~of_bbb)["volume"].to_list() == changed.sort("symbol", "date")["volume"].to_list()
    assert metadata_of(result, BARS)["symbols_unanswered"] == 1
    failures = LakeFrame(bench.desk.lake, SOURCE_FAILURES).read(table_name=BARS)
    assert failures.select("symbol", "source", "reason").rows() == [("BBB", "files", "unknown_symbol")]
    assert "does not have 'BBB'" in failures["message"][0]
    assert "remove the symbol from the universe" in failures["message"][0]


def test_where_no_symbol_is_left_the_step_fails_and_says_why(desk: Bench, tmp_path: Path) -> None:
    good_rows().filter(pl.col("symbol") != "BBB").write_csv(tmp_path / "bars.csv")
    bench = desk.with_source({"kind": "files", "path": str(tmp_path / "bars.csv")})
    before = bench.hashes(BARS)
    alone = multi_range({"date": "2015", "symbol": "BBB"}, {"date": "2016", "symbol": "BBB"})
    with pytest.raises(UnknownSymbolError, match=r"does not have 'BBB'.*remove the symbol from the universe"):
        bench.run("refresh_panel", alone, only=[BARS])
    assert bench.hashes(BARS) == before
