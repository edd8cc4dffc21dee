"""Primary and fallbacks: each symbol comes from the first source that has it, and a failure is reported once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl
import pytest

from trading_assets.lake import Scope
from trading_assets.market_data.ingest.fetch import CatchAll, fetch, read_bars
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


def bars(*sources, names=NAMES):
    request = Scope({"symbol": tuple(names)}, "date", date(2020, 1, 2), date(2020, 2, 1))
    return fetch(sources, request, lambda source, part: source.bars(part.values["symbol"], *part.window()))


def test_the_primary_alone_is_requested_if_it_answers():
    primary, fallback = remote(), remote("fallback")
    found = bars(primary, fallback)
    assert found.answered_by == dict.fromkeys(NAMES, "remote")
    assert (found.rows["source"].unique().to_list(), found.failures) == (["remote"], {})
    assert fallback.asked == []


def test_the_fallback_is_requested_for_what_the_primary_lacks_alone():
    fallback = remote("fallback")
    found = bars(remote(SIM0002=UNKNOWN), fallback)
    assert found.answered_by == {"SIM0001": "remote", "SIM0002": "fallback", "SIM0003": "remote"}
    assert [asked[0] for asked in fallback.asked] == [("SIM0002",)]
    assert set(found.rows.select("symbol", "source").unique().rows()) == set(found.answered_by.items())
    assert found.failures == {}


def test_an_outage_of_the_primary_is_answered_by_the_fallback():
    assert bars(remote(every=DOWN), remote("fallback")).answered_by == dict.fromkeys(NAMES, "fallback")


def test_a_symbol_that_nobody_has_is_reported_with_the_error_of_the_primary():
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
    """Its error names the missing symbols; the rest is requested again."""
    found = bars(RemoteSource(PARAMETERS), names=[*NAMES, "NOPE"])
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


# --- which rows a request takes

CATCH_ALL = CatchAll("AAA", date(2014, 1, 1))
KNOWN = (date(1990, 1, 2), date(2016, 6, 30))
ROWS = [
    ("AAA", date(2014, 3, 3)),
    ("AAA", date(2015, 3, 3)),
    ("BBB", date(2014, 3, 3)),
    ("AAA", None),
    ("BBB", None),
    (None, date(2015, 3, 3)),
    (None, None),
    ("AAA", date(1066, 10, 14)),
    ("BBB", date(2199, 1, 2)),
    (None, date(2199, 1, 2)),
]


def scope(year: int, *symbols: str, until: int | None = None) -> Scope:
    return Scope({"symbol": symbols}, "date", date(year, 1, 1), date((until or year) + 1, 1, 1))


@dataclass(frozen=True)
class Rows:
    """A source of bare rows: like any, it returns rows without a readable date or symbol for every request."""

    name = "rows"
    is_remote = False

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: str = "1d") -> pl.DataFrame:
        wanted = [
            (symbol, day)
            for symbol, day in ROWS
            if (symbol is None or symbol in symbols) and (day is None or start <= day <= end)
        ]
        return pl.DataFrame(wanted, schema={"symbol": pl.String, "date": pl.Date}, orient="row")


def taken(where: Scope) -> list[tuple[str | None, date | None]]:
    return read_bars(Rows(), where, catch_all=CATCH_ALL, known=KNOWN, interval="1d").rows()


def test_each_row_is_taken_by_exactly_one_partition() -> None:
    places = [(year, symbol) for year in (2014, 2015, 2016) for symbol in ("AAA", "BBB")]
    found = [row for year, symbol in places for row in taken(scope(year, symbol))]
    assert sorted(map(str, found)) == sorted(map(str, ROWS))


def test_one_range_takes_the_rows_of_all_its_partitions() -> None:
    assert sorted(map(str, taken(scope(2014, "AAA", "BBB", until=2016)))) == sorted(map(str, ROWS))


def test_rows_without_a_possible_date_belong_to_the_first_year() -> None:
    assert taken(scope(2014, "BBB")) == [("BBB", date(2014, 3, 3)), ("BBB", None), ("BBB", date(2199, 1, 2))]
    assert taken(scope(2016, "BBB")) == []


def test_rows_without_a_symbol_belong_to_the_first_name() -> None:
    assert (None, date(2015, 3, 3)) in taken(scope(2015, "AAA"))
    assert taken(scope(2015, "BBB")) == []


def test_rows_after_the_lake_that_can_be_bars_are_not_taken() -> None:
    """The history of the lake may end before that of its source."""
    known = (KNOWN[0], date(2199, 1, 2))
    found = read_bars(Rows(), scope(2014, "BBB"), catch_all=CATCH_ALL, known=known, interval="1d")
    assert date(2199, 1, 2) not in found["date"].to_list()
