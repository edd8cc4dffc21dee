"""A feature of your own: a function in a file of its own is a column; what cannot be one is refused by name."""

from __future__ import annotations

import importlib
import itertools
import sys
from datetime import date
from pathlib import Path
from textwrap import dedent

import numpy as np
import polars as pl
import pytest

from trading_assets.features import feature
from trading_assets.features.compute import compute
from trading_assets.features.expressions import COLUMNS, own_set
from trading_assets.features.feature_set import INTERVALS
from trading_assets.features.registry import FeatureError
from trading_assets.features.sets import SHIPPED, with_own
from trading_assets_tests.features.own.holds import assert_feature_holds, values_of
from trading_assets_tests.point_in_time.sample import actions, random_bars

RANGE_21 = '''
    import polars as pl

    from trading_assets.features import feature


    @feature(lookback=20, unit="ratio")
    def range_21() -> pl.Expr:
        """Highest high over lowest low of 21 bars - 1."""
        return pl.col("high").rolling_max(21) / pl.col("low").rolling_min(21) - 1
'''
PLAIN = """
    import polars as pl

    from trading_assets.features import feature


    @feature({options})
    def {name}():
        {doc}
        return {expression}
"""
ALL_TIME = {"start": date(2014, 1, 1), "end": date(2017, 12, 31)}
BARS = random_bars("AB", 700)
_numbers = itertools.count()


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Factory of packages whose modules are given by name and text."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(**modules):
        name = f"own_{next(_numbers)}"
        (tmp_path / name).mkdir()
        for module, text in {"__init__": "", **modules}.items():
            (tmp_path / name / f"{module}.py").write_text(dedent(text))
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield make
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


@pytest.fixture
def one(package):
    """Factory of sets of one feature, given by its expression."""

    def make(expression, *, name="mine", options="lookback=5, unit='ratio'", doc="'''What it is.'''"):
        text = dedent(PLAIN).format(expression=expression, name=name, options=options, doc=doc)
        return own_set(package(module=text), {"rsi_14", "KMID"})

    return make


class TestTheSet:
    def test_a_file_of_ten_lines_is_a_set_with_that_feature(self, package):
        found = own_set(package(range_21=RANGE_21))
        assert (found.name, found.table(), found.table("minute")) == ("own", "features.own", "features.own_minute")
        mine = found.features["range_21"]
        assert (mine.lookback, mine.unit) == (20, "ratio")
        assert mine.formula == "Highest high over lowest low of 21 bars - 1"
        assert mine.intervals == set(INTERVALS)

    def test_its_values_are_those_of_its_expression_for_each_name(self, package):
        found = compute([own_set(package(range_21=RANGE_21))], BARS, actions(), **ALL_TIME, dtype=np.float64)["own"]
        for (symbol,), bars in BARS.group_by("symbol"):
            high, low = (bars[name].to_numpy() for name in ("high", "low"))
            expected = [high[i - 20 : i + 1].max() / low[i - 20 : i + 1].min() - 1 for i in range(20, len(high))]
            values = found.filter(symbol=symbol)["range_21"]
            assert values.is_null().to_list() == [True] * 20 + [False] * (len(high) - 20)
            assert values[20:].to_list() == pytest.approx(expected, rel=1e-12)

    def test_a_year_by_itself_has_the_same_bits(self, package):
        sets = [own_set(package(range_21=RANGE_21))]
        whole = compute(sets, BARS, actions(), **ALL_TIME)["own"]
        year = compute(sets, BARS, actions(), start=date(2016, 1, 1), end=date(2016, 12, 31))["own"]
        assert whole.filter(pl.col("date").dt.year() == 2016).equals(year)

    def test_features_of_several_files_come_in_the_order_of_their_files(self, package):
        other = RANGE_21.replace("range_21", "range_22")
        assert list(own_set(package(b=RANGE_21, a=other)).features) == ["range_22", "range_21"]

    def test_a_module_that_begins_with_an_underscore_is_for_what_others_share(self, package):
        found = own_set(package(_shared="WINDOW = 21", range_21=RANGE_21))
        assert list(found.features) == ["range_21"]

    def test_without_a_feature_there_is_no_set(self, package):
        assert own_set(package()) is None
        assert list(with_own(SHIPPED, package())) == [shipped.name for shipped in SHIPPED]

    def test_a_name_of_a_feature_in_sql_is_taken(self, package):
        ranked = RANGE_21.replace("range_21", "rsi_14_rank")
        with pytest.raises(FeatureError, match=r"'rsi_14_rank' of .*: there is a column of this name"):
            with_own(SHIPPED, package(ranked=ranked))

    def test_a_set_of_your_own_stands_after_the_others(self, package):
        assert list(with_own(SHIPPED, package(range_21=RANGE_21)))[-1] == "own"

    def test_a_feature_can_exist_for_some_bars_alone(self, one):
        options = "lookback=0, unit='ratio', intervals=('minute', 'hourly')"
        found = one("pl.col('ts').dt.minute() * 1.0", options=options)
        assert found.intervals == {"minute", "hourly"}
        assert found.of("daily") == {}


