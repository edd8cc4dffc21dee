"""The same bars give the same features, whichever source they came through: files, Yahoo or Alpaca."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from trading_assets.brokers.alpaca.connection import KEY_VARIABLES
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import start_broker
from trading_assets.features.compute import compute
from trading_assets.features.statistical.market import market_returns
from trading_assets.market_data.sources import make_source
from trading_assets.market_data.sources.alpaca import AlpacaParameters, AlpacaSource
from trading_assets_tests.brokers.embedded.markets import FREE, at, bar, write_market
from trading_assets_tests.features.shipped import SETS
from trading_assets_tests.market_data.sources.yahoo._yahoo_replay import Listing, serve

FIRST, LAST = date(2019, 2, 1), date(2020, 12, 18)
START = date(2020, 1, 2)
SPLIT, EX_DATES = (date(2020, 8, 31), 4), {date(2020, 2, 7): 0.77, date(2020, 11, 6): 0.205}
APPLE = Listing("AAPL", first=FIRST, last=LAST, splits={SPLIT[0]: (SPLIT[1], 1)}, dividends=EX_DATES)
MICROSOFT = Listing("MSFT", first=FIRST, last=LAST)
NAMES = ["AAPL", "MSFT"]
DAILY = [one for one in SETS.values() if "daily" in one.intervals]
ACTIONS = [("AAPL", SPLIT[0], "split", float(SPLIT[1])), *(("AAPL", day, "dividend", v) for day, v in EX_DATES.items())]


def raw_bars():
    rows = [(one.symbol, day, *one.raw(day)) for one in (APPLE, MICROSOFT) for day in one.sessions(FIRST, LAST)]
    schema = ["symbol", "date", "open", "high", "low", "close", "volume"]
    return pl.DataFrame(rows, schema=schema, orient="row")


def from_files(folder):
    raw_bars().write_parquet(folder / "prices.parquet")
    actions = pl.DataFrame(ACTIONS, schema=["symbol", "ex_date", "kind", "value"], orient="row")
    actions.write_csv(folder / "actions.csv")
    options = {"path": str(folder / "prices.parquet"), "actions_path": str(folder / "actions.csv")}
    return make_source({"kind": "files", **options})


def features_from(source):
    bars, actions = source.bars(NAMES, FIRST, LAST), source.corporate_actions(NAMES, FIRST, LAST)
    return compute(DAILY, bars, actions, start=START, end=LAST, market=market_returns(bars, actions))


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return features_from(from_files(tmp_path_factory.mktemp("files")))


@pytest.fixture(scope="module")
def yahoo(tmp_path_factory):
    with serve(str(tmp_path_factory.mktemp("yfinance"))) as world:
        world.add(APPLE, MICROSOFT)
        world.now = datetime(2020, 12, 18, 22, 0, tzinfo=UTC)
        yield world.source(*NAMES)


@pytest.fixture(scope="module")
def alpaca(postgres, _empty_lake, tmp_path_factory):
    from trading_assets_tests.conftest import _fresh_lake

    with _fresh_lake(postgres, _empty_lake, tmp_path_factory.mktemp("lake")) as lake:
        rows = [
            bar(symbol, day, (o, h, low, c), volume) for symbol, day, o, h, low, c, volume in raw_bars().iter_rows()
        ]
        write_market(lake, rows, ACTIONS)
        with start_broker(lake, "XNYS", clock=SteppedClock(at("2020-12-18", "18:00")), name="alpaca") as broker:
            keys = broker.create_account("parity", cash=1e5, costs=FREE, max_participation=0.1, lot_size=1.0)
            parameters = AlpacaParameters(url=broker.url, requests_per_minute=60_000, symbols=NAMES)
            environment = dict(zip(KEY_VARIABLES, (keys.key_id, keys.secret), strict=True))
            yield AlpacaSource(parameters, environment=environment, now=broker.now)


@pytest.mark.parametrize("source", ["yahoo", "alpaca"])
def test_every_set_has_the_values_that_files_of_the_same_bars_give(source, expected, request):
    found = features_from(request.getfixturevalue(source))
    for name, frame in expected.items():
        assert frame.height == found[name].height > 0
        assert frame.equals(found[name]), name
