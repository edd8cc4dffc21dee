"""Brokers: what the desk needs of one (`protocol`), and a package for each that satisfies it.

What lives here: the protocol, its records and errors; the kinds of broker, found by listing the packages (`factory`);
the accounts of a desk's books (`accounts`); Alpaca, paper and live (`alpaca`), and the embedded broker (`embedded`).
What to put here: a package per vendor, copied from `_template`, that lists its kinds in `KINDS`.
What not: what to send and when (`live`).
"""

from trading_assets.brokers.errors import BrokerError, BrokerSettingsError, BrokerUnavailableError
from trading_assets.brokers.factory import broker_kinds, make_broker
from trading_assets.brokers.protocol import Broker, BrokerKind
from trading_assets.brokers.records import Ticket

__all__ = [
    "Broker",
    "BrokerError",
    "BrokerKind",
    "BrokerSettingsError",
    "BrokerUnavailableError",
    "Ticket",
    "broker_kinds",
    "make_broker",
]
