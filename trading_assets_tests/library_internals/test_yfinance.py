"""What is relied on in yfinance beyond its documentation, as the installed release does it.

A test that fails here after an update says which function of `library_internals.yfinance` to change or to remove.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import yfinance as yf

from trading_assets.library_internals.yfinance import clear_answers, get_json, set_timezone
from trading_assets_tests.market_data.sources.yahoo._yahoo_replay import CRUMB, Listing, Replay, serve

WINDOW = {"start": datetime(2024, 8, 1, tzinfo=UTC), "end": datetime(2024, 8, 15, tzinfo=UTC)}
QUOTE = "https://query1.finance.yahoo.com/v7/finance/quote"


@pytest.fixture
def replay(tmp_path) -> Iterator[Replay]:
    from yfinance.data import SingletonMeta

    SingletonMeta._instances.clear()
    clear_answers()
    with serve(str(tmp_path)) as world:
        world.add(Listing("AAPL", name="Apple Inc."))
        yield world


@pytest.fixture
def session(replay: Replay):
    return replay.source("AAPL")._client._session


@pytest.fixture
def ticker(session) -> yf.Ticker:
    return yf.Ticker("AAPL", session=session)


def test_a_ticker_requests_its_zone_unless_it_is_set(replay, session, ticker):
    ticker.history(**WINDOW)
    assert len(replay.charts()) == 2, "yfinance no longer requests the zone: `set_timezone` can go"
    replay.asked.clear()
    clear_answers()
    other = yf.Ticker("AAPL", session=session)
    yf.cache.get_tz_cache().store("AAPL", None)
    set_timezone(other, "America/New_York")
    rows = other.history(**WINDOW)
    assert len(replay.charts()) == 1
    assert str(rows.index.tz) == "America/New_York"


def test_a_window_of_the_past_is_answered_from_memory_until_it_is_cleared(replay, ticker):
    set_timezone(ticker, "America/New_York")
    ticker.history(**WINDOW)
    ticker.history(**WINDOW)
    assert len(replay.charts()) == 1, "yfinance no longer keeps answers: `clear_answers` can go"
    clear_answers()
    ticker.history(**WINDOW)
    assert len(replay.charts()) == 2


def test_any_address_can_be_requested_with_cookie_and_crumb(replay, session):
    found = get_json(session, QUOTE, {"symbols": "AAPL"}, 5.0)
    assert found["quoteResponse"]["result"][0]["symbol"] == "AAPL"
    path, query = replay.asked[-1]
    assert (path, query["symbols"], query["crumb"]) == ("/v7/finance/quote", "AAPL", CRUMB)
