"""Figures of statements, each from the day on which it could be known."""

from datetime import UTC, date, datetime, time, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.market_data.contract import FUNDAMENTALS
from trading_assets.market_data.contract.filings import ITEMS
from trading_assets.market_data.sources import (
    FUNDAMENTALS_SCHEMA,
    NoDataError,
    PartialAnswerError,
    SourceFormatError,
    UnknownSymbolError,
)
from trading_assets.market_data.sources.yahoo._fundamentals import _ITEMS, known_dates

EVER = (date(2000, 1, 1), date(2030, 1, 1))


def point(day, value, currency="USD"):
    return {"asOfDate": day, "periodType": "3M", "currencyCode": currency, "reportedValue": {"raw": value, "fmt": "x"}}


def series(name, *points):
    return {"meta": {"symbol": ["AAPL"], "type": [name]}, "timestamp": [0], name: list(points)}


def statements(*entries):
    return {"timeseries": {"result": list(entries), "error": None}}


def filings(*listed):
    return {"secFilings": {"filings": [{"date": day, "type": form, "title": "x", "maxAge": 1} for day, form in listed]}}


@pytest.fixture
def apple(replay):
    replay.bodies["statements AAPL"] = statements(
        series(
            "quarterlyTotalRevenue",
            None,
            point("2024-03-31", 90_753e6),
            point("2024-06-30", 85_777e6),
            point("2024-09-30", 94_930e6),
        ),
        series("annualTotalRevenue", point("2024-09-30", 391_035e6)),
        series("quarterlyDilutedEPS", point("2024-06-30", 1.40)),
        {"meta": {"type": ["annualDividendPerShare"]}},
    )
    replay.bodies["secFilings AAPL"] = filings(
        ("2024-11-01", "10-K"), ("2024-10-31", "8-K"), ("2024-08-02", "10-Q"), ("2024-08-20", "10-Q/A")
    )
    return replay


def test_figures_are_known_from_the_end_of_the_day_of_their_filing(apple):
    figures = apple.source("AAPL").fundamentals(["AAPL"], *EVER)
    assert figures.schema == FUNDAMENTALS_SCHEMA
    FUNDAMENTALS.model.validate(figures.drop("raw"))
    assert figures.select("period_end", "period", "item", "value", "known_on", "basis").rows() == [
        # no filing listed: the law gives 45 days
        (date(2024, 3, 31), "quarter", "revenue", 90_753e6, date(2024, 5, 16), "deadline"),
        (date(2024, 6, 30), "quarter", "eps_diluted", 1.40, date(2024, 8, 3), "filing"),
        (date(2024, 6, 30), "quarter", "revenue", 85_777e6, date(2024, 8, 3), "filing"),
        # the last quarter of a year is in the annual report
        (date(2024, 9, 30), "quarter", "revenue", 94_930e6, date(2024, 11, 2), "filing"),
        (date(2024, 9, 30), "year", "revenue", 391_035e6, date(2024, 11, 2), "filing"),
    ]
    assert figures["known_at"].to_list() == [
        datetime.combine(day, time(), UTC) for day in figures["known_on"].to_list()
    ]
    assert figures["currency"].unique().to_list() == ["USD"]


def test_the_window_is_one_of_knowledge_not_of_periods(apple):
    source = apple.source("AAPL")
    known = source.fundamentals(["AAPL"], date(2024, 8, 3), date(2024, 8, 31))
    assert known["period_end"].unique().to_list() == [date(2024, 6, 30)]
    assert source.fundamentals(["AAPL"], date(2024, 8, 4), date(2024, 11, 1)).is_empty()


def test_a_company_costs_two_requests(apple):
    apple.source("AAPL").fundamentals(["AAPL"], *EVER)
    assert len([path for path, _ in apple.asked if path.endswith("/AAPL")]) == 2


def test_a_company_without_filings_in_america_has_deadlines(replay):
    replay.bodies["statements MSFT"] = statements(series("annualNetIncome", point("2023-12-31", 5.0, "EUR")))
    figures = replay.source("MSFT").fundamentals(["MSFT"], *EVER)
    assert figures.select("item", "currency", "known_on", "basis").rows() == [
        ("net_income", "EUR", date(2024, 3, 31), "deadline")
    ]


def test_a_fund_without_statements_is_no_error_of_the_others(apple):
    with pytest.raises(PartialAnswerError) as raised:
        apple.source("AAPL").fundamentals(["AAPL", "MSFT", "NOPE"], *EVER)
    assert raised.value.rows["symbol"].unique().to_list() == ["AAPL"]
    assert {symbol: type(error) for symbol, error in raised.value.failures.items()} == {
        "MSFT": NoDataError,
        "NOPE": UnknownSymbolError,
    }


@pytest.mark.parametrize(
    "body", [{"timeseries": {}}, {"timeseries": {"result": [{"quarterlyNetIncome": [{"asOfDate": "soon"}]}]}}, {"x": 1}]
)
def test_statements_that_cannot_be_read_are_named(replay, body):
    replay.bodies["statements AAPL"] = body
    with pytest.raises(SourceFormatError, match="statements of AAPL cannot be read"):
        replay.source("AAPL").fundamentals(["AAPL"], *EVER)


def test_a_late_filing_is_known_late_and_that_of_another_period_is_not_taken():
    periods = pl.DataFrame({"period_end": [date(2024, 3, 31), date(2023, 12, 31)], "period": ["quarter", "year"]})
    filed = [(date(2024, 2, 1), "10-Q"), (date(2024, 7, 1), "10-Q"), (date(2024, 9, 1), "10-K")]
    late = known_dates(periods, filed)
    assert late.select("known_on", "basis").rows() == [
        (date(2024, 7, 2), "filing"),
        (date(2024, 3, 31), "deadline"),
    ]


@given(
    period=st.sampled_from(["quarter", "year"]),
    period_end=st.dates(date(2000, 1, 1), date(2024, 12, 31)),
    filed=st.lists(st.tuples(st.integers(-200, 200), st.sampled_from(["10-Q", "10-K", "8-K", "10-K/A"])), max_size=8),
)
def test_nothing_is_known_before_its_period_has_ended_nor_before_its_filing(period, period_end, filed):
    listed = [(period_end + timedelta(days=offset), form) for offset, form in filed]
    (row,) = known_dates(pl.DataFrame({"period_end": [period_end], "period": [period]}), listed).rows(named=True)
    assert row["known_on"] > period_end + timedelta(days=1)
    assert row["known_at"] == datetime.combine(row["known_on"], time(), UTC)
    if row["basis"] == "filing":
        assert row["known_on"] - timedelta(days=1) in [day for day, _ in listed]


def test_every_item_is_one_of_the_contract():
    assert set(_ITEMS.values()) == set(ITEMS)
