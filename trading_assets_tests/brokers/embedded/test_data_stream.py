"""The stream of market data, as Alpaca's own client and a bare websocket hear it."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import msgpack
import pytest
from alpaca.data.enums import DataFeed
from alpaca.data.live.stock import StockDataStream
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame
from websockets.sync.client import connect

from trading_assets_tests.brokers.embedded.conftest import open_account
from trading_assets_tests.brokers.embedded.markets import DAYS, at, stock_data

DAY = DAYS[1]
OPEN = at(DAY, "09:30")


@contextmanager
def listening(broker, keys, *symbols, channel="bars", feed=DataFeed.IEX):
    """Alpaca's client with a list of what it hears; yields once it has subscribed."""
    url = f"{broker.url.replace('http', 'ws', 1)}/v2/{feed.value}"
    stream, heard, subscribed = (
        StockDataStream(keys.key_id, keys.secret, feed=feed, url_override=url),
        [],
        threading.Event(),
    )
    stream._reconnect_min_backoff = 0.05

    async def hear(item):
        heard.append(item)

    dispatch = stream._dispatch

    async def noticing(message):
        if message.get("T") == "subscription":
            subscribed.set()
        await dispatch(message)

    stream._dispatch = noticing
    getattr(stream, f"subscribe_{channel}")(hear, *symbols)
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    assert subscribed.wait(20)
    try:
        yield heard, subscribed
    finally:
        stream.stop()
        broker.inject(drop_streams=True)  # it waits for a message, for up to five seconds
        thread.join(20)


def wait_for(condition, seconds=20):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def opened(broker):
    """The broker at the open of the second day."""
    broker.advance(OPEN)
    return broker


@contextmanager
def bare(broker, feed="iex", *, is_msgpack=True):
    """A websocket of one's own; yields a function that sends and returns the answer."""
    headers = {"Content-Type": "application/msgpack"} if is_msgpack else {}
    url = f"{broker.url.replace('http', 'ws', 1)}/v2/{feed}"
    pack, unpack = (msgpack.packb, msgpack.unpackb) if is_msgpack else (json.dumps, json.loads)
    with connect(url, additional_headers=headers, proxy=None) as socket:
        assert unpack(socket.recv(5)) == [{"T": "success", "msg": "connected"}]

        def ask(message=None):
            if message is not None:
                socket.send(pack(message))
            return unpack(socket.recv(5))[0]

        ask.socket = socket
        yield ask


def auth(keys, **changes):
    return {"action": "auth", "key": keys.key_id, "secret": keys.secret, **changes}


@pytest.mark.parametrize("symbols", [("AAA", "BBB"), ("*",)])
def test_minute_bars_come_as_the_clock_passes_them_and_equal_the_history(opened, keys, symbols):
    with listening(opened, keys, *symbols) as (heard, _):
        opened.advance(OPEN + timedelta(minutes=3, seconds=30))
        wait_for(lambda: [bar.symbol for bar in heard].count("BBB") == 3)
    asked = StockBarsRequest(
        symbol_or_symbols=["AAA", "BBB"], timeframe=TimeFrame.Minute, start=OPEN, end=OPEN + timedelta(minutes=9)
    )
    history = stock_data(opened, keys).get_stock_bars(asked).data
    for symbol in ("AAA", "BBB"):
        assert [bar for bar in heard if bar.symbol == symbol] == history[symbol]
    assert [bar.timestamp for bar in heard] == sorted(bar.timestamp for bar in heard)


@pytest.mark.parametrize(("channel", "count"), [("quotes", 2), ("trades", 2)])
def test_quotes_and_trades_come_once_a_minute(opened, keys, channel, count):
    with listening(opened, keys, "AAA", channel=channel, feed=DataFeed.SIP) as (heard, _):
        opened.advance(OPEN + timedelta(minutes=2, seconds=1))
        wait_for(lambda: len(heard) == count)
    assert [item.timestamp for item in heard] == [OPEN + timedelta(minutes=n + 1) for n in range(count)]


def test_nothing_is_replayed_and_nothing_comes_while_the_market_is_closed(broker, keys):
    broker.advance(at(DAY, "15:58"))
    with listening(broker, keys, "AAA") as (heard, _):
        broker.advance(at(DAYS[2], "09:31"))
        wait_for(lambda: len(heard) == 3)
    assert [bar.timestamp for bar in heard] == [at(DAY, "15:58"), at(DAY, "15:59"), at(DAYS[2], "09:30")]


