"""Accounting and time laws of the ledger, over generated markets and books."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.backtest import records as record
from trading_assets.backtest.ledger import MarketArrays, Targets, run_ledger
from trading_assets.execution.roles import TradingRules
from trading_assets_tests.execution.examples import FREE, FULL, PER_TRADE, PROPORTIONAL

CAPITAL = 100_000.0
RELATIVE = 1e-9


@dataclass(frozen=True)
class Case:
    market: MarketArrays
    targets: Targets
    rules: TradingRules

    def run(self):
        return run_ledger(self.market, self.targets, CAPITAL, self.rules)


def make(seed, style, lot_size, costs, events):
    """A market of random walks with gaps, and a book that redraws its weights at some closes."""
    rng = np.random.default_rng(seed)
    shape = sessions, symbols = int(rng.integers(2, 30)), int(rng.integers(1, 7))
    price = rng.uniform(2, 300, symbols) * np.exp(np.cumsum(rng.normal(0, 0.04, shape), axis=0))
    opens = price * np.exp(rng.normal(0, 0.02, shape))
    volume = np.floor(10 ** rng.uniform(2, 6, shape))
    missing = (rng.random(shape) < 0.08) & events
    missing[0] = False
    split = np.where((rng.random(shape) < 0.05) & events, rng.choice([2.0, 3.0, 1.5, 0.5, 1 / 3], shape), 1.0)
    scale = np.cumprod(split, axis=0)
    dividend = np.where((rng.random(shape) < 0.05) & events, price * 0.02 / scale, 0.0)
    last = np.where((rng.random(symbols) < 0.2) & events, rng.integers(0, sessions, symbols), sessions)
    # drawn apart, so that the other draws of a seed stay what they are without it
    earned = np.random.default_rng([seed, 1]).choice([0.0, -0.3, -1.0, 0.2], symbols) * events
    gone = np.arange(sessions)[:, None] > last
    weight = rng.dirichlet(np.ones(symbols), sessions) * (rng.random(shape) < 0.8)
    if style == "long_short":
        weight *= rng.choice([-1.0, 1.0], shape)
    if style == "leveraged":
        weight *= 1.8
    market = MarketArrays(
        np.where(missing | gone, np.nan, opens / scale),
        np.where(missing | gone, np.nan, price / scale),
        np.where(missing | gone, 0.0, volume * scale),
        split,
        dividend,
    )
    rebalance = rng.random(sessions) < 0.5
    return Case(market, Targets(weight, rebalance, last.astype(np.int64), earned), costs.rules(lot_size, 0.1))


CASES = st.builds(
    make,
    st.integers(0, 2**32),
    st.sampled_from(["long", "long_short", "leveraged"]),
    st.sampled_from([0.0, 1.0, 10.0]),
    st.sampled_from([FREE, PROPORTIONAL, FULL, PER_TRADE]),
    st.booleans(),
)


def cut(case, sessions):
    targets = case.targets
    return Case(
        MarketArrays(*(array[:sessions] for array in case.market)),
        Targets(
            targets.weight[:sessions],
            targets.rebalance[:sessions],
            np.minimum(targets.last_session, sessions),
            targets.delisting_return,
        ),
        case.rules,
    )


def up_to(records, sessions):
    """Bytes of everything written before a session; the outcome of its predecessor's orders is not known yet."""
    orders = records.orders[records.orders[:, 0] < sessions].copy()
    orders[orders[:, 0] == sessions - 1, 4] = record.PENDING
    tables = [table[table[:, 0] < sessions] for table in (records.fills, records.positions)]
    return [table.tobytes() for table in (orders, *tables, records.pnl[:sessions])]


def changes(levels):
    return np.diff(levels, prepend=levels[:1] * 0)


@settings(max_examples=1000, deadline=None)
@given(CASES)
def test_equity_is_cash_plus_positions_at_their_marks(case):
    records = case.run()
    value = np.zeros(len(records.pnl))
    np.add.at(value, records.positions[:, 0].astype(int), records.positions[:, 2] * records.positions[:, 4])
    equity = records.pnl[:, record.EQUITY]
    assert np.allclose(records.pnl[:, record.CASH] + value, equity, rtol=RELATIVE, atol=CAPITAL * RELATIVE)


