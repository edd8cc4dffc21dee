from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import PCA

from trading_assets.point_in_time.lookahead import ROWS, lookahead_violations, pick_cuts
from trading_assets.point_in_time.warm_up import warmup_violations
from trading_assets_tests.point_in_time.sample import random_bars, weekdays

KEY = ["symbol", "date"]
CLOSE, RETURN = pl.col("close"), pl.col("close").log().diff().over("symbol")


def panel():
    """Six names, two of which stop trading early."""
    bars = random_bars("ABCDEF", 330)
    ends = pl.col("symbol").replace_strict({"E": date(2015, 3, 3), "F": date(2014, 12, 30)}, default=date(2099, 1, 1))
    return bars.filter(pl.col("date") <= ends)


def figures():
    """Quarterly figures that become known 40 days after the quarter has ended."""
    ends = [date(2014, 6, 30), date(2014, 9, 30), date(2014, 12, 31), date(2015, 3, 31), date(2015, 6, 30)]
    rows = [(s, end, end + timedelta(days=40), 1.0 + i + ord(s)) for s in "ABCDEF" for i, end in enumerate(ends)]
    return pl.DataFrame(rows, schema=["symbol", "end_date", "known_on", "earnings"], orient="row")


INPUTS = {"bars": panel(), "figures": figures()}
KNOWN_ON = {"bars": "date", "figures": "known_on"}
CUTS = pick_cuts(INPUTS["bars"]["date"], 20)


def violations(compute, inputs=INPUTS, **options):
    settings = {"known_on": KNOWN_ON, "key": KEY, "cuts": CUTS, "poison_seed": 7, **options}
    return lookahead_violations(compute, inputs, **settings)


def feature(expression):
    return lambda inputs: inputs["bars"].sort(KEY).select(*KEY, value=expression)


def numpy_gradient(inputs):
    groups = inputs["bars"].sort(KEY).partition_by("symbol")
    return pl.concat(
        [g.select(*KEY, value=pl.Series(np.gradient(g["close"].to_numpy()))) for g in groups if g.height > 1]
    )


def target_encoding(inputs):
    """Mean next-day return of each weekday over the whole sample."""
    known = (
        inputs["bars"]
        .sort(KEY)
        .with_columns(target=RETURN.shift(-1).over("symbol"), weekday=pl.col("date").dt.weekday())
    )
    return known.select(*KEY, value=pl.col("target").mean().over("weekday"))


def left_labelled_resample(inputs):
    """A week's last close under the date of its Monday, joined to the days of that week."""
    weekly = (
        inputs["bars"]
        .sort(KEY)
        .group_by_dynamic("date", every="1w", label="left", group_by="symbol")
        .agg(week=CLOSE.last())
    )
    return inputs["bars"].sort("date").join_asof(weekly.sort("date"), on="date", by="symbol").select(*KEY, value="week")


def join_on_period_end(inputs):
    """Figures joined by the quarter's end instead of the day on which they became known."""
    known = inputs["figures"].sort("end_date")
    joined = inputs["bars"].sort("date").join_asof(known, left_on="date", right_on="end_date", by="symbol")
    return joined.select(*KEY, value="earnings")


def full_sample_pca(inputs):
    wide = (
        inputs["bars"]
        .filter(pl.col("symbol").is_in(["A", "B", "C", "D"]))
        .pivot("symbol", index="date", values="close")
    )
    prices = wide.sort("date").drop_nulls()
    scores = PCA(1, svd_solver="full").fit_transform(prices.drop("date").to_numpy())[:, 0]
    return prices.select(pl.lit("PC1").alias("symbol"), "date", value=pl.Series(scores))


def survivors_mean(inputs):
    """A cross-sectional statistic over the names that still trade at the end."""
    bars = inputs["bars"].sort(KEY)
    alive = bars.filter(pl.col("date") == pl.col("date").max())["symbol"].implode()
    return bars.with_columns(r=RETURN).select(
        *KEY, value=pl.col("r") - pl.col("r").filter(pl.col("symbol").is_in(alive)).mean().over("date")
    )


