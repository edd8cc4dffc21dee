"""Requests are repeated while their failure may pass, with growing pauses, and the last error is the one raised."""

import traceback

import pytest

from trading_assets.market_data.sources import SourceConfigError, SourceRateLimitError, SourceUnavailableError
from trading_assets.market_data.sources._limiter import Timing
from trading_assets.market_data.sources._retries import PassingFailureError, with_retries

DOWN = SourceUnavailableError("the source is down; try again later")


class Requests:
    """Requests that fail as told, then answer; and the pauses between them."""

    def __init__(self, *failures):
        self.failures, self.sent, self.slept = list(failures), 0, []
        self.timing = Timing(sleep=self.slept.append)

    def __call__(self):
        self.sent += 1
        if self.failures:
            raise self.failures.pop(0)
        return "answer"


def test_a_failure_that_passes_is_not_noticed():
    request = Requests(*[PassingFailureError(DOWN)] * 4)
    assert with_retries(request, attempts=5, timing=request.timing) == "answer"
    assert request.sent == 5


def test_after_the_last_attempt_the_error_itself_is_raised_without_what_it_was_made_of():
    failures = []
    for number in range(3):
        failure = PassingFailureError(SourceUnavailableError(f"attempt {number}"))
        failure.__context__ = ValueError("http://user:password@proxy")
        failure.__suppress_context__ = True
        failures.append(failure)
    request = Requests(*failures)
    with pytest.raises(SourceUnavailableError, match="attempt 2") as raised:
        with_retries(request, attempts=3, timing=request.timing)
    assert "password" not in "".join(traceback.format_exception(raised.value))
    assert len(request.slept) == 2


@pytest.mark.parametrize("error", [SourceConfigError("wrong keys"), DOWN, KeyError("symbol")])
def test_any_other_error_ends_it_at_once(error):
    request = Requests(error)
    with pytest.raises(type(error)):
        with_retries(request, attempts=5, timing=request.timing)
    assert (request.sent, request.slept) == (1, [])


def test_pauses_grow_and_keep_within_their_bounds():
    drawn = []
    for _ in range(100):
        request = Requests(*[PassingFailureError(DOWN)] * 8)
        with_retries(request, attempts=9, timing=request.timing)
        drawn.append(request.slept)
    for attempt, pauses in enumerate(zip(*drawn, strict=True)):
        bound = min(30.0, 2.0**attempt)
        assert 0 <= min(pauses) < bound / 4
        assert bound * 3 / 4 < max(pauses) <= bound


def test_a_pause_lasts_at_least_as_long_as_the_source_asked_and_its_cause_is_told():
    limited = SourceRateLimitError("too many requests")
    request, told = Requests(PassingFailureError(limited, retry_after=17.0)), []
    with_retries(request, attempts=2, timing=request.timing, before_pause=lambda *what: told.append(what))
    assert request.slept == [17.0]
    assert told == [(limited, 17.0)]
