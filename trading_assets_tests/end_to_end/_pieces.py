"""Pieces of a range of partitions, run in any order."""

from __future__ import annotations

import random
from collections.abc import Sequence

from trading_assets.lake.errors import UpstreamNotReadyError
from trading_assets_tests.desks import Bench

Piece = tuple[str, str, dict[str, str]]  # job, table, tags


def run_in_any_order(bench: Bench, pieces: Sequence[Piece], *, seed: int) -> int:
    """Run pieces in shuffled order, what is not ready again in the next pass; returns how often a piece was refused."""
    waiting = random.Random(seed).sample(pieces, len(pieces))
    refused = 0
    while waiting:
        left = [piece for piece in waiting if not could_run(bench, *piece)]
        assert len(left) < len(waiting), f"none of these can run: {left}"
        refused += len(left)
        waiting = left
    return refused


def could_run(bench: Bench, job: str, table: str, tags: dict[str, str]) -> bool:
    """Run a piece; one that is refused must have written nothing."""
    before = bench.desk.lake.current_snapshot()
    try:
        bench.run(job, tags, only=siblings(bench, job, table))
    except UpstreamNotReadyError:
        assert bench.desk.lake.current_snapshot() == before
        return False
    return True


def siblings(bench: Bench, job: str, table: str) -> list[str]:
    """Tables that are made together with a table, itself included."""
    made = bench.defs.resolve_assets_def(table.split("."))
    return [".".join(key.path) for key in made.keys]