def test_lost_bar_is_lost(opened, keys):
    with listening(opened, keys, "AAA") as (heard, _):
        opened.inject(drop_event=1)
        opened.advance(OPEN + timedelta(minutes=2))
        wait_for(lambda: heard)
    assert [bar.timestamp for bar in heard] == [OPEN + timedelta(minutes=1)]
    opened.clear_faults()


def test_dropped_client_comes_back_and_misses_what_was_in_between(opened, keys):
    with listening(opened, keys, "AAA") as (heard, subscribed):
        opened.advance(OPEN + timedelta(minutes=1))
        wait_for(lambda: heard)
        subscribed.clear()
        opened.inject(drop_streams=True)
        opened.advance(OPEN + timedelta(minutes=2))
        assert subscribed.wait(20)
        opened.advance(OPEN + timedelta(minutes=3))
        wait_for(lambda: len(heard) == 2)
    assert [bar.timestamp for bar in heard] == [OPEN, OPEN + timedelta(minutes=2)]


@pytest.mark.parametrize("is_msgpack", [True, False])
def test_errors_of_the_protocol(opened, keys, is_msgpack):
    opened.advance(OPEN)
    with bare(opened, is_msgpack=is_msgpack) as ask:
        assert ask({"action": "subscribe", "bars": ["AAA"]})["code"] == 401
        assert ask(auth(keys, secret="wrong"))["code"] == 402
        assert ask(auth(keys)) == {"T": "success", "msg": "authenticated"}
        assert ask(auth(keys))["code"] == 403
        assert ask({"action": "dance"})["code"] == 400
        assert ask({"action": "subscribe", "bars": "AAA"})["code"] == 400
        with bare(opened) as second:
            assert second(auth(keys)) == {"T": "error", "code": 406, "msg": "connection limit exceeded"}
            assert second(auth(open_account(opened, "other")))["T"] == "success"
        with bare(opened, "sip") as other_feed:
            assert other_feed(auth(keys))["T"] == "success"


def test_feed_without_a_subscription_is_a_fault_on_demand(opened, keys):
    opened.inject(path="/v2/sip", status=409)
    with bare(opened, "sip") as ask:
        assert ask(auth(keys)) == {"T": "error", "code": 409, "msg": "insufficient subscription"}


def test_subscriptions_add_up_and_are_taken_back(opened, keys):
    with bare(opened, is_msgpack=False) as ask:
        ask(auth(keys))
        assert ask({"action": "subscribe", "bars": ["AAA"], "quotes": ["BBB"]})["bars"] == ["AAA"]
        assert ask({"action": "subscribe", "bars": ["BBB"]})["bars"] == ["AAA", "BBB"]
        assert ask({"action": "unsubscribe", "bars": ["AAA"], "quotes": ["BBB"]}) == {
            "T": "subscription", "trades": [], "quotes": [], "bars": ["BBB"], "updatedBars": [], "dailyBars": [],
        }  # fmt: skip
        opened.advance(OPEN + timedelta(minutes=1))
        assert ask()["S"] == "BBB"


def test_subscription_in_fragments_is_read_as_one(opened, keys):
    with bare(opened) as ask:
        ask(auth(keys))
        packed = msgpack.packb({"action": "subscribe", "bars": ["AAA", "BBB"]})
        ask.socket.send([packed[:5], packed[5:9], packed[9:]])
        assert ask()["bars"] == ["AAA", "BBB"]


def test_many_symbols_are_subscribed_to_in_frames(opened, keys):
    with listening(opened, keys, *(f"S{n:05d}" for n in range(9_000)), "AAA") as (heard, _):
        opened.advance(OPEN + timedelta(minutes=1))
        wait_for(lambda: heard)


def test_clock_that_runs_by_itself_publishes_too(market):
    from trading_assets.brokers.embedded.clock import AcceleratedClock
    from trading_assets.brokers.embedded.server import start_broker

    with start_broker(market, "XNYS", clock=AcceleratedClock(OPEN, 600), name="data-stream") as broker:
        with listening(broker, open_account(broker), "AAA") as (heard, _):
            wait_for(lambda: len(heard) >= 3)
        starts = [bar.timestamp for bar in heard]
        assert starts == [starts[0] + timedelta(minutes=n) for n in range(len(starts))]
