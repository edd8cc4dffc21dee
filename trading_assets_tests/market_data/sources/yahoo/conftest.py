"""A world of a few names for each test, behind a server of its own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from trading_assets_tests.market_data.sources.yahoo._yahoo_replay import Listing, Replay, serve

APPLE = Listing(
    "AAPL",
    name="Apple Inc.",
    splits={date(2014, 6, 9): (7, 1), date(2020, 8, 31): (4, 1)},
    dividends={
        date(2014, 5, 8): 3.29,
        date(2014, 8, 7): 0.47,
        date(2020, 8, 7): 0.82,
        date(2020, 11, 6): 0.205,
        date(2024, 11, 8): 0.25,
    },
)


@pytest.fixture(scope="session")
def yahoo_cache(tmp_path_factory) -> str:
    return str(tmp_path_factory.mktemp("yfinance"))


@pytest.fixture
def replay(yahoo_cache) -> Iterator[Replay]:
    """AAPL, MSFT, one of London, one of Bombay, one that ended, one listed late; yfinance without a memory."""
    from yfinance.data import SingletonMeta

    SingletonMeta._instances.clear()
    with serve(yahoo_cache) as world:
        world.add(
            APPLE,
            Listing("MSFT", name="Microsoft Corporation"),
            Listing("SHEL.L", exchange="XLON", currency="GBp"),
            Listing("INFY.BO", exchange="XBOM", currency="INR"),
            Listing("GONE", last=date(2024, 3, 28), quoted=False),
            Listing("LATE", first=date(2024, 9, 3)),
        )
        yield world
