"""An embedded broker over a small market, and Alpaca as a source that asks it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from trading_assets.brokers.alpaca.connection import KEY_VARIABLES
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import AccountKeys, RunningBroker, start_broker
from trading_assets.desk.calendar import sessions
from trading_assets.lake import Lake, Scope
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import NEWS
from trading_assets.market_data.sources._limiter import Timing
from trading_assets.market_data.sources.alpaca import AlpacaParameters, AlpacaSource
from trading_assets_tests.brokers.embedded.markets import FREE, at, bar, write_market

# Two weeks around 4 July 2024; 3 July is a half day.
DAYS = sessions("XNYS", date(2024, 6, 24), date(2024, 7, 12))
HALF_DAY = date(2024, 7, 3)
_numbers = itertools.count()


def story(number: int, symbol: str, published: datetime, known: datetime, headline: str = "News") -> dict:
    return {"symbol": symbol, "date": known.date(), "id": str(number), "published_at": published, "known_at": known,
            "headline": headline, "summary": None, "text": f"<p>{headline}</p>", "author": "A. Author",
            "url": "https://example.org", "publisher": "wire", "source": "test"}  # fmt: skip


@pytest.fixture(scope="package")
def market(postgres, _empty_lake, tmp_path_factory) -> Iterator[Lake]:
    """AAA and BBB all the time, GONE until 3 July, LATE from 8 July; a split, dividends and stories."""
    from trading_assets_tests.conftest import _fresh_lake

    with _fresh_lake(postgres, _empty_lake, tmp_path_factory.mktemp("lake")) as lake:
        write_market(
            lake,
            [
                *(bar("AAA", day, (100 + n, 104.25 + n, 98.5 + n, 101 + n), 1_000_001) for n, day in enumerate(DAYS)),
                *(bar("BBB", day, (50 - n, 51.5 - n, 47 - n, 48 - n), 39_000) for n, day in enumerate(DAYS)),
                *(bar("GONE", day, (10, 11, 9, 10)) for day in DAYS if day <= HALF_DAY),
                *(bar("LATE", day, (30, 31, 29, 30)) for day in DAYS if day >= date(2024, 7, 8)),
            ],
            [
                ("AAA", DAYS[4], "split", 1.5),
                ("BBB", DAYS[5], "split", 0.1),
                ("AAA", DAYS[6], "dividend", 0.245),
                ("BBB", date(2024, 7, 12), "dividend", 0.5),
            ],
            {"GONE": date(2024, 7, 5)},
        )
        noon = datetime(2024, 7, 2, 12, tzinfo=UTC)
        stories = [
            story(1, "AAA", noon, noon + timedelta(minutes=5), "Both of them"),
            story(1, "BBB", noon, noon + timedelta(minutes=5), "Both of them"),
            *(story(n, "BBB", noon + timedelta(minutes=n), noon + timedelta(minutes=n)) for n in range(10, 90)),
            story(99, "AAA", noon, datetime(2024, 7, 30, tzinfo=UTC), "Not yet"),
        ]
        replace(lake, NEWS, pl.DataFrame(stories, schema=NEWS.schema), Scope())
        yield lake


@pytest.fixture(scope="package")
def broker(market: Lake) -> Iterator[RunningBroker]:
    """A broker on the evening of 11 July."""
    with start_broker(market, "XNYS", clock=SteppedClock(at("2024-07-11", "18:00")), name="alpaca") as started:
        yield started


@pytest.fixture
def keys(broker: RunningBroker) -> AccountKeys:
    """Keys of an account of this test alone."""
    return broker.create_account(f"a{next(_numbers)}", cash=1e5, costs=FREE, max_participation=0.1, lot_size=1.0)


@pytest.fixture
def pauses() -> list[float]:
    """Seconds of the pauses that the client of `make_source` has made, none of which takes time."""
    return []


@pytest.fixture
def make_source(broker: RunningBroker, keys: AccountKeys, pauses: list[float]) -> Iterator[Callable[..., AlpacaSource]]:
    """Factory of sources whose client does not wait; nothing is wrong at the broker at first."""
    environment = dict(zip(KEY_VARIABLES, (keys.key_id, keys.secret), strict=True))
    timing = Timing(sleep=pauses.append)

    def make(**parameters) -> AlpacaSource:
        wanted = {"url": broker.url, "requests_per_minute": 60_000, **parameters}
        return AlpacaSource(AlpacaParameters(**wanted), environment=environment, now=broker.now, timing=timing)

    yield make
    broker.clear_faults()


@pytest.fixture
def source(make_source: Callable[..., AlpacaSource]) -> AlpacaSource:
    """A source of three names."""
    return make_source(symbols=["AAA", "BBB", "GONE"])


def calls_of(broker: RunningBroker, path: str) -> int:
    return sum(call["path"] == path for call in broker.calls())
