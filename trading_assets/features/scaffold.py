"""Files of a new feature of your own: its module and its test, to be edited."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from trading_assets.features.expressions import COLUMNS
from trading_assets.features.feature_set import MAX_LOOKBACK
from trading_assets.features.registry import FeatureError, require_name

_MODULE = '''"""The feature {name}."""

import polars as pl

from trading_assets.features import feature


@feature(lookback={lookback}, unit="ratio")
def {name}() -> pl.Expr:
    """{formula}."""
    return {expression}
'''
_TEST = '''"""The feature {name}."""

from trading_assets_tests.features.own.holds import assert_feature_holds, values_of


def test_{name}_knows_nothing_of_the_future_and_reads_no_more_than_it_declares():
    assert_feature_holds("{name}")


def test_{name}_by_hand():
    # open, high, low, close and volume of one name, oldest first; work the values out on paper
    bars = [
{bars}
    ]
    assert values_of("{name}", bars) == [{values}]
'''


def write_feature(
    name: str, lookback: int, *, modules: Path, tests: Path, taken: Collection[str] = ()
) -> tuple[Path, Path]:
    """Write the module of a new feature and its test; both pass as they are.

    Parameters
    ----------
    name
        Name of the feature, of its function and of its module.
    lookback
        Rows before its own that a value depends on.
    modules, tests
        Folders to write to.
    taken
        Names that are columns already.

    Returns
    -------
    tuple of pathlib.Path
        The module and the test.

    Raises
    ------
    FeatureError
        The name cannot be that of a feature or is taken, the look-back is too long, or a file is there already.
    """
    require_name(name)
    if name in taken or name in COLUMNS:
        raise FeatureError(f"there is a column {name!r} already; choose another name")
    if not 0 <= lookback <= MAX_LOOKBACK:
        raise FeatureError(f"--lookback {lookback}: it counts the bars before a row's own, from 0 to {MAX_LOOKBACK}")
    files = modules / f"{name}.py", tests / f"test_{name}.py"
    for path in files:
        if path.exists():
            raise FeatureError(f"{path} is there already; edit it, or choose another name")
    for path, text in zip(files, (_module(name, lookback), _test(name, lookback)), strict=True):
        path.write_text(text)
    return files


def _module(name: str, lookback: int) -> str:
    formula, expression = "Close / open - 1", 'pl.col("close") / pl.col("open") - 1'
    if lookback:
        formula = f"Close / close {lookback} bar(s) before - 1"
        expression = f'pl.col("close") / pl.col("close").shift({lookback}) - 1'
    return _MODULE.format(name=name, lookback=lookback, formula=formula, expression=expression)


def _test(name: str, lookback: int) -> str:
    rows = ["(100.0, 111.0, 100.0, 110.0, 1000.0)"]
    if lookback > 1:
        rows.insert(0, f"*[(100.0, 101.0, 99.0, 100.0, 1000.0)] * {lookback - 1}")
    if lookback:
        rows.insert(0, "(80.0, 81.0, 79.0, 80.0, 1000.0)")
    bars = "\n".join(f"        {row}," for row in rows)
    values = f"*[None] * {lookback}, 0.375" if lookback else "0.1"
    return _TEST.format(name=name, bars=bars, values=values)