@settings(max_examples=1000, deadline=None)
@given(CASES)
def test_the_change_of_equity_is_explained_twice(case):
    pnl = case.run().pnl.T
    change = np.diff(pnl[record.EQUITY], prepend=CAPITAL)
    gross = pnl[record.PRICE_PNL] + pnl[record.DIVIDENDS] - pnl[record.COMMISSION] - pnl[record.SLIPPAGE]
    booked = pnl[record.REALISED] + changes(pnl[record.UNREALISED]) + pnl[record.DIVIDENDS] - pnl[record.COMMISSION]
    assert np.allclose(change, gross, rtol=RELATIVE, atol=CAPITAL * RELATIVE)
    assert np.allclose(change, booked, rtol=RELATIVE, atol=CAPITAL * RELATIVE)


@settings(max_examples=1000, deadline=None)
@given(CASES, st.data())
def test_a_session_depends_on_sessions_up_to_it_alone(case, data):
    whole = case.run()
    sessions = data.draw(st.integers(1, len(whole.pnl)))
    assert up_to(cut(case, sessions).run(), sessions) == up_to(whole, sessions)
    # A future in which everything is different changes nothing either.
    poisoned = MarketArrays(*(array.copy() for array in case.market))
    poisoned.open_price[sessions:] *= 7.0
    poisoned.close[sessions:] = np.nan
    poisoned.volume[sessions:] = 0.0
    poisoned.split[sessions:] = 2.0
    poisoned.dividend[sessions:] = 5.0
    assert up_to(Case(poisoned, case.targets, case.rules).run(), sessions) == up_to(whole, sessions)


@settings(max_examples=300, deadline=None)
@given(CASES, st.data())
def test_symbols_that_are_never_wanted_change_no_bit(case, data):
    symbols = case.market.close.shape[1]
    at = data.draw(st.integers(0, symbols))
    market = MarketArrays(*(np.insert(a, at, v, axis=1) for a, v in zip(case.market, (9, 9, 1e6, 2, 1), strict=True)))
    targets = Targets(
        np.insert(case.targets.weight, at, 0.0, axis=1),
        case.targets.rebalance,
        np.insert(case.targets.last_session, at, len(case.targets.rebalance)),
        np.insert(case.targets.delisting_return, at, -0.5),
    )
    assert Case(market, targets, case.rules).run().pnl.tobytes() == case.run().pnl.tobytes()


@settings(max_examples=500, deadline=None)
@given(
    st.integers(0, 2**32),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([FREE, PROPORTIONAL, FULL, PER_TRADE]),
    st.booleans(),
)
def test_a_long_only_book_without_leverage_never_owes_cash(seed, lot_size, costs, events):
    pnl = make(seed, "long", lot_size, costs, events).run().pnl
    assert pnl[:, record.CASH].min() >= -1e-9 * CAPITAL


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["long", "long_short", "leveraged"]), st.booleans(), st.data())
def test_a_split_changes_nothing(seed, style, events, data):
    case = make(seed, style, 0.0, PROPORTIONAL, events)
    sessions, symbols = case.market.close.shape
    at, symbol = data.draw(st.integers(0, sessions - 1)), data.draw(st.integers(0, symbols - 1))
    # The same history with a 2-for-1 split before the open of one session
    market = MarketArrays(*(array.copy() for array in case.market))
    market.split[at, symbol] *= 2.0
    market.volume[at:, symbol] *= 2.0
    for prices in (market.open_price, market.close, market.dividend):
        prices[at:, symbol] /= 2.0
    expected, actual = case.run().pnl, Case(market, case.targets, case.rules).run().pnl
    assert np.allclose(actual, expected, rtol=RELATIVE, atol=CAPITAL * RELATIVE)


@settings(max_examples=200, deadline=None)
@given(CASES)
def test_fills_follow_their_order_in_the_next_session_within_the_participation(case):
    records = case.run()
    ordered = {(row[0], row[1]): row for row in records.orders}
    for session, symbol, quantity, _, _, slippage, reason in records.fills:
        t, j = int(session), int(symbol)
        if reason == record.REBALANCE:
            order = ordered[session - 1, symbol]
            assert order[4] in (record.FILLED, record.PARTIALLY_FILLED)
            assert np.sign(order[2]) == np.sign(quantity)
            assert abs(quantity) <= 0.1 * case.market.volume[t, j] * (1 + 1e-12)
            assert slippage >= 0
        elif reason == record.DELISTING:
            assert case.targets.last_session[j] == t


