"""The pages of the features: what is committed is what the code gives, and every feature is on one."""

import re
from pathlib import Path

import pytest

from trading_assets.features.feature_set import INTERVALS, Feature, FeatureSet, table_of
from trading_assets.features.pages import GUIDE, INDEX, pages, write_pages
from trading_assets_tests.features.shipped import SETS, SQL_SETS

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "features"
MADE = pages(SETS.values(), SQL_SETS.values(), guide=GUIDE)
ONE = FeatureSet(
    name="odd",
    doc="Odd features.",
    features=table_of(
        [
            Feature("a_5", "|x| * 2 < $close", "ratio", 4, "Author (2000)", "some", frozenset({"daily"})),
            Feature("b", "plain", "percent", 0),
        ]
    ),
    package="nowhere",
)


def test_the_committed_pages_are_what_the_code_gives():
    committed = {path.name: path.read_text() for path in FOLDER.glob("*.md")}
    assert committed.keys() == MADE.keys(), "run: trading-assets docs"
    assert [name for name, text in MADE.items() if committed[name] != text] == [], "run: trading-assets docs"


@pytest.mark.parametrize("name", [*SETS, *SQL_SETS])
def test_every_feature_of_a_set_has_a_row_on_its_page(name):
    one = SETS[name] if name in SETS else SQL_SETS[name]
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (\d+) \|", MADE[f"{name}.md"], flags=re.MULTILINE)
    assert [row[0] for row in rows] == list(one.features)
    assert [int(row[3]) for row in rows] == [feature.lookback for feature in one.features.values()]


def test_the_index_counts_what_the_pages_list():
    everything = sum(len(one.features) for one in (*SETS.values(), *SQL_SETS.values()))
    assert f"\n{everything} features in {len(SETS) + len(SQL_SETS)} sets." in MADE[INDEX]
    for name, one in SETS.items():
        counts = ", ".join(f"{len(one.of(bar))} {bar}" for bar in INTERVALS if bar in one.intervals)
        assert f"| [{name}]({name}.md) | {counts} |" in MADE[INDEX]


def test_a_row_says_all_that_is_known_of_a_feature():
    rows = pages([ONE], [])["odd.md"].splitlines()[-2:]
    assert rows == [
        r"| `a_5` | \|x\| \* 2 \< \$close | ratio | 4 | Author (2000) | some | daily |",
        "| `b` | plain | percent | 0 |  |  | daily, hourly, minute |",
    ]


class TestFiles:
    def test_pages_are_written_once(self, tmp_path):
        texts = pages([ONE], [])
        assert {path.name for path in write_pages(tmp_path / "pages", texts)} == {INDEX, "odd.md"}
        assert write_pages(tmp_path / "pages", texts) == []

    def test_the_page_of_a_set_that_is_gone_is_removed(self, tmp_path):
        write_pages(tmp_path, pages([ONE], []))
        assert {path.name for path in write_pages(tmp_path, pages([], []))} == {INDEX, "odd.md"}
        assert {path.name for path in tmp_path.iterdir()} == {INDEX}

    def test_a_page_that_somebody_wrote_stays(self, tmp_path):
        (tmp_path / "notes.md").write_text("# Notes\n")
        write_pages(tmp_path, pages([], []))
        assert (tmp_path / "notes.md").read_text() == "# Notes\n"
