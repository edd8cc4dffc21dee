"""A feature of the user's own: a function in a file is a column; a file that cannot be one is left out by name."""

from __future__ import annotations

import math
from datetime import date
from pathlib import Path
from textwrap import dedent

import numpy as np
import polars as pl
import pytest

from trading_assets.desk.own_work import OwnWork
from trading_assets.features import feature
from trading_assets.features.catalogue import SHIPPED
from trading_assets.features.compute import compute
from trading_assets.features.expressions import COLUMNS, own_set
from trading_assets.features.feature_set import INTERVALS
from trading_assets.features.registry import FeatureError
from trading_assets.features.sets import sets_with
from trading_assets.features.sql.catalogue import SHIPPED as SHIPPED_IN_SQL
from trading_assets.testing import feature_values
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


@pytest.fixture
def own(tmp_path):
    """Factory of own work whose features are given by name and text."""

    def make(**modules):
        (tmp_path / "features").mkdir(exist_ok=True)
        for module, text in modules.items():
            (tmp_path / "features" / f"{module}.py").write_text(dedent(text))
        return OwnWork(tmp_path)

    return make


@pytest.fixture
def one(own):
    """Factory of own work whose one feature is given by its expression."""

    def make(expression, *, name="mine", options="lookback=5, unit='ratio'", doc="'''What it is.'''"):
        return own(module=dedent(PLAIN).format(expression=expression, name=name, options=options, doc=doc))

    return make


class TestTheSet:
    def test_a_file_of_ten_lines_is_a_set_with_that_feature(self, own):
        found = own_set(own(range_21=RANGE_21))
        assert (found.name, found.table(), found.table("minute")) == ("own", "features.own", "features.own_minute")
        mine = found.features["range_21"]
        assert (mine.lookback, mine.unit) == (20, "ratio")
        assert mine.formula == "Highest high over lowest low of 21 bars - 1"
        assert mine.intervals == set(INTERVALS)

    def test_its_values_are_those_of_its_expression_for_each_name(self, own):
        found = compute([own_set(own(range_21=RANGE_21))], BARS, actions(), **ALL_TIME, dtype=np.float64)["own"]
        for (symbol,), bars in BARS.group_by("symbol"):
            high, low = (bars[name].to_numpy() for name in ("high", "low"))
            expected = [high[i - 20 : i + 1].max() / low[i - 20 : i + 1].min() - 1 for i in range(20, len(high))]
            values = found.filter(symbol=symbol)["range_21"]
            assert values.is_null().to_list() == [True] * 20 + [False] * (len(high) - 20)
            assert values[20:].to_list() == pytest.approx(expected, rel=1e-12)

    def test_a_year_by_itself_has_the_same_bits(self, own):
        sets = [own_set(own(range_21=RANGE_21))]
        whole = compute(sets, BARS, actions(), **ALL_TIME)["own"]
        year = compute(sets, BARS, actions(), start=date(2016, 1, 1), end=date(2016, 12, 31))["own"]
        assert whole.filter(pl.col("date").dt.year() == 2016).equals(year)

    def test_features_of_several_files_come_in_the_order_of_their_files(self, own):
        other = RANGE_21.replace("range_21", "range_22")
        assert list(own_set(own(b=RANGE_21, a=other)).features) == ["range_22", "range_21"]

    def test_a_module_that_begins_with_an_underscore_is_for_what_others_share(self, own):
        found = own_set(own(_shared="WINDOW = 21", range_21=RANGE_21))
        assert list(found.features) == ["range_21"]

    def test_without_a_feature_there_is_no_set(self, own):
        assert own_set(own()) is None
        assert list(sets_with(own(), SHIPPED_IN_SQL)) == [shipped.name for shipped in SHIPPED]

    def test_a_name_of_a_feature_in_sql_is_taken(self, own):
        made = own(ranked=RANGE_21.replace("range_21", "rsi_14_rank"))
        assert list(sets_with(made, SHIPPED_IN_SQL)) == [shipped.name for shipped in SHIPPED]
        assert "'rsi_14_rank': there is a column of this name" in made.faults[0].message

    def test_a_set_of_your_own_stands_after_the_others(self, own):
        assert list(sets_with(own(range_21=RANGE_21), SHIPPED_IN_SQL))[-1] == "own"

    def test_an_edit_of_any_file_of_features_is_other_code(self, own):
        codes = [own_set(own(_shared=text, range_21=RANGE_21)).code for text in ("A = 1", "A = 2", "A = 1")]
        assert codes[0] == codes[2] != codes[1]
        assert {shipped.code for shipped in SHIPPED} == {""}

    def test_a_feature_can_exist_for_some_bars_alone(self, one):
        options = "lookback=0, unit='ratio', intervals=('minute', 'hourly')"
        found = own_set(one("pl.col('ts').dt.minute() * 1.0", options=options))
        assert found.intervals == {"minute", "hourly"}
        assert found.of("daily") == {}


