"""What a user sees in the web UI of a lake that the desk has filled, looked at in headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from trading_assets.definitions import CONTRACTS
from trading_assets.orchestration.jobs import STAGE_JOBS
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
ASSETS = {contract.asset_key[-1] for table, contract in CONTRACTS.items() if not table.startswith("live.")}
# Asset -> colour of its node; green where everything is materialised and every check has passed.
_NODES = """
return Object.fromEntries([...document.querySelectorAll('[class*=minimalAssetNodeBox]')].map(
    node => [node.innerText, node.style.getPropertyValue('--minimal-border')]))
"""
_IMAGES = "return [...document.querySelectorAll('img')].map(image => [image.naturalWidth, image.naturalHeight])"


@pytest.fixture
def browser(refreshed_ui: DemoUi, tmp_path) -> Iterator[Browser]:
    with open_browser(refreshed_ui.ui.url, tmp_path) as opened:
        yield opened


def test_the_lineage_shows_every_stage_and_everything_in_it_is_green(browser: Browser) -> None:
    browser.open_lineage(ALL_GROUPS)
    green = dict.fromkeys(ASSETS, "var(--color-accent-green)")

    browser.wait_for(lambda: browser.run(_NODES) == green or None)

    browser.screenshot("lineage")
    assert browser.errors() == []


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
    shown = browser.open("/assets/market_data/bars_daily?view=checks", "Stored rows hold the contract", "rules_broken")
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
