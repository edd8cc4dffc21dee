"""The kinds of account at Alpaca: paper and live."""

from __future__ import annotations

from functools import partial

from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.brokers.alpaca.answers import ACTIVITY_KINDS
from trading_assets.brokers.alpaca.connection import connection_of
from trading_assets.brokers.protocol import BrokerKind


def _kind(name: str, *, is_real_money: bool) -> BrokerKind:
    return BrokerKind(
        name=name,
        is_real_money=is_real_money,
        is_simulated_time=False,
        times_in_force=("opg", "day"),
        fractional_times_in_force=("day",),
        activity_kinds=ACTIVITY_KINDS,
        locate=partial(connection_of, name),
        connect=AlpacaBroker,
    )


PAPER, LIVE = _kind("paper", is_real_money=False), _kind("live", is_real_money=True)
KINDS = (PAPER, LIVE)
