"""Primary and fallbacks: each symbol comes from the first source that has it, and what failed is said once."""

from datetime import date

import pytest

from trading_assets.market_data.gathering import gather
from trading_assets.market_data.sources import (
    SimulationParameters,
    SourceRateLimitError,
    SourceUnavailableError,
    UnknownSymbolError,
)
from trading_assets_tests.market_data.remote import RemoteSource

PARAMETERS = SimulationParameters(seed=3, n_symbols=4, start=date(2020, 1, 2), end=date(2020, 3, 31))
NAMES = ["SIM0001", "SIM0002", "SIM0003"]
DOWN = SourceUnavailableError("remote cannot be reached")
UNKNOWN = UnknownSymbolError("remote does not know it")


def remote(name="remote", **failures):
    by_symbol = {None if symbol == "every" else symbol: error for symbol, error in failures.items()}
    return RemoteSource(PARAMETERS, name=name, failures=by_symbol)


def bars(*sources):
    return gather(sources, NAMES, lambda source, names: source.bars(names, date(2020, 1, 2), date(2020, 1, 31)))


def test_the_primary_alone_is_asked_where_it_answers():
    primary, fallback = remote(), remote("fallback")
    found = bars(primary, fallback)
    assert found.answered_by == dict.fromkeys(NAMES, "remote")
    assert (found.rows["source"].unique().to_list(), found.failures) == (["remote"], {})
    assert fallback.asked == []


def test_the_fallback_is_asked_for_what_the_primary_lacks_alone():
    fallback = remote("fallback")
    found = bars(remote(SIM0002=UNKNOWN), fallback)
    assert found.answered_by == {"SIM0001": "remote", "SIM0002": "fallback", "SIM0003": "remote"}
    assert [asked[0] for asked in fallback.asked] == [("SIM0002",)]
    assert set(found.rows.select("symbol", "source").unique().rows()) == set(found.answered_by.items())
    assert found.failures == {}


def test_an_outage_of_the_primary_is_answered_by_the_fallback():
    assert bars(remote(every=DOWN), remote("fallback")).answered_by == dict.fromkeys(NAMES, "fallback")


def test_a_symbol_that_nobody_has_is_reported_with_what_the_primary_said():
    found = bars(remote(SIM0002=UNKNOWN), remote("fallback", SIM0002=UnknownSymbolError("nor does the fallback")))
    assert sorted(found.answered_by) == ["SIM0001", "SIM0003"]
    assert {symbol: (one.source, str(one.error)) for symbol, one in found.failures.items()} == {
        "SIM0002": ("remote", "remote does not know it")
    }


def test_of_several_failures_the_one_that_may_pass_is_reported():
    found = bars(remote(SIM0002=UNKNOWN), remote("fallback", SIM0002=SourceRateLimitError("too many requests")))
    assert found.failures["SIM0002"].source == "fallback"
    assert found.failures["SIM0002"].error.retryable


def test_a_local_source_that_misses_one_symbol_still_answers_for_the_others():
    """Its error names the missing symbols; the rest is asked again."""
    local = RemoteSource(PARAMETERS)
    found = gather(
        [local], [*NAMES, "NOPE"], lambda source, names: source.bars(names, date(2020, 1, 2), date(2020, 1, 31))
    )
    assert sorted(found.answered_by) == NAMES
    assert list(found.failures) == ["NOPE"]
    assert "does not have 'NOPE'" in str(found.failures["NOPE"].error)


def test_where_nothing_is_answered_the_error_that_may_pass_is_raised():
    nothing = bars(remote(SIM0001=UNKNOWN, SIM0002=UNKNOWN, SIM0003=UNKNOWN), remote("fallback", every=DOWN))
    assert (nothing.rows, nothing.answered_by) == (None, {})
    with pytest.raises(SourceUnavailableError, match="cannot be reached"):
        nothing.require_rows()
    with pytest.raises(UnknownSymbolError):
        bars(remote(SIM0001=UNKNOWN, SIM0002=UNKNOWN, SIM0003=UNKNOWN)).require_rows()


def test_each_symbol_that_fails_keeps_its_own_reason_also_where_all_fail():
    found = bars(remote(**{name: UnknownSymbolError(f"who is {name}?") for name in NAMES}))
    assert {name: str(one.error) for name, one in found.failures.items()} == {n: f"who is {n}?" for n in NAMES}
