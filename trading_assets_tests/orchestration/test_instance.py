"""What Dagster's instance of a lake is set to."""

import pytest

pytestmark = pytest.mark.slow


def test_a_requested_run_is_looked_for_every_second_and_four_run_at_once(bench):
    assert bench.instance.run_coordinator.dequeue_interval_seconds == 1
    assert bench.instance.get_concurrency_config().run_queue_config.max_concurrent_runs == 4