class TestTheGuide:
    GUIDE = (Path(__file__).resolve().parents[3] / "docs" / "own_work.md").read_text()

    def test_it_shows_the_feature_of_these_tests(self):
        assert dedent(RANGE_21).strip() in self.GUIDE

    def test_it_names_every_column_that_can_be_read(self):
        assert [name for name in COLUMNS if f"`{name}`" not in self.GUIDE] == []


class TestValues:
    def test_every_documented_column_can_be_read(self, one):
        for name in COLUMNS:
            options = "lookback=1, unit='ratio', intervals=('hourly',)"
            found = own_set(one(f"pl.col({name!r}).cast(pl.Float64)", options=options))
            assert found.features["mine"].formula == "What it is"

    def test_rows_with_less_history_than_the_look_back_are_unknown(self, one):
        averaged = own_set(one("pl.col('close') / pl.col('close').ewm_mean(span=3)", options="lookback=3, unit='x'"))
        bars = [(10.0, 10.0, 10.0, 10.0, 100.0)] * 5
        assert feature_values("mine", bars, averaged) == [None, None, None, 1.0, 1.0]

    def test_what_is_not_finite_is_unknown(self, one):
        ratio = own_set(one("pl.col('close') / (pl.col('close') - pl.col('open'))", options="lookback=0, unit='x'"))
        bars = [(10.0, 10.0, 10.0, 10.0, 0.0), (10.0, 12.0, 10.0, 12.0, 0.0)]
        assert feature_values("mine", bars, ratio) == [None, 6.0]

    def test_the_first_bar_has_no_return(self, one):
        bars = [(10.0, 10.0, 10.0, 10.0, 0.0), (11.0, 11.0, 11.0, 11.0, 0.0)]
        found = feature_values("mine", bars, own_set(one("pl.col('log_return')", options="lookback=0, unit='x'")))
        assert found == [None, pytest.approx(math.log(1.1))]

    def test_splits_leave_no_trace(self, own):
        sets, after = [own_set(own(range_21=RANGE_21))], pl.col("date") >= date(2015, 5, 5)
        halved = [pl.when(after).then(pl.col(n) / 2).otherwise(pl.col(n)) for n in ("open", "high", "low", "close")]
        split = compute(
            sets,
            BARS.with_columns(h.alias(n) for h, n in zip(halved, ("open", "high", "low", "close"), strict=True)),
            actions(*((symbol, date(2015, 5, 5), "split", 2.0) for symbol in "AB")),
            **ALL_TIME,
        )
        assert split["own"].equals(compute(sets, BARS, actions(), **ALL_TIME)["own"])


