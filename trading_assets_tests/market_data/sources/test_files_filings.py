"""Fundamentals, news, listing events, companies and split-adjusted bars from your own files."""

import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.market_data.contract import COMPANIES, FUNDAMENTALS, LISTINGS, NEWS
from trading_assets.market_data.sources import (
    COMPANIES_SCHEMA,
    FUNDAMENTALS_SCHEMA,
    LISTINGS_SCHEMA,
    NEWS_SCHEMA,
    CompaniesSource,
    FilesSource,
    FundamentalsSource,
    ListingsSource,
    NewsSource,
    SourceConfigError,
    SourceFormatError,
    UnknownSymbolError,
)

EVER = (date(1990, 1, 1), date(2030, 1, 1))
WIDE = "symbol,end_date,period_focus,amend,revenues,eps_basic,known_on"
STORIES = "symbols,published_at,headline"


def write(folder, header, *lines, name):
    path = folder / f"{name}.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


@pytest.fixture
def source(tmp_path):
    """Factory of a source with bars of A and B; each setting is the lines of a file, header first."""
    bars = write(tmp_path, "symbol,date,open,high,low,close,volume", "A,2016-05-02,1,1,1,1,5", "B,2016-05-02,1,1,1,1,5",
                 name="bars")  # fmt: skip

    def make(settings=None, **files):
        paths = {f"{name}_path": write(tmp_path, *lines, name=name) for name, lines in files.items()}
        return FilesSource(path=bars, **paths, **(settings or {}))

    return make