def survivors_only(inputs):
    """No value is wrong, but the rows of names that died are gone."""
    bars = inputs["bars"].sort(KEY)
    alive = bars.filter(pl.col("date") == pl.col("date").max())["symbol"].implode()
    return bars.filter(pl.col("symbol").is_in(alive)).select(*KEY, value="close")


def latest_restatement(inputs):
    """The last known figure of a name under all of its dates."""
    last = inputs["figures"].sort("known_on").group_by("symbol", maintain_order=True).agg(pl.col("earnings").last())
    return inputs["bars"].join(last, on="symbol").select(*KEY, value="earnings")


def quotes():
    """The open and the close of each session, each known at its own moment."""
    opened = INPUTS["bars"].select("symbol", "date", time=pl.time(14, 30), price="open")
    closed = INPUTS["bars"].select("symbol", "date", time=pl.time(21, 0), price="close")
    return pl.concat([opened, closed]).select(
        "symbol", "price", known_at=pl.col("date").dt.combine(pl.col("time")).dt.replace_time_zone("UTC")
    )


def openings_and_decisions(inputs):
    """Prices at the open, and at the close whether to buy: where it has risen from the close before."""
    prices, hour = inputs["quotes"].sort("known_at", "symbol"), pl.col("known_at").dt.hour()
    decisions = prices.filter(hour == 21).with_columns(buys=(pl.col("price").diff() > 0).over("symbol"))
    return prices.filter(hour == 14), decisions.select("symbol", "known_at", "buys")


def same_bar_fill(inputs):
    """Fills at the open of the session whose close decided."""
    day = pl.col("known_at").dt.date().alias("date")
    opened, decided = (frame.with_columns(day) for frame in openings_and_decisions(inputs))
    return opened.join(decided.drop("known_at"), on=["symbol", "date"], how="left").drop("date")


def next_bar_fill(inputs):
    """Fills at the first open after the close that decided."""
    opened, decided = openings_and_decisions(inputs)
    return opened.join_asof(decided, on="known_at", by="symbol")


def fill_violations(compute):
    return lookahead_violations(
        compute,
        {"quotes": quotes()},
        known_on={"quotes": "known_at"},
        key=["symbol", "known_at"],
        date_column="known_at",
        # the session has opened and not closed
        cuts=[datetime.combine(cut, time(17, 0), UTC) for cut in CUTS],
        poison_seed=7,
    )


LEAKS = {
    "shift back": feature(CLOSE.shift(-1).over("symbol")),
    "centred window": feature(CLOSE.rolling_mean(5, center=True).over("symbol")),
    "backfill": feature(pl.when(pl.col("date").dt.weekday() == 5).then(CLOSE).backward_fill().over("symbol")),
    "global z-score": feature(((CLOSE - CLOSE.mean()) / CLOSE.std()).over("symbol")),
    "numpy gradient": numpy_gradient,
    "same-day label": feature((pl.col("open").shift(-2) / pl.col("open").shift(-1)).over("symbol")),
    "target encoding": target_encoding,
    "left-labelled resample": left_labelled_resample,
    "join without as-of": join_on_period_end,
    "full-sample PCA": full_sample_pca,
    "min-max of the whole sample": feature(((CLOSE - CLOSE.min()) / (CLOSE.max() - CLOSE.min())).over("symbol")),
    "cross-section of survivors": survivors_mean,
    "survivor universe": survivors_only,
    "restated figures": latest_restatement,
    "rank within the whole history": feature(CLOSE.rank().over("symbol")),
    "backward adjustment": feature((CLOSE / CLOSE.last()).over("symbol")),
    "linear interpolation": feature(pl.when(pl.col("date").dt.weekday() == 1).then(CLOSE).interpolate().over("symbol")),
    "number of bars to come": feature(pl.len().over("symbol")),
}

