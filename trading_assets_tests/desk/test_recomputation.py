"""What is computed again to prove that nothing looks ahead or reads more history than it declares."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from trading_assets.desk.checks import violations_result
from trading_assets.desk.recomputation import Recomputation
from trading_assets.lake import Scope
from trading_assets.point_in_time.explain import in_words

DAYS = [date(2024, 1, 2) + timedelta(days=i) for i in range(12)]
ROWS = pl.DataFrame({"symbol": "A", "date": DAYS, "close": [float(i * i) for i in range(12)]})
MINUTES = pl.DataFrame(
    {
        "symbol": "A",
        "ts": [datetime(2024, 1, 2, 15, minute, tzinfo=UTC) for minute in range(12)],
        "date": date(2024, 1, 2),
        "close": [float(i * i) for i in range(12)],
    }
)


def again(inputs, *columns, rows=ROWS, time="date", **options):
    def compute(frames):
        return frames["bars"].select("symbol", time, *columns)

    stored, dated = compute({"bars": rows}), {"bars": time}
    return Recomputation(compute, {"bars": inputs}, stored, dated, dated, key=("symbol", time), time=time, **options)


def test_both_laws_share_what_the_code_gives_now():
    computed = []

    def compute(frames):
        computed.append(frames["bars"] is ROWS)
        return frames["bars"].select("symbol", "date", value=pl.col("close"))

    one = Recomputation(compute, {"bars": ROWS}, compute({"bars": ROWS}), {"bars": "date"}, {"bars": "date"})
    computed.clear()
    assert one.look_ahead(Scope()).is_empty()
    assert one.warm_up().is_empty()
    assert computed.count(True) == 1


def test_each_column_is_held_to_the_look_back_that_it_declares():
    short, long = (pl.col("close").rolling_mean(n).alias(name) for n, name in ((3, "short"), (5, "long")))
    assert again(ROWS, short, long, lookback={"short": 2, "long": 4}).warm_up().is_empty()
    assert again(ROWS, short, long, lookback={"short": 2, "long": 3}).warm_up()["column"].to_list() == ["long"]
    assert again(ROWS, short, long, lookback={"short": 1, "long": 4}).warm_up()["column"].to_list() == ["short"]
    assert again(ROWS, short, lookback={}).warm_up()["column"].to_list() == ["short"]


def test_bars_within_a_session_are_cut_within_the_session():
    volume_of_the_session = pl.col("close").sum().over("symbol").alias("total")
    so_far = pl.col("close").cum_sum().over("symbol").alias("total")
    leaky = again(MINUTES, volume_of_the_session, rows=MINUTES, time="ts")
    assert leaky.look_ahead(Scope())["column"].unique().to_list() == ["total"]
    assert again(MINUTES, so_far, rows=MINUTES, time="ts").look_ahead(Scope()).is_empty()


def test_the_last_bar_of_a_session_is_held_to_its_look_back():
    mean = pl.col("close").rolling_mean(4).alias("mean")
    assert again(MINUTES, mean, rows=MINUTES, time="ts", lookback=3).warm_up().is_empty()
    assert again(MINUTES, mean, rows=MINUTES, time="ts", lookback=2).warm_up()["column"].to_list() == ["mean"]


def test_a_failed_check_names_the_column_the_cut_and_the_first_row():
    tomorrow = again(ROWS, pl.col("close").shift(-1).alias("tomorrow")).look_ahead(Scope())
    said = violations_result(tomorrow, in_words).description
    assert "tomorrow looks ahead: values up to 2024-01-03 change when what became known later is removed" in said
    assert "(1 row(s), first A, 2024-01-03: 4.0 becomes None)" in said


def test_a_look_back_declared_too_short_is_named_with_its_length():
    mean = again(ROWS, pl.col("close").rolling_mean(5).alias("mean"), lookback={"mean": 3}).warm_up()
    said = violations_result(mean, in_words).description
    assert "mean reads more than the 3 rows before its own that it declares: values of 2024-01-13 change" in said
    assert "first A, 2024-01-13: " in said


def test_a_stored_value_that_differs_is_named_with_its_row():
    other = ROWS.with_columns(pl.when(pl.col("date") == DAYS[4]).then(-1.0).otherwise("close").alias("close"))
    said = violations_result(again(ROWS, "close", rows=other).look_ahead(Scope()), in_words).description
    assert "symbol A, date 2024-01-06, mode stored value is not what the code computes, column close" in said
