"""The examples of docs/extending.md are members of their seams as they stand."""

from __future__ import annotations

import importlib
import re
import shutil
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from trading_assets import brokers
from trading_assets.brokers.factory import broker_kinds
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.execution import models as execution_models
from trading_assets.execution.models import members
from trading_assets.execution.roles import CommissionModel, Trade
from trading_assets.lake import Lake
from trading_assets.models import learners
from trading_assets.models.learners import learner_names, make_learner
from trading_assets.portfolio import sizing
from trading_assets.portfolio.sizing import shipped_sizings
from trading_assets.serving import queries
from trading_assets.signals import strategies as strategies_package
from trading_assets.signals.registry import strategies_of

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```python\n# (?P<path>\S+)\n(?P<text>.*?)```", re.DOTALL)
EXAMPLES = {match["path"]: match["text"] for match in BLOCK.finditer((ROOT / "docs" / "extending.md").read_text())}


@pytest.fixture
def drop_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    """Put the example of a path into a folder that its package is listed with."""
    made = []

    def drop(package, path: str) -> None:
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / Path(path).name).write_text(EXAMPLES[path])
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        made.append(f"{package.__name__}.{Path(path).stem}")
        importlib.invalidate_caches()

    yield drop
    for name in made:
        sys.modules.pop(name, None)


def test_a_learner(drop_in):
    drop_in(learners, "trading_assets/models/learners/shallow_forest.py")
    assert "shallow_forest" in learner_names()
    assert make_learner("shallow_forest", {"trees": 3}).trees == 3


def test_a_strategy(drop_in):
    drop_in(strategies_package, "trading_assets/signals/strategies/reversal.py")
    found = {one.name: one for one in strategies_of(strategies_package)}
    assert found["reversal"].lookback == 5


def test_a_sizing(drop_in):
    drop_in(sizing, "trading_assets/portfolio/sizing/squared_scores.py")
    assert "squared_scores" in shipped_sizings()


def test_a_cost_model(drop_in):
    drop_in(execution_models, "trading_assets/execution/models/commission_capped.py")
    capped = members(CommissionModel)["capped"](commission_bps=10.0, cap=5.0).parameters()
    fees = [capped.commission(Trade(quantity, 10.0, 1e6)) for quantity in (-100.0, 10_000.0)]
    np.testing.assert_allclose(fees, [1.0, 5.0])


def test_a_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copytree(ROOT / "trading_assets" / "brokers" / "_template", tmp_path / "acme")
    monkeypatch.setattr(brokers, "__path__", [*brokers.__path__, str(tmp_path)])
    assert set(broker_kinds()) - {"embedded", "paper", "live"}
    for name in [name for name in sys.modules if name.startswith("trading_assets.brokers.acme")]:
        sys.modules.pop(name)


def test_a_query(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(queries, "QUERIES", dict(queries.QUERIES))
    exec(compile(EXAMPLES["trading_assets/serving/queries.py"], "example", "exec"), {})
    desk = Desk(Settings(home=tmp_path, start=date(2015, 1, 1), end=None))
    desk.__dict__["lake"] = lake
    found = queries.QUERIES["names_held"](desk, book="main")
    assert found.schema == pl.Schema({"date": pl.Date, "names": pl.Int64})


def test_every_example_is_used_here():
    used = Path(__file__).read_text()
    assert [path for path in EXAMPLES if path not in used] == []
    assert len(EXAMPLES) == 5
