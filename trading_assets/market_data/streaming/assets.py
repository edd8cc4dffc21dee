"""Reports of the stream to Dagster: an observation of `market_data/bars_minute`, at most once a minute."""

from __future__ import annotations

import time

import dagster as dg

from trading_assets.market_data.contract import BARS_MINUTE
from trading_assets.market_data.streaming.bar_stream import StoredBatch

_PAUSE_SECONDS = 60.0


class Observations:
    """Adds batches up and records the sums as observations of the asset of minute bars.

    They are observations because a batch completes no partition, and one for all symbols because one per symbol and
    batch would be half a million events per session for 500 symbols.

    Parameters
    ----------
    instance : dagster.DagsterInstance
        Where to record.
    pause_seconds : float
        Least time between two observations.
    """

    def __init__(self, instance: dg.DagsterInstance, pause_seconds: float = _PAUSE_SECONDS) -> None:
        self._instance, self._pause_seconds = instance, pause_seconds
        self._batches: list[StoredBatch] = []
        self._next = time.monotonic()

    def add(self, batch: StoredBatch) -> None:
        """Add a batch, and record all that were added since the last observation if it is time."""
        self._batches.append(batch)
        if time.monotonic() >= self._next:
            self.record()

    def record(self) -> None:
        """Record the batches that were added since the last observation."""
        batches, self._batches = self._batches, []
        if not batches:
            return
        sums = {
            name: sum(getattr(batch, name) for batch in batches)
            for name in ("streamed", "backfilled", "added", "changed", "quarantined")
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