class TestTheGuide:
    GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "own_features.md").read_text()

    def test_it_shows_the_feature_of_these_tests(self):
        assert dedent(RANGE_21).strip() in self.GUIDE

    def test_it_names_every_column_that_can_be_read(self):
        assert [name for name in COLUMNS if f"`{name}`" not in self.GUIDE] == []


class TestValues:
    def test_every_documented_column_can_be_read(self, one):
        for name in COLUMNS:
            options = "lookback=1, unit='ratio', intervals=('hourly',)"
            assert one(f"pl.col({name!r}).cast(pl.Float64)", options=options).features["mine"].formula == "What it is"

    def test_rows_with_less_history_than_the_look_back_are_unknown(self, one):
        averaged = one("pl.col('close') / pl.col('close').ewm_mean(span=3)", options="lookback=3, unit='ratio'")
        bars = [(10.0, 10.0, 10.0, 10.0, 100.0)] * 5
        assert values_of("mine", bars, averaged) == [None, None, None, 1.0, 1.0]

    def test_what_is_not_finite_is_unknown(self, one):
        ratio = one("pl.col('close') / (pl.col('close') - pl.col('open'))", options="lookback=0, unit='ratio'")
        bars = [(10.0, 10.0, 10.0, 10.0, 0.0), (10.0, 12.0, 10.0, 12.0, 0.0)]
        assert values_of("mine", bars, ratio) == [None, 6.0]

    def test_the_first_bar_has_no_return(self, one):
        bars = [(10.0, 10.0, 10.0, 10.0, 0.0), (11.0, 11.0, 11.0, 11.0, 0.0)]
        assert values_of("mine", bars, one("pl.col('log_return')", options="lookback=0, unit='x'")) == [None, 0.09531]

    def test_splits_leave_no_trace(self, package):
        sets, after = [own_set(package(range_21=RANGE_21))], pl.col("date") >= date(2015, 5, 5)
        halved = [pl.when(after).then(pl.col(n) / 2).otherwise(pl.col(n)) for n in ("open", "high", "low", "close")]
        split = compute(
            sets,
            BARS.with_columns(h.alias(n) for h, n in zip(halved, ("open", "high", "low", "close"), strict=True)),
            actions(*((symbol, date(2015, 5, 5), "split", 2.0) for symbol in "AB")),
            **ALL_TIME,
        )
        assert split["own"].equals(compute(sets, BARS, actions(), **ALL_TIME)["own"])


REFUSED = {
    "a name in capitals": ({"name": "Range21"}, "'Range21' cannot be the name of a feature"),
    "a double underscore": ({"name": "range__21"}, "'range__21' cannot be the name"),
    "a column that there is": ({"name": "close"}, "'close' of .*: there is a column of this name"),
    "a feature that there is": ({"name": "rsi_14"}, "'rsi_14' of .*: there is a column of this name"),
    "a feature in capitals": ({"name": "kmid"}, "'kmid' of .*: there is a column of this name"),
    "no docstring": ({"doc": "pass"}, "'mine' of .* needs a docstring"),
    "no unit": ({"options": "lookback=5, unit=''"}, "'mine' of .* needs a unit"),
    "a negative look-back": ({"options": "lookback=-1, unit='x'"}, "'mine': lookback must lie between 0 and 400"),
    "a look-back too long": ({"options": "lookback=401, unit='x'"}, "'mine': lookback must lie between 0 and 400"),
    "bars that there are not": ({"options": "lookback=1, unit='x', intervals=('weekly',)"}, r"got \['weekly'\]"),
    "an unknown column": ({"expression": "pl.col('vwap')"}, "reads vwap, which daily bars do not have; there are open"),
    "the moment of a daily bar": ({"expression": "pl.col('ts').dt.hour() * 1.0"}, "reads ts, which daily bars do not"),
    "an aggregate": ({"expression": "pl.col('close').mean()"}, r"gives 1 value\(s\) for 450 bars"),
    "fewer rows": ({"expression": "pl.col('close').head(9)"}, r"gives 9 value\(s\) for 450 bars"),
    "several columns": ({"expression": "pl.col('open', 'close') / pl.col('low')"}, "gives open Float64, close Float64"),
    "a truth value": (
        {"expression": "pl.col('close') > pl.col('open')"},
        "gives close Boolean; it must give one Float",
    ),
    "no expression": ({"expression": "21"}, "returns int, not a Polars expression"),
    "a function that fails": ({"expression": "1 / 0"}, "fails: ZeroDivisionError"),
    "what Polars refuses": (
        {"expression": "pl.col('close').str.len_chars() / 1.0"},
        "'mine' of .* cannot be evaluated",
    ),
}


