"""A file of your own is a table of the desk: with its contract, its asset, its checks that block, and its page."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from textwrap import dedent

import pytest

from trading_assets_tests import desks

ROOT = Path(__file__).resolve().parents[3]
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
# Sets are found when their module is first imported: a desk with other features is a process of its own.
DESK = """
    import itertools
    import json
    import sys
    from pathlib import Path

    from trading_assets.features import own

    own.__path__.append(sys.argv[1])

    from datetime import date

    import dagster as dg

    from trading_assets.features.pages import pages
    from trading_assets.features.sets import SETS
    from trading_assets.lake.postgres.url import PostgresUrl
    from trading_assets.orchestration.jobs import plan_stage
    from trading_assets.desk.symbols import registered_symbols
    from trading_assets_tests import desks

    home, server = Path(sys.argv[2]), PostgresUrl(**json.loads(sys.argv[3]))
    source = {"kind": "simulated", "n_symbols": 2, "seed": 3, "start": "2014-01-01", "end": "2016-12-31"}
    first, last = date(2014, 1, 2), date(2016, 12, 30)
    # empty databases are made already, and names from one on are the other process's
    desks._templates[server.host, server.port] = sys.argv[4]
    desks._numbers = itertools.count(1_000_000)
    with desks.open_bench(server, home, source, date(2014, 1, 1), date(2017, 1, 1)) as bench:
        node = bench.defs.resolve_asset_graph().get(dg.AssetKey(["features", "own"]))
        bench.list_symbols()
        tags = plan_stage("refresh_panel", bench.desk, registered_symbols(bench.instance), first, last).tags
        only = ["market_data.bars_daily", "market_data.corporate_actions", "features.own"]
        result = bench.run("refresh_panel", tags, only=only, raises=False)
        checks = [e for e in result.get_asset_check_evaluations() if e.asset_key == node.key]
        rows = bench.read("features.own")
    said = {
        "parents": sorted(key.to_user_string() for key in node.parent_keys),
        "checks": {check.check_name: (check.blocking, check.passed, check.description) for check in checks},
        "page": [line for line in pages(SETS.values(), [])["own.md"].splitlines() if "| `" in line],
        "success": result.success,
        "nulls": {name: rows[name].null_count() for name in rows.columns},
    }
    print(json.dumps(said))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def said(postgres, tmp_path_factory):
    """What a desk with two features of its own, one of them leaky, says of itself after a run."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "mine").mkdir()
    for feature in (HONEST, LEAKY):
        (folder / "mine" / f"{feature['name']}.py").write_text(dedent(FEATURE).format(**feature))
    arguments = [str(folder / "mine"), str(folder / "lake"), json.dumps(asdict(postgres)), desks._template(postgres)]
    command = [sys.executable, "-c", dedent(DESK), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_file_is_a_table_with_an_asset_rows_and_a_page(said):
    assert said["parents"] == ["market_data/bars_daily", "market_data/corporate_actions", "market_data/symbols"]
    assert said["page"][0].startswith("| `range_21` | Highest high over lowest low of 21 bars - 1 | ratio | 20 |")
    # two names lack the twenty bars before their first ones; nothing is known beyond the end of their three years
    assert said["nulls"] == {"symbol": 0, "date": 0, "range_21": 40, "tomorrow": 40 + 6}


def test_its_checks_block(said):
    assert {name: blocking for name, (blocking, _, _) in said["checks"].items()} == dict.fromkeys(
        ["contract", "look_ahead", "warm_up", "completeness"], True
    )


def test_a_file_that_knows_the_future_stops_the_run_by_name(said):
    _, passed, description = said["checks"]["look_ahead"]
    assert (said["success"], passed) == (False, False)
    assert "tomorrow looks ahead: values up to 20" in description
    assert "range_21" not in description
