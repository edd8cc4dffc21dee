"""The embedded broker: Alpaca's protocol on loopback over the prices of the lake.

What lives here: the market that the lake's bars make, the exchange that matches orders in it with the fill and cost
models of `execution`, its durable store, its clock, its faults, and the HTTP and websocket server in front of it.
What not: anything that a client of a broker needs; the desk's own code reaches this one through the network only.
"""

from trading_assets.brokers.embedded.kinds import EMBEDDED, KINDS

__all__ = ["EMBEDDED", "KINDS"]
