"""Jumps that look like unrecorded splits: what is found, what is left alone, and how often on real prices."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.market_data.split_jumps import JumpRules, split_like_jumps
from trading_assets_tests.market_data.vendors import daily_actions, daily_deliveries
from trading_assets_tests.point_in_time.sample import actions, random_bars, real_bars, real_splits

FIRST = date(2016, 5, 2)
JUMP = 30

# What is found on the real set beside its own splits, looked up one by one. Wrong bars of the vendor: a price of a
# tenth, a fifth or so for a day.
WRONG_BARS = {"APFH", "GPT", "HIFR", "JHB", "LN", "NEE", "NGHCN", "PZRX", "QCP", "SHAK", "SPNE", "SUPV", "TCO", "TCON",
              "VNO"}  # fmt: skip
# Splits, and mergers or spin-offs with new shares, that the vendor has not, has on another day, or not for warrants.
NOT_RECORDED = {
    *("ABAC", "ABIO", "BIP", "CF", "CTIC", "DRWI", "DRYS", "EVHC", "FFWM", "GALE", "GOGL", "HT", "HTZ", "IDXG", "MTW"),
    *("NYLD", "OSN", "SJI", "SMT", "SQQQ", "TAL", "TIVO", "TVIZ", "VBIV", "VIIX", "XGTI", "XGTIW"),
}
# Splits that the vendor has a session or more too early.
WRONG_DAY = {"FRO", "HNSN", "ITUS", "JHX", "NBY", "NFLX", "RTK", "SQQQ", "VXDN", "VXUP"}
NEWS = {"BLVD", "LGCYP", "RBY", "RNVAZ", "ROIQW"}


def panel(ratio=1.0, *, volume_factor=None, on=JUMP, sessions=40, seed=0, volume=100_000):
    """A quiet name that splits: prices from a session on divided, volumes multiplied by the ratio."""
    bars = random_bars(["A"], sessions, seed, FIRST)
    close = 50 * (1 + 0.001 * pl.int_range(pl.len()) % 7)
    after = pl.int_range(pl.len()) >= on
    factor = pl.when(after).then(1 / ratio).otherwise(1.0)
    shares = pl.when(after).then(ratio if volume_factor is None else volume_factor).otherwise(1.0)
    return bars.with_columns(
        open=close * factor * 1.001, close=close * factor, volume=(volume * shares).cast(pl.Int64)
    ).with_columns(high=pl.max_horizontal("open", "close"), low=pl.min_horizontal("open", "close"))


def found(bars, *recorded, rules=None):
    return split_like_jumps(bars, actions(*recorded), rules).select("symbol", "date", "ratio").rows()


@pytest.mark.parametrize("ratio", [2.0, 3.0, 4.0, 5.0, 7.0, 10.0, 20.0, 1.5, 1.25, 0.5, 0.1, 0.05])
def test_a_split_that_nobody_recorded_is_found_with_its_ratio(ratio):
    bars = panel(ratio)
    assert found(bars) == [("A", bars["date"][JUMP], ratio)]


@pytest.mark.parametrize("ratio", [2.0, 1.5, 0.1])
def test_a_recorded_split_is_no_finding(ratio):
    bars = panel(ratio)
    assert found(bars, ("A", bars["date"][JUMP], "split", ratio)) == []


def test_a_recorded_distribution_of_that_size_is_no_finding():
    bars = panel(2.0)
    assert found(bars, ("A", bars["date"][JUMP], "dividend", 25.0)) == []


def test_a_split_recorded_for_the_wrong_session_is_found_on_both():
    bars = panel(4.0)
    wrong = ("A", bars["date"][JUMP - 3], "split", 4.0)
    assert found(bars, wrong) == [("A", bars["date"][JUMP - 3], 0.25), ("A", bars["date"][JUMP], 4.0)]


def test_a_crash_to_half_on_a_multiple_of_the_usual_money_is_news():
    assert found(panel(2.0, volume_factor=9.0)) == []
    assert found(panel(2.0, volume_factor=9.0), rules=JumpRules(most_value=5.0)) != []


def test_apples_crash_of_2000_is_no_split_and_its_real_splits_are():
    bars = real_bars("AAPL", "MSFT", "IBM", "GOOG")
    jumps = split_like_jumps(bars, actions())
    expected = real_splits().select("symbol", date="ex_date", ratio="value").sort("symbol", "date")
    assert_frame_equal(jumps.select("symbol", "date", "ratio"), expected)
    assert split_like_jumps(bars, real_splits()).is_empty()


def test_a_thin_name_and_a_new_name_are_not_judged():
    assert found(panel(2.0, volume=100)) == []
    assert found(panel(2.0, on=4)) == []
    assert found(panel(2.0, on=6)) != []


def test_the_message_says_what_was_seen_and_what_to_do():
    message = split_like_jumps(panel(1.5), actions())["message"].item()
    assert message.startswith("opened at 34.3677 after 51.45, adjusted for recorded actions: like a 3-for-2 split")
    assert "with 1.0 times the usual value traded. Add the action to the source" in message


def test_bars_that_cannot_be_compared_are_left_out():
    bars = panel(2.0).with_columns(
        open=pl.when(pl.col("date") == FIRST + timedelta(days=2)).then(0.0).otherwise("open")
    )
    assert len(found(bars)) == 1
    assert split_like_jumps(bars.clear(), actions()).schema == split_like_jumps(bars, actions()).schema


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 50), st.integers(6, 60), st.sampled_from([0.1, 0.5, 2.0, 3.0]), st.integers(8, 50))
def test_later_sessions_change_nothing_that_was_found_before(seed, cut, ratio, on):
    bars = random_bars(["A", "B"], 60, seed, FIRST)
    split = pl.when((pl.col("symbol") == "A") & (pl.col("date") >= bars["date"][on])).then(ratio).otherwise(1.0)
    bars = bars.with_columns(pl.col("open", "close") / split)
    day = bars["date"][min(cut, 59)]
    whole = split_like_jumps(bars, actions()).filter(pl.col("date") <= day)
    assert_frame_equal(split_like_jumps(bars.filter(pl.col("date") <= day), actions()), whole)


@pytest.mark.slow
@pytest.mark.usefixtures("without_coverage")
def test_on_the_real_set_most_splits_are_found_and_hardly_anything_else(shared_data, capsys):
    delivered = daily_deliveries(shared_data)
    bars = delivered.filter("is_session", pl.col("close") > 0)
    known = daily_actions(delivered)
    splits = known.filter(pl.col("kind") == "split").select("symbol", date="ex_date")
    overnight = (pl.col("open") / pl.col("close").shift(1).over("symbol")).log().abs()
    visible = bars.filter(overnight > 0.2).join(splits, on=["symbol", "date"], how="semi")

    jumps = split_like_jumps(bars, known.filter(pl.col("kind") == "dividend"))
    real, others = (jumps.join(splits, on=["symbol", "date"], how=how) for how in ("semi", "anti"))
    false = others.filter(pl.col("symbol").is_in(NEWS))
    with capsys.disabled():
        print(  # noqa: T201
            f"\nsplits found without their actions: {real.height} of {visible.height} that moved the price; others: "
            f"{others.height}, of them {false.height} false, in {bars.height} bars"
        )
    assert (splits.height, visible.height) == (345, 327)
    assert real.height >= 0.7 * visible.height
    assert set(others["symbol"]) <= WRONG_BARS | NOT_RECORDED | NEWS
    assert false.height <= 5
    splitting = bars.join(splits, on="symbol", how="semi")
    mistaken = split_like_jumps(splitting, known).join(splits, on=["symbol", "date"], how="semi")
    assert set(mistaken["symbol"]) == WRONG_DAY