HONEST = {
    "returns": feature(RETURN),
    "trailing mean": feature(CLOSE.rolling_mean(20).over("symbol")),
    "exponential mean": feature(CLOSE.ewm_mean(span=20).over("symbol")),
    "expanding z-score": feature(
        ((CLOSE - CLOSE.cum_sum() / CLOSE.cum_count()) / CLOSE.rolling_std(60)).over("symbol")
    ),
    "cross-sectional rank": feature(CLOSE.rank().over("date")),
    "as-of join": lambda inputs: (
        inputs["bars"]
        .sort("date")
        .join_asof(inputs["figures"].sort("known_on"), left_on="date", right_on="known_on", by="symbol")
        .select(*KEY, value="earnings")
    ),
    "forward fill": feature(pl.when(pl.col("date").dt.weekday() == 5).then(CLOSE).forward_fill().over("symbol")),
    "not a number": feature(CLOSE * float("nan")),
}


@pytest.mark.parametrize("name", LEAKS)
@pytest.mark.filterwarnings("ignore:Sortedness of columns")
def test_every_leak_is_caught(name):
    assert violations(LEAKS[name]).height > 0


# What looks at several names at once sees the variants side by side.
ACROSS_NAMES = {"target encoding", "cross-section of survivors", "survivor universe"}
BY_FIXED_NAMES = {"full-sample PCA", "cross-sectional rank"}


@pytest.mark.parametrize("name", sorted((LEAKS.keys() | HONEST.keys()) - BY_FIXED_NAMES))
@pytest.mark.filterwarnings("ignore:Sortedness of columns")
def test_variants_in_one_call_tell_the_same(name):
    compute = (LEAKS | HONEST)[name]
    found = violations(compute, entity="symbol")
    assert found.is_empty() == (name in HONEST)
    if name not in ACROSS_NAMES:
        assert found.equals(violations(compute))


def test_variants_go_through_one_call():
    heights = []

    def compute(inputs):
        heights.append(inputs["bars"].height)
        return HONEST["returns"](inputs)

    violations(compute, cuts=CUTS[:3], entity="symbol")
    warmup_violations(compute, INPUTS, history={"bars": "date"}, lookback=1, probes=CUTS[-1:], key=KEY, entity="symbol")
    assert len(heights) == 4
    assert heights[1] > 3 * INPUTS["bars"].height


@pytest.mark.filterwarnings("ignore:Sortedness of columns")
def test_a_fill_at_the_open_decided_by_the_close_of_the_same_bar_is_caught():
    assert set(fill_violations(same_bar_fill)["column"]) == {"buys"}
    assert fill_violations(next_bar_fill).rows() == []


def test_an_input_common_to_all_names_is_shared_while_it_is_the_same_in_all_variants():
    def beyond_the_market(inputs):
        calls.append(inputs["bars"].height)
        market = inputs["market"].select("date", "market_return")
        joined = inputs["bars"].sort(KEY).join(market, on="date", how="left", maintain_order="left")
        return joined.select(*KEY, value=RETURN - pl.col("market_return"))

    calls = []
    market = INPUTS["bars"].group_by("date").agg(market_return=CLOSE.mean().log()).sort("date")
    given = {**INPUTS, "market": market}
    options = {"key": KEY, "entity": "symbol", "computed": beyond_the_market(given)}
    history, probes = {"bars": "date"}, CUTS[-1:]
    assert warmup_violations(beyond_the_market, given, history=history, lookback=1, probes=probes, **options).is_empty()
    assert violations(
        beyond_the_market, given, known_on=KNOWN_ON | {"market": "date"}, cuts=CUTS[:2], **options
    ).is_empty()
    assert len(calls) == 1 + 1 + 4


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.filterwarnings("ignore:Sortedness of columns")
def test_no_false_alarm_on_honest_features(name):
    assert violations(HONEST[name]).rows() == []


def clipped_at_known_maximum(inputs):
    """Knows the future only where it is larger than everything so far."""
    return (
        inputs["bars"]
        .sort(KEY)
        .select(*KEY, value=CLOSE.max().over("symbol") > 8.0 * CLOSE.head(100).max().over("symbol"))
    )


