"""The same bars from two sources: what differs by more than the tolerance, and what only one of them has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import pytest

from trading_assets.market_data.contract import SOURCE_COMPARISON
from trading_assets.market_data.quality import QualityRules, compare_bars, other_bars
from trading_assets.market_data.sources import (
    PartialAnswerError,
    SourceError,
    SourceRateLimitError,
    SourceUnavailableError,
    UnknownSymbolError,
)
from trading_assets_tests.market_data.quality.panels import SESSIONS, at, clean_bars, scaled

DAYS = SESSIONS[:10]
STORED = clean_bars(["AAA", "BBB"], DAYS)
RULES = QualityRules()


def compared(stored: pl.DataFrame, other: pl.DataFrame, rules: QualityRules = RULES) -> pl.DataFrame:
    return compare_bars(stored, other, rules, other_source="second")


def changed(name: str, by: float, day: date = DAYS[4]) -> pl.DataFrame:
    value = (pl.col(name) * by).cast(STORED.schema[name])
    return STORED.with_columns(pl.when(at("BBB", day)).then(value).otherwise(name).alias(name))


def test_equal_bars_have_no_row() -> None:
    assert compared(STORED, STORED).is_empty()
    assert compared(STORED, STORED).schema == SOURCE_COMPARISON.empty().schema


@pytest.mark.parametrize("name", ["open", "high", "low", "close"])
def test_a_price_past_half_a_per_cent_is_a_row_with_both_values(name: str) -> None:
    assert compared(STORED, changed(name, 1.0049)).is_empty()
    rows = compared(STORED, changed(name, 1.01))
    value = STORED.filter(at("BBB", DAYS[4]))[name][0]
    assert rows.drop("stored", "other", "difference").rows() == [("BBB", DAYS[4], name, "test", "second")]
    assert rows.select("stored", "other", "difference").row(0) == pytest.approx((value, value * 1.01, 1 - 1 / 1.01))


def test_the_volume_may_differ_by_five_per_cent() -> None:
    assert compared(STORED, changed("volume", 1.049)).is_empty()
    assert compared(STORED, changed("volume", 0.94))["field"].to_list() == ["volume"]
    assert compared(STORED, changed("volume", 0.94), QualityRules(volume_tolerance=0.07)).is_empty()


def test_a_bar_that_only_one_of_them_has_is_a_row() -> None:
    rows = compared(STORED.filter(~at("AAA", DAYS[2])), STORED.filter(~at("BBB", DAYS[7])))
    assert rows.select("symbol", "date", "field", "stored_source", "difference").rows() == [
        ("AAA", DAYS[2], "presence", None, None),
        ("BBB", DAYS[7], "presence", "test", None),
    ]
    assert rows["stored"].is_null().to_list() == [True, False]
    assert rows["other"].is_null().to_list() == [False, True]


def test_a_value_that_the_other_source_lacks_is_a_row_without_a_difference() -> None:
    other = STORED.with_columns(close=pl.when(at("BBB", DAYS[4])).then(None).otherwise("close"))
    assert compared(STORED, other).select("field", "other", "difference").rows() == [("close", None, None)]


def test_bars_without_volume_on_both_sides_agree() -> None:
    nothing = STORED.with_columns(volume=pl.lit(0, dtype=pl.Int64))
    assert compared(nothing, nothing).is_empty()
    assert compared(nothing, STORED)["difference"].unique().to_list() == [1.0]


def test_which_one_is_stored_does_not_change_what_differs() -> None:
    other = scaled(STORED, at("AAA", DAYS[1]), 1.3, volume=2.0)
    there, back = compared(STORED, other), compared(other, STORED)
    assert there.select("symbol", "date", "field").equals(back.select("symbol", "date", "field"))
    assert there["difference"].to_list() == pytest.approx(back["difference"].to_list())
    assert there["stored"].to_list() == back["other"].to_list()


# --- asking the other source ------------------------------------------------------------------------------------------


@dataclass
class Other:
    """A source that knows some names, and fails for others as it is told."""

    known: Sequence[str] = ("AAA", "BBB")
    failing: Mapping[str, SourceError] = field(default_factory=dict)
    name: str = "other"

    def symbols(self) -> pl.DataFrame:
        return pl.DataFrame({"symbol": list(self.known)})

    def bars(self, symbols: Sequence[str], start: date, end: date, interval: str = "1d") -> pl.DataFrame:
        if not set(symbols) <= set(self.known):
            raise UnknownSymbolError("one of them is not known")
        failures = {symbol: error for symbol, error in self.failing.items() if symbol in symbols}
        rows = STORED.filter(
            pl.col("symbol").is_in(symbols) & ~pl.col("symbol").is_in(list(failures)),
            pl.col("date").is_between(start, end),
        )
        if failures:
            raise PartialAnswerError(rows, failures)
        return rows


def test_a_name_that_the_other_source_does_not_have_keeps_no_other_name_from_it() -> None:
    rows, failures = other_bars(Other(), ["AAA", "NOPE", "BBB"], DAYS[0], DAYS[-1])
    assert rows.equals(STORED)
    assert {name: str(error) for name, error in failures.items()} == {"NOPE": "source 'other' does not have NOPE"}


def test_a_partial_answer_is_used_and_its_failures_are_told() -> None:
    limited = Other(failing={"AAA": SourceRateLimitError("later")})
    for names, failed in ((["AAA", "BBB"], {"AAA"}), (["AAA", "NOPE", "BBB"], {"AAA", "NOPE"})):
        rows, failures = other_bars(limited, names, DAYS[0], DAYS[-1])
        assert rows["symbol"].unique().to_list() == ["BBB"]
        assert set(failures) == failed


@pytest.mark.parametrize("error", [SourceUnavailableError("no answer"), UnknownSymbolError("of a name it lists")])
def test_where_the_other_source_cannot_be_asked_no_name_is_compared(error: SourceError) -> None:
    class Down(Other):
        def bars(self, *asked: object, **how: object) -> pl.DataFrame:
            raise error

    rows, failures = other_bars(Down(), ["AAA", "BBB"], DAYS[0], DAYS[-1])
    assert rows.is_empty()
    assert failures == {"AAA": error, "BBB": error}
    assert compared(STORED.clear(), rows).is_empty()
