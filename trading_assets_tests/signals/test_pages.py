"""The pages of the strategies: what is committed is what the code gives."""

from pathlib import Path

import pytest

from trading_assets.features.pages import INDEX
from trading_assets.signals import bars, strategy
from trading_assets.signals import strategies as shipped
from trading_assets.signals.pages import pages
from trading_assets.signals.registry import by_name, strategies_of

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "strategies"
KNOWN = by_name(strategies_of(shipped))


def test_the_committed_pages_are_what_the_code_gives():
    committed = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    assert committed == pages(KNOWN), "run: trading-assets docs"


@pytest.mark.parametrize("name", KNOWN)
def test_every_strategy_has_a_page_and_a_row_in_the_index(name):
    made, one = pages(KNOWN), KNOWN[name]
    assert f"\n# {name}\n\n{one.description}." in made[f"{name}.md"]
    assert f"| [{name}]({name}.md) | {one.description} | {one.lookback} |" in made[INDEX]


def test_a_page_says_all_that_is_declared():
    @strategy(inputs={"prices": bars("close")}, lookback=lambda window: window - 1, source="Nobody (1900)")
    def odd(prices, *, window=5):
        """Close | mean.

        As a *ratio*.
        """

    assert pages({"odd": odd})["odd.md"].splitlines()[2:] == [
        "# odd",
        "",
        "Close | mean.",
        "",
        "As a *ratio*.",
        "",
        "- reads: daily bars, adjusted for splits and dividends: close",
        "- look-back: 4 sessions",
        "- parameter: window = 5",
        "- source: Nobody (1900)",
    ]
    assert r"| [odd](odd.md) | Close \| mean | 4 |" in pages({"odd": odd})[INDEX]