def test_a_leak_that_shows_only_in_unusual_futures_needs_the_poison():
    found = violations(clipped_at_known_maximum)
    assert set(found["mode"]) == {"poison"}


def test_a_violation_names_cut_column_count_and_first_example():
    bars = random_bars("A", 10, first=date(2016, 1, 4))
    found = violations(
        feature(CLOSE.shift(-1).over("symbol")), {"bars": bars}, known_on={"bars": "date"}, cuts=[date(2016, 1, 6)]
    ).row(0, named=True)
    assert found["cut"] == "2016-01-06"
    assert (found["mode"], found["column"], found["count"]) == ("cut", "value", 1)
    assert found["first_key"] == "A, 2016-01-06"
    assert (found["value_full"], found["value_cut"]) == (str(bars["close"][3]), "None")


def test_rows_that_vanish_are_reported_with_an_example():
    found = violations(survivors_only, cuts=[date(2014, 12, 30)]).filter(
        pl.col("column") == ROWS, pl.col("mode") == "cut"
    )
    assert found.select("value_full", "value_cut").row(0) == ("missing", "present")
    assert found["first_key"][0].startswith(("E, ", "F, "))


def test_the_sign_of_zero_and_nulls_count_as_differences():
    def last_row_matters(inputs):
        late = inputs["bars"]["date"].max() > date(2015, 1, 30)
        bars = inputs["bars"].sort(KEY).select(*KEY)
        missing = pl.lit(None, pl.Float64)
        return bars.with_columns(
            sign=pl.lit(-0.0 if late else 0.0),
            nan=pl.lit(float("nan")) if late else missing,
            null=pl.lit(0.0) if late else missing,
        )

    assert set(violations(last_row_matters, cuts=[date(2015, 1, 30)])["column"]) == {"sign", "nan", "null"}


def test_a_column_that_comes_and_goes_is_reported():
    def wide(inputs):
        return inputs["bars"].select(*KEY, pl.lit(inputs["bars"].height).alias(f"n{inputs['bars'].height}"))

    found = violations(wide, cuts=[date(2015, 1, 30)])
    assert {"present", "missing"} == set(found["value_full"])


def test_knowledge_times_count_as_their_dates():
    bars = random_bars("A", 60).with_columns(known_at=pl.col("date").cast(pl.Datetime("us", "UTC")).dt.offset_by("21h"))
    found = violations(
        feature(RETURN), {"bars": bars}, known_on={"bars": "known_at"}, cuts=bars["date"].to_list()[5::9]
    )
    assert found.is_empty()


def test_inputs_without_a_date_are_passed_on_unchanged():
    seen = []

    def compute(inputs):
        seen.append(inputs["names"])
        return inputs["bars"].select(*KEY, "close")

    names = pl.DataFrame({"symbol": ["A"], "rank": [1]})
    violations(compute, {**INPUTS, "names": names}, cuts=CUTS[:2])
    assert len(seen) == 5
    assert all(frame.equals(names) for frame in seen)


