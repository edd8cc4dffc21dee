# ruff: noqa: DTZ001 - times without a zone are what some sources deliver
import datetime as dt
import json
from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trading_assets.lake.contracts.contract import CONFLICT, DUPLICATE, Contract, column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.lake.errors import ContractError
from trading_assets.market_data.contract import BARS_DAILY, BARS_MINUTE, CORPORATE_ACTIONS
from trading_assets_tests.lake.examples import DAYS, bars


def rules_of(split):
    return split.quarantined["rule"].to_list()


def test_frame_that_holds_its_contract_comes_back_in_key_order():
    given_rows = pl.concat([bars("B"), bars("A")])
    split = BARS_DAILY.split(given_rows)
    assert split.good.equals(given_rows.sort("symbol", "date"))
    assert split.quarantined.is_empty()
    assert split.quarantined.schema == BARS_DAILY.quarantine_schema


@given(order=st.permutations(range(2 * len(bars("A")))))
@settings(max_examples=50, deadline=None)
def test_rows_come_in_key_order_however_they_are_given(order):
    ordered = pl.concat([bars("A"), bars("B")])
    assert BARS_DAILY.split(ordered).good.equals(ordered)
    assert BARS_DAILY.split(ordered[order]).good.equals(ordered)


def test_columns_are_cast_and_reordered_and_unknown_ones_left_out():
    given_rows = bars("A").with_columns(
        pl.col("date").cast(pl.String), pl.col("volume").cast(pl.Float64), extra=pl.lit(1)
    )
    good = BARS_DAILY.split(given_rows.select(sorted(given_rows.columns))).good
    assert good.schema == BARS_DAILY.schema
    assert good.equals(bars("A"))


def test_nan_and_infinity_become_null():
    split = DAYS.split(
        pl.DataFrame(
            {
                "symbol": ["A", "B"],
                "date": [date(2024, 1, 2)] * 2,
                "count": [float("nan"), 3.0],
                "note": [None, "x"],
            }
        )
    )
    assert split.good["count"].to_list() == [None, 3]
    broken = BARS_DAILY.split(bars("A", days=2).with_columns(close=pl.Series([float("inf"), float("nan")])))
    assert broken.good.is_empty()
    assert all("close: not_nullable" in rule for rule in rules_of(broken))


def test_quarantined_row_keeps_its_key_the_rule_and_what_was_delivered():
    given_rows = bars("A", days=2).with_columns(high=pl.Series([11.0, 9.5]), extra=pl.Series(["kept", "too"]))
    split = BARS_DAILY.split(given_rows)
    assert split.good.height == 1
    (row,) = split.quarantined.to_dicts()
    assert (row["symbol"], row["date"]) == ("A", date(2024, 1, 2))
    assert row["rule"] == "high is below open, close or low"
    assert json.loads(row["row"]) == {
        "symbol": "A", "date": "2024-01-02", "open": 10.0, "high": 9.5, "low": 9.0, "close": 10.0, "volume": 100,
        "source": "test", "adjustment": None, "feed": None, "extra": "too",
    }  # fmt: skip


def test_row_that_breaks_several_rules_is_quarantined_once_with_all_of_them():
    split = BARS_DAILY.split(bars("A", days=1).with_columns(close=-1.0, source=None))
    assert rules_of(split) == ["close: greater_than(0); low is above open, close or high; source: not_nullable"]


@pytest.mark.parametrize(
    ("name", "values", "rule"),
    [
        ("date", ["2024-01-01", "01/02/2024"], "date: not of type DATE"),
        ("date", [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2, 10, 30)], "date: not of type DATE"),
        ("volume", [100.0, 100.5], "volume: not of type BIGINT"),
        ("volume", ["100", "many"], "volume: not of type BIGINT"),
        ("close", ["10", "ten"], "close: not of type DOUBLE"),
        ("symbol", ["A", ""], "symbol: str_length"),
        ("close", [10.0, -1.0], "close: greater_than(0)"),
        ("low", [9.0, 12.0], "low is above open, close or high"),
    ],
)
def test_only_the_row_that_breaks_a_rule_is_quarantined(name, values, rule):
    split = BARS_DAILY.split(bars("A", days=2).with_columns(pl.Series(name, values)))
    assert split.good.height == 1
    assert len(rules_of(split)) == 1
    assert rule in rules_of(split)[0]


def test_further_rules_of_a_write_name_the_rows_they_are_true_for():
    future = {"date: lies in the future": pl.col("date") > date(2024, 1, 3)}
    split = BARS_DAILY.split(bars("A", days=5), future)
    assert split.good["date"].max() == date(2024, 1, 3)
    assert rules_of(split) == ["date: lies in the future"] * 2


def test_identical_rows_keep_the_first():
    split = BARS_DAILY.split(pl.concat([bars("A", days=2), bars("A", days=1), bars("A", days=1)]))
    assert split.good.equals(bars("A", days=2))
    assert rules_of(split) == [DUPLICATE, DUPLICATE]


def test_rows_that_disagree_about_a_key_are_all_quarantined():
    split = BARS_DAILY.split(pl.concat([bars("A", days=2), bars("A", days=1, price=11.0)]))
    assert split.good["date"].to_list() == [date(2024, 1, 2)]
    assert rules_of(split) == [CONFLICT, CONFLICT]


