"""What Yahoo says of companies: profiles, quotes, listing spans, screens."""

import json
from datetime import UTC, date, datetime

import pytest

from trading_assets.lake.contracts import Contract
from trading_assets.market_data.contract import COMPANIES, QUOTES, SYMBOLS
from trading_assets.market_data.sources import (
    COMPANIES_SCHEMA,
    QUOTES_SCHEMA,
    SYMBOLS_SCHEMA,
    DelistedSymbolError,
    NoDataError,
    PartialAnswerError,
    SourceConfigError,
    UnknownSymbolError,
)
from trading_assets_tests.market_data.sources.yahoo._yahoo_replay import Listing

NOW = datetime(2024, 12, 20, 22, 0, tzinfo=UTC)
PROFILE = "assetProfile,price,defaultKeyStatistics"


def fits(frame, contract: Contract) -> bool:
    contract.model.validate(frame.drop("raw", strict=False))
    return True


def test_symbols_have_name_and_span(replay):
    listed = replay.source("MSFT", "AAPL", "LATE").symbols()
    assert listed.schema == SYMBOLS_SCHEMA
    assert listed.select("symbol", "name", "first_session", "last_session", "delisted_on").rows() == [
        ("AAPL", "Apple Inc.", date(2012, 1, 3), date(2024, 12, 20), None),
        ("LATE", "Company Inc.", date(2024, 9, 3), date(2024, 12, 20), None),
        ("MSFT", "Microsoft Corporation", date(2012, 1, 3), date(2024, 12, 20), None),
    ]
    assert listed.select("exchange", "currency", "source").unique().rows() == [("XNYS", "USD", "yahoo")]
    assert fits(listed, SYMBOLS)


@pytest.mark.parametrize(
    ("now", "last"),
    [
        (datetime(2024, 12, 20, 20, 0, tzinfo=UTC), date(2024, 12, 19)),
        (datetime(2024, 12, 2, 15, 0, tzinfo=UTC), date(2024, 11, 29)),
        (datetime(2024, 12, 22, 12, 0, tzinfo=UTC), date(2024, 12, 20)),
    ],
)
def test_the_last_session_of_a_symbol_is_one_that_has_ended(replay, now, last):
    replay.now = now
    assert replay.source("AAPL").symbols()["last_session"].to_list() == [last]


def test_a_symbol_without_a_quote_is_found_by_its_history(replay):
    (row,) = replay.source("GONE").symbols().rows(named=True)
    assert (row["first_session"], row["last_session"]) == (date(2012, 1, 3), date(2024, 3, 28))


def test_an_unknown_symbol_of_the_list_does_not_fail_the_others(replay):
    with pytest.raises(PartialAnswerError) as raised:
        replay.source("AAPL", "NOPE", "MSFT").symbols()
    assert raised.value.rows["symbol"].to_list() == ["AAPL", "MSFT"]
    assert isinstance(raised.value.failures["NOPE"], UnknownSymbolError)


def test_many_symbols_cost_few_requests(replay):
    names = [f"N{number}" for number in range(30)]
    replay.add(*map(Listing, names))
    assert replay.source(*names, batch_size=10).symbols().height == 30
    asked = [query["symbols"] for path, query in replay.asked if "quote" in path]
    assert [len(symbols.split(",")) for symbols in asked] == [10, 10, 10]
    assert replay.charts() == []


def test_a_screen_adds_what_it_finds_today(replay):
    replay.screened = ["MSFT", "AAPL"]
    source = replay.source("LATE", "AAPL", screen="day_gainers", screen_size=7)
    assert source.symbols()["symbol"].to_list() == ["AAPL", "LATE", "MSFT"]
    (query,) = [query for path, query in replay.asked if "screener/predefined" in path]
    assert (query["scrIds"], query["count"]) == ("day_gainers", "7")


def test_a_screen_may_be_a_query(replay):
    big = {"operator": "gt", "operands": ["intradaymarketcap", 2_000_000_000]}
    american = {"operator": "eq", "operands": ["region", "us"]}
    source = replay.source(screen={"operator": "and", "operands": [big, american]})
    assert source.symbols()["symbol"].to_list() == ["AAPL"]


@pytest.mark.parametrize(
    ("screen", "message"),
    [
        ("day_gainer", "no screen 'day_gainer'; use one of .*day_gainers"),
        ({"operator": "gt", "operands": ["shoe_size", 1]}, "source.yahoo.screen is not a valid query.*shoe_size"),
        ({"op": "gt"}, "source.yahoo.screen is not a valid query"),
    ],
)
def test_a_screen_that_makes_no_sense_names_the_setting(replay, screen, message):
    with pytest.raises(SourceConfigError, match=message):
        replay.source("AAPL", screen=screen).symbols()


