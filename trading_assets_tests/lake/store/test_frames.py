from datetime import UTC, date, datetime

import polars as pl
import pytest

from trading_assets.lake import LakeFrame, Scope
from trading_assets.lake.errors import ContractError, UpstreamNotReadyError
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_DAILY, SYMBOLS
from trading_assets_tests.lake.examples import EVENTS, bars, symbol_years

ALL = pl.concat([bars("A"), bars("B"), bars("A", year=2025), bars("B", year=2025)]).sort("symbol", "date")


@pytest.fixture(scope="module")
def frame(module_lake):
    replace(module_lake, BARS_DAILY, ALL.filter(symbol="B"), symbol_years("B", until=2026))
    replace(module_lake, BARS_DAILY, ALL.filter(symbol="A"), symbol_years("A", until=2026))
    return LakeFrame(module_lake, BARS_DAILY)


def test_whole_table_has_the_contracts_types_and_key_order(frame):
    assert frame.read().equals(ALL)


def test_reads_only_the_columns_asked_for_in_their_order(frame):
    assert frame.read(["close", "symbol"]).equals(ALL.select("close", "symbol"))


def test_rows_are_in_key_order_even_without_the_key_columns(frame):
    assert frame.read(["date"])["date"].to_list() == ALL["date"].to_list()


def test_window_includes_both_days(frame):
    found = frame.read(start=date(2024, 1, 2), end=date(2024, 1, 4), symbol="A")
    assert found["date"].to_list() == [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)]
    assert frame.read(start=date(2025, 1, 3))["date"].min() == date(2025, 1, 3)
    assert frame.read(end=date(2024, 1, 3))["date"].max() == date(2024, 1, 3)


def test_last_day_of_a_window_of_moments_is_whole(lake):
    moments = [datetime(2024, 1, 1, 23, 59, 59, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)]
    rows = pl.DataFrame({"symbol": "A", "ts": moments, "value": 1.0, "is_final": True})
    replace(lake, EVENTS, rows, Scope({"symbol": ("A",)}, "ts", date(2024, 1, 1), date(2025, 1, 1)))
    found = LakeFrame(lake, EVENTS).read(start=date(2024, 1, 1), end=date(2024, 1, 1))
    assert found["ts"].to_list() == moments[:1]


@pytest.mark.parametrize(
    ("symbol", "found"),
    [("A", {"A"}), (["A", "B"], {"A", "B"}), (("B",), {"B"}), (None, {"A", "B"}), ([], set()), ("'", set())],
)
def test_dimension_takes_one_value_several_or_any(frame, symbol, found):
    assert set(frame.read(symbol=symbol)["symbol"]) == found


def test_table_that_has_not_been_written_is_empty_with_types(lake):
    found = LakeFrame(lake, BARS_DAILY).read(["symbol", "close"], start=date(2024, 1, 1), symbol="A")
    assert found.is_empty()
    assert found.schema == {"symbol": pl.String, "close": pl.Float64}


def test_unknown_column_is_an_error_that_names_the_known_ones(frame):
    with pytest.raises(ContractError, match="bars_daily has no column adjusted; it has symbol, date, open"):
        frame.read(["adjusted"])
    with pytest.raises(ContractError, match="no column sector"):
        frame.read(sector="energy")


def test_window_of_a_table_without_time_is_an_error(lake):
    with pytest.raises(ContractError, match=r"market_data\.symbols has no time column"):
        LakeFrame(lake, SYMBOLS).read(start=date(2024, 1, 1))


def test_missing_partitions_are_listed_with_what_to_do(frame):
    frame.require_written(["2024|A", "2025|B"], for_what="features.technical")
    wanted = [f"{year}|C" for year in range(2010, 2017)]
    with pytest.raises(UpstreamNotReadyError) as error:
        frame.require_written([*wanted, "2024|A"], for_what="features.technical of C")
    assert str(error.value) == (
        "features.technical of C needs partitions of market_data.bars_daily that have not been written yet: "
        "2010|C, 2011|C, 2012|C, 2013|C, 2014|C and 2 more. Materialise them first, or include them in the backfill"
    )


def test_partition_written_without_rows_counts_as_written(lake):
    replace(lake, BARS_DAILY, BARS_DAILY.empty(), symbol_years("A"))
    LakeFrame(lake, BARS_DAILY).require_written(["2024|A"], for_what="anything")
