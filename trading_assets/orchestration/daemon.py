"""Dagster's daemon as ``trading-assets ui`` runs it: pending work is found within seconds.

Dagster looks for requested backfills, and for the end of their runs, every thirty seconds, and for sensors that are due
every five. A refresh of a dozen stages, each started by a sensor, would wait a minute.
"""

from trading_assets.library_internals.dagster import run_daemon

_BACKFILL_SECONDS, _SENSOR_SECONDS = 5, 1


def main() -> None:
    """Run the daemon; the arguments are those of ``dagster-daemon``. Sensors keep their own intervals."""
    run_daemon(backfill_seconds=_BACKFILL_SECONDS, sensor_seconds=_SENSOR_SECONDS)


if __name__ == "__main__":
    main()
