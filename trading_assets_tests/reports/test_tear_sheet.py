import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import polars as pl
import pytest

from trading_assets.reports.tear_sheet import TearSheet, tear_sheet_html, tear_sheet_json
from trading_assets_tests.reports.books import ic_record, noise, record

PNL = noise(300)
FULL = TearSheet(
    book="demo",
    pnl=PNL,
    horizon=5,
    config={"capital": 100_000, "limits": {"gross": 1.0}, "strategy": "ml_alpha"},
    snapshot={"lake_snapshot": "42"},
    ic=ic_record(PNL),
    importance=pl.DataFrame({"feature": ["a", "b"], "gain": [2.0, 1.0]}),
)
PLAIN = TearSheet(book="demo", pnl=record([0.01, -0.02, 0.0]))


@pytest.fixture(scope="module")
def page() -> str:
    return tear_sheet_html(FULL)


def body_of(page: str) -> ET.Element:
    return ET.fromstring(page.removeprefix("<!DOCTYPE html>"))


def test_page_is_well_formed(page):
    root = body_of(page)
    assert root.tag == "html"
    assert root.find("head/title").text == "demo: tear sheet"


def test_page_loads_nothing_from_outside(page):
    assert "http://" not in page
    assert "https://" not in page

    class References(HTMLParser):
        found: list[str]

        def handle_starttag(self, tag, attrs):
            assert tag not in {"script", "link", "iframe", "object"}
            self.found += [value for name, value in attrs if name in {"src", "href", "srcset", "data"}]

    parser = References()
    parser.found = []
    parser.feed(page)
    assert len(parser.found) == 4
    assert all(value.startswith("data:image/png;base64,") for value in parser.found)
    assert "url(" not in page
    assert "default-src &#x27;none&#x27;" in page


def test_page_shows_statistics_months_verdict_settings_and_data(page):
    text = " ".join(body_of(page).itertext())
    for part in ("sharpe ratio", "rank ic mean", "No evidence of edge", "2020", "ml_alpha", '{"gross": 1.0}', "42"):
        assert part in text
    assert [h.text for h in body_of(page).iter("h2")] == ["Statistics", "Monthly returns (%)", "Book", "Data"]


def test_monthly_table_has_a_cell_for_each_month_and_the_year():
    pnl = record([0.01] * 30)  # 2024-01-01 .. 2024-02-09: 23 sessions in January, 7 in February
    table = list(body_of(tear_sheet_html(TearSheet(book="demo", pnl=pnl))).iter("table"))[1]
    cells = [cell.text or "" for cell in list(table.iter("tr"))[1]]
    assert cells == ["2024", f"{(1.01**23 - 1) * 100:.2f}", f"{(1.01**7 - 1) * 100:.2f}", *[""] * 10, "34.78"]


def test_everything_from_outside_is_escaped():
    evil = "<script>alert('x')</script>&\""
    sheet = TearSheet(book=evil, pnl=record([0.01, -0.01]), config={evil: [evil]}, snapshot={evil: evil})
    page = tear_sheet_html(sheet)
    assert "<script" not in page
    root = body_of(page)
    assert root.find("body/h1").text == evil
    assert evil in [cell.text for cell in root.iter("td")]


def test_a_book_without_predictions_has_fewer_charts_and_no_information_coefficient():
    page = tear_sheet_html(PLAIN)
    assert page.count("<img") == 2
    assert "rank ic" not in page
    assert "none recorded" in page


def test_same_input_gives_the_same_text(page):
    assert page == tear_sheet_html(FULL)
    assert tear_sheet_json(FULL) == tear_sheet_json(FULL)


def test_json_holds_the_same_content_with_sorted_keys():
    text = tear_sheet_json(FULL)
    content = json.loads(text)
    assert list(content) == sorted(content)
    assert list(content["statistics"]) == sorted(content["statistics"])
    assert content["book"] == "demo"
    assert content["statistics"]["sessions"] == {"unit": "sessions", "value": 300.0}
    assert content["verdict"]["is_convincing"] is False
    assert content["config"]["limits"] == {"gross": 1.0}
    assert content["data"] == {"lake_snapshot": "42"}
    assert re.fullmatch(r"\d{4}-\d{2}", next(iter(content["monthly_returns"])))


def test_json_writes_undefined_figures_as_null():
    content = json.loads(tear_sheet_json(TearSheet(book="flat", pnl=record([0.0, 0.0]))))
    assert content["statistics"]["sharpe_ratio"]["value"] is None
    assert "NaN" not in tear_sheet_json(PLAIN)


def test_a_book_without_sessions_is_refused():
    with pytest.raises(ValueError, match="no sessions"):
        tear_sheet_html(TearSheet(book="empty", pnl=record([])))
