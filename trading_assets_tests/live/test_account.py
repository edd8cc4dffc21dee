"""The desk's own account of a book follows the broker's entries as the backtest's ledger follows its fills."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.execution.accounting import begin_session, fraction_of_share, open_account, trade
from trading_assets.live.account import BookState, cash_tolerance, position_mismatches, share_tolerance
from trading_assets_tests.live._examples import entry, fill

SYMBOLS = ("AAA", "BBB", "CCC")


def test_a_fill_moves_shares_cash_and_average():
    state = BookState(1_000.0).apply([fill(1, "AAA", "buy", 10, 20.0), fill(2, "AAA", "buy", 30, 24.0)], {}, 1.0)
    assert (state.cash, state.quantity, state.average) == (80.0, {"AAA": 40.0}, {"AAA": 23.0})
    assert (state.traded, state.realised) == (920.0, 0.0)


def test_what_is_closed_is_realised_and_leaves_no_position():
    state = BookState(0.0, {"AAA": 10.0}, {"AAA": 20.0}).apply([fill(1, "AAA", "sell", 10, 25.0)], {}, 1.0)
    assert (state.cash, state.quantity, state.average, state.realised) == (250.0, {}, {}, 50.0)


def test_a_position_that_crosses_zero_starts_at_the_price_of_the_fill():
    state = BookState(0.0, {"AAA": 10.0}, {"AAA": 20.0})
    state.apply([fill(1, "AAA", "sell", 10, 25.0), fill(2, "AAA", "sell", 5, 26.0)], {}, 1.0)
    assert (state.quantity, state.average, state.realised) == ({"AAA": -5.0}, {"AAA": 26.0}, 50.0)


def test_splits_come_before_the_fills_of_the_session():
    state = BookState(0.0, {"AAA": 10.0}, {"AAA": 20.0})
    state.apply([fill(1, "AAA", "sell", 20, 11.0)], {"AAA": 2.0, "ZZZ": 3.0}, 1.0)
    assert (state.quantity, state.realised, state.cash) == ({}, 20.0, 220.0)


def test_the_fraction_that_a_split_leaves_is_sold_for_the_cash_that_is_paid_for_it():
    state = BookState(0.0, {"AAA": 5.0}, {"AAA": 30.0})
    state.apply([entry(1, "CIL", 11.0, "AAA", -0.5)], {"AAA": 1.5}, 1.0)
    assert (state.quantity, state.average, state.cash) == ({"AAA": 7.0}, {"AAA": 20.0}, 11.0)
    assert state.realised == pytest.approx(0.5 * (22.0 - 20.0))


@pytest.mark.parametrize(("held", "amount"), [(10.0, 150.0), (-10.0, -150.0)])
def test_a_delisting_pays_out_the_whole_position(held, amount):
    state = BookState(1_000.0, {"AAA": held}, {"AAA": 12.0}).apply([entry(1, "MA", amount, "AAA", -held)], {}, 1.0)
    assert (state.cash, state.quantity) == (1_000.0 + amount, {})
    assert state.realised == pytest.approx(held * 3.0)


def test_fees_and_dividends_are_cash_and_are_told_apart():
    state = BookState(100.0).apply([entry(1, "FEE", -3.0), entry(2, "DIV", 7.0), entry(3, "CSD", 50.0)], {}, 1.0)
    assert (state.cash, state.fees, state.dividends, state.realised) == (154.0, 3.0, 7.0, 0.0)


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**9), lot=st.sampled_from([0.0, 1.0, 10.0]))
def test_the_account_equals_the_ledger_whatever_happens(seed, lot):
    rng = np.random.default_rng(seed)
    ledger, state = open_account(100_000.0, len(SYMBOLS)), BookState(100_000.0)
    realised = 0.0
    for _ in range(int(rng.integers(1, 12))):
        split = np.where(rng.random(len(SYMBOLS)) < 0.2, rng.choice([2.0, 1.5, 0.5, 1 / 3], len(SYMBOLS)), 1.0)
        dividend = np.where(rng.random(len(SYMBOLS)) < 0.2, rng.uniform(0.1, 2.0, len(SYMBOLS)), 0.0)
        entries = []
        begin_session(ledger, split, dividend, lot)
        for j, symbol in enumerate(SYMBOLS):
            if dividend[j] and ledger.quantity[j]:
                entries.append(entry(len(entries), "DIV", float(dividend[j] * ledger.quantity[j]), symbol))
            fraction = fraction_of_share(ledger.quantity[j], lot) if split[j] != 1.0 else 0.0
            if fraction:
                price = float(rng.uniform(5, 50))
                realised += trade(ledger, j, -fraction, price, 0.0)
                entries.append(entry(len(entries), "CIL", fraction * price, symbol, -fraction))
            for _ in range(int(rng.integers(0, 3))):
                shares, price = float(rng.integers(-300, 300)), float(rng.uniform(5, 50))
                if shares:
                    fee = float(rng.uniform(0, 3))
                    realised += trade(ledger, j, shares, price, fee)
                    side = "buy" if shares > 0 else "sell"
                    entries += [
                        fill(len(entries), symbol, side, abs(shares), price),
                        entry(len(entries) + 1, "FEE", -fee),
                    ]
        ratios = {symbol: float(ratio) for symbol, ratio in zip(SYMBOLS, split, strict=True) if ratio != 1.0}
        state.apply(entries, ratios, lot)
    held = {s: q for s, q in zip(SYMBOLS, ledger.quantity.tolist(), strict=True) if abs(q) >= 1e-9}
    assert state.quantity == pytest.approx(held, rel=1e-9)
    assert state.cash == pytest.approx(ledger.cash[0], rel=1e-9)
    assert state.realised == pytest.approx(realised, rel=1e-9, abs=1e-6)
    for j, symbol in enumerate(SYMBOLS):
        if symbol in held:
            assert state.average[symbol] == pytest.approx(ledger.average[j], rel=1e-9)


def test_accounts_that_agree_have_no_mismatch_and_others_name_both_numbers():
    assert position_mismatches({"AAA": 10.0}, {"AAA": 10.0 + 1e-12}) == []
    assert position_mismatches({"AAA": 10.0, "BBB": -2.0}, {"AAA": 11.0, "CCC": 1.0}) == [
        "AAA: the book should hold 10, the broker holds 11",
        "BBB: the book should hold -2, the broker holds 0",
        "CCC: the book should hold 0, the broker holds 1",
    ]


@pytest.mark.parametrize(
    ("tolerance", "value", "expected"),
    [(cash_tolerance, -2e6, 2.01), (cash_tolerance, 0.0, 0.01), (share_tolerance, -9.0, 1e-8)],
)
def test_what_accounts_may_differ_by_is_the_same_for_a_number_and_for_a_column(tolerance, value, expected):
    assert tolerance(value) == pytest.approx(expected)
    assert pl.select(tolerance(pl.lit(value))).item() == tolerance(value)
