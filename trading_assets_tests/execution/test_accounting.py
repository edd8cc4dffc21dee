"""The account keeps shares, cash and average prices."""

import numpy as np
import pytest

from trading_assets.execution.accounting import (
    begin_session,
    fraction_of_share,
    mark_to_market,
    open_account,
    trade,
)

TRADES = {
    "adding to a long position averages its price": ([(100, 10.0), (100, 12.0)], 200.0, 11.0, 0.0),
    "adding to a short position averages its price": ([(-100, 10.0), (-300, 12.0)], -400.0, 11.5, 0.0),
    "reducing keeps the average and realises": ([(100, 10.0), (-40, 13.0)], 60.0, 10.0, 120.0),
    "covering a short position realises the fall": ([(-100, 10.0), (40, 7.0)], -60.0, 10.0, 120.0),
    "closing leaves no average": ([(100, 10.0), (-100, 9.0)], 0.0, 0.0, -100.0),
    "crossing zero closes at the old and opens at the new price": ([(100, 10.0), (-150, 12.0)], -50.0, 12.0, 200.0),
}


@pytest.mark.parametrize(("trades", "quantity", "average", "realised"), TRADES.values(), ids=TRADES.keys())
def test_trades_change_position_average_and_realised_pnl(trades, quantity, average, realised):
    account = open_account(10_000.0, 2)
    earned = sum(trade(account, 1, float(shares), price, 1.0) for shares, price in trades)
    assert account.quantity.tolist() == [0.0, quantity]
    assert account.average.tolist() == pytest.approx([0.0, average])
    assert earned == pytest.approx(realised)
    spent = sum(shares * price + 1.0 for shares, price in trades)
    assert account.cash[0] == pytest.approx(10_000.0 - spent)


def test_a_split_changes_shares_average_and_mark_but_not_the_value():
    account = open_account(10_000.0, 2)
    trade(account, 0, 100.0, 30.0, 0.0)
    mark_to_market(account, np.array([36.0, 5.0]))
    begin_session(account, np.array([3.0, 0.5]), np.zeros(2), 0.0)
    assert (account.quantity[0], account.average[0], account.mark[0]) == (300.0, 10.0, 12.0)
    assert account.mark[1] == 10.0


def test_a_dividend_is_per_new_share_and_short_positions_pay_it():
    account = open_account(10_000.0, 3)
    trade(account, 0, 100.0, 30.0, 0.0)
    trade(account, 1, -50.0, 20.0, 0.0)
    before = account.cash[0]
    received = begin_session(account, np.array([2.0, 1.0, 1.0]), np.array([0.25, 0.5, 9.0]), 0.0)
    assert received == 200 * 0.25 - 50 * 0.5
    assert account.cash[0] == before + received


@pytest.mark.parametrize(
    ("quantity", "ratio", "lot_size", "fraction"),
    [
        (5, 1.5, 1.0, 0.5),
        (-5, 1.5, 1.0, -0.5),
        (5, 1.5, 0.0, 0.0),
        (5, 1.5, 0.1, 0.0),
        (5, 1.5, 100.0, 0.5),  # odd lots stay, only the fraction of a share goes
        (15, 1 / 3, 1.0, 0.0),
        (16, 1 / 3, 1.0, 1 / 3),
    ],
)
def test_a_split_leaves_a_fraction_only_where_shares_are_whole(quantity, ratio, lot_size, fraction):
    account = open_account(10_000.0, 1)
    trade(account, 0, float(quantity), 30.0, 0.0)
    begin_session(account, np.array([ratio]), np.zeros(1), lot_size)
    assert fraction_of_share(account.quantity[0], lot_size) == pytest.approx(fraction, abs=1e-12)


def test_a_missing_close_leaves_the_last_mark():
    account = open_account(10_000.0, 1)
    trade(account, 0, 10.0, 30.0, 0.0)
    account.pivot[0] = 30.0
    assert mark_to_market(account, np.array([33.0])) == pytest.approx(30.0)
    begin_session(account, np.ones(1), np.zeros(1), 1.0)
    assert mark_to_market(account, np.array([np.nan])) == 0.0
    assert account.mark[0] == 33.0