class TestPoison:
    def futures(self, inputs, known_on, cut):
        seen = []

        def compute(given):
            seen.append(given["bars"])
            return given["bars"].select(*KEY)

        violations(compute, inputs, known_on=known_on, cuts=[cut])
        (falsified,) = (frame for frame in seen[1:] if frame.height == seen[0].height)
        return falsified

    def test_the_future_is_falsified_and_the_past_untouched(self):
        cut, bars = date(2014, 12, 1), INPUTS["bars"]
        poisoned = self.futures({"bars": bars}, {"bars": "date"}, cut)
        assert poisoned.schema == bars.schema
        assert poisoned.select(KEY).equals(bars.select(KEY))
        assert poisoned.filter(pl.col("date") <= cut).equals(bars.filter(pl.col("date") <= cut))
        changed = poisoned["close"] != bars["close"]
        assert changed.sum() > 0.99 * bars.filter(pl.col("date") > cut).height

    def test_later_values_move_to_other_rows_of_their_symbol(self):
        cut, bars = date(2014, 12, 1), INPUTS["bars"]
        poisoned = self.futures({"bars": bars}, {"bars": "date"}, cut)
        # one factor per row leaves the shape of a bar, by which it can be recognised
        shape = (pl.col("close") / pl.col("open")).round(9).alias("shape")
        before, after = (frame.filter(pl.col("date") > cut).select(*KEY, shape) for frame in (bars, poisoned))
        assert before.join(after, on=["symbol", "shape"]).height == before.height
        assert before.join(after, on=[*KEY, "shape"]).height < 0.1 * before.height

    def test_falsified_bars_are_still_bars(self):
        poisoned = self.futures({"bars": INPUTS["bars"]}, {"bars": "date"}, date(2014, 12, 1))
        assert (poisoned["low"] > 0).all()
        assert (poisoned["high"] >= poisoned.select(pl.max_horizontal("open", "close")).to_series()).all()
        assert (poisoned["low"] <= poisoned.select(pl.min_horizontal("open", "close")).to_series()).all()
        assert (poisoned["volume"] >= 0).all()

    def test_an_integer_too_large_for_its_type_is_not_lost(self):
        bars = random_bars("A", 40).with_columns(volume=pl.lit(2**62))
        assert self.futures({"bars": bars}, {"bars": "date"}, bars["date"][10])["volume"].null_count() == 0


class TestRefusals:
    def test_an_unknown_date_column_is_named(self):
        with pytest.raises(ValueError, match="'day' in an input 'bars'"):
            violations(feature(CLOSE), known_on={"bars": "day"})

    def test_a_key_that_repeats_is_named(self):
        with pytest.raises(ValueError, match=r"repeats the key \('A',\)"):
            violations(feature(CLOSE), key=["symbol"])

    def test_a_missing_key_column_is_named(self):
        with pytest.raises(ValueError, match="'ticker'"):
            violations(feature(CLOSE), key=["ticker", "date"])

    def test_a_check_that_would_check_nothing_is_refused(self):
        with pytest.raises(ValueError, match="nothing would be checked"):
            violations(feature(CLOSE), cuts=[date(1999, 1, 1)])


class TestCuts:
    DAYS = weekdays(date(2010, 1, 4), 1500)

    def test_cuts_are_sorted_dates_with_a_future(self):
        cuts = pick_cuts(self.DAYS, 20)
        assert cuts == sorted(set(cuts))
        assert len(cuts) == 20
        assert set(cuts) <= set(self.DAYS[:-1])

    def test_both_sides_of_year_boundaries_are_among_them(self):
        cuts = pick_cuts(self.DAYS, 20)
        assert {date(2012, 12, 31), date(2013, 1, 1)} <= set(cuts)

    def test_cuts_fall_on_every_weekday(self):
        assert {cut.weekday() for cut in pick_cuts(self.DAYS, 20)} == set(range(5))

    def test_order_and_repeats_do_not_matter(self):
        assert pick_cuts(self.DAYS[::-1] * 2, 20) == pick_cuts(self.DAYS, 20)

    def test_few_dates_give_few_cuts(self):
        assert pick_cuts(self.DAYS[:3], 20) == self.DAYS[:2]

    @pytest.mark.parametrize(("days", "k"), [(DAYS, 0), (DAYS[:1], 5), ([], 5)])
    def test_nothing_to_cut_is_refused(self, days, k):
        with pytest.raises(ValueError, match="at least two different dates"):
            pick_cuts(days, k)


