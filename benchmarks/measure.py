"""The parts of a benchmark: two sides, each timed in its own process and folder."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from trading_assets.desk.settings import Settings
from trading_assets.lake import Lake
from trading_assets.lake.postgres.url import hold_embedded_postgres, release_embedded_postgres


class SkippedError(Exception):
    """A side cannot run here; the message says what is missing."""


@dataclass(frozen=True)
class Timing:
    """Seconds of every repetition, the rows that one of them handled, and seconds of its parts."""

    seconds: list[float]
    rows: int | None = None
    parts: dict[str, float] = field(default_factory=dict)

    @property
    def median(self) -> float:
        """Median of the repetitions."""
        return statistics.median(self.seconds)


Side = Callable[[Path], Timing]


@dataclass(frozen=True)
class Comparison:
    """A figure: our side, and the peer that does the same work."""

    name: str
    ours: Side
    peer: str | None = None
    peers_side: Side | None = None


def repeat(work: Callable[[], object], times: int, *, rows: int | None = None, warm: bool = False) -> Timing:
    """Time a piece of work, after one untimed repetition where it is to be warm."""
    if warm:
        work()
    return Timing([_seconds(work) for _ in range(times)], rows)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@contextmanager
def scratch_settings(folder: Path) -> Iterator[Settings]:
    """Give the settings of a new lake in a folder, with an embedded Postgres that ends with it."""
    postgres = folder / "postgres"
    hold_embedded_postgres(postgres)
    try:
        yield Settings(home=folder)
    finally:
        release_embedded_postgres(postgres)


@contextmanager
def scratch_lake(folder: Path) -> Iterator[Lake]:
    """Open a new lake in a folder."""
    from trading_assets.desk.desk import open_lake

    with scratch_settings(folder) as settings:
        lake = open_lake(settings)
        try:
            yield lake
        finally:
            lake.close()