@settings(max_examples=300, deadline=None)
@given(CASES, st.data())
def test_a_price_shock_at_the_open_of_the_first_decision_earns_nothing(case, data):
    decisions = np.nonzero(case.targets.rebalance)[0]
    if decisions.size == 0:
        return
    shocked = case.market.open_price.copy()
    shocked[decisions[0]] *= data.draw(st.floats(0.1, 10.0))
    market = case.market._replace(open_price=shocked)
    assert Case(market, case.targets, case.rules).run().pnl.tobytes() == case.run().pnl.tobytes()


def steady(closes, opens=None, *, weight=1.0, rebalance=None, last=None, earned=0.0, rules=None, **columns):
    """One symbol with a given course; rebalanced at the first close unless told otherwise."""
    closes = np.array(closes, dtype=float)[:, None]
    count = len(closes)
    fields = {"volume": 1e9, "split": 1.0, "dividend": 0.0} | columns
    filled = {key: np.broadcast_to(np.array(v, dtype=float), count).reshape(-1, 1).copy() for key, v in fields.items()}
    opens = closes.copy() if opens is None else np.array(opens, dtype=float)[:, None]
    flags = np.array(rebalance if rebalance is not None else [True] + [False] * (count - 1))
    targets = Targets(
        np.broadcast_to(np.array(weight, dtype=float), count).reshape(-1, 1).copy(),
        flags,
        np.array([count if last is None else last], dtype=np.int64),
        np.array([earned]),
    )
    return run_ledger(MarketArrays(opens, closes, **filled), targets, CAPITAL, rules or FREE.rules(1.0, 1.0))


def test_without_costs_equity_follows_the_price_from_the_open_after_the_decision():
    records = steady([100, 110, 121], [50, 100, 110])
    assert records.pnl[:, record.EQUITY].tolist() == [100_000.0, 110_000.0, 121_000.0]
    assert records.fills[:, [0, 2, 3]].tolist() == [[1.0, 1000.0, 100.0]]


def test_a_short_book_gains_when_the_price_falls():
    records = steady([100, 90, 120], [100, 100, 90], weight=-1.0)
    assert records.pnl[:, record.EQUITY].tolist() == [100_000.0, 110_000.0, 80_000.0]
    assert records.pnl[:, record.SHORT].tolist() == [0.0, -90_000.0, -120_000.0]
    assert records.pnl[1, record.CASH] == 200_000.0


def test_a_dividend_is_credited_once_and_only_to_shares_held_before_the_ex_date():
    # Bought at the open of session 1: the dividend of that day is not the book's, that of session 2 is.
    records = steady([100] * 4, dividend=[0, 3, 2, 0])
    assert records.pnl[:, record.DIVIDENDS].tolist() == [0.0, 0.0, 2_000.0, 0.0]
    assert records.pnl[:, record.EQUITY].tolist() == [100_000.0, 100_000.0, 102_000.0, 102_000.0]
    short = steady([100] * 4, dividend=[0, 3, 2, 0], weight=-1.0)
    assert short.pnl[:, record.DIVIDENDS].tolist() == [0.0, 0.0, -2_000.0, 0.0]


def test_an_order_without_a_bar_at_the_next_open_is_cancelled():
    records = steady([100, np.nan, 100], [100, np.nan, 100])
    assert records.orders[:, 4].tolist() == [record.CANCELLED]
    assert len(records.fills) == 0
    assert records.pnl[:, record.EQUITY].tolist() == [CAPITAL] * 3


def test_the_rest_of_an_order_beyond_the_participation_is_cancelled():
    records = steady([100] * 3, volume=2_000, rules=FREE.rules(1.0, 0.1))
    assert records.orders[:, [2, 4]].tolist() == [[1000.0, record.PARTIALLY_FILLED]]
    assert records.fills[:, [0, 2]].tolist() == [[1.0, 200.0]]


