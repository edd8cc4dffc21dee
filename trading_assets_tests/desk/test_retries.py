"""What another try can cure is tried again; the last try fails with the error itself."""

from collections.abc import Iterator

import dagster as dg
import pytest

from trading_assets.desk.retries import MAX_RETRIES, retry_when_not_ready
from trading_assets.lake.errors import LakeError, UpstreamNotReadyError
from trading_assets.market_data.sources import SourceUnavailableError


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def materialise(instance: dg.DagsterInstance, errors: list[Exception]) -> tuple[bool, int]:
    """Run an asset that raises these errors one after the other; whether it succeeded, and in how many tries."""
    tries = []

    @dg.asset
    def sometimes() -> None:
        tries.append(1)
        with retry_when_not_ready(0.0):
            if errors:
                raise errors.pop(0)

    result = dg.materialize([sometimes], instance=instance, raise_on_error=not errors or len(errors) > MAX_RETRIES)
    return result.success, len(tries)


@pytest.mark.parametrize("error", [UpstreamNotReadyError("no bars yet"), SourceUnavailableError("no answer")])
def test_a_step_that_becomes_ready_succeeds(instance: dg.DagsterInstance, error: Exception) -> None:
    assert materialise(instance, [error] * MAX_RETRIES) == (True, MAX_RETRIES + 1)


def test_a_step_that_never_becomes_ready_fails_with_the_error(instance: dg.DagsterInstance) -> None:
    with pytest.raises(UpstreamNotReadyError, match="no bars yet"):
        materialise(instance, [UpstreamNotReadyError("no bars yet")] * 10)


def test_any_other_error_fails_at_once(instance: dg.DagsterInstance) -> None:
    assert materialise(instance, [LakeError("a type has changed")]) == (False, 1)
