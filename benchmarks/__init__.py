"""Benchmarks: how long the parts of the desk take, beside a peer doing the same work in the same run.

What lives here: one module per subject, each with `COMPARISONS`; ``python -m benchmarks [name ...]`` runs them and
prints one JSON line per figure: name, seconds (median), rows, peak MB, peer, ratio (seconds over the peer's: below 1 is
faster than the peer). Every side runs in a process and a folder of its own.
What not: whether the results are right, which the tests check.
"""
