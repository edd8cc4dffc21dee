"""What the ledger writes stays the same, bit for bit."""

from __future__ import annotations

import hashlib

import pytest

from trading_assets.backtest.ledger import run_ledger
from trading_assets_tests.backtest.golden import markets
from trading_assets_tests.execution.examples import FREE, FULL, PROPORTIONAL

MODELS = {"free": FREE, "proportional": PROPORTIONAL, "full": FULL}
GOLDEN = {
    ("free", 0.0): "c54daf905894ce0729d1536bbe64492f",
    ("free", 1.0): "38c1594236a75869f2114676b05fde42",
    ("free", 10.0): "84822ee6a9d55b5cabd47cb193675a27",
    ("proportional", 0.0): "75e78a222d4059453a83a121bab2bab3",
    ("proportional", 1.0): "2dbbc64aca68bd4bf3d0955b82dee726",
    ("proportional", 10.0): "f51771580acd99ba3da217f7a38949a0",
    ("full", 0.0): "f7b875ece11a24caf1c68e381ef97a7a",
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
