"""What Dagster is told of the stream: an observation of `market_data/bars_minute`, once a minute at most."""

from __future__ import annotations

import time

import dagster as dg

from trading_assets.market_data.contract import BARS_MINUTE
from trading_assets.market_data.streaming.bar_stream import Batch

_PAUSE_SECONDS = 60.0


class Observations:
    """Sums batches up and records them with the asset of minute bars.

    An observation, for a batch completes no partition, and one event for all symbols instead of one per symbol and
    batch, which would be half a million events a session for 500 names.

    Parameters
    ----------
    instance : dagster.DagsterInstance
        Where to record.
    pause_seconds : float
        Least time between two observations.
    """

    def __init__(self, instance: dg.DagsterInstance, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self._instance, self._pause_seconds = instance, pause_seconds
        self._batches: list[Batch] = []
        self._next = time.monotonic()

    def add(self, batch: Batch) -> None:
        """Take note of a batch, and record it with those before it if it is time."""
        self._batches.append(batch)
        if time.monotonic() >= self._next:
            self.record()

    def record(self) -> None:
        """Record what has not been recorded yet."""
        batches, self._batches = self._batches, []
        if not batches:
            return
        sums = {
            name: sum(getattr(batch, name) for batch in batches)
            for name in ("heard", "filled", "added", "changed", "quarantined")
        }
        newest = max((batch.last for batch in batches if batch.last), default=None)
        metadata: dict[str, dg.MetadataValue] = {f"bars_{name}": dg.MetadataValue.int(n) for name, n in sums.items()}
        metadata["batches"] = dg.MetadataValue.int(len(batches))
        metadata["snapshot"] = dg.MetadataValue.int(batches[-1].snapshot)
        if newest is not None:
            metadata["last_minute"] = dg.MetadataValue.timestamp(newest)
        event = dg.AssetObservation(BARS_MINUTE.asset_key, description="bars of the stream", metadata=metadata)
        self._instance.report_runless_asset_event(event)
        self._next = time.monotonic() + self._pause_seconds
