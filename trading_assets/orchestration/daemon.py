"""Dagster's daemon as ``trading-assets ui`` runs it: what is waiting is found within seconds.

Dagster looks for requested backfills, and for the end of their runs, every thirty seconds, and at sensors that are due
every five; it has no settings for either. A refresh of a dozen stages, each started by a sensor, would wait a minute.
"""

from dagster._daemon import controller, sensor
from dagster._daemon.cli import main as run

_BACKFILL_SECONDS, _SENSOR_SECONDS = 5, 1


def main() -> None:
    """Run the daemon; the arguments are those of ``dagster-daemon``. Sensors keep to intervals of their own."""
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = _BACKFILL_SECONDS
    sensor.MIN_INTERVAL_LOOP_TIME = _SENSOR_SECONDS
    run()


if __name__ == "__main__":
    main()