DECORATOR, DEFINITION, BODY = 7, 8, 10
REFUSED = {
    "a name in capitals": ({"name": "Range21"}, DECORATOR, "'Range21' cannot be the name of a feature"),
    "a double underscore": ({"name": "range__21"}, DECORATOR, "'range__21' cannot be the name"),
    "a column that there is": ({"name": "close"}, DEFINITION, "feature 'close': there is a column of this name"),
    "a feature that there is": ({"name": "rsi_14"}, DEFINITION, "feature 'rsi_14': there is a column of this name"),
    "a feature in capitals": ({"name": "kmid"}, DEFINITION, "feature 'kmid': there is a column of this name"),
    "no docstring": ({"doc": "pass"}, DECORATOR, "feature 'mine' needs a docstring"),
    "no unit": ({"options": "lookback=5, unit=''"}, DECORATOR, "feature 'mine' needs a unit"),
    "a negative look-back": (
        {"options": "lookback=-1, unit='x'"},
        DECORATOR,
        "feature 'mine': lookback must lie between 0 and 400",
    ),
    "a look-back too long": (
        {"options": "lookback=401, unit='x'"},
        DECORATOR,
        "feature 'mine': lookback must lie between 0 and 400",
    ),
    "bars that there are not": (
        {"options": "lookback=1, unit='x', intervals=('weekly',)"},
        DECORATOR,
        "feature 'mine': intervals are some of ('daily', 'hourly', 'minute'), got ['weekly']",
    ),
    "an unknown column": (
        {"expression": "pl.col('vwap')"},
        DEFINITION,
        "feature 'mine' reads vwap, which daily bars do not have; there are open",
    ),
    "the moment of a daily bar": (
        {"expression": "pl.col('ts').dt.hour() * 1.0"},
        DEFINITION,
        "feature 'mine' reads ts, which daily bars do not",
    ),
    "an aggregate": (
        {"expression": "pl.col('close').mean()"},
        DEFINITION,
        "feature 'mine' gives 1 value(s) for 450 bars",
    ),
    "fewer rows": (
        {"expression": "pl.col('close').head(9)"},
        DEFINITION,
        "feature 'mine' gives 9 value(s) for 450 bars",
    ),
    "several columns": (
        {"expression": "pl.col('open', 'close') / pl.col('low')"},
        DEFINITION,
        "feature 'mine' gives open Float64, close Float64",
    ),
    "a truth value": (
        {"expression": "pl.col('close') > pl.col('open')"},
        DEFINITION,
        "feature 'mine' gives close Boolean; it must give one Float",
    ),
    "no expression": ({"expression": "21"}, DEFINITION, "feature 'mine' returns int, not a Polars expression"),
    "a function that fails": ({"expression": "1 / 0"}, BODY, "feature 'mine' fails: ZeroDivisionError"),
    "what Polars refuses": (
        {"expression": "pl.col('close').str.len_chars() / 1.0"},
        DEFINITION,
        "feature 'mine' cannot be evaluated",
    ),
}


class TestRefusals:
    @pytest.mark.parametrize("case", REFUSED)
    def test_a_file_that_cannot_be_a_feature_is_left_out_by_name_and_line(self, own, one, case):
        given, line, said = REFUSED[case]
        own(range_21=RANGE_21)
        made = one(**{"expression": "pl.col('close') / pl.col('open')", **given})
        assert list(own_set(made, {"rsi_14", "KMID"}).features) == ["range_21"]
        (fault,) = made.faults
        assert (fault.file.name, fault.line) == ("module.py", line)
        assert fault.message.startswith(said)

    def test_of_two_features_of_one_name_the_second_file_is_left_out(self, own):
        made = own(a=RANGE_21, b=RANGE_21)
        assert list(own_set(made).features) == ["range_21"]
        assert [(fault.file.name, fault.line) for fault in made.faults] == [("b.py", 8)]

    def test_a_file_without_a_feature_is_named(self, own):
        made = own(empty="WINDOW = 21")
        assert own_set(made) is None
        assert made.faults[0].message.startswith("defines no feature: put @feature(lookback=..., unit=...) above")

    def test_an_expression_that_shrinks_within_a_name_is_named(self, one):
        head = own_set(one("pl.col('close').head(450) / 2.0", options="lookback=400, unit='ratio'"))
        with pytest.raises(FeatureError, match="'mine' cannot be evaluated on the bars of each name"):
            compute([head], BARS, actions(), **ALL_TIME)

    def test_the_decorator_alone_refuses_too(self):
        def undocumented():
            return pl.col("close")

        with pytest.raises(FeatureError, match="'undocumented' needs a docstring"):
            feature(lookback=0, unit="ratio")(undocumented)
