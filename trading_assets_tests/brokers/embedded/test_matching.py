"""Compiling takes seconds, which no order and no client waits for."""

from __future__ import annotations

from typing import NamedTuple

from trading_assets.brokers.embedded import broker as opening
from trading_assets.brokers.embedded.matching import compile_rules
from trading_assets.execution.costs import commission, fill_price
from trading_assets.execution.fills import fill_orders
from trading_assets.execution.roles import Trade
from trading_assets_tests.brokers.embedded.conftest import open_account
from trading_assets_tests.execution.examples import FREE, PER_TRADE


class Rebate(NamedTuple):
    """A commission model that nothing else uses."""

    def commission(self, _trade: Trade) -> float:
        return -1.0


class Discount(NamedTuple):
    """A slippage model that nothing else uses."""

    def slippage_rate(self, _trade: Trade) -> float:
        return 0.0


def test_rules_are_compiled_for_the_auction_and_for_single_trades():
    compile_rules(FREE.rules(1.0, 0.1)._replace(commission=Rebate(), slippage=Discount()))
    [auction] = [str(one) for one in fill_orders.signatures if "Rebate" in str(one)]
    assert "Discount" in auction
    assert any("Rebate" in str(one) for one in commission.signatures)
    assert any("Discount" in str(one) for one in fill_price.signatures)


def test_the_models_of_an_account_are_compiled_when_it_is_opened(broker, monkeypatch):
    compiled = []
    monkeypatch.setattr(opening, "compile_rules", compiled.append)
    open_account(broker, costs=PER_TRADE, lot_size=10.0, max_participation=0.2)
    assert compiled == [PER_TRADE.rules(10.0, 0.2)]