def test_zeros_of_both_signs_are_one_value():
    rows = pl.DataFrame({"symbol": "A", "value": [0.0, -0.0], "day": date(2024, 1, 1)})

    class Model(pa.DataFrameModel):
        """Zeros."""

        symbol: str = column("ticker")
        value: float = column("figure")

    split = Contract(Model, "testing.zeros", key=("symbol",)).split(rows)
    assert split.good.height == 1
    assert str(split.good["value"][0]) == "0.0"
    assert rules_of(split) == [DUPLICATE]
    assert str(Contract(Model, "testing.zeros", key=("symbol",)).split(rows[1:]).good["value"][0]) == "0.0"


def test_missing_column_is_an_error_that_names_it():
    with pytest.raises(ContractError, match=r"market_data\.bars_daily: the frame lacks the columns \['close'\]"):
        BARS_DAILY.split(bars("A").drop("close"))


@pytest.mark.parametrize(
    ("name", "values"), [("close", [[1.0]]), ("date", [20240102]), ("volume", [b"1"]), ("close", [{"a": 1}])]
)
def test_type_that_cannot_be_cast_at_all_is_an_error_that_names_the_column(name, values):
    with pytest.raises(ContractError, match=f"{name}: .* cannot be stored as"):
        BARS_DAILY.split(bars("A", days=1).with_columns(pl.Series(name, values)))


def test_column_without_sql_type_is_an_error_that_names_it():
    class Model(pa.DataFrameModel):
        """Lists."""

        symbol: str = column("ticker")
        values: pl.List(pl.Int64) = column("list")  # type: ignore[valid-type]

    with pytest.raises(ContractError, match=r"testing\.lists\.values: no SQL type"):
        _ = Contract(Model, "testing.lists", key=("symbol",)).columns


def test_a_rejected_row_is_quarantined_by_the_rule_that_it_comes_with_alone():
    frame = bars("A", days=3).with_row_index("place").with_columns(
        close=pl.when(pl.col("place") == 0).then(-1.0).otherwise("close"),
        rejected=pl.when(pl.col("place") < 2).then(pl.lit("symbol: of no name")),
    ).drop("place")  # fmt: skip
    split = BARS_DAILY.split(frame)
    assert split.good["date"].to_list() == [date(2024, 1, 3)]
    assert rules_of(split) == ["symbol: of no name"] * 2
    assert all("rejected" not in json.loads(row) for row in split.quarantined["row"])


def test_the_same_row_is_quarantined_as_the_same_json_whether_others_are_rejected_or_not():
    bad = bars("A", days=1).with_columns(close=pl.lit(-1.0))
    alone = BARS_DAILY.split(bad).quarantined
    nothing = BARS_DAILY.split(bad.with_columns(rejected=pl.lit(None, dtype=pl.String))).quarantined
    assert nothing.equals(alone)


def test_columns_tell_type_unit_rules_and_meaning():
    close = next(column for column in BARS_DAILY.columns if column.name == "close")
    assert (close.sql_type, close.unit, close.nullable) == ("DOUBLE", "currency per share", False)
    assert close.rules == ("greater_than(0)",)
    assert close.description == "last price"
    assert BARS_DAILY.meaning.startswith("Raw daily bars")
    assert [c.sql_type for c in CORPORATE_ACTIONS.columns][-2:] == ["TIMESTAMPTZ", "VARCHAR"]


def test_empty_frame_has_the_schema_of_the_contract():
    assert BARS_DAILY.split(BARS_DAILY.empty()).good.schema == BARS_DAILY.schema


prices = st.sampled_from([None, float("nan"), float("inf"), -1.0, -0.0, 0.0, 9.0, 10.0, 11.0, 1e308])
rows = st.lists(
    st.tuples(
        st.sampled_from(["A", "B", "", None]),
        st.sampled_from([None, "2024-01-02", "2024-01-03", "2024-02-30", "soon"]),
        prices, prices, prices, prices,
        st.sampled_from([None, 0.0, 1.5, 100.0, -5.0, 1e300]),
        st.sampled_from(["x", None]),
    ),
    max_size=12,
)  # fmt: skip


def test_a_naive_time_is_refused_for_a_moment():
    frame = pl.DataFrame({"symbol": ["A"], "ts": [dt.datetime(2024, 1, 2, 9, 30)]})
    others = {name: pl.lit(None) for name in BARS_MINUTE.schema if name not in frame.columns}
    with pytest.raises(ContractError, match=r"bars_minute.ts: .*a time without a zone names no moment"):
        BARS_MINUTE.split(frame.with_columns(**others))


@settings(max_examples=40, deadline=None)
@given(rows)
def test_no_row_is_lost_and_good_rows_hold_the_contract(drawn):
    types = [pl.String, pl.String, *[pl.Float64] * 5, pl.String]
    given_rows = pl.DataFrame(drawn, schema=dict(zip(BARS_DAILY.schema, types, strict=False)), orient="row")
    frame = given_rows.with_columns(adjustment=pl.lit(None), feed=pl.lit(None))
    split = BARS_DAILY.split(frame)
    assert split.good.height + split.quarantined.height == frame.height
    assert split.quarantined["rule"].null_count() == split.quarantined["row"].null_count() == 0
    assert not split.good.select("symbol", "date").is_duplicated().any()
    again = BARS_DAILY.split(split.good)
    assert again.quarantined.is_empty()
    assert again.good.equals(split.good)
    delivered = sorted(json.dumps(json.loads(row)["date"]) for row in split.quarantined["row"])
    assert sorted(delivered + [json.dumps(str(day)) for day in split.good["date"]]) == sorted(
        json.dumps(day) for day in frame["date"]
    )
