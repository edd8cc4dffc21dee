"""A lake that the desk has filled: what its daemon does after a close, and what Chromium sees in its web UI."""

from __future__ import annotations

import json
from collections.abc import Iterator

import dagster as dg
import polars as pl
import pytest

from trading_assets_tests.desks import CONTRACTS, STAGE_JOBS
from trading_assets_tests.end_to_end._browser import Browser, open_browser
from trading_assets_tests.end_to_end._demo import DemoUi

pytestmark = pytest.mark.slow

STAGES = (
    "market_data",
    "features",
    "labels",
    "models",
    "predictions",
    "signals",
    "portfolio",
    "backtest",
    "reports",
)
ALL_GROUPS = (*STAGES, "catalog")
# Asset -> colour of its node; green where everything is materialised and every check has passed.
_GREEN = "var(--color-accent-green)"
# Of a node whose state the page has not loaded yet.
_LOADING = "var(--color-border-default)"
_NODES = """
return Object.fromEntries([...document.querySelectorAll('[class*=minimalAssetNodeBox]')].map(
    node => [node.innerText, node.style.getPropertyValue('--minimal-border')]))
"""
_IMAGES = "return [...document.querySelectorAll('img')].map(image => [image.naturalWidth, image.naturalHeight])"


@pytest.fixture
def browser(refreshed_ui: DemoUi, tmp_path) -> Iterator[Browser]:
    with open_browser(refreshed_ui.ui.url, tmp_path) as opened:
        yield opened


def test_the_daemon_takes_a_session_from_its_bars_to_the_report(refreshed_ui: DemoUi) -> None:
    bench, last = refreshed_ui.bench, refreshed_ui.last
    states = {run["jobName"]: run["status"] for run in refreshed_ui.refresh_runs()}

    assert states == dict.fromkeys(STAGE_JOBS, "SUCCESS")
    assert len(refreshed_ui.refresh_runs()) == len(STAGE_JOBS), "a stage ran twice"
    pnl = bench.read("backtest.pnl")
    assert refreshed_ui.pnl["date"].max() < last
    assert pnl.filter(pl.col("date") < last).equals(refreshed_ui.pnl), "a refresh changed P&L of earlier sessions"
    assert pnl.filter(pl.col("date") == last)["book"].to_list() == ["main"]
    sheet = json.loads((bench.settings.home / "reports" / "main" / "tear_sheet.json").read_text())
    assert str(last) in json.dumps(sheet)


def test_the_lineage_shows_every_stage_and_everything_in_it_is_green(browser: Browser, refreshed_ui: DemoUi) -> None:
    assets = {key.path[-1] for key in made_assets(refreshed_ui)}
    browser.open_lineage(ALL_GROUPS)

    colours = browser.wait_for(lambda: settled_colours(browser, assets))

    browser.screenshot("lineage")
    assert {name: colour for name, colour in colours.items() if colour != _GREEN} == {}
    assert browser.errors() == []


def made_assets(ui: DemoUi) -> set[dg.AssetKey]:
    """Keys of the assets that a refresh makes."""
    made = ui.bench.defs.resolve_asset_graph().materializable_asset_keys
    return {key for key in made if key.path[0] != "live"}


def settled_colours(browser: Browser, assets: set[str]) -> dict[str, str] | None:
    """Colour of each asset's node, once the page shows all of them and knows their states."""
    colours = {name: colour for name, colour in browser.run(_NODES).items() if name in assets}
    return colours if set(colours) == assets and _LOADING not in colours.values() else None


def test_a_replayed_session_shows_its_figures(browser: Browser) -> None:
    browser.open("/assets/live/parity", "largest_price_difference")
    browser.screenshot("parity")
    assert browser.errors() == []


def test_the_latest_runs_are_green(browser: Browser) -> None:
    browser.open("/runs", *STAGE_JOBS)

    states = browser.wait_for(lambda: finished_states(browser), timeout=90)

    browser.screenshot("runs")
    assert set(states) == {"Success"}
    assert browser.errors() == []


def finished_states(browser: Browser) -> list[str] | None:
    """Status of each run, once the table shows at least one per stage and none is under way."""
    states = run_states(browser)
    is_settled = len(states) >= len(STAGE_JOBS) and not {"Queued", "Starting", "Started"} & set(states)
    return states if is_settled else None


def run_states(browser: Browser) -> list[str]:
    """Status of each run that the page shows."""
    known = {"Success", "Failure", "Canceled", "Queued", "Starting", "Started"}
    return [line.strip() for line in browser.text().splitlines() if line.strip() in known]


def test_the_equity_curve_of_a_book_opens_as_a_picture(browser: Browser) -> None:
    browser.open("/assets/reports/tear_sheet", "equity_curve", "[Show Markdown]")
    browser.click("[Show Markdown]")
    browser.wait_for_text("Close")
    [size] = browser.wait_for(lambda: browser.run(_IMAGES) or None)
    browser.screenshot("equity_curve")

    assert size[0] > 600, size
    assert size[1] > 300, size


def test_the_contract_of_the_bars_has_passed_and_tells_how_many_rows_it_kept_out(
    browser: Browser, refreshed_ui: DemoUi
) -> None:
    shown = browser.open(
        "/assets/market_data/bars_daily?view=checks&checkDetail=contract",
        "Stored rows satisfy the contract",
        "rules_broken",
    )
    browser.screenshot("checks")

    lines = [line.strip() for line in shown.splitlines() if line.strip()]
    assert lines[lines.index("Evaluation result") + 1] == "Passed"
    assert lines[lines.index("rows_quarantined") + 1] == str(refreshed_ui.bad_bars)
    assert any("high" in line and "low" in line for line in lines), "the rule that was broken is not named"


def test_the_page_of_an_asset_explains_its_columns(browser: Browser) -> None:
    columns = CONTRACTS["backtest.pnl"].columns
    explained = [text for column in columns for text in (column.name, column.description)]

    browser.open("/assets/backtest/pnl", "Columns", "Row count", *explained)

    browser.screenshot("pnl")
