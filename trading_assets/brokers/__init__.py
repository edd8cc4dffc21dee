"""Brokers: what the desk needs of one (`protocol`), and a package for each that satisfies it.

What lives here: the protocol, its records and errors; the kinds of broker, found by listing the packages (`factory`);
the accounts of a desk's books (`accounts`); Alpaca, paper and live (`alpaca`), and the embedded broker (`embedded`).
What to put here: a package per vendor, copied from `_template`, that lists its kinds in `KINDS`.
What not: what to send and when (`live`).
"""
