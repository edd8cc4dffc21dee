"""The embedded broker as a kind of broker: it speaks Alpaca's protocol, so Alpaca's adapter reaches it."""

from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.brokers.alpaca.answers import ACTIVITY_KINDS
from trading_assets.brokers.embedded.keys import NAME, embedded_connection
from trading_assets.brokers.protocol import BrokerKind

EMBEDDED = BrokerKind(
    name=NAME,
    is_real_money=False,
    is_simulated_time=True,
    times_in_force=("opg", "day"),
    fractional_times_in_force=("day",),
    activity_kinds=ACTIVITY_KINDS,
    locate=embedded_connection,
    connect=AlpacaBroker,
)
KINDS = (EMBEDDED,)
