"""What the ledger writes stays the same, bit for bit."""

from __future__ import annotations

import hashlib

import pytest

from trading_assets.backtest.ledger import run_ledger
from trading_assets_tests.backtest.golden import markets
from trading_assets_tests.execution.examples import FREE, FULL, PROPORTIONAL

MODELS = {"free": FREE, "proportional": PROPORTIONAL, "full": FULL}
GOLDEN = {
    ("free", 0.0): "0680a8ec6eebda1969a5bd8325629892",
    ("free", 1.0): "38c1594236a75869f2114676b05fde42",
    ("free", 10.0): "84822ee6a9d55b5cabd47cb193675a27",
    ("proportional", 0.0): "20790bc3affc651f529d0262ba8f5938",
    ("proportional", 1.0): "2dbbc64aca68bd4bf3d0955b82dee726",
    ("proportional", 10.0): "f51771580acd99ba3da217f7a38949a0",
    ("full", 0.0): "f19e8a394e0f56b3547ce0034080fb3e",
    ("full", 1.0): "bc0420a5c080fa2d126c2f919db17511",
    ("full", 10.0): "5f75580f889b3565bd342953cb229506",
}


@pytest.mark.parametrize(("models", "lot_size"), GOLDEN)
def test_orders_fills_positions_and_pnl_of_forty_books_are_those_on_record(models, lot_size):
    digest = hashlib.sha256()
    for market, targets in markets(40):
        records = run_ledger(market, targets, 100_000.0, MODELS[models].rules(lot_size, 0.1))
        for table in (records.orders, records.fills, records.positions, records.pnl):
            digest.update(table.tobytes())
    assert digest.hexdigest()[:32] == GOLDEN[models, lot_size]