class TestWarmup:
    PROBES = (date(2015, 6, 1), date(2015, 8, 3))

    def warmup(self, compute, lookback, **options):
        settings = {"history": {"bars": "date"}, "probes": self.PROBES, "key": KEY, "extra_history": (0, 7), **options}
        return warmup_violations(compute, INPUTS, lookback=lookback, **settings)

    def test_a_window_within_the_look_back_passes(self):
        assert self.warmup(HONEST["trailing mean"], 19).is_empty()

    def test_a_window_longer_than_the_look_back_is_caught(self):
        found = self.warmup(HONEST["trailing mean"], 18)
        assert set(found["mode"]) == {"18+0 rows"}
        assert set(found["cut"]) == {str(probe) for probe in self.PROBES}
        assert found["count"].to_list() == [4, 4]

    def test_an_exponential_mean_is_caught_until_it_has_forgotten_its_seed(self):
        assert self.warmup(HONEST["exponential mean"], 100).height > 0
        assert self.warmup(HONEST["exponential mean"], 230).is_empty()

    def test_single_precision_is_compared_at_its_own_resolution(self):
        def single(inputs):
            return HONEST["exponential mean"](inputs).with_columns(pl.col("value").cast(pl.Float32))

        assert self.warmup(HONEST["exponential mean"], 180).height > 0
        assert self.warmup(single, 180).is_empty()

    def test_expanding_values_are_caught(self):
        assert self.warmup(feature(CLOSE.cum_sum().over("symbol")), 200).height > 0

    def test_a_probe_without_rows_is_refused(self):
        with pytest.raises(ValueError, match="on any probe date"):
            self.warmup(HONEST["returns"], 5, probes=[date(2015, 8, 2)])

    def test_columns_are_held_to_look_backs_of_their_own(self):
        def two(inputs):
            return (
                inputs["bars"]
                .sort(KEY)
                .select(*KEY, *(CLOSE.rolling_mean(n).over("symbol").alias(f"m{n}") for n in (5, 20)))
            )

        assert self.warmup(two, {"m5": 4, "m20": 19}).is_empty()
        assert set(self.warmup(two, {"m5": 4, "m20": 18})["column"]) == {"m20"}
        assert set(self.warmup(two, {"m20": 19})["column"]) == {"m5"}

    def test_a_result_at_hand_is_not_computed_again(self):
        computed = []

        def mean(inputs):
            computed.append(inputs["bars"].height)
            return HONEST["trailing mean"](inputs)

        full = HONEST["trailing mean"](INPUTS)
        assert self.warmup(mean, 19, computed=full).is_empty()
        assert max(computed) < INPUTS["bars"].height
        computed.clear()
        assert violations(mean, cuts=CUTS[:2], computed=full).is_empty()
        assert len(computed) == 4

    def test_a_negative_look_back_is_refused(self):
        with pytest.raises(ValueError, match="count rows"):
            self.warmup(HONEST["returns"], -1)


def test_timestamps_are_cut_at_the_end_of_their_day():
    times = [datetime(2016, 1, 4, hour, tzinfo=UTC) for hour in (10, 12, 15)] + [datetime(2016, 1, 5, 10, tzinfo=UTC)]
    bars = pl.DataFrame({"symbol": ["A"] * 4, "ts": times, "close": [1.0, 2.0, 3.0, 4.0]})

    def previous(inputs):
        return inputs["bars"].select("symbol", "ts", CLOSE.shift(1))

    found = lookahead_violations(
        previous,
        {"bars": bars},
        known_on={"bars": "ts"},
        key=["symbol", "ts"],
        date_column="ts",
        cuts=[date(2016, 1, 4)],
        poison_seed=1,
    )
    assert found.is_empty()


def test_a_session_is_cut_at_a_moment_within_it():
    times = [datetime(2016, 1, 4, 10, minute, tzinfo=UTC) for minute in range(6)]
    bars = pl.DataFrame({"symbol": "A", "ts": times, "close": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})

    def found(expression):
        return lookahead_violations(
            lambda inputs: inputs["bars"].select("symbol", "ts", value=expression),
            {"bars": bars},
            known_on={"bars": "ts"},
            key=["symbol", "ts"],
            date_column="ts",
            cuts=[times[2]],
            poison_seed=1,
        )

    assert found(CLOSE.cum_sum()).is_empty()
    of_the_session = found(CLOSE.sum())
    assert set(of_the_session["mode"]) == {"cut", "poison"}
    assert of_the_session["first_key"][0] == "A, 2016-01-04 10:00:00+00:00"