def test_companies_are_as_known_today(replay):
    replay.bodies[f"{PROFILE} AAPL"] = {
        "assetProfile": {
            "sector": "Technology", "industry": "Consumer Electronics", "country": "United States",
            "companyOfficers": [{"name": "Mr. Timothy D. Cook", "title": "CEO", "yearBorn": 1961, "totalPay": 1},
                                {"name": "Ms. Ada Ôx", "title": "CFO"}],
        },
        "price": {"longName": "Apple Inc.", "marketCap": {"raw": 3.8e12, "fmt": "3.8T"}},
        "defaultKeyStatistics": {"sharesOutstanding": 15_115_799_552},
    }  # fmt: skip
    replay.bodies[f"{PROFILE} MSFT"] = {"price": {"shortName": "Fund"}}
    companies = replay.source("AAPL").companies(["MSFT", "AAPL"], NOW)
    assert companies.schema == COMPANIES_SCHEMA
    assert fits(companies, COMPANIES)
    apple, fund = companies.rows(named=True)
    assert (apple["symbol"], apple["known_on"], apple["name"]) == ("AAPL", date(2024, 12, 20), "Apple Inc.")
    assert (apple["sector"], apple["industry"], apple["country"]) == (
        "Technology",
        "Consumer Electronics",
        "United States",
    )
    assert (apple["market_cap"], apple["shares_outstanding"]) == (3.8e12, 15_115_799_552.0)
    assert json.loads(apple["officers"]) == [
        {"name": "Mr. Timothy D. Cook", "title": "CEO", "year_born": 1961},
        {"name": "Ms. Ada Ôx", "title": "CFO", "year_born": None},
    ]
    assert (fund["name"], fund["sector"], fund["officers"]) == ("Fund", None, None)


def test_unknown_companies_and_those_without_a_profile_fail_by_themselves(replay):
    replay.bodies[f"{PROFILE} AAPL"] = {"price": {"longName": "Apple Inc."}}
    with pytest.raises(PartialAnswerError) as raised:
        replay.source("AAPL").companies(["AAPL", "NOPE", "MSFT"], NOW)
    assert raised.value.rows["symbol"].to_list() == ["AAPL"]
    assert {symbol: type(error) for symbol, error in raised.value.failures.items()} == {
        "NOPE": UnknownSymbolError,
        "MSFT": NoDataError,
    }


def test_quotes_have_the_moment_of_the_last_trade_and_no_price_of_zero(replay):
    quotes = replay.source("AAPL").quotes(["MSFT", "AAPL"])
    assert quotes.schema == QUOTES_SCHEMA
    assert fits(quotes, QUOTES)
    moment = datetime(2024, 12, 20, 21, 0, tzinfo=UTC)
    assert quotes.select("symbol", "ts", "bid", "ask").rows() == [
        ("AAPL", moment, 101.25, None),
        ("MSFT", moment, 101.25, None),
    ]


def test_quotes_in_pence_become_pounds(replay):
    quotes = replay.source("SHEL.L", exchange="XLON", currency="GBP").quotes(["SHEL.L"])
    assert quotes["bid"].to_list() == [1.0125]


def test_an_unknown_quote_does_not_fail_the_others(replay):
    with pytest.raises(PartialAnswerError) as raised:
        replay.source("AAPL").quotes(["AAPL", "NOPE", "INFY.BO"])
    assert raised.value.rows["symbol"].to_list() == ["AAPL"]
    assert {symbol: type(error) for symbol, error in raised.value.failures.items()} == {
        "NOPE": UnknownSymbolError,
        "INFY.BO": SourceConfigError,
    }


def test_no_symbols_no_rows_no_requests(replay):
    source = replay.source("AAPL")
    day = date(2024, 12, 20)
    answers = [
        source.bars([], day, day), source.corporate_actions([], day, day), source.quotes([]),
        source.companies([], NOW), source.fundamentals([], day, day),
    ]  # fmt: skip
    assert [answer.height for answer in answers] == [0] * 5
    assert replay.asked == []


def test_delisted_and_unknown_are_not_the_same(replay):
    with pytest.raises(PartialAnswerError) as raised:
        replay.source("AAPL").bars(["AAPL", "GONE", "NOPE"], date(2024, 8, 1), date(2024, 8, 2))
    assert {symbol: error.reason for symbol, error in raised.value.failures.items()} == {
        "GONE": DelistedSymbolError.reason,
        "NOPE": UnknownSymbolError.reason,
    }
