"""Symbols in your own files: one spelling each, no blanks, no file or row lost because of how a name is written."""

import json
from datetime import UTC, date, datetime

import polars as pl
import pytest

from trading_assets.market_data.contract import BARS_DAILY, COMPANIES, CORPORATE_ACTIONS, FUNDAMENTALS, LISTINGS, NEWS
from trading_assets.market_data.sources import DAILY_BARS_SCHEMA, FilesSource, SourceFormatError

EVER = (date(1990, 1, 1), date(2030, 1, 1))
BARS = "symbol,date,open,high,low,close,volume"
UNNAMED = "date,open,high,low,close,volume"
FIRST, SECOND = "2015-01-02", "2015-01-05"
# Header, and what follows the symbol, of a row of every other table.
TABLES = {
    "actions": ("symbol,ex_date,kind,value", "2015-01-05,split,2"),
    "listings": ("symbol,date,kind", "2015-01-05,listing"),
    "fundamentals": ("symbol,period_end,period,known_at,revenue", "2014-12-31,FY,2015-01-05,7"),
    "news": ("symbol,published_at,headline", "2015-01-05T10:00:00Z,Something"),
    "companies": ("symbol,name,known_on", "Ay,2015-01-05"),
}
CONTRACTS = {
    "actions": CORPORATE_ACTIONS, "listings": LISTINGS, "fundamentals": FUNDAMENTALS, "news": NEWS,
    "companies": COMPANIES,
}  # fmt: skip


def write(path, header, *lines):
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def bar(symbol, day=FIRST):
    return f"{symbol},{day},10,11,9,10.5,100"


def answer(source, table):
    symbols = source.symbols()["symbol"].to_list()
    if table == "companies":
        return source.companies(symbols, datetime(2016, 1, 1, tzinfo=UTC))
    return getattr(source, "corporate_actions" if table == "actions" else table)(symbols, *EVER)


@pytest.fixture
def source(tmp_path):
    """Factory of a source with bars of some symbols, and one row per symbol in the files of other tables."""

    def make(bars, **others):
        paths = {
            f"{table}_path": write(
                tmp_path / f"{table}.csv", TABLES[table][0], *(f"{one},{TABLES[table][1]}" for one in symbols)
            )
            for table, symbols in others.items()
        }
        path = write(tmp_path / "prices.csv", BARS, *(one if "," in one else bar(one) for one in bars))
        return FilesSource(path=path, **paths)

    return make


# --- share classes and case


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("bars", "written"), [("BRK-B", "BRK.B"), ("BRK/B", "brk-b"), ("BRK.B", "BRK_B"), ("a", "A ")])
def test_a_share_class_or_a_case_that_is_written_otherwise_is_the_same_symbol(source, table, bars, written):
    found = answer(source([bars], **{table: [written]}), table)
    assert found["symbol"].to_list() == [bars]
    assert CONTRACTS[table].split(found).quarantined.is_empty()


@pytest.mark.parametrize("table", TABLES)
def test_a_row_whose_symbol_has_no_bars_is_quarantined_with_symbol_and_file(source, table):
    found = answer(source(["A", "B"], **{table: ["A", "NOPE"]}), table)
    split = CONTRACTS[table].split(found)
    assert split.good["symbol"].to_list() == ["A"]
    assert split.quarantined["rule"].to_list() == [f"symbol: 'NOPE' of {table}.csv has no bars"]
    assert "NOPE" in json.loads(json.loads(split.quarantined["row"].item())["raw"]).values()


def test_the_spelling_of_the_bars_counts_where_a_symbol_is_written_in_two_ways(source):
    found = source([bar("brk.b"), bar("BRK.B", SECOND)], actions=["brk/b"])
    assert found.symbols()["symbol"].to_list() == ["BRK.B"]
    assert found.bars(["BRK.B"], *EVER)["symbol"].to_list() == ["BRK.B", "BRK.B"]
    assert found.corporate_actions(["BRK.B"], *EVER).height == 1


def test_spellings_with_bars_of_one_day_are_two_symbols_and_each_row_belongs_to_its_own(source):
    found = source(["AB", "Ab"], actions=["Ab", "ab"])
    assert found.symbols()["symbol"].to_list() == ["AB", "Ab"]
    rows = found.corporate_actions(["AB", "Ab"], *EVER)
    assert rows["symbol"].to_list() == [None, "Ab"], "the third spelling could be either"
    assert rows["rejected"].drop_nulls().to_list() == ["symbol: 'ab' of actions.csv has no bars"]


def test_a_story_is_kept_for_the_symbols_that_have_bars_and_quarantined_if_none_has(source):
    rows = source(["A", "B"], news=['"A NOPE"', '"NOPE,ZERO"']).news(["A", "B"], *EVER)
    split = NEWS.split(rows)
    assert split.good["symbol"].to_list() == ["A"]
    assert sorted(split.quarantined["rule"]) == [f"symbol: '{one}' of news.csv has no bars" for one in ("NOPE", "ZERO")]


