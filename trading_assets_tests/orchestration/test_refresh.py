"""Runs of this process."""

import gc

import pytest

from trading_assets.orchestration.refresh import few_collections


def test_collections_of_a_run_leave_out_what_was_there_before_it_and_no_longer():
    gc.unfreeze()
    with few_collections():
        assert gc.get_freeze_count() > 10_000
    assert gc.get_freeze_count() == 0
    with pytest.raises(ZeroDivisionError), few_collections():
        1 / 0  # noqa: B018
    assert gc.get_freeze_count() == 0
