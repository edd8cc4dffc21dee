"""A book whose orders wait for the open has in the broker what the backtest's ledger computes for it."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from alpaca.trading.requests import MarketOrderRequest

from trading_assets.backtest.simulate import BacktestResult, simulate
from trading_assets.brokers.embedded.clock import SteppedClock
from trading_assets.brokers.embedded.server import start_broker
from trading_assets.lake import Lake, Scope
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import LISTINGS
from trading_assets.portfolio.books import Book, load_books
from trading_assets_tests.brokers.embedded.markets import DAYS, at, bar, trading, write_market
from trading_assets_tests.execution.examples import FREE, FULL, PER_TRADE, PROPORTIONAL

SESSIONS = DAYS[:30]
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE")
RELATIVE = 1e-9


def random_market(seed: int):
    """Bars with gaps, splits of all kinds, dividends, and a symbol that is delisted on the way."""
    rng = np.random.default_rng(seed)
    shape = (len(SESSIONS), len(SYMBOLS))
    close = rng.uniform(10, 300, len(SYMBOLS)) * np.exp(np.cumsum(rng.normal(0, 0.03, shape), axis=0))
    opened = close * np.exp(rng.normal(0, 0.02, shape))
    volume = 10 ** rng.uniform(2.5, 6, shape)
    split = np.where(rng.random(shape) < 0.04, rng.choice([2.0, 3.0, 1.5, 0.5, 1 / 3], shape), 1.0)
    split[0] = 1.0
    scale = np.cumprod(split, axis=0)
    missing = rng.random(shape) < 0.05
    missing[0] = False
    last = int(rng.integers(10, 25))
    bars, actions = [], []
    for t, day in enumerate(SESSIONS):
        for j, symbol in enumerate(SYMBOLS):
            if split[t, j] != 1.0:
                actions.append((symbol, day, "split", float(split[t, j])))
            if t and rng.random() < 0.05:
                actions.append((symbol, day, "dividend", float(close[t, j] / scale[t, j] * 0.02)))
            if missing[t, j] or (symbol == "EEE" and t >= last):
                continue
            first, final = float(opened[t, j] / scale[t, j]), float(close[t, j] / scale[t, j])
            prices = (first, max(first, final) * 1.02, min(first, final) * 0.98, final)
            bars.append(bar(symbol, day, prices, int(volume[t, j] * scale[t, j])))
    return bars, actions, {"EEE": SESSIONS[last]}


def random_weights(seed: int, style: str) -> pl.DataFrame:
    """Weights that are drawn anew on half of the sessions; those of a leveraged book always add up to 1.5."""
    rng = np.random.default_rng(seed + 1)
    rows = []
    for t, day in enumerate(SESSIONS):
        weight = rng.dirichlet(np.ones(len(SYMBOLS)))
        weight *= 1.5 if style == "leveraged" else 1.0
        if style == "long_short":
            weight *= rng.choice([-1.0, 1.0], len(SYMBOLS))
        if style == "long":
            weight *= rng.random(len(SYMBOLS)) < 0.8
        rebalances = bool(t == 0 or rng.random() < 0.5)
        rows += [("main", day, s, float(w), rebalances) for s, w in zip(SYMBOLS, weight, strict=True)]
    names = ("book", "date", "symbol", "weight", "is_rebalance")
    return pl.DataFrame(rows, schema=names, orient="row", schema_overrides={"date": pl.Date})


def send(client, order, held: float) -> None:
    """Send an order of the ledger; one that turns a position is sent as two, and a fraction waits as a day order."""
    signed = order["quantity"] if order["side"] == "buy" else -order["quantity"]
    if abs(signed + held) < RELATIVE * abs(held):  # to the last share, which two ways of adding up know differently
        signed = -held
    closing = min(abs(held), abs(signed)) if held * signed < 0 else 0.0
    parts = [closing, abs(signed) - closing] if closing else [abs(signed)]
    for number, shares in enumerate(parts):
        if shares:
            client.submit_order(
                MarketOrderRequest(
                    symbol=order["symbol"],
                    qty=shares,
                    side=order["side"],
                    time_in_force="day" if shares % 1 else "opg",
                    client_order_id=f"{order['order_id']}-{number}",
                )
            )


@pytest.mark.parametrize(
    ("seed", "style", "lot_size", "costs"),
    [
        (1, "long", 1.0, FULL),
        (2, "long", 0.0, PROPORTIONAL),
        (3, "long_short", 1.0, FULL),
        (4, "leveraged", 1.0, FULL),
        (5, "leveraged", 0.0, FREE),
        (6, "long_short", 1.0, FREE),
        (7, "long", 10.0, FULL),
        (8, "long", 1.0, PER_TRADE),
        (9, "long_short", 1.0, PER_TRADE),
        (10, "leveraged", 1.0, PER_TRADE),
    ],
)
def test_fills_cash_and_positions_equal_the_ledger(lake, seed, style, lot_size, costs):
    rules = {"broker": "sim", "live": None, "start": None, "rebalance": "daily", "lot_size": lot_size, "costs": costs}
    limits = {"capital": 100_000.0, "max_participation": 0.1, "gross_leverage": 2.0, "max_weight": 2.0}
    book = load_books()["main"].model_copy(update=rules | limits)
    check_equal(lake, book, seed, style)


def check_equal(lake: Lake, book: Book, seed: int, style: str) -> BacktestResult:
    """Trade a random market with a book at the broker, beside the ledger; returns what the ledger did."""
    bars, actions, delisted = random_market(seed)
    write_market(lake, bars, actions, delisted)
    earned = 0.1 * (seed % 4) - 0.3
    ended = [("EEE", day, "delisting", earned, None, at(day, "00:00"), "test") for day in delisted.values()]
    replace(lake, LISTINGS, pl.DataFrame(ended, schema=LISTINGS.schema, orient="row"), Scope())
    weights = random_weights(seed, style)
    if style == "leveraged":  # what the ledger may borrow follows from the weights that it still wants
        bars, delisted = [row for row in bars if row["symbol"] != "EEE"], {}
        weights = weights.filter(pl.col("symbol") != "EEE").with_columns(
            weight=1.5 * pl.col("weight") / pl.col("weight").sum().over("date")
        )
        write_market(lake, bars, [action for action in actions if action[0] != "EEE"])
        actions = [action for action in actions if action[0] != "EEE"]
    names = sorted({row["symbol"] for row in bars})
    expected = simulate(
        book,
        bars=pl.DataFrame(bars),
        actions=pl.DataFrame(actions, schema=["symbol", "ex_date", "kind", "value"], orient="row"),
        target_weights=weights,
        symbols=pl.DataFrame(
            {
                "symbol": names,
                "delisted_on": [delisted.get(name) for name in names],
                "delisting_return": [earned if name in delisted else None for name in names],
            },
            schema_overrides={"delisted_on": pl.Date, "delisting_return": pl.Float64},
        ),
        sessions=SESSIONS,
    )
    assert expected.fills.height > 40

    exact = 0
    with start_broker(lake, "XNYS", clock=SteppedClock(at(SESSIONS[0], "08:00"))) as broker:
        keys = broker.create_account(
            "main", cash=book.capital, costs=book.costs, max_participation=book.max_participation,
            lot_size=book.lot_size, multiplier=20.0, borrowing=0.5 if style == "leveraged" else 0.0,
        )  # fmt: skip
        client = trading(broker, keys)
        for day in SESSIONS:
            broker.advance(at(day, "17:00"))
            pnl = expected.pnl.row(by_predicate=pl.col("date") == day, named=True)
            account = client.get_account()
            assert float(account.cash) == pytest.approx(pnl["cash"], rel=RELATIVE, abs=1e-7)
            assert float(account.last_equity) == pytest.approx(pnl["equity"], rel=RELATIVE)
            exact += float(account.cash) == pnl["cash"]
            held = {p.symbol: (float(p.qty), float(p.avg_entry_price)) for p in client.get_all_positions()}
            wanted = expected.positions.filter(pl.col("date") == day)
            assert held.keys() == set(wanted["symbol"])
            for row in wanted.iter_rows(named=True):
                assert held[row["symbol"]][0] == pytest.approx(row["quantity"], rel=RELATIVE)
                assert held[row["symbol"]][1] == pytest.approx(row["average_price"], rel=RELATIVE)
            orders = expected.orders.filter(pl.col("date") == day).sort("side", descending=True)
            for order in orders.iter_rows(named=True):
                send(client, order, held.get(order["symbol"], (0.0, 0.0))[0])
        fills = fills_of(client)
    for row in expected.fills.filter(pl.col("reason") == "rebalance").iter_rows(named=True):
        quantity, price = fills.pop((str(row["date"]), row["symbol"]))
        assert quantity == pytest.approx(row["quantity"], rel=RELATIVE)
        assert price == pytest.approx(row["price"], rel=RELATIVE)
    assert not fills
    assert book.lot_size == 0 or exact == len(SESSIONS)  # whole lots hide the last bit of what may be borrowed
    return expected


def fills_of(client) -> dict[tuple[str, str], tuple[float, float]]:
    """Shares and price by date and symbol, read page by page."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    token = None
    while page := client.get(
        "/account/activities/FILL", {"direction": "asc", "page_size": 50, **({"page_token": token} if token else {})}
    ):
        for fill in page:
            found[fill["transaction_time"][:10], fill["symbol"]].append((float(fill["qty"]), float(fill["price"])))
        token = page[-1]["id"]
    return {key: (sum(q for q, _ in parts), parts[0][1]) for key, parts in found.items()}
