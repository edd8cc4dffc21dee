"""Files that a new strategy of the user's own begins with: its module and its test."""

from __future__ import annotations

from collections.abc import Collection

from trading_assets.signals.declaration import require_strategy_name
from trading_assets.signals.errors import StrategyError

_MODULE = '''"""The strategy {name}."""

import polars as pl

from trading_assets.signals import bars, ranked, strategy


@strategy(inputs={{"prices": bars("close")}}, lookback=5)
def {name}(prices: pl.DataFrame) -> pl.DataFrame:
    """Losers of the last five sessions before winners."""
    loss = 1 - (pl.col("close") / pl.col("close").shift(5)).over("symbol")
    return ranked(prices.with_columns(loss=loss), by="loss")
'''
_TEST = '''"""The strategy {name}."""

from pathlib import Path

import pytest

from trading_assets.testing import check_strategy, strategy_scores

OWN = Path(__file__).resolve().parents[1]
# Cases that you work out on paper: rows of each input, and the score of a session and name.
BY_HAND = [
    # (
    #     {{"prices": [{{"date": date(2016, 1, 4), "symbol": "A", "close": 10.0}}]}},
    #     {{(date(2016, 1, 4), "A"): 0.0}},
    # ),
]


def test_{name}_satisfies_the_rules_of_strategies():
    check_strategy("{name}", OWN)


@pytest.mark.parametrize(("rows", "expected"), BY_HAND)
def test_{name}_by_hand(rows, expected):
    found = strategy_scores("{name}", rows, OWN)
    assert {{place: found[place] for place in expected}} == pytest.approx(expected)
'''


def new_strategy(name: str, taken: Collection[str] = ()) -> tuple[str, str]:
    """Text of the module of a new strategy, and of its test; the test holds for any strategy of that name.

    Raises
    ------
    StrategyError
        The name cannot be that of a strategy, or there is one of that name.
    """
    require_strategy_name(name)
    if name in taken:
        raise StrategyError(f"there is a strategy {name!r} already; choose another name")
    return _MODULE.format(name=name), _TEST.format(name=name)
