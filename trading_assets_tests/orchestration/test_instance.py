"""What Dagster's instance of a lake, and its daemon, are set to."""

import pytest

from trading_assets.orchestration import daemon

pytestmark = pytest.mark.slow


def test_a_requested_run_is_looked_for_every_second_and_four_run_at_once(bench):
    assert bench.instance.run_coordinator.dequeue_interval_seconds == 1
    assert bench.instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 4


def test_the_daemon_looks_for_backfills_every_five_seconds_and_at_its_sensors_every_second(monkeypatch):
    found = {}
    monkeypatch.setattr(daemon, "run_daemon", found.update)
    daemon.main()
    assert found == {"backfill_seconds": 5, "sensor_seconds": 1}
