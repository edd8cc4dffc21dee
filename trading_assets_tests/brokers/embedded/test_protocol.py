"""Every call of the protocol, driven by Alpaca's own clients."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import date, datetime
from decimal import Decimal

import pytest
import requests
from alpaca.common.enums import Sort
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment
from alpaca.data.requests import (
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import QueryOrderStatus
from alpaca.trading.models import NonTradeActivity, TradeActivity
from alpaca.trading.requests import (
    GetAssetsRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
)
from alpaca.trading.stream import TradingStream

from trading_assets.brokers.embedded.server import BrokerServerError
from trading_assets_tests.brokers.embedded.markets import DAYS, FULL, at, stock_data, trading
from trading_assets_tests.brokers.embedded.test_orders import limit, market, refusal


def midnight(day: date) -> datetime:
    return at(day, "00:00")


def test_an_account_is_not_opened_with_models_that_are_not_there(broker):
    settings = {
        "name": "x",
        "cash": 1.0,
        "max_participation": 0.1,
        "lot_size": 1.0,
        "multiplier": 2.0,
        "borrowing": 0.0,
    }
    with pytest.raises(BrokerServerError, match=r"commission[\s\S]*'per_tade'[\s\S]*'per_share', 'per_trade'"):
        broker._call("POST", "accounts", settings | {"costs": {"commission": {"kind": "per_tade"}, "slippage": {}}})


def test_account(client, keys):
    account = client.get_account()
    assert (account.account_number, account.status.value, account.cash) == (keys.account_number, "ACTIVE", "100000")
    assert (account.equity, account.multiplier, account.shorting_enabled) == ("100000", "2", True)


def test_account_configurations(client):
    configuration = client.get_account_configurations()
    configuration.no_shorting = True
    assert client.set_account_configurations(configuration).no_shorting
    assert client.get_account_configurations().no_shorting
    assert refusal(client.submit_order, market(side="sell"))[2] == "account is not allowed to short"
    assert refusal(client.patch, "/account/configurations", {"no_shorting": "maybe"})[0] == 422
    assert refusal(client.patch, "/account/configurations", {"colour": "red"})[0] == 422


def test_orders_are_listed_by_status_time_symbol_and_side(broker, client):
    first = client.submit_order(market(client_order_id="a b/c"))
    broker.advance(at(DAYS[1], "12:00"))
    second = client.submit_order(limit(1.0, "BBB"))
    third = client.submit_order(limit(1_000.0, "AAA", side="sell"))

    def listed(**wanted):
        return [order.id for order in client.get_orders(GetOrdersRequest(**wanted))]

    assert listed() == [third.id, second.id]
    assert listed(status=QueryOrderStatus.CLOSED) == [first.id]
    assert listed(status=QueryOrderStatus.ALL, direction=Sort.ASC) == [first.id, second.id, third.id]
    assert listed(status=QueryOrderStatus.ALL, limit=1) == [third.id]
    assert listed(status=QueryOrderStatus.ALL, symbols=["AAA"], side="buy") == [first.id]
    assert listed(status=QueryOrderStatus.ALL, after=at(DAYS[1], "11:00")) == [third.id, second.id]
    assert listed(status=QueryOrderStatus.ALL, until=at(DAYS[1], "11:00")) == [first.id]
    assert client.get_order_by_client_id("a b/c").id == first.id
    assert client.get_order_by_id(second.id).limit_price == "1"
    cancelled = client.cancel_orders()
    assert [(reply.id, reply.status) for reply in cancelled] == [(second.id, 200), (third.id, 200)]
    assert listed() == []


def test_assets(broker, client):
    assert [asset.symbol for asset in client.get_all_assets()] == ["AAA", "BBB", "CCC", "DDD", "GONE"]
    asset = client.get_asset("AAA")
    assert (asset.name, asset.tradable, asset.shortable, asset.fractionable) == ("AAA Inc", True, True, True)
    assert client.get_asset(asset.id).symbol == "AAA"
    assert refusal(client.get_asset, "NEW")[:2] == (404, 40410000)
    broker.advance(at(DAYS[20], "12:00"))
    assert client.get_asset("NEW").tradable
    assert not client.get_asset("GONE").tradable
    assert [a.symbol for a in client.get_all_assets(GetAssetsRequest(status="inactive"))] == ["GONE"]
    assert client.get_all_assets(GetAssetsRequest(asset_class="crypto")) == []


def test_clock_and_calendar(broker, client):
    clock = client.get_clock()
    assert (clock.timestamp, clock.is_open) == (at(DAYS[0], "18:00"), False)
    assert (clock.next_open, clock.next_close) == (at(DAYS[1], "09:30"), at(DAYS[1], "16:00"))
    broker.advance(at(DAYS[1], "09:30"))
    clock = client.get_clock()
    assert (clock.is_open, clock.next_open) == (True, at(DAYS[2], "09:30"))
    days = client.get_calendar(GetCalendarRequest(start=date(2024, 7, 3), end=date(2024, 7, 5)))
    assert [(day.date.day, day.open.hour, day.close.hour) for day in days] == [(3, 9, 13), (5, 9, 16)]


def test_positions(broker, client):
    client.submit_order(market(qty=10))
    broker.advance(at(DAYS[1], "13:50"))
    position = client.get_all_positions()[0]
    assert client.get_open_position(position.asset_id).symbol == "AAA"
    assert (position.qty, position.avg_entry_price, position.current_price) == ("10", "100", "104")
    assert (position.market_value, position.cost_basis, position.unrealized_pl) == ("1040", "1000", "40")
    client.submit_order(limit(200.0, qty=4, side="sell"))
    assert client.get_open_position("AAA").qty_available == "6"


def test_portfolio_history(broker, client):
    client.submit_order(market(qty=10, tif="opg"))
    broker.advance(at(DAYS[3], "17:00"))
    history = client.get_portfolio_history(GetPortfolioHistoryRequest(period="1M", timeframe="1D"))
    assert history.timestamp == [int(at(day, "16:00").timestamp()) for day in DAYS[1:4]]
    assert history.equity == [100_010.0] * 3
    assert refusal(client.get_portfolio_history, GetPortfolioHistoryRequest(timeframe="5Min"))[0] == 422


def test_activities_are_stable_and_come_in_pages(broker, make_client):
    client = make_client(costs=FULL)
    for _ in range(4):
        client.submit_order(market(qty=1, tif="opg"))
    broker.advance(at(DAYS[8], "12:00"))
    client.submit_order(market(qty=1))
    found = client.get("/account/activities", {"direction": "asc"})
    assert [a["id"] for a in found] == sorted(a["id"] for a in found)
    assert found == client.get("/account/activities")[::-1]
    broker.restart()
    paged, token = [], None
    while page := client.get("/account/activities", {"direction": "asc", "page_size": 3, "page_token": token or ""}):
        paged, token = paged + page, page[-1]["id"]
    assert paged == found
    kinds = [a["activity_type"] for a in found]
    assert {kind: kinds.count(kind) for kind in kinds} == {"FILL": 5, "FEE": 5, "DIV": 1}
    fills = client.get("/account/activities/FILL", {"date": DAYS[8].isoformat()})
    assert [fill["transaction_time"] for fill in fills] == [at(DAYS[8]).isoformat().replace("+00:00", ".000000Z")]
    assert client.get("/account/activities/FILL", {"after": at(DAYS[2]).isoformat()}) == fills
    assert len(client.get("/account/activities", {"activity_types": "DIV,FILL", "until": at(DAYS[8]).isoformat()})) == 5
    for activity in found:
        model = TradeActivity if activity["activity_type"] == "FILL" else NonTradeActivity
        assert model(**activity).id == activity["id"]


def test_numbers_carry_the_exact_double(broker, make_client):
    client = make_client(costs=FULL, lot_size=0.0)
    client.submit_order(market(qty=0.3))
    broker.advance(at(DAYS[1], "10:00"))
    fill = client.get("/account/activities/FILL")[0]
    assert fill["qty"] == "0.3"
    assert Decimal(fill["price"]) == Decimal(repr(float(fill["price"])))
    assert "e" not in client.get_account().cash.lower()


def test_daily_bars(broker, keys):
    broker.advance(at(DAYS[7], "12:00"))
    data = stock_data(broker, keys)

    def closes(**wanted):
        request = StockBarsRequest(timeframe=TimeFrame.Day, start=midnight(DAYS[0]), **wanted)
        return {s: [(b.timestamp, b.close) for b in bars] for s, bars in data.get_stock_bars(request).data.items()}

    raw = closes(symbol_or_symbols=["DDD", "AAA", "NEW", "NOPE"])
    assert list(raw) == ["AAA", "DDD"]
    assert raw["AAA"] == [(midnight(day), pytest.approx(101)) for day in DAYS[:7]]
    assert [c for _, c in raw["DDD"]] == [pytest.approx(80.8)] * 5 + [pytest.approx(40.4)] * 2
    adjusted = closes(symbol_or_symbols=["DDD"], adjustment=Adjustment.SPLIT)["DDD"]
    assert [c for _, c in adjusted] == [pytest.approx(40.4)] * 7
    some = closes(symbol_or_symbols=["AAA", "DDD"], limit=9)
    assert [len(bars) for bars in some.values()] == [7, 2]
    backwards = closes(symbol_or_symbols="AAA", sort=Sort.DESC)
    assert backwards["AAA"] == raw["AAA"][::-1]


@pytest.mark.parametrize("sort", ["asc", "desc"])
def test_pages_of_bars_add_up(broker, client, sort):
    broker.advance(at(DAYS[7], "12:00"))
    query = {"symbols": "AAA,DDD", "timeframe": "1Day", "start": DAYS[0].isoformat(), "sort": sort}
    get = _data_get(broker, client)
    whole, rows, token = get("bars", query)["bars"], {}, None
    while True:
        page = get("bars", {**query, "limit": 4, **({"page_token": token} if token else {})})
        for symbol, bars in page["bars"].items():
            rows.setdefault(symbol, []).extend(bars)
        token = page["next_page_token"]
        if token is None:
            break
    assert rows == whole


def test_bars_of_other_timeframes(broker, keys):
    broker.advance(at(DAYS[4], "12:30"))
    data = stock_data(broker, keys)

    def bars(amount, unit):
        request = StockBarsRequest(
            symbol_or_symbols="AAA",
            timeframe=TimeFrame(amount, unit),
            start=at("2024-01-01", "00:00"),
            end=at(DAYS[4], "23:00"),
        )
        return data.get_stock_bars(request).data["AAA"]

    hours = [bar for bar in bars(1, TimeFrameUnit.Hour) if bar.timestamp > at(DAYS[4], "00:00")]
    assert [bar.timestamp for bar in hours] == [at(DAYS[4], "09:30"), at(DAYS[4], "10:30"), at(DAYS[4], "11:30")]
    assert (hours[0].open, hours[2].low) == (100.0, 98.0)
    assert len([b for b in bars(5, TimeFrameUnit.Minute) if b.timestamp < at(DAYS[1], "00:00")]) == 78
    weeks = bars(1, TimeFrameUnit.Week)
    assert [bar.timestamp for bar in weeks] == [at("2024-01-01", "00:00")]
    assert weeks[0].volume == 4_000_000
    assert len(bars(1, TimeFrameUnit.Month)) == 1


def test_latest_and_past_quotes_and_trades(broker, make_client, keys):
    data = stock_data(broker, broker.create_account("main", cash=1.0, costs=FULL, max_participation=0.1, lot_size=1.0))
    closed = data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols=["AAA", "NEW"]))
    assert list(closed) == ["AAA"]
    assert (closed["AAA"].timestamp, closed["AAA"].price) == (at(DAYS[0], "16:00"), pytest.approx(101))
    broker.advance(at(DAYS[1], "11:40"))
    quote = data.get_stock_latest_quote(StockLatestQuoteRequest(symbol_or_symbols="AAA"))["AAA"]
    assert quote.bid_price == pytest.approx(98 * (1 - 4e-4))
    assert quote.ask_price == pytest.approx(98 * (1 + 4e-4))
    assert data.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAA"))["AAA"].close == pytest.approx(98)
    span = {"symbol_or_symbols": "AAA", "start": at(DAYS[1], "11:30"), "end": at(DAYS[1], "12:30")}
    quotes = data.get_stock_quotes(StockQuotesRequest(**span)).data["AAA"]
    trades = data.get_stock_trades(StockTradesRequest(**span)).data["AAA"]
    assert len(quotes) == len(trades) == 11
    assert trades[-1].price == pytest.approx(98)


def test_snapshots(broker, keys):
    broker.advance(at(DAYS[1], "11:40"))
    data = stock_data(broker, keys)
    snapshot = data.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=["AAA"]))["AAA"]
    assert snapshot.latest_trade.price == 98.0
    assert (snapshot.daily_bar.open, snapshot.daily_bar.high, snapshot.daily_bar.close) == (100, 100, 98)
    assert snapshot.previous_daily_bar.close == pytest.approx(101)


def test_bad_data_requests(broker, client):
    get = _data_get(broker, client)
    for query in ({}, {"symbols": "AAA", "timeframe": "7Years"}, {"symbols": "AAA", "timeframe": "2Day"},
                  {"symbols": "AAA", "timeframe": "1Day", "page_token": "x"}):  # fmt: skip
        assert get("bars", query, status=400)["message"]
    assert get("bars", {"symbols": "AAA", "timeframe": "1Day", "adjustment": "all"}, status=422)["code"] == 40010001
    assert get("bars", {"symbols": "AAA", "timeframe": "1Day", "start": "soon"}, status=422)["code"] == 40010001


def test_stream_tells_what_happens_to_orders(broker, keys, client):
    heard, stream = [], _stream(broker, keys)
    with _running(stream, heard):
        client.submit_order(market(qty=10, tif="opg"))
        client.submit_order(market("CCC", qty=200, tif="opg"))
        broker.advance(at(DAYS[1], "09:30"))
        _wait_for(lambda: len(heard) >= 7)
    events = [(u.order.symbol, str(getattr(u.event, "value", u.event))) for u in heard]
    assert events == [
        ("AAA", "accepted"), ("CCC", "accepted"), ("AAA", "new"), ("CCC", "new"), ("AAA", "fill"),
        ("CCC", "partial_fill"), ("CCC", "canceled"),
    ]  # fmt: skip
    fill = heard[4]
    assert (fill.price, fill.qty, fill.position_qty) == (100.0, 10.0, 10.0)


def test_stream_refuses_wrong_keys_and_hears_only_its_account(broker, keys, client, make_client):
    heard = []
    other = make_client("other")
    with _running(_stream(broker, keys), heard):
        other.submit_order(market())
        client.submit_order(market("BBB"))
        _wait_for(lambda: heard)
    assert [update.order.symbol for update in heard] == ["BBB"]
    assert _first_message(broker, {"action": "authenticate", "data": {"key_id": "x", "secret_key": "y"}}) == {
        "stream": "authorization",
        "data": {"status": "unauthorized", "action": "authenticate"},
    }
    assert _first_message(broker, {"action": "listen", "data": {"streams": ["trade_updates"]}})["data"]["status"] == (
        "unauthorized"
    )


def test_lost_event_is_lost(broker, keys, client):
    heard = []
    broker.inject(drop_event=1)
    with _running(_stream(broker, keys), heard):
        client.submit_order(market())
        client.submit_order(market("BBB"))
        _wait_for(lambda: heard)
    assert [update.order.symbol for update in heard] == ["BBB"]


def test_stream_comes_back_after_a_restart(broker, keys, client):
    heard = []

    def hears():
        client.submit_order(market("BBB", qty=1))
        time.sleep(0.1)
        return heard

    with _running(_stream(broker, keys), heard):
        broker.restart()
        _wait_for(hears, seconds=20)


def test_wrong_keys_are_unauthorized(broker, keys, client):
    for key, secret in (("nobody", keys.secret), (keys.key_id, "wrong")):
        stranger = TradingClient(key, secret, url_override=broker.url)
        stranger._session.trust_env = False
        with pytest.raises(APIError) as caught:
            stranger.get_account()
        assert caught.value.status_code == 401
        assert str(caught.value) == '{"message": "unauthorized"}'
    assert requests.get(f"{broker.url}/v2/account", auth=(keys.key_id, keys.secret), timeout=9).ok
    bearer = {"Authorization": "Basic ???"}
    assert requests.get(f"{broker.url}/v2/account", headers=bearer, timeout=9).status_code == 401
    broker.revoke("main")
    assert _status(client.get_account) == 401


def test_new_keys_replace_the_old_ones_and_money_stays(broker, keys, client):
    client.submit_order(market())
    broker.advance(at(DAYS[1], "10:00"))
    again = broker.create_account("main", cash=5.0, costs=FULL, max_participation=0.1, lot_size=1.0)
    assert (again.key_id, again.account_number) == (keys.key_id, keys.account_number)
    assert _status(client.get_account) == 401
    assert float(trading(broker, again).get_account().cash) == 99_000.0


def test_not_found(broker, client):
    unknown = "00000000-0000-0000-0000-000000000000"
    assert refusal(client.get_order_by_id, unknown) == (404, 40410000, f"order not found for {unknown}")
    assert refusal(client.get_order_by_client_id, "x")[:2] == (404, 40410000)
    assert refusal(client.cancel_order_by_id, unknown)[:2] == (404, 40410000)
    assert refusal(client.get_open_position, "AAA") == (404, 40410000, "position does not exist")
    assert refusal(client.get, "/nothing")[:2] == (404, 40410000)


@pytest.mark.parametrize(
    "change",
    [
        {"symbol": None}, {"side": "hold"}, {"type": "trailing_stop"}, {"time_in_force": "gtd"}, {"qty": "0"},
        {"qty": "many"}, {"qty": None}, {"notional": "10"}, {"limit_price": "5"}, {"type": "limit"}, {"type": "stop"},
        {"order_class": "bracket"}, {"extended_hours": True}, {"client_order_id": "x" * 129}, {"qty": "inf"},
        {"qty": None, "notional": "10", "time_in_force": "gtc"},
        {"type": "stop", "stop_price": "5", "time_in_force": "opg"},
        {"type": "stop", "stop_price": "5", "time_in_force": "ioc"},
    ],
)  # fmt: skip
def test_orders_that_make_no_sense_are_refused(client, change):
    body = {"symbol": "AAA", "side": "buy", "type": "market", "time_in_force": "day", "qty": "1", **change}
    status, code, message = refusal(client.post, "/orders", body)
    assert (status, code) == (422, 40010001)
    assert message


def test_refused_orders_say_why(client):
    client.submit_order(market(client_order_id="once"))
    assert refusal(client.submit_order, market(client_order_id="once")) == (
        422, 40010001, "client_order_id must be unique",
    )  # fmt: skip
    assert refusal(client.submit_order, market("ZZZ"))[2] == 'asset "ZZZ" not found'
    assert refusal(client.submit_order, market("NEW")) == (422, 42210000, "asset NEW is not tradable")


def test_nothing_of_the_future_is_visible(broker, keys, client):
    """Every data call at every stage of a session asks for all there is until next year."""
    get = _data_get(broker, client)
    ever = {"symbols": "AAA,DDD,NEW", "start": "2023-12-01", "end": "2025-01-01", "limit": 10_000}
    for moment in (at(DAYS[4], "09:00"), at(DAYS[4], "09:30"), at(DAYS[4], "15:59"), at(DAYS[4], "16:00")):
        broker.advance(moment)
        for kind, more in (("bars", {"timeframe": "1Day"}), ("bars", {"timeframe": "1Min"}), ("quotes", {}),
                           ("trades", {}), ("bars", {"timeframe": "1Week"})):  # fmt: skip
            token = None
            while True:
                page = get(kind, {**ever, **more, **({"page_token": token} if token else {})})
                assert "NEW" not in page[kind]
                for rows in page[kind].values():
                    assert all(datetime.fromisoformat(row["t"]) <= moment for row in rows)
                token = page["next_page_token"]
                if token is None:
                    break
        daily = get("bars", {**ever, "timeframe": "1Day"})["bars"]["AAA"]
        last = DAYS[4] if moment >= at(DAYS[4], "16:00") else DAYS[3]
        assert daily[-1]["t"] == midnight(last).isoformat(timespec="microseconds").replace("+00:00", "Z")
        adjusted = get("bars", {**ever, "timeframe": "1Day", "adjustment": "split"})["bars"]
        assert adjusted == get("bars", {**ever, "timeframe": "1Day"})["bars"]  # the split of DDD is tomorrow
        for kind in ("bars", "quotes", "trades"):
            for row in get(f"{kind}/latest", {"symbols": "AAA,NEW"})[kind].values():
                assert datetime.fromisoformat(row["t"]) <= moment
        assert list(get("snapshots", {"symbols": "AAA,NEW"})) == ["AAA"]
    assert "NEW" not in [asset.symbol for asset in client.get_all_assets()]


def _data_get(broker, client):
    def get(path, query, status=200):
        headers = {"APCA-API-KEY-ID": client._api_key, "APCA-API-SECRET-KEY": client._secret_key}
        reply = requests.get(f"{broker.url}/v2/stocks/{path}", query, headers=headers, timeout=60)
        assert reply.status_code == status
        return reply.json()

    return get


def _status(call) -> int:
    with pytest.raises(APIError) as caught:
        call()
    return caught.value.status_code


def _stream(broker, keys) -> TradingStream:
    return TradingStream(keys.key_id, keys.secret, url_override=broker.url.replace("http", "ws") + "/stream")


class _running:
    """Alpaca's stream in a thread, listening once this is entered."""

    def __init__(self, stream, heard):
        self.stream, self.heard = stream, heard

    def __enter__(self):
        async def hear(update):
            self.heard.append(update)

        self.stream.subscribe_trade_updates(hear)
        self.thread = threading.Thread(target=self.stream.run, daemon=True)
        self.thread.start()
        _wait_for(lambda: self.stream._running)
        time.sleep(0.1)

    def __exit__(self, *_):
        self.stream.stop()  # it ends by itself, within the five seconds that it waits for a message


def _wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.01)


def _first_message(broker, message):
    import json

    import websockets

    async def speak():
        async with websockets.connect(broker.url.replace("http", "ws") + "/stream", proxy=None) as socket:
            await socket.send(json.dumps(message))
            return json.loads(await socket.recv())

    return asyncio.run(speak())