def at(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_a_source_offers_the_tables_whose_files_are_given(source):
    assert source().offers == {"bars_daily", "corporate_actions"}
    full = source(fundamentals=[WIDE], news=[STORIES], listings=["symbol,date,kind"], companies=["symbol,name"])
    assert full.offers == {"bars_daily", "corporate_actions", "fundamentals", "news", "listings", "companies"}
    for protocol in (CompaniesSource, FundamentalsSource, ListingsSource, NewsSource):
        assert isinstance(full, protocol)


@pytest.mark.parametrize(
    ("method", "schema"),
    [("fundamentals", FUNDAMENTALS_SCHEMA), ("news", NEWS_SCHEMA), ("listings", LISTINGS_SCHEMA)],
)
def test_without_files_or_symbols_there_are_no_rows_and_unknown_symbols_are_named(source, method, schema):
    assert getattr(source(), method)(["A"], *EVER).schema == schema
    assert getattr(source(fundamentals=[WIDE]), method)([], *EVER).schema == schema
    with pytest.raises(UnknownSymbolError, match="does not have 'NOPE'"):
        getattr(source(), method)(["NOPE"], *EVER)


# --- fundamentals


def test_a_wide_filing_becomes_a_row_per_figure_that_it_reports(source):
    found = source(
        fundamentals=[WIDE, "A,2016-03-31,Q1,False,100,0.5,2016-04-20", "B,2015-12-31,FY,False,,2,2016-02-01"]
    )
    rows = found.fundamentals(["A", "B"], *EVER)
    assert rows.schema == FUNDAMENTALS_SCHEMA
    assert rows.select("symbol", "period_end", "period", "item", "value").rows() == [
        ("A", date(2016, 3, 31), "quarter", "eps_basic", 0.5),
        ("A", date(2016, 3, 31), "quarter", "revenue", 100.0),
        ("B", date(2015, 12, 31), "year", "eps_basic", 2.0),
    ]
    assert rows.select("currency", "basis", "source", "raw").unique().rows() == [("USD", "filing", "files", None)]
    assert FUNDAMENTALS.split(rows).quarantined.is_empty()


def test_a_bare_day_counts_from_its_end_and_a_moment_from_itself(source):
    lines = ["A,2016-03-31,Q1,False,1,,2016-04-20", "A,2016-06-30,Q2,False,2,,2016-07-20T16:30:00-04:00"]
    rows = source(fundamentals=[WIDE, *lines]).fundamentals(["A"], *EVER)
    assert rows["known_at"].to_list() == [at(2016, 4, 21), at(2016, 7, 20, 20, 30)]
    assert rows["known_on"].to_list() == [date(2016, 4, 21), date(2016, 7, 20)]


def test_an_amendment_of_the_same_day_is_the_later_of_the_two(source):
    lines = ["A,2016-03-31,Q1,False,1,,2016-04-20", "A,2016-03-31,Q1,True,2,,2016-04-20"]
    rows = source(fundamentals=[WIDE, *lines]).fundamentals(["A"], *EVER)
    assert rows.select("value", "known_at").rows() == [(1.0, at(2016, 4, 21)), (2.0, at(2016, 4, 21, 0, 0, 1))]


def test_the_window_is_of_the_days_on_which_figures_became_known(source):
    files = source(fundamentals=[WIDE, *(f"A,2016-03-31,Q1,False,{day},,2016-04-{day}" for day in (19, 20, 21))])
    assert files.fundamentals(["A"], date(2016, 4, 21), date(2016, 4, 21))["value"].to_list() == [20.0]


def test_rows_that_cannot_be_read_are_passed_on_whole_and_quarantined_by_the_contract(source):
    lines = [
        "A,soon,Q1,False,1,,2016-04-20",
        "A,2016-03-31,H1,False,1,,2016-04-20",
        "A,2016-03-31,Q1,False,many,,2016-04-20",
        "A,2016-03-31,Q2,False,,,2016-04-20",
        ",2016-03-31,Q1,False,1,,2016-04-20",
        "A,2016-03-31,Q1,False,1,,later",
    ]
    rows = source(fundamentals=[WIDE, *lines]).fundamentals(["A"], date(2016, 4, 1), date(2016, 4, 30))
    split = FUNDAMENTALS.split(rows)
    assert (rows.height, split.good.height, split.quarantined.height) == (6, 0, 6)
    originals = [json.loads(raw) for raw in rows["raw"].drop_nulls()]
    assert {line["end_date"] for line in originals} == {"soon", "2016-03-31"}
    assert {line["revenues"] for line in originals} == {"1", "many"}


def test_a_long_file_has_a_row_per_figure_under_its_usual_or_its_mapped_name(source):
    header = "ticker,period_end,period,tag,amount,filed,ccy"
    lines = ["A,2016-03-31,quarterly,Revenues,1,2016-04-20,EUR", "A,2016-03-31,annual,goodwill,2,2016-04-20,EUR"]
    columns = {"fundamentals_columns": {"currency": "ccy"}}
    rows = source(columns, fundamentals=[header, *lines]).fundamentals(["A"], *EVER)
    assert rows.select("period", "item", "value", "currency").rows() == [
        ("quarter", "revenue", 1.0, "EUR"),
        ("year", "goodwill", 2.0, "EUR"),
    ]
    assert FUNDAMENTALS.split(rows).good["item"].to_list() == ["revenue"]


@pytest.mark.parametrize(
    ("header", "columns", "message"),
    [
        ("symbol,end_date,period,known_on", {}, "has no figures: neither columns item and value nor one of revenue"),
        ("symbol,end_date,period,revenue", {}, "no column for known_at.*source.files.fundamentals_columns"),
        (WIDE, {"sales": "revenues"}, "'sales' is not a standard column; map from symbol, period_end"),
    ],
)
def test_files_without_what_a_filing_needs_are_refused_by_name(source, header, columns, message):
    files = source({"fundamentals_columns": columns}, fundamentals=[header, "A,2016-03-31,Q1,1,2,3,4"[: len(header)]])
    with pytest.raises(SourceFormatError, match=message):
        files.fundamentals(["A"], *EVER)


def test_every_row_of_the_real_filings_is_stored_or_quarantined(shared_data, tmp_path):
    path = shared_data / "us_fundamentals_2015_2017.parquet"
    filings = pl.read_parquet(path)
    names = filings["symbol"].drop_nulls().unique().sort()
    one_bar_each = pl.DataFrame({"symbol": names}).with_columns(
        date=pl.date(2016, 5, 2), open=1.0, high=1.0, low=1.0, close=1.0, volume=1
    )
    one_bar_each.write_parquet(tmp_path / "bars.parquet")
    source = FilesSource(path=tmp_path / "bars.parquet", fundamentals_path=path)
    rows = source.fundamentals(names.to_list(), *EVER)
    split = FUNDAMENTALS.split(rows)
    assert rows.height == split.good.height + split.quarantined.height == 417_331
    figures = [name for name, dtype in filings.schema.items() if dtype == pl.Float64]
    assert filings.select(pl.col(figures).count()).sum_horizontal().item() == 417_330
    assert filings.select(pl.all_horizontal(pl.col(figures).is_null()).sum()).item() == 1
    # 76 companies reported the same period twice on one day, most of them with other figures; one filing is empty
    assert split.quarantined.height / rows.height < FUNDAMENTALS.quarantine_limit
    reasons = split.quarantined["rule"].str.extract(r"^(conflict|duplicate|\w+)").unique().sort().to_list()
    assert [reason for reason in reasons if reason in ("conflict", "duplicate")] == ["conflict", "duplicate"]
    kept = pl.concat([frame.select("symbol", "period_end", "known_at") for frame in (split.good, split.quarantined)])
    filed = filings.filter(~pl.all_horizontal(pl.col(figures).is_null())).with_columns(period_end="end_date")
    assert filed.join(kept, on=["symbol", "period_end"], how="anti").is_empty()
    assert filings.height == 31_542 == filed.height + 1


# --- news


def test_a_story_is_a_row_for_each_symbol_that_it_names(source):
    header = "symbols,published_at,updated_at,title,content,link,id"
    lines = ['"A, B;C",2016-05-02T13:00:00Z,2016-05-02T14:00:00Z,Deal,Text,http://x,7', "B,2016-05-03,,Other,,,8"]
    rows = source(news=[header, *lines]).news(["A", "B"], *EVER)
    assert rows.schema == NEWS_SCHEMA
    assert rows.select("symbol", "id", "published_at", "known_at", "headline", "text", "url").rows() == [
        ("A", "7", at(2016, 5, 2, 13), at(2016, 5, 2, 14), "Deal", "Text", "http://x"),
        ("B", "7", at(2016, 5, 2, 13), at(2016, 5, 2, 14), "Deal", "Text", "http://x"),
        ("B", "8", at(2016, 5, 4), at(2016, 5, 4), "Other", None, None),
    ]
    assert NEWS.split(rows).quarantined.is_empty()


def test_a_story_without_an_id_is_known_by_its_address_or_by_moment_and_headline(source):
    lines = ["A,2016-05-02T13:00:00Z,One,http://x", "A,2016-05-02T13:00:00Z,Two,"]
    rows = source(news=[f"{STORIES},url", *lines]).news(["A"], *EVER)
    assert rows["id"].to_list() == ["2016-05-02T13:00:00.000000+00:00 Two", "http://x"]


def test_a_time_without_a_zone_is_not_guessed(source):
    rows = source(news=[STORIES, "A,2016-05-02 13:00,One"]).news(["A"], *EVER)
    assert rows["known_at"].to_list() == [None]
    assert json.loads(rows["raw"].item())["published_at"] == "2016-05-02 13:00"
    told = source({"timezone": "America/New_York"}, news=[STORIES, "A,2016-05-02 13:00,One"]).news(["A"], *EVER)
    assert told["known_at"].to_list() == [at(2016, 5, 2, 17)]


# --- listings, companies


def test_listing_events_with_their_return_and_the_ticker_before(source):
    header = "symbol,date,kind,value,old_symbol,known_on"
    lines = ["A,2016-05-03,Delisting,-0.3,,2016-05-01", "B,2016-05-02,rename,,BB,"]
    rows = source(listings=[header, *lines]).listings(["A", "B"], *EVER)
    assert rows.schema == LISTINGS_SCHEMA
    assert rows.drop("source", "raw").rows() == [
        ("A", date(2016, 5, 3), "delisting", -0.3, None, at(2016, 5, 2)),
        ("B", date(2016, 5, 2), "rename", None, "BB", at(2016, 5, 2)),
    ]
    short = source(listings=["symbol,date,kind", "B,2016-05-02,listing"]).listings(["B"], *EVER)
    assert short["known_at"].to_list() == [at(2016, 5, 2)]
    assert LISTINGS.split(short).quarantined.is_empty()


def test_the_renames_of_the_real_map_files_come_out(shared_data, tmp_path):
    # A row of a map file says until which day a ticker was in use; the next row's ticker is that of the day after.
    rows, old = [], {}
    for symbol in ("bac", "spwr", "twx", "wm"):
        file = shared_data / "us_hour_map_files" / f"{symbol}.csv"
        steps = [line.split(",")[:2] for line in file.read_text().splitlines()]
        for (until, ticker), (_, after) in pairwise(steps):
            if ticker != after:
                old[after.upper()] = ticker.upper()
                day = datetime.strptime(until, "%Y%m%d").date() + timedelta(days=1)  # noqa: DTZ007
                rows.append(f"{after.upper()},{day},rename,{ticker.upper()}")
    assert old["BAC"] == "NB"
    events = write(tmp_path, "symbol,date,kind,old_symbol", *rows, name="listings")
    one_bar_each = [f"{symbol},2016-05-02,1,1,1,1,5" for symbol in sorted(old)]
    bars = write(tmp_path, "symbol,date,open,high,low,close,volume", *one_bar_each, name="bars")
    found = FilesSource(path=bars, listings_path=events).listings(sorted(old), *EVER)
    assert {row["symbol"]: row["other_symbol"] for row in found.to_dicts()} == old
    assert found.filter(pl.col("symbol") == "BAC").select("date", "known_at").row(0) == (
        date(1998, 10, 1),
        at(1998, 10, 1),
    )
    assert LISTINGS.split(found).quarantined.is_empty()


def test_companies_are_the_newest_list_known_by_the_day_asked(source):
    header = "Symbol,Security,GICS Sector,market_cap,known_on"
    lines = ["A,Old,Energy,10,2016-01-01", "A,New,Energy,20,2016-06-01", "B,Bee,Utilities,1,2016-01-01"]
    files = source(companies=[header, *lines])

    def known(*day):
        return files.companies(["A", "B"], at(*day)).select("symbol", "name", "market_cap", "known_on").rows()

    early, late = known(2016, 5, 1), known(2016, 6, 1)
    assert early == [("A", "Old", 10.0, date(2016, 1, 1)), ("B", "Bee", 1.0, date(2016, 1, 1))]
    assert late[0] == ("A", "New", 20.0, date(2016, 6, 1))
    today = source(companies=["symbol,name", "A,Ay"]).companies(["A"], at(2016, 5, 1))
    assert today.schema == COMPANIES_SCHEMA
    assert today["known_on"].to_list() == [date(2016, 5, 1)]
    assert COMPANIES.split(today).quarantined.is_empty()


# --- prices that a vendor has adjusted for splits


def test_prices_adjusted_for_splits_come_back_as_they_were_traded(tmp_path):
    prices = [
        "AAPL,2014-06-06,23.210715,23.258928,23.017857,23.056070,350000000",
        "AAPL,2014-06-09,23.175000,23.469999,22.937500,23.424999,301000000",
    ]
    happened = ["AAPL,2014-06-09,split,7", "AAPL,2020-08-31,split,4", "AAPL,2014-05-08,dividend,3.29"]
    adjusted = write(tmp_path, "symbol,date,open,high,low,close,volume", *prices, name="adjusted")
    splits = write(tmp_path, "symbol,ex_date,kind,value", *happened, name="splits")
    source = FilesSource(path=adjusted, actions_path=splits, adjustment="split")
    rows = source.bars(["AAPL"], *EVER)
    assert rows["close"].to_list() == [645.57, 93.7]
    assert rows["volume"].to_list() == [12_500_000, 75_250_000]
    assert rows["adjustment"].to_list() == ["split", "split"]
    assert_frame_equal(source.bars(["AAPL"], date(2014, 6, 6), date(2014, 6, 6)), rows.head(1))


def test_adjusted_prices_without_their_splits_are_refused(tmp_path):
    with pytest.raises(SourceConfigError, match=r"adjustment is 'split', but source.files.actions_path is not set"):
        FilesSource(path=tmp_path / "bars.csv", adjustment="split")
