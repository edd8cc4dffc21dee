"""A new execution model is one file: a book names its kind, the backtest and the embedded broker trade with it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import trading_assets

NEW_FILE = '''
"""Slippage of a fixed part of the price."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from trading_assets.execution.roles import BASIS_POINT, SlippageModel, Trade


class Fixed(NamedTuple):
    """Parameters of `FixedSlippage`."""

    slippage_bps: float

    def slippage_rate(self, _trade: Trade) -> float:
        """Distance from the market's price, as a fraction of it."""
        return self.slippage_bps * BASIS_POINT


class FixedSlippage(SlippageModel):
    """A fixed part of the price, in basis points."""

    kind: Literal["fixed"] = "fixed"
    slippage_bps: Annotated[float, Field(ge=0, le=1_000)]

    def parameters(self) -> Fixed:
        """Parameters for compiled code."""
        return Fixed(self.slippage_bps)
'''
BPS = 12.0
CHANGES = {
    "broker": "sim",
    "live": None,
    "capital": 100_000,
    "lot_size": 1,
    "rebalance": "daily",
    "gross_leverage": 2,
    "max_weight": 2,
    "max_participation": 0.1,
    "costs": {
        "commission": {"kind": "per_trade", "commission_per_trade": 3},
        "slippage": {"kind": "fixed", "slippage_bps": BPS},
    },
}
TRADED = """
import json, sys
from pathlib import Path
import trading_assets
from trading_assets.lake import Lake
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.portfolio.books import load_books
from trading_assets_tests.brokers.embedded.test_equals_backtest import check_equal, random_market
host, port, database, path, books = sys.argv[1:]
lake = Lake(PostgresUrl(host, int(port), "postgres", database), path, threads=1)
book = load_books(Path(books))["main"]
fills = check_equal(lake, book, seed=11, style="long_short").fills.filter(reason="rebalance")
opens = {(bar["symbol"], bar["date"]): bar["open"] for bar in random_market(11)[0]}
rows = [
    (opens[symbol, day], side, price, commission)
    for symbol, day, side, price, commission in fills.select("symbol", "date", "side", "price", "commission").rows()
]
print(json.dumps([trading_assets.__file__, rows]))
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with a copy of the package and its compiled code, in which one file is new."""
    source, copy = Path(trading_assets.__file__).parent, tmp_path / "installed" / "trading_assets"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("*.tmp.*"))
    (copy / "execution" / "models" / "slippage_fixed.py").write_text(NEW_FILE, encoding="utf-8")
    return copy.parent


@pytest.mark.slow
def test_a_book_trades_with_a_model_whose_file_is_all_that_is_new(installed, lake, tmp_path):
    books = tmp_path / "books.yaml"
    main = yaml.safe_load((installed / "trading_assets" / "portfolio" / "books.yaml").read_text(encoding="utf-8"))
    books.write_text(yaml.safe_dump({"main": main["main"] | CHANGES}), encoding="utf-8")
    postgres = lake.postgres
    where = (postgres.host, str(postgres.port), postgres.database, lake.data_path, str(books))
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(installed), str(Path(trading_assets.__file__).parents[1])])}
    command = [sys.executable, "-c", TRADED, *where]
    done = subprocess.run(command, env=env, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    imported, fills = json.loads(done.stdout)
    assert Path(imported).is_relative_to(installed)
    assert len(fills) > 40
    for opened, side, price, commission in fills:
        assert price == pytest.approx(opened * (1 + BPS * 1e-4 * (1 if side == "buy" else -1)), rel=1e-12)
        assert commission == 3.0
