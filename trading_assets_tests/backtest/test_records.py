"""Records grow without losing what is written."""

import numpy as np
import pytest

from trading_assets.backtest.records import (
    STATUSES,
    FillRow,
    OrderRow,
    PositionRow,
    empty_records,
    record_fill,
    record_order,
    record_outcome,
    record_position,
    with_room,
)


def test_rows_survive_the_growth_of_their_table():
    records = empty_records(1)
    count = records.orders.shape[0] + 500
    for row in range(count):
        records = with_room(records, 1)
        assert record_order(records, OrderRow(float(row), 0.0, 1.0, 2.0, 3.0)) == row
        record_fill(records, FillRow(float(row), 0.0, 1.0, 2.0, 3.0, 4.0, 0.0))
        record_position(records, PositionRow(float(row), 0.0, 1.0, 2.0, 3.0, 1.0))
    assert records.used.tolist() == [count] * 3
    for table in (records.orders, records.fills, records.positions):
        assert np.array_equal(table[:count, 0], np.arange(count))


def test_room_for_a_wide_session_is_made_at_once():
    records = with_room(empty_records(1), 5_000)
    assert records.fills.shape[0] >= 15_000


@pytest.mark.parametrize(
    ("wanted", "filled", "status"),
    [(5.0, 5.0, "filled"), (5.0, 3.0, "partially_filled"), (-5.0, 0.0, "cancelled"), (0.0, 0.0, "cancelled")],
)
def test_the_outcome_of_an_order_is_what_of_it_was_filled(wanted, filled, status):
    records = empty_records(1)
    record_order(records, OrderRow(0.0, 0.0, wanted, 1.0, 3.0))
    record_outcome(records, 0, wanted, filled)
    assert STATUSES[int(records.orders[0, 4])] == status