def test_a_missing_close_marks_the_position_stale_at_the_last_close():
    records = steady([100, 110, np.nan, 120], [100, 100, np.nan, 115])
    assert records.positions[:, [0, 4, 5]].tolist() == [[1.0, 110.0, 0.0], [2.0, 110.0, 1.0], [3.0, 120.0, 0.0]]


def test_a_delisted_position_becomes_cash_at_its_last_close():
    records = steady([100, 90, np.nan, np.nan], [100, 100, np.nan, np.nan], last=2, rebalance=[True] * 4)
    assert records.fills[-1, [0, 2, 3, 6]].tolist() == [2.0, -1000.0, 90.0, record.DELISTING]
    assert records.pnl[:, record.CASH].tolist() == [100_000.0, 0.0, 90_000.0, 90_000.0]
    assert records.orders[:, 0].max() < 2  # nothing is ordered once it is gone


@pytest.mark.parametrize(
    ("weight", "earned", "left"), [(1.0, -0.3, 63_000.0), (1.0, -1.0, 0.0), (-1.0, -0.3, 137_000.0)]
)
def test_holders_of_a_delisted_symbol_get_its_delisting_return(weight, earned, left):
    # 1,000 shares at 100, last close 90: 90,000 become 63,000 or nothing; who is short keeps what holders lose.
    records = steady([100, 90, np.nan], [100, 100, np.nan], last=2, weight=weight, earned=earned)
    assert records.fills[-1, [0, 2, 3]].tolist() == [2.0, -1000.0 * weight, pytest.approx(90.0 * (1 + earned))]
    assert records.pnl[-1, record.CASH] == records.pnl[-1, record.EQUITY] == pytest.approx(left)
    assert records.pnl[-1, record.PRICE_PNL] == pytest.approx(1000.0 * weight * 90.0 * earned)


@settings(max_examples=300, deadline=None)
@given(CASES)
def test_a_delisting_changes_equity_by_quantity_times_close_times_return(case):
    without = Case(
        case.market, case.targets._replace(delisting_return=np.zeros_like(case.targets.delisting_return)), case.rules
    )
    ended = np.unique(case.targets.last_session)
    first = int(ended[0]) if ended.size else 0
    if first >= len(case.targets.rebalance):
        return
    # Up to the first delisting both books are the same one, so that its return alone parts them.
    both, neither = cut(case, first + 1).run(), cut(without, first + 1).run()
    closed = neither.fills[neither.fills[:, -1] == record.DELISTING]
    expected = sum(-q * price * case.targets.delisting_return[int(j)] for _, j, q, price, *_ in closed)
    difference = both.pnl[-1, record.EQUITY] - neither.pnl[-1, record.EQUITY]
    assert difference == pytest.approx(expected, rel=RELATIVE, abs=CAPITAL * RELATIVE)


def test_a_fraction_of_a_share_is_paid_at_the_open_and_an_open_order_is_restated():
    # 3-for-2 on session 2: 333 shares become 499.5, half a share is paid; the order to close them still does.
    rules = FREE.rules(1.0, 1.0)
    records = steady(
        [300, 300, 200],
        [300, 300, 204],
        split=[1, 1, 1.5],
        weight=[1, 0, 0],
        rebalance=[True, True, False],
        rules=rules,
    )
    assert records.fills[:, [0, 2, 3, 6]].tolist() == [
        [1.0, 333.0, 300.0, record.REBALANCE],
        [2.0, -0.5, 204.0, record.CASH_IN_LIEU],
        [2.0, -499.0, 204.0, record.REBALANCE],
    ]
    assert records.orders[:, [2, 4]].tolist() == [[333.0, record.FILLED], [-333.0, record.FILLED]]
    assert records.pnl[2, record.CASH] == pytest.approx(CAPITAL + 499.5 * 4)


def test_a_ruined_book_is_closed_and_trades_no_more():
    records = steady([100, 100, 350, 350, 100], weight=-1.0, rebalance=[True] * 5)
    assert records.pnl[-1, record.EQUITY] == records.pnl[-1, record.CASH] == -150_000.0
    assert records.positions[:, 0].max() == 2