def test_stories_in_parquet_may_list_their_symbols(source, tmp_path):
    lists = [["brk.b", "NOPE"], ["ZERO"], []]
    moment = datetime(2015, 1, 5, 10, tzinfo=UTC)
    pl.DataFrame({"symbols": lists, "published_at": moment, "headline": list("xyz")}).write_parquet(
        tmp_path / "news.parquet"
    )
    files = FilesSource(path=source(["BRK-B"]).path, news_path=tmp_path / "news.parquet")
    split = NEWS.split(files.news(["BRK-B"], *EVER))
    assert split.good["symbol"].to_list() == ["BRK-B"]
    assert sorted(split.quarantined["rule"]) == ["symbol: 'ZERO' of news.parquet has no bars", "symbol: not_nullable"]


def test_names_of_companies_are_found_in_another_spelling(source, tmp_path):
    names = write(tmp_path / "names.csv", "symbol,name", "BRK.B,Berkshire", "OTHER,Other")
    path = source(["BRK-B"]).path
    assert FilesSource(path=path, names_path=names).symbols()["name"].to_list() == ["Berkshire"]


# --- blanks


@pytest.mark.parametrize("written", ["AAPL ", " AAPL", "\tAAPL", "AAPL\u00a0", "\ufeffAAPL\u200b"])
def test_blanks_around_a_symbol_do_not_make_another_one(source, written):
    found = source([bar("AAPL"), bar(written, SECOND)], actions=[written])
    assert found.symbols()["symbol"].to_list() == ["AAPL"]
    bars = found.bars(["AAPL"], *EVER)
    assert bars.schema == DAILY_BARS_SCHEMA
    assert bars["date"].to_list() == [date(2015, 1, 2), date(2015, 1, 5)]
    assert found.corporate_actions(["AAPL"], *EVER)["symbol"].to_list() == ["AAPL"]


def test_blanks_in_parquet_and_categories_are_stripped_too(tmp_path):
    frame = pl.DataFrame({"symbol": ["A", "A "], "date": [date(2015, 1, 2), date(2015, 1, 5)]}).with_columns(
        open=1.0, high=1.0, low=1.0, close=1.0, volume=1
    )
    for dtype in (pl.String(), pl.Categorical()):
        frame.cast({"symbol": dtype}).write_parquet(tmp_path / "bars.parquet")
        assert FilesSource(path=tmp_path / "bars.parquet").bars(["A"], *EVER).height == 2


# --- symbols that can be no partition


@pytest.mark.parametrize("written", ["A|B", '"A\tB"', "A...B", "A\x07B"])
def test_a_symbol_that_can_be_no_partition_is_quarantined_by_name_and_the_others_go_on(source, written):
    found = source(["AAA", written])
    assert found.symbols()["symbol"].to_list() == ["AAA"]
    split = BARS_DAILY.split(found.bars(["AAA"], *EVER))
    assert split.good["symbol"].to_list() == ["AAA"]
    rule = split.quarantined["rule"].item()
    assert rule.startswith(f"symbol: {written.strip(chr(34))!r} of prices.csv can name no partition")


def test_a_row_without_a_symbol_is_quarantined_and_the_others_go_on(source):
    for written in ("", '" "'):
        split = BARS_DAILY.split(source(["AAA", written]).bars(["AAA"], *EVER))
        assert split.good["symbol"].to_list() == ["AAA"]
        assert split.quarantined["rule"].to_list() == ["symbol: not_nullable"]


@pytest.mark.parametrize("written", ["A|B", '" "', "|"])
def test_files_without_any_usable_symbol_are_refused_by_name(source, written):
    with pytest.raises(SourceFormatError, match=r"prices\.csv: no symbol can be used.*setting source\.files\.columns"):
        source([written]).symbols()


# --- symbols in file names


@pytest.mark.parametrize(
    ("file", "symbol"), [("BRK.B.csv", "BRK.B"), ("aapl.us.csv", "aapl.us"), ("7203.T.CSV", "7203.T"), ("A.csv", "A")]
)
def test_the_symbol_is_the_file_name_without_its_ending(tmp_path, file, symbol):
    source = FilesSource(path=write(tmp_path / file, UNNAMED, bar("")[1:]), symbol_in_file_name=True)
    assert source.symbols()["symbol"].to_list() == [symbol]


def test_the_split_of_a_share_class_in_a_file_name_is_found(tmp_path):
    bars = write(tmp_path / "prices" / "BRK.B.csv", UNNAMED, bar("")[1:])
    actions = write(tmp_path / "actions.csv", TABLES["actions"][0], "BRK-B,2010-01-21,split,50")
    source = FilesSource(path=bars, symbol_in_file_name=True, actions_path=actions)
    assert source.corporate_actions(["BRK.B"], *EVER)["value"].to_list() == [50.0]


@pytest.mark.parametrize(
    ("one", "other"), [("BRK.B.csv", "BRK-B.csv"), ("old/A.csv", "new/A.csv"), ("A.csv", "a.csv"), ("A.csv", "A .csv")]
)
def test_two_files_that_give_one_name_are_refused_and_both_are_named(tmp_path, one, other):
    for file in (one, other):
        write(tmp_path / file, UNNAMED, bar("")[1:])
    with pytest.raises(SourceFormatError, match=r"give one name, .* \(setting source\.files\.symbol") as caught:
        FilesSource(path=tmp_path, symbol_in_file_name=True).symbols()
    assert str(tmp_path / one) in str(caught.value)
    assert str(tmp_path / other) in str(caught.value)
