"""Files of the user's own are tables of the desk, with their checks that block; a broken file costs only itself."""

import subprocess
import sys
from datetime import date
from textwrap import dedent

import dagster as dg
import pytest

from trading_assets.desk.symbols import registered_symbols
from trading_assets.features.pages import pages
from trading_assets.features.sets import feature_sets
from trading_assets.features.templates import new_sql_feature
from trading_assets.market_data.stage import PANEL_JOB, SYMBOLS_JOB
from trading_assets.orchestration.jobs import plan_stage
from trading_assets_tests import desks

FEATURE = """
    import polars as pl

    from trading_assets.features import feature


    @feature(lookback=20, unit="ratio", intervals=("daily",))
    def {name}() -> pl.Expr:
        '''{formula}.'''
        return {expression}
"""
HONEST = {
    "name": "range_21",
    "formula": "Highest high over lowest low of 21 bars - 1",
    "expression": "pl.col('high').rolling_max(21) / pl.col('low').rolling_min(21) - 1",
}
LEAKY = {
    "name": "tomorrow",
    "formula": "What the close will be",
    "expression": "pl.col('close').shift(-1) / pl.col('close')",
}
READS_OWN = """
{{ config(meta={"doc": "Doc.", "columns": {"twice": {"formula": "2 x range_21", "unit": "ratio"}}}) }}
select symbol, date, 2 * range_21 as twice from {{ source("features", "own") }} where {{ window() }}
"""
FIRST, LAST = date(2014, 1, 2), date(2016, 12, 30)
SOURCE = {"kind": "simulated", "n_symbols": 2, "seed": 3, "start": "2014-01-01", "end": "2016-12-31"}
PANEL = ["market_data.bars_daily", "market_data.corporate_actions", "features.own"]

pytestmark = pytest.mark.slow


def write(home, **features):
    folder = home / "own" / "features"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in features.items():
        (folder / name.replace("__", ".")).write_text(dedent(text))


@pytest.fixture(scope="module")
def bench(postgres, tmp_path_factory):
    """A desk with an honest feature, one in SQL, one that reads the honest one, and two broken files."""
    home = tmp_path_factory.mktemp("own")
    write(
        home,
        range_21__py=FEATURE.format(**HONEST),
        dollars__sql=new_sql_feature("dollars")[0],
        twice__sql=READS_OWN,
        broken__py="import polars\n\nX = 1 / 0\n",
        refused__sql="select 1",
        no_macro__sql=new_sql_feature("no_macro")[0].replace("exact_mean(", "mean_of("),
    )
    with desks.open_bench(postgres, home, SOURCE, date(2014, 1, 1), date(2017, 1, 1)) as opened:
        opened.list_symbols()
        opened.run_stage(PANEL_JOB, FIRST, LAST)
        yield opened


def checks_of(result, *key):
    return {
        check.check_name: check
        for check in result.get_asset_check_evaluations()
        if check.asset_key == dg.AssetKey(list(key))
    }


def test_a_file_is_a_table_with_an_asset_rows_and_a_page(bench):
    node = bench.defs.resolve_asset_graph().get(dg.AssetKey(["features", "own"]))
    parents = sorted(key.to_user_string() for key in node.parent_keys)
    assert parents == ["market_data/bars_daily", "market_data/corporate_actions", "market_data/symbols"]
    blocking = {key.name for key in node.check_keys}
    assert blocking == {"contract", "look_ahead", "warm_up", "completeness"}
    page = pages([bench.desk.part(feature_sets)["own"]], [])["own.md"]
    row = "| `range_21` | Highest high over lowest low of 21 bars - 1 | ratio | 20 |"
    assert [line for line in page.splitlines() if line.startswith(row)]
    # two names lack the twenty bars before their first ones
    rows = bench.read("features.own")
    assert {name: rows[name].null_count() for name in rows.columns} == {"symbol": 0, "date": 0, "range_21": 40}


def test_models_in_sql_are_tables_and_read_features_in_python(bench):
    result = bench.run("refresh_cross_section", _years("2014", "2016"), raises=False)
    made = {event.asset_key.path[-1] for event in result.get_asset_materialization_events()}
    assert {"dollars", "twice", "cross_section"} <= made
    assert "no_macro" not in made
    rows = bench.read("features.twice").join(bench.read("features.own"), on=["symbol", "date"])
    assert rows.height == bench.read("features.own").height
    assert (rows["twice"] - 2 * rows["range_21"]).abs().max() == 0
    matrix = bench.desk.lake.query("FROM lake.features.matrix LIMIT 1")
    assert {"range_21", "dollars", "twice", "rsi_14"} <= set(matrix.columns)


def test_files_that_cannot_be_used_are_left_out_and_named_with_their_lines_in_the_web_ui(bench):
    result = bench.run(SYMBOLS_JOB, only=["catalog.own_files"])
    check = checks_of(result, "catalog", "own_files")["loaded"]
    assert (check.passed, check.blocking) == (False, False)
    assert "file features/broken.py, place features/broken.py:3, fault ZeroDivisionError" in check.description
    rows = bench.read("catalog.own_files")
    assert dict(rows.select("file", "place").iter_rows()) == {
        "features/broken.py": "features/broken.py:3",
        "features/dollars.sql": None,
        "features/no_macro.sql": None,
        "features/range_21.py": None,
        "features/refused.sql": "features/refused.sql:1",
        "features/twice.sql": None,
    }


def test_a_file_that_knows_the_future_stops_the_run_by_name(postgres, tmp_path):
    write(tmp_path, range_21__py=FEATURE.format(**HONEST), tomorrow__py=FEATURE.format(**LEAKY))
    with desks.open_bench(postgres, tmp_path, SOURCE, date(2014, 1, 1), date(2017, 1, 1)) as bench:
        bench.list_symbols()
        tags = plan_stage(PANEL_JOB, bench.desk, registered_symbols(bench.instance), FIRST, LAST).tags
        result = bench.run(PANEL_JOB, tags, only=PANEL, raises=False)
    check = checks_of(result, "features", "own")["look_ahead"]
    assert (result.success, check.passed, check.blocking) == (False, False, True)
    assert "tomorrow looks ahead: values up to 20" in check.description
    assert "range_21" not in check.description


def test_importing_the_package_reads_nothing_of_the_user(tmp_path):
    mark = tmp_path / "read"
    write(tmp_path, a__py=f"open({str(mark)!r}, 'w')")
    program = "import trading_assets.definitions, trading_assets.cli, trading_assets.testing"
    environment = {"TRADING_ASSETS_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], env=environment, check=True)
    assert not mark.exists()


def _years(first, last):
    return {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
