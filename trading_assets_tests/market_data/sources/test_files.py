"""Your own files: what is read, what is refused, and that no row is lost."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.desk import calendar
from trading_assets.market_data.contract import BARS_DAILY
from trading_assets.market_data.sources import (
    CORPORATE_ACTIONS_SCHEMA,
    DAILY_BARS_SCHEMA,
    INTRADAY_BARS_SCHEMA,
    SYMBOLS_SCHEMA,
    FilesSource,
    Source,
    SourceConfigError,
    SourceFormatError,
    UnknownSymbolError,
    UnsupportedIntervalError,
)

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"
ORIGIN = ("source", "feed", "adjustment", "raw")
US_DAILY = SHARED / "us_daily_2013_2018.parquet"
SPAN = (date(1990, 1, 1), date(2030, 1, 1))
HEADER = "symbol,date,open,high,low,close,volume"


def rows(*dates, symbol="A"):
    return pl.DataFrame({"symbol": symbol, "date": list(dates)}).with_columns(
        open=pl.lit(10.0), high=pl.lit(11.0), low=pl.lit(9.0), close=pl.lit(10.5), volume=pl.lit(100, dtype=pl.Int64)
    )


def parquet(folder, frame, name="bars.parquet"):
    frame.write_parquet(folder / name)
    return folder / name


def csv(folder, *lines, header=HEADER, name="bars.csv"):
    (folder / name).write_text("\n".join([header, *lines]) + "\n")
    return folder / name


def read(path, **settings):
    source = FilesSource(path=path, **settings)
    return source.bars(source.symbols()["symbol"].drop_nulls().to_list(), *SPAN)


def problem(path, **settings):
    source = FilesSource(path=path, **settings)
    with pytest.raises(SourceFormatError) as caught:
        source.bars(["A"], *SPAN)
    return str(caught.value)


# What is read


def test_files_are_a_source_with_the_shared_schemas(tmp_path):
    source = FilesSource(path=parquet(tmp_path, rows(date(2013, 2, 8))))
    assert isinstance(source, Source)
    assert source.symbols().schema == SYMBOLS_SCHEMA
    assert source.bars(["A"], *SPAN).schema == DAILY_BARS_SCHEMA
    assert source.bars([], *SPAN).schema == DAILY_BARS_SCHEMA
    assert source.corporate_actions(["A"], *SPAN).schema == CORPORATE_ACTIONS_SCHEMA


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        "Symbol,Date,OPEN,High,Low,Close,Volume",
        "Ticker,Timestamp,o,h,l,c,v",
        "Name,day,Open,High,Low,Close,Vol",
        "sym,t,Open,High,Low,Close,Volume",
    ],
)
def test_usual_column_names_need_no_mapping(tmp_path, header):
    bars = read(csv(tmp_path, "A,2013-02-08,10,11,9,10.5,100", header=header))
    assert bars.drop(ORIGIN).row(0) == (
        "A",
        date(2013, 2, 8),
        10.0,
        11.0,
        9.0,
        10.5,
        100,
    )


def test_mapping_wins_and_adjusted_close_is_never_taken_for_the_close(tmp_path):
    path = csv(tmp_path, "A,2013-02-08,10,11,9,10.5,5.25,100", header="symbol,date,open,high,low,px,adj close,volume")
    assert "no column for close" in problem(path)
    assert read(path, columns={"close": "px"})["close"].to_list() == [10.5]


@pytest.mark.parametrize("where", ["folder", "folder/*.csv", "folder/**/*.csv"])
def test_folder_and_glob_read_every_file(tmp_path, where):
    folder = tmp_path / "folder"
    folder.mkdir()
    csv(folder, "A,2013-02-08,10,11,9,10.5,100", name="one.csv")
    csv(folder, "B,20130208,10,11,9,10.5,100", name="two.csv", header="Name,day,Open,High,Low,Close,Vol")
    assert read(tmp_path / where)["symbol"].to_list() == ["A", "B"]


def test_parquet_csv_and_gzip_read_alike(tmp_path):
    frame = rows(date(2013, 2, 8), date(2013, 2, 11))
    frame.write_csv(tmp_path / "bars.csv")
    with gzip.open(tmp_path / "bars.csv.gz", "wb") as file:
        file.write((tmp_path / "bars.csv").read_bytes())
    expected = read(parquet(tmp_path, frame))
    assert_frame_equal(read(tmp_path / "bars.csv"), expected)
    assert_frame_equal(read(tmp_path / "bars.csv.gz"), expected)


def test_symbol_can_come_from_the_file_name(tmp_path):
    for symbol in ("AAPL", "BRK-B"):
        csv(tmp_path, "2013-02-08,10,11,9,10.5,100", header="Date,Open,High,Low,Close,Volume", name=f"{symbol}.csv")
    assert read(tmp_path, symbol_in_file_name=True)["symbol"].to_list() == ["AAPL", "BRK-B"]


def test_tickers_that_look_like_missing_values_stay_tickers(tmp_path):
    path = csv(tmp_path, "NA,2013-02-08,10,11,9,10.5,100", "NULL,2013-02-08,10,11,9,10.5,100")
    assert read(path)["symbol"].to_list() == ["NA", "NULL"]


def test_window_includes_both_ends(tmp_path):
    source = FilesSource(path=parquet(tmp_path, rows(*[date(2013, 2, day) for day in (7, 8, 11, 12)])))
    assert source.bars(["A"], date(2013, 2, 8), date(2013, 2, 11))["date"].to_list() == [
        date(2013, 2, 8),
        date(2013, 2, 11),
    ]


# Bad rows are passed on


def test_bad_rows_are_passed_on_as_they_are(tmp_path):
    frame = pl.concat(
        [
            rows(date(2013, 2, 8)),
            rows(date(2013, 2, 8)),  # duplicate
            rows(date(2013, 2, 9)),  # Saturday
            rows(date(2029, 1, 2)),  # future
            rows(date(2013, 2, 11)).with_columns(open=pl.lit(float("nan")), low=pl.lit(-1.0)),
            rows(date(2013, 2, 12)).with_columns(high=pl.lit(1.0)),  # high below low
            rows(date(2013, 2, 13)).with_columns(close=pl.lit(None, dtype=pl.Float64)),
        ]
    )
    bars = FilesSource(path=parquet(tmp_path, frame)).bars(["A"], *SPAN)
    assert_frame_equal(bars.drop(ORIGIN), frame.sort("date", maintain_order=True))
    assert bars["raw"].null_count() == bars.height


def test_cell_that_does_not_parse_becomes_null_and_its_row_is_kept_as_json(tmp_path):
    path = csv(
        tmp_path,
        "A,2013-02-08,10,11,9,10.5,100",
        "A,2013-02-11,ten,11,9,10.5,100",
        "A,2013-02-12,10,11,9,10.5,12.5",
        "A,2013-02-13,,11,9,n/a,100",
    )
    bars = read(path)
    assert bars["open"].to_list() == [10.0, None, 10.0, None]
    assert bars["volume"].to_list() == [100, 100, None, 100]
    assert bars["raw"].is_null().to_list() == [True, False, False, True]
    assert json.loads(bars["raw"][1]) == dict(
        zip(HEADER.split(","), ["A", "2013-02-11", "ten", "11", "9", "10.5", "100"], strict=True)
    )


def test_row_without_a_readable_date_or_symbol_is_in_every_answer(tmp_path):
    path = csv(
        tmp_path, "A,2013-02-08,10,11,9,10.5,100", "A,2013-02-31,10,11,9,10.5,100", ",2013-02-08,10,11,9,10.5,100"
    )
    bars = FilesSource(path=path).bars(["A"], date(2013, 2, 1), date(2013, 2, 28))
    assert bars.height == 3
    assert bars.filter(pl.col("date").is_null())["raw"].str.contains("2013-02-31").to_list() == [True]


def test_row_cut_short_is_passed_on_with_its_missing_cells(tmp_path):
    bars = read(csv(tmp_path, "A,2013-02-08,10,11,9,10.5,100", "A,2013-02-11,10,1"))
    assert bars.drop(ORIGIN).row(1) == (
        "A",
        date(2013, 2, 11),
        10.0,
        1.0,
        None,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("volume", "read_as", "kept"),
    [
        (100.0, 100, False),
        (4e18, 4 * 10**18, False),
        (1e30, None, True),
        (float("nan"), None, True),
        (float("inf"), None, True),
        (0.5, None, True),
        (-5.0, -5, False),
        (None, None, False),
    ],
)
def test_float_volumes_that_are_whole_are_cast_and_others_kept_in_raw(tmp_path, volume, read_as, kept):
    frame = rows(date(2013, 2, 8)).with_columns(volume=pl.lit(volume, dtype=pl.Float64))
    bars = read(parquet(tmp_path, frame))
    assert bars["volume"].to_list() == [read_as]
    assert bars["raw"].is_not_null().to_list() == [kept]


@pytest.mark.parametrize("volume", ["0.5", "12.25", "1e-3"])
def test_a_volume_with_a_fraction_is_quarantined_by_a_rule_that_says_so(tmp_path, volume):
    as_text = csv(tmp_path, f"A,2013-02-08,10,11,9,10.5,{volume}", "A,2013-02-11,10,11,9,10.5,100.0")
    as_number = parquet(tmp_path, rows(date(2013, 2, 8)).with_columns(volume=pl.lit(float(volume))))
    for path in (as_text, as_number):
        split = BARS_DAILY.split(read(path))
        assert split.quarantined["rule"].to_list() == ["volume: has a fraction, but shares are whole"]
        assert json.loads(json.loads(split.quarantined["row"].item())["raw"])["volume"] in (volume, str(float(volume)))


@pytest.mark.parametrize(("volume", "stored"), [("0.5", 0), ("12.75", 13), ("1500.2", 1500), ("7", 7)])
def test_a_volume_of_what_trades_around_the_clock_is_rounded(tmp_path, volume, stored):
    path = csv(tmp_path, f"BTC-USD,2013-02-09,10,11,9,10.5,{volume}")
    bars = read(path, exchange="24/7")
    assert bars["volume"].to_list() == [stored]
    assert BARS_DAILY.split(bars).quarantined.is_empty()


def test_a_volume_that_is_no_number_is_not_rounded(tmp_path):
    bars = read(csv(tmp_path, "A,2013-02-09,10,11,9,10.5,many", "A,2013-02-10,1,1,1,1,1e30"), exchange="24/7")
    assert bars["volume"].to_list() == [None, None]
    assert bars["raw"].null_count() == 0


def test_text_volume_beyond_a_floats_precision_is_read_exactly(tmp_path):
    assert read(csv(tmp_path, f"A,2013-02-08,1,1,1,1,{2**53 + 1}"))["volume"].to_list() == [2**53 + 1]


# What is refused


def test_missing_path_is_named_with_its_setting(tmp_path):
    message = problem(tmp_path / "nowhere.parquet")
    assert "nowhere.parquet does not exist" in message
    assert "source.files.path" in message
    assert "contains no file" in problem(tmp_path)
    assert "does not exist" in problem(tmp_path / "*.csv")


def test_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "bars.xlsx").write_bytes(b"PK")
    assert "bars.xlsx is not one of .parquet" in problem(tmp_path / "bars.xlsx")


def test_empty_file_is_refused(tmp_path):
    (tmp_path / "bars.csv").touch()
    assert "bars.csv is empty (0 bytes)" in problem(tmp_path / "bars.csv")
    message = problem(csv(tmp_path))
    assert "contains no rows" in message
    assert HEADER.replace(",", ", ") in message
    assert "contains no rows" in problem(parquet(tmp_path, rows(date(2013, 2, 8)).clear()))


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_truncated_parquet_is_refused_with_its_name(tmp_path, share):
    path = parquet(tmp_path, rows(*[date(2013, 2, 8)] * 5000), "whole.parquet")
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    message = problem(tmp_path / "*.parquet")
    assert "cut.parquet cannot be read" in message
    assert "source.files.path" in message


def test_truncated_gzip_is_refused_with_its_name(tmp_path):
    text = "\n".join([HEADER, *(f"A,2013-02-08,{i},11,9,10.5,{i * 7919 % 1000}" for i in range(5000))])
    whole = gzip.compress(text.encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "cut.csv.gz cannot be read" in problem(tmp_path / "cut.csv.gz")


def test_damaged_page_is_found_when_rows_are_read(tmp_path):
    path = parquet(tmp_path, rows(*[date(2013, 1, 1) + timedelta(days=i) for i in range(5000)]))
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = b"\xff" * (len(content) // 2 - 4)
    path.write_bytes(content)
    assert "bars.parquet cannot be read" in problem(path)


def test_renamed_column_is_refused_with_the_columns_found(tmp_path):
    path = parquet(tmp_path, rows(date(2013, 2, 8)).rename({"close": "last_price"}))
    message = problem(path)
    for part in ("bars.parquet", "no column for close", "'last_price'", "source.files.columns", "{close: <column>}"):
        assert part in message
    assert "'px'" in problem(path, columns={"close": "px"})
    assert "'cloze' is not a standard column" in problem(path, columns={"cloze": "last_price"})


def test_two_columns_for_one_name_are_refused(tmp_path):
    path = csv(tmp_path, "A,2013-02-08,10,11,9,1,2,3", header="symbol,date,open,high,low,Close,CLOSE,volume")
    assert "'Close', 'CLOSE' all match close" in problem(path)


def test_column_of_another_type_is_refused(tmp_path):
    frame = rows(date(2013, 2, 8))
    assert "contains Boolean, not numbers" in problem(parquet(tmp_path, frame.with_columns(close=pl.lit(value=True))))
    assert "source.files.date_format" in problem(parquet(tmp_path, frame.with_columns(date=pl.lit(20130208))))


def test_mixed_feeds_are_refused_until_one_is_chosen(tmp_path):
    frame = pl.concat(
        [
            rows(date(2013, 2, 8)).with_columns(feed=pl.lit("iex")),
            rows(date(2013, 2, 8)).with_columns(feed=pl.lit("sip"), volume=pl.lit(900, dtype=pl.Int64)),
        ]
    )
    path = parquet(tmp_path, frame)
    message = problem(path)
    assert "'iex', 'sip'" in message
    assert "source.files.feed" in message
    assert read(path, feed="sip")["volume"].to_list() == [900]
    assert "no feed 'opra'; set source.files.feed to one of 'iex', 'sip'" in problem(path, feed="opra")
    assert "no column 'feed' or 'source'" in problem(parquet(tmp_path, frame.drop("feed")), feed="sip")


def test_feeds_mixed_across_files_are_refused(tmp_path):
    for feed in ("iex", "sip"):
        parquet(tmp_path, rows(date(2013, 2, 8)).with_columns(Source=pl.lit(feed)), f"{feed}.parquet")
    assert "'iex', 'sip'" in problem(tmp_path)


def test_unknown_symbol_gets_close_matches(tmp_path):
    source = FilesSource(path=parquet(tmp_path, rows(date(2013, 2, 8), symbol="AAPL")))
    with pytest.raises(UnknownSymbolError, match=r"'files' does not have 'aapl' \(did you mean 'AAPL'\?\)"):
        source.bars(["aapl"], *SPAN)
    with pytest.raises(UnknownSymbolError, match="'ZZZ'; it has 1 symbols"):
        source.corporate_actions(["ZZZ"], *SPAN)
    with pytest.raises(UnsupportedIntervalError, match="1m"):
        source.bars(["AAPL"], *SPAN, "1m")


def test_unknown_time_zone_is_refused():
    with pytest.raises(SourceConfigError, match="'Mars/Olympus' is not a time zone"):
        FilesSource(path="x.csv", timezone="Mars/Olympus")


# Dates


@pytest.mark.parametrize(
    ("stamp", "settings", "session"),
    [
        ("2013-02-08", {}, date(2013, 2, 8)),
        ("20130208", {}, date(2013, 2, 8)),
        ("2013-02-08 00:00:00", {}, date(2013, 2, 8)),
        ("2013-02-08T05:00:00Z", {}, date(2013, 2, 8)),  # midnight in New York
        ("2013-02-08 05:00:00+00", {}, date(2013, 2, 8)),
        ("2013-02-09T02:30:00+00:00", {}, date(2013, 2, 8)),  # Saturday in London, Friday evening in New York
        ("2013-02-08 16:00:00-0500", {}, date(2013, 2, 8)),
        ("08/02/2013", {"date_format": "%d/%m/%Y"}, date(2013, 2, 8)),
        ("2013-02-08T00:00:00Z", {"timezone": "UTC"}, date(2013, 2, 8)),
        ("2013-02-08 16:00", {"timezone": "America/New_York"}, date(2013, 2, 8)),
        ("2013-02-09 01:00", {"timezone": "UTC"}, date(2013, 2, 8)),
    ],
)
def test_stamp_falls_on_the_session_of_the_exchanges_clock(tmp_path, stamp, settings, session):
    assert read(csv(tmp_path, f"A,{stamp},10,11,9,10.5,100"), **settings)["date"].to_list() == [session]


def test_typed_stamps_read_like_text(tmp_path):
    aware = rows(datetime(2013, 2, 9, 2, 30, tzinfo=UTC))
    assert read(parquet(tmp_path, aware))["date"].to_list() == [date(2013, 2, 8)]
    naive = rows(datetime(2013, 2, 8))  # noqa: DTZ001
    assert read(parquet(tmp_path, naive))["date"].to_list() == [date(2013, 2, 8)]
    numbers = rows(20130208)
    assert read(parquet(tmp_path, numbers), date_format="%Y%m%d")["date"].to_list() == [date(2013, 2, 8)]


def test_another_column_of_dates_does_not_change_how_stamps_are_read(tmp_path):
    frame = rows(datetime(2013, 2, 9, 2, 30, tzinfo=UTC)).with_columns(first_seen=pl.lit(date(2013, 2, 10)))
    assert read(parquet(tmp_path, frame))["date"].to_list() == [date(2013, 2, 8)]


@pytest.mark.parametrize("stamp", ["2013-02-08 16:00:00", "2013-02-08T00:00:00Z"])
def test_stamp_of_an_uncertain_session_is_refused(tmp_path, stamp):
    message = problem(csv(tmp_path, f"A,{stamp},10,11,9,10.5,100"))
    assert stamp in message
    assert "source.files.timezone" in message


def test_naive_stamps_of_a_parquet_file_are_refused(tmp_path):
    path = parquet(tmp_path, rows(datetime(2013, 2, 8, 16, 0)))  # noqa: DTZ001
    assert "source.files.timezone" in problem(path)


def test_dates_of_unknown_order_are_refused(tmp_path):
    message = problem(csv(tmp_path, "A,02/08/2013,10,11,9,10.5,100"))
    assert "'02/08/2013'" in message
    assert "source.files.date_format" in message


def test_intraday_bars_have_an_instant_and_a_session(tmp_path):
    path = csv(tmp_path, "A,2013-02-08 09:30,10,11,9,10.5,100", "A,soon,10,11,9,10.5,100")
    source = FilesSource(path=path, interval="1m", timezone="America/New_York")
    bars = source.bars(["A"], date(2013, 2, 8), date(2013, 2, 8), "1m").sort("ts", nulls_last=True)
    assert bars.schema == INTRADAY_BARS_SCHEMA
    assert bars["ts"].to_list() == [datetime(2013, 2, 8, 14, 30, tzinfo=UTC), None]
    assert bars["date"].to_list() == [date(2013, 2, 8), None]
    assert bars["raw"].is_null().to_list() == [True, False]
    with pytest.raises(SourceFormatError, match=r"source\.files\.timezone"):
        FilesSource(path=path, interval="1m").bars(["A"], *SPAN, "1m")
    with pytest.raises(SourceFormatError, match="without a time of day"):
        FilesSource(path=parquet(tmp_path, rows(date(2013, 2, 8))), interval="1m").bars(["A"], *SPAN, "1m")


# Symbols and corporate actions


def test_name_whose_bars_stop_early_counts_as_delisted_the_session_after(tmp_path):
    sessions = calendar.sessions("XNYS", date(2012, 9, 4), date(2012, 12, 31))
    frames = [
        rows(*sessions, symbol="ALIVE"),
        rows(*sessions[:-20], symbol="PAUSED"),  # 20 sessions before the last: not more
        rows(*sessions[:-22], symbol="GONE"),
        rows(sessions[0], date(2012, 12, 25), symbol="STRAY"),  # a row on Christmas day is no session
        rows(date(2012, 12, 25), symbol="NEVER"),
    ]
    spans = FilesSource(path=parquet(tmp_path, pl.concat(frames))).symbols()
    by_symbol = {row["symbol"]: row for row in spans.iter_rows(named=True)}
    assert by_symbol["ALIVE"]["delisted_on"] is None
    assert by_symbol["PAUSED"]["delisted_on"] is None
    assert by_symbol["GONE"]["last_session"] == sessions[-23]
    assert by_symbol["GONE"]["delisted_on"] == sessions[-22]
    assert by_symbol["STRAY"]["delisted_on"] == sessions[1]
    assert by_symbol["NEVER"]["first_session"] is None
    assert by_symbol["ALIVE"]["first_session"] == sessions[0]


def test_stray_future_row_delists_nobody(tmp_path):
    sessions = calendar.sessions("XNYS", date(2012, 9, 4), date(2012, 12, 31))
    frames = [rows(*sessions, symbol=f"S{i}") for i in range(150)]
    frames += [rows(date(2020, 1, 2), symbol="S0"), rows(date(2099, 1, 2), symbol="S1")]
    spans = FilesSource(path=parquet(tmp_path, pl.concat(frames))).symbols()
    assert spans["delisted_on"].null_count() == 150
    assert spans["last_session"].unique().to_list() == [sessions[-1]]


def test_names_come_from_their_own_file(tmp_path):
    names = csv(tmp_path, "A,Agilent", header="Symbol,Security", name="names.csv")
    path = parquet(tmp_path, pl.concat([rows(date(2013, 2, 8)), rows(date(2013, 2, 8), symbol="B")]))
    source = FilesSource(path=path, names_path=names, exchange="XLON", currency="GBP", name="mine")
    assert source.symbols().select("symbol", "name", "exchange", "currency", "source").rows() == [
        ("A", "Agilent", "XLON", "GBP", "mine"),
        ("B", None, "XLON", "GBP", "mine"),
    ]


def test_corporate_actions_are_read_with_the_moment_they_became_known(tmp_path):
    actions = csv(
        tmp_path,
        "A,2013-02-08,Split,2,2013-01-31",
        "A,2013-03-08,dividend,0.25,2013-02-01T21:30:00Z",
        "A,2013-04-08,dividend,lots,2013-04-08",
        "B,2013-02-08,split,3,2013-01-31",
        header="Ticker,ExDate,Type,Amount,Known_at",
        name="actions.csv",
    )
    bars = parquet(tmp_path, pl.concat([rows(date(2013, 2, 8)), rows(date(2013, 2, 8), symbol="B")]))
    found = FilesSource(path=bars, actions_path=actions).corporate_actions(["A"], *SPAN)
    assert found.drop("source", "raw").rows() == [
        ("A", date(2013, 2, 8), "split", 2.0, datetime(2013, 2, 1, tzinfo=UTC)),
        ("A", date(2013, 3, 8), "dividend", 0.25, datetime(2013, 2, 1, 21, 30, tzinfo=UTC)),
        ("A", date(2013, 4, 8), "dividend", None, datetime(2013, 4, 8, tzinfo=UTC)),
    ]
    assert "lots" in found["raw"][2]
    assert found["raw"].null_count() == 2


def test_action_without_known_at_is_known_from_its_ex_date(tmp_path):
    actions = csv(tmp_path, "A,2013-02-08,split,2", header="symbol,ex_date,kind,value", name="actions.csv")
    source = FilesSource(path=parquet(tmp_path, rows(date(2013, 2, 8))), actions_path=actions)
    assert source.corporate_actions(["A"], *SPAN)["known_at"].to_list() == [datetime(2013, 2, 8, tzinfo=UTC)]


def test_actions_file_with_other_columns_names_its_own_setting(tmp_path):
    actions = csv(tmp_path, "A,2", header="symbol,factor", name="actions.csv")
    source = FilesSource(path=parquet(tmp_path, rows(date(2013, 2, 8))), actions_path=actions)
    with pytest.raises(SourceFormatError, match=r"ex_date, kind, value.*source\.files\.actions_columns"):
        source.corporate_actions(["A"], *SPAN)


# Real prices


@pytest.mark.skipif(not US_DAILY.exists(), reason=f"needs the real prices in {US_DAILY}")
def test_505_names_are_read_whole():
    source = FilesSource(path=US_DAILY)
    names = pl.scan_parquet(US_DAILY).select("symbol").unique().collect()["symbol"].to_list()
    bars = source.bars(names, *SPAN)
    assert (len(names), bars.height) == (505, 619_040)
    original = pl.read_parquet(US_DAILY)
    assert_frame_equal(bars.drop(ORIGIN), original.sort("symbol", "date"), check_exact=True)


@pytest.mark.skipif(not US_DAILY.exists(), reason=f"needs the real prices in {US_DAILY}")
def test_spans_of_505_names():
    spans = FilesSource(path=US_DAILY).symbols()
    assert spans.height == 505
    assert spans["first_session"].min() == date(2013, 2, 8)
    assert spans["last_session"].max() == date(2018, 2, 7)
    assert spans["delisted_on"].null_count() == 505
