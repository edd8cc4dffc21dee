"""Templates of a user's new feature: its module or model, and its test."""

from __future__ import annotations

from collections.abc import Collection

from trading_assets.features.expressions import COLUMNS
from trading_assets.features.feature_set import MAX_LOOKBACK
from trading_assets.features.registry import FeatureError, require_name
from trading_assets.features.sql.own import require_sql_name

_MODULE = '''"""The feature {name}."""

import polars as pl

from trading_assets.features import feature


@feature(lookback={lookback}, unit="ratio")
def {name}() -> pl.Expr:
    """{formula}."""
    return {expression}
'''
_TEST = '''"""The feature {name}."""

from pathlib import Path

import pytest

from trading_assets.testing import check_feature, feature_values

OWN = Path(__file__).resolve().parents[1]
# Cases that you work out on paper: bars of one name, oldest first (open, high, low, close, volume), and the value of
# the feature at the last of them.
BY_HAND = [
    # ([{before}(11.0, 13.0, 11.0, 12.0, 800.0)], 0.25),
]


def test_{name}_satisfies_the_rules_of_features():
    check_feature("{name}", OWN)


@pytest.mark.parametrize(("bars", "expected"), BY_HAND)
def test_{name}_by_hand(bars, expected):
    assert feature_values("{name}", bars, OWN)[-1] == pytest.approx(expected)
'''
_MODEL = """\
{{{{ config(meta={{
    "doc": "What the table holds, in one sentence.",
    "lookback": 20,
    "columns": {{
        "{name}": {{"formula": "volume / its mean of 21 sessions, in dollars; 1 if nothing traded", "unit": "ratio"}},
    }},
}}) }}}}

with

bars as (

    select * from {{{{ source("market_data", "bars_daily") }}}}
    where {{{{ window(lookback=20) }}}}

),

traded as (

    select
        symbol,
        date,
        close * volume as dollars,
        {{{{ exact_mean("close * volume") }}}} over sessions as mean_dollars,
        count(*) over sessions as filled
    from bars
    window sessions as (partition by symbol order by date rows between 20 preceding and current row)

),

final as (

    select
        symbol,
        date,
        case
            when filled < 21 then null
            when mean_dollars = 0 then 1
            else dollars / mean_dollars
        end as {name}
    from traded

)

select * from final
"""
_MODEL_TEST = '''"""The feature {name} in SQL."""

from pathlib import Path

import polars as pl
import pytest

from trading_assets.testing import check_sql_feature, run_sql_feature

OWN = Path(__file__).resolve().parents[1]
# Cases that you work out on paper: rows of the tables that the model reads, and the values of its columns in the last
# row of its result.
BY_HAND = [
    # (
    #     {{"market_data.bars_daily": [{{"symbol": "A", "date": date(2016, 1, 4), "close": 10.0, "volume": 500}}]}},
    #     {{"{name}": 1.0}},
    # ),
]


def test_{name}_satisfies_the_rules_of_features():
    check_sql_feature("{name}", OWN)


@pytest.mark.parametrize(("tables", "expected"), BY_HAND)
def test_{name}_by_hand(tables, expected):
    found = run_sql_feature("{name}", {{table: pl.DataFrame(rows) for table, rows in tables.items()}}, OWN)
    last = found.row(-1, named=True)
    assert {{column: last[column] for column in expected}} == pytest.approx(expected)
'''


def new_feature(name: str, lookback: int, taken: Collection[str] = ()) -> tuple[str, str]:
    """Text of the module of a new feature, and of its test, which works for any feature of that name.

    Parameters
    ----------
    name
        Name of the feature, of its function and of its module.
    lookback
        Rows before its own that a value depends on.
    taken
        Names that are columns already.

    Raises
    ------
    FeatureError
        The name cannot be that of a feature or is taken, or the look-back is too long.
    """
    require_name(name)
    _require_free(name, (*taken, *COLUMNS))
    if not 0 <= lookback <= MAX_LOOKBACK:
        raise FeatureError(f"--lookback {lookback}: it counts the bars before a row's own, from 0 to {MAX_LOOKBACK}")
    formula, expression = "Close / open - 1", 'pl.col("close") / pl.col("open") - 1'
    if lookback:
        formula = f"Close / close {lookback} bar(s) before - 1"
        expression = f'pl.col("close") / pl.col("close").shift({lookback}) - 1'
    module = _MODULE.format(name=name, lookback=lookback, formula=formula, expression=expression)
    before = f"*[(10.0, 12.0, 9.0, 11.0, 500.0)] * {lookback}, " if lookback else ""
    return module, _TEST.format(name=name, before=before)


def new_sql_feature(name: str, taken: Collection[str] = ()) -> tuple[str, str]:
    """Text of a new model in SQL with one feature of its name, and of its test, which works for any model.

    Raises
    ------
    SqlFeatureError
        The name cannot be that of a table and a column.
    FeatureError
        It is a column already.
    """
    require_sql_name(name, "the new feature")
    _require_free(name, taken)
    return _MODEL.format(name=name), _MODEL_TEST.format(name=name)


def _require_free(name: str, taken: Collection[str]) -> None:
    if name in taken:
        raise FeatureError(f"there is a column {name!r} already; choose another name")
