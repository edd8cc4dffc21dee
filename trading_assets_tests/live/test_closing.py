"""The close of a session: equity is cash and positions, and what changed it is told."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.live.account import BookState
from trading_assets.live.closing import Before, BrokerTotals, close_session
from trading_assets.live.contract import PNL, POSITIONS
from trading_assets_tests.live._examples import TUESDAY

NOTHING = BrokerTotals()
amounts = st.floats(-1e6, 1e6)
prices = st.floats(0.01, 1e4)
held = st.dictionaries(st.sampled_from(["AAA", "BBB", "CCC", "DDD"]), st.tuples(amounts, prices, prices))


def close(state: BookState, quotes: dict[str, float], before: Before | None = None, totals: BrokerTotals = NOTHING):
    positions, pnl = close_session("desk", TUESDAY, state, quotes, before, totals)
    return positions, pnl.row(0, named=True)


def example() -> BookState:
    return BookState(1_000.0, {"AAA": 10.0, "BBB": -4.0}, {"AAA": 20.0, "BBB": 55.0}, traded=420.0, fees=3.0,
                     dividends=2.0, realised=7.0)  # fmt: skip


def test_the_rows_hold_the_contracts_of_their_tables():
    positions, pnl = close_session("desk", TUESDAY, example(), {"AAA": 30.0, "BBB": 50.0}, None, NOTHING)
    for contract, rows in ((POSITIONS, positions), (PNL, pnl)):
        split = contract.split(rows)
        assert split.quarantined.is_empty()
        assert split.good.height == rows.height


def test_a_close_is_the_sum_of_its_parts():
    positions, pnl = close(example(), {"AAA": 30.0, "BBB": 50.0}, Before(1_000.0, 1_250.0))
    assert positions.select("symbol", "market_value", "unrealised_pnl").rows() == [
        ("AAA", 300.0, 100.0),
        ("BBB", -200.0, 20.0),
    ]
    assert (pnl["long_value"], pnl["short_value"], pnl["equity"]) == (300.0, -200.0, 1_100.0)
    assert pnl["gross_exposure"] == pytest.approx(500 / 1_100)
    assert pnl["net_exposure"] == pytest.approx(100 / 1_100)
    assert pnl["daily_return"] == pytest.approx(0.1)
    assert pnl["turnover"] == pytest.approx(0.42)
    assert pnl["drawdown"] == pytest.approx(1_100 / 1_250 - 1)
    assert (pnl["realised_pnl"], pnl["unrealised_pnl"], pnl["fees"], pnl["dividends"]) == (7.0, 120.0, 3.0, 2.0)
    assert not pnl["is_opening"]


def test_a_new_peak_has_no_drawdown():
    _, pnl = close(example(), {"AAA": 30.0, "BBB": 50.0}, Before(1_000.0, 1_050.0))
    assert pnl["drawdown"] == 0.0


def test_an_opening_starts_anew():
    _, pnl = close(example(), {"AAA": 30.0, "BBB": 50.0})
    assert (pnl["is_opening"], pnl["daily_return"], pnl["drawdown"]) == (True, 0.0, 0.0)


def test_the_figures_of_the_broker_stand_beside_the_own_ones_also_where_only_one_side_holds():
    totals = BrokerTotals(999.0, {"AAA": 11.0, "CCC": 2.0})
    positions, pnl = close(example(), {"AAA": 30.0, "BBB": 50.0, "CCC": 5.0}, None, totals)
    assert positions.select("symbol", "quantity", "broker_quantity").rows() == [
        ("AAA", 10.0, 11.0),
        ("BBB", -4.0, 0.0),
        ("CCC", 0.0, 2.0),
    ]
    assert pnl["broker_cash"] == 999.0
    assert pnl["equity"] == 1_100.0


def test_a_broker_asked_too_late_says_nothing():
    positions, pnl = close(example(), {"AAA": 30.0, "BBB": 50.0})
    assert positions["broker_quantity"].to_list() == [None, None]
    assert pnl["broker_cash"] is None


def test_a_broker_that_holds_nothing_says_so():
    positions, _ = close(example(), {"AAA": 30.0, "BBB": 50.0}, None, BrokerTotals(0.0, {}))
    assert positions["broker_quantity"].to_list() == [0.0, 0.0]


def test_a_book_of_cash_alone_has_no_positions():
    positions, pnl = close(BookState(500.0), {})
    assert positions.equals(POSITIONS.empty())
    assert (pnl["equity"], pnl["gross_exposure"]) == (500.0, 0.0)


def test_fractions_of_an_equity_that_is_gone_are_zero():
    _, pnl = close(BookState(-500.0, {"AAA": 1.0}, {"AAA": 9.0}), {"AAA": 10.0}, Before(0.0, 1_000.0))
    assert (pnl["equity"], pnl["daily_return"], pnl["turnover"], pnl["gross_exposure"]) == (-490.0, 0.0, 0.0, 0.0)


@given(cash=amounts, book=held)
def test_equity_is_cash_plus_the_value_of_every_position(cash, book):
    state = BookState(cash, {s: q for s, (q, _, _) in book.items()}, {s: a for s, (_, a, _) in book.items()})
    positions, pnl = close(state, {s: p for s, (_, _, p) in book.items()})
    value = sum(q * p for q, _, p in book.values())
    scale = abs(cash) + sum(abs(q * p) for q, _, p in book.values())
    assert pnl["equity"] == pytest.approx(cash + value, abs=1e-9 * scale)
    assert pnl["equity"] == pytest.approx(pnl["cash"] + pnl["long_value"] + pnl["short_value"], abs=1e-9 * scale)
    gain = sum(q * (p - a) for q, a, p in book.values())
    assert pnl["unrealised_pnl"] == pytest.approx(
        gain, abs=1e-9 * scale + 1e-9 * sum(abs(q * a) for q, a, _ in book.values())
    )
    assert positions.filter(pl.col("market_value") > 0)["market_value"].sum() == pytest.approx(pnl["long_value"])


@given(before=st.floats(1.0, 1e6), more=st.floats(0, 1e6), cash=st.floats(0.0, 1e6))
def test_the_return_and_the_drawdown_are_of_the_equity_before_and_of_the_peak(before, more, cash):
    _, pnl = close(BookState(cash), {}, Before(before, before + more))
    assert pnl["daily_return"] == pytest.approx(cash / before - 1, abs=1e-9)
    assert pnl["drawdown"] == pytest.approx(min(cash / (before + more) - 1, 0.0), abs=1e-12)
