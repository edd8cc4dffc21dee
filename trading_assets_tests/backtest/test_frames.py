"""What the ledger wrote becomes frames with dates, symbols and names."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from trading_assets.backtest import records as record
from trading_assets.backtest.contract import FILLS, ORDERS, PNL, POSITIONS
from trading_assets.backtest.frames import OUTCOMES, fills_frame, orders_frames, pnl_frame, positions_frame
from trading_assets.backtest.panel import Axes
from trading_assets.backtest.records import Records
from trading_assets.portfolio.books import load_books

BOOK = load_books()["main"]
AXES = Axes([date(2024, 1, 4), date(2024, 1, 5)], ["BBB", "AAA"])
PNL_ROWS = np.array([[1e6, 2e6, 0, -1e6, 0, 0, 0, 0, 0, 0, 0], [9e5, 2e6, 1e5, -1.2e6, 0, 0, -5, 0, 0, 0, 25e4]])
RECORDS = Records(
    np.array([[0, 1, -7.0, 20.0, record.FILLED], [0, 0, 5.0, 10.0, record.PARTIALLY_FILLED]]),
    np.array([[1, 1, -7.0, 19.5, 1.0, 3.5, record.REBALANCE], [1, 0, -0.5, 9.0, 0.0, 0.0, record.CASH_IN_LIEU]]),
    np.array([[1, 1, -7.0, 19.5, 21.0, 1.0]]),
    PNL_ROWS,
    np.array([2, 2, 1]),
)


def test_orders_have_sides_by_date_and_symbol_and_outcomes_in_the_same_order():
    orders, outcomes = orders_frames(BOOK, RECORDS, AXES)
    assert (orders.schema, outcomes.schema) == (ORDERS.schema, OUTCOMES)
    assert orders.select("date", "symbol", "side", "quantity", "reference_price").rows() == [
        (date(2024, 1, 4), "AAA", "buy", 5.0, 10.0),
        (date(2024, 1, 4), "BBB", "sell", 7.0, 20.0),
    ]
    assert outcomes.select("date", "order_id").rows() == orders.select("date", "order_id").rows()
    assert outcomes["status"].to_list() == ["partially_filled", "filled"]


def test_a_fill_carries_the_id_of_the_order_decided_a_session_before_or_none():
    frame = fills_frame(BOOK, RECORDS, AXES)
    assert frame.schema == FILLS.schema
    orders = dict(orders_frames(BOOK, RECORDS, AXES)[0].select("symbol", "order_id").iter_rows())
    assert frame.select("date", "symbol", "order_id", "side", "quantity", "reason").rows() == [
        (date(2024, 1, 5), "AAA", None, "sell", 0.5, "cash_in_lieu"),
        (date(2024, 1, 5), "BBB", orders["BBB"], "sell", 7.0, "rebalance"),
    ]


def test_positions_have_their_value_and_unrealised_pnl():
    frame = positions_frame(BOOK, RECORDS, AXES)
    assert frame.schema == POSITIONS.schema
    assert frame.rows() == [("main", date(2024, 1, 5), "BBB", -7.0, 19.5, 21.0, -147.0, -10.5, True)]


def test_pnl_has_its_fractions_of_equity():
    frame = pnl_frame(BOOK, RECORDS, AXES)
    assert frame.schema == PNL.schema
    columns = ["gross_exposure", "net_exposure", "unrealised_pnl_change", "daily_return", "turnover", "drawdown"]
    first, second = frame.select(columns).rows()
    assert first == (1.0, -1.0, 0.0, 0.0, 0.0, 0.0)
    assert second == pytest.approx((1.3 / 0.9, -1.1 / 0.9, -5.0, -0.1, 0.25, -0.1))


def test_fractions_of_an_equity_that_is_not_positive_are_zero():
    ruined = RECORDS._replace(pnl=-PNL_ROWS)
    columns = ["gross_exposure", "net_exposure", "turnover"]
    assert pnl_frame(BOOK, ruined, AXES).select(columns).rows()[1] == (0.0, 0.0, 0.0)


def test_a_ledger_without_rows_gives_frames_without_rows():
    empty = RECORDS._replace(orders=np.empty((0, 5)), fills=np.empty((0, 7)), positions=np.empty((0, 6)))
    frames = (*orders_frames(BOOK, empty, AXES), fills_frame(BOOK, empty, AXES), positions_frame(BOOK, empty, AXES))
    for frame, schema in zip(frames, (ORDERS.schema, OUTCOMES, FILLS.schema, POSITIONS.schema), strict=True):
        assert frame.equals(pl.DataFrame(schema=schema))