class TestRefusals:
    @pytest.mark.parametrize("case", REFUSED)
    def test_what_cannot_be_a_feature_is_refused_by_name(self, one, case):
        given, said = REFUSED[case]
        with pytest.raises(FeatureError, match=said):
            one(**{"expression": "pl.col('close') / pl.col('open')", **given})

    def test_two_features_of_one_name_are_refused_with_their_files(self, package):
        with pytest.raises(FeatureError, match=r"two features named 'range_21', in own_\d+\.a and own_\d+\.b"):
            own_set(package(a=RANGE_21, b=RANGE_21))

    def test_a_file_that_cannot_be_imported_is_named(self, package):
        with pytest.raises(FeatureError, match=r"own_\d+\.broken cannot be imported: SyntaxError"):
            own_set(package(broken="def broken(:"))

    def test_a_file_without_a_feature_is_named(self, package):
        with pytest.raises(FeatureError, match=r"own_\d+\.empty defines no feature"):
            own_set(package(empty="WINDOW = 21"))

    def test_an_expression_that_shrinks_within_a_name_is_named(self, one):
        head = one("pl.col('close').head(450) / 2.0", options="lookback=400, unit='ratio'")
        with pytest.raises(FeatureError, match="'mine' cannot be evaluated on the bars of each name"):
            compute([head], BARS, actions(), **ALL_TIME)

    def test_the_decorator_alone_refuses_too(self):
        def undocumented():
            return pl.col("close")

        with pytest.raises(FeatureError, match=r"'undocumented' of .* needs a docstring"):
            feature(lookback=0, unit="ratio")(undocumented)


LEAKS = {
    "tomorrow": "pl.col('close').shift(-1) / pl.col('close')",
    "reversed": "pl.col('close').reverse() / pl.col('close')",
    "mean of the whole column": "pl.col('close') / pl.col('close').mean()",
    "z-score of the whole column": "(pl.col('log_return') - pl.col('log_return').mean()) / pl.col('log_return').std()",
    "filled backward": "pl.when(pl.col('date').dt.weekday() == 5).then('log_return').fill_null(strategy='backward')",
    "centred window": "pl.col('close').rolling_mean(5, center=True) / pl.col('close')",
    "rank within all of history": "pl.col('log_return').rank() / 2",
}


class TestLaws:
    def test_an_honest_feature_holds(self, package):
        assert_feature_holds("range_21", own_set(package(range_21=RANGE_21)))

    @pytest.mark.parametrize("leak", LEAKS)
    def test_a_feature_that_knows_the_future_is_named(self, one, leak):
        leaky = one(LEAKS[leak], options="lookback=5, unit='ratio', intervals=('daily',)")
        with pytest.raises(AssertionError, match=r"daily bars: mine looks ahead: values up to .* becomes"):
            assert_feature_holds("mine", leaky)

    def test_a_look_back_declared_too_short_is_named_with_its_length(self, one):
        short = one("pl.col('close') / pl.col('close').rolling_mean(21)", options="lookback=19, unit='ratio'")
        with pytest.raises(AssertionError, match="mine reads more than the 19 rows before its own that it declares"):
            assert_feature_holds("mine", short)

    def test_a_short_look_back_that_shows_now_and_then_is_found(self, one):
        highest = "pl.col('close') / pl.col('close').rolling_max(21, min_samples=1)"
        short = one(highest, options="lookback=12, unit='ratio', intervals=('daily',)")
        with pytest.raises(AssertionError, match="mine reads more than the 12 rows"):
            assert_feature_holds("mine", short)

    def test_a_price_is_no_feature(self, one):
        with pytest.raises(AssertionError, match="mine changes with the scale of prices"):
            assert_feature_holds("mine", one("pl.col('close') - pl.col('open')", options="lookback=0, unit='usd'"))

    def test_a_feature_that_does_not_exist_is_named(self, package):
        with pytest.raises(AssertionError, match="no feature 'range_22' of your own; there are range_21"):
            assert_feature_holds("range_22", own_set(package(range_21=RANGE_21)))
