"""The matrix of features: what a model asks for by name, what is read, and the view of it in the lake."""

from contextlib import closing
from datetime import date

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from trading_assets.features.contract import contract_of
from trading_assets.features.feature_set import Feature, FeatureSet
from trading_assets.features.matrix.matrix import Matrix, features_in
from trading_assets.features.matrix.view import NAME, ensure_matrix, view_query
from trading_assets.lake import Contract, Lake, LakeFrame, Scope
from trading_assets.lake.contracts import column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.lake.store.sql import run_query
from trading_assets.lake.store.writes import replace
from trading_assets_tests.features.shipped import BY_SET, CROSS_SECTION, DAILY
from trading_assets_tests.features.shipped import MATRIX as SHIPPED

DAYS = [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)]


def made_set(name: str, *features: str) -> Contract:
    return contract_of(
        FeatureSet(name, "Made up.", {one: Feature(one, "made up", "ratio", 0) for one in features}, "none"), "daily"
    )


class Breadth(pa.DataFrameModel):
    """One row per session."""

    date: date = column("session")
    advancers: pl.Float32 = column("share of names that rose", nullable=True)
    source: str = column("text beside the figures", nullable=True)


BASE, BESIDE = made_set("base", "a", "b"), made_set("beside", "c")
BREADTH = Contract(Breadth, "features.breadth", key=("date",), time="date")
MATRIX = Matrix((BASE, BESIDE, BREADTH))


def rows(contract: Contract, keys: pl.DataFrame, start: float = 0.0) -> pl.DataFrame:
    values = {
        name: pl.Series(np.arange(keys.height, dtype=np.float32) + start + 10 * place)
        for place, name in enumerate(features_in(contract))
    }
    frame = keys.with_columns(**values)
    return frame.with_columns(pl.lit(None, dtype).alias(n) for n, dtype in contract.schema.items() if n not in frame)


def by_name(symbols: str = "BA") -> pl.DataFrame:
    return pl.DataFrame({"symbol": list(symbols)}).join(pl.DataFrame({"date": DAYS}), how="cross")


def write(lake: Lake, contract: Contract, frame: pl.DataFrame) -> None:
    replace(lake, contract, frame, Scope())


@pytest.fixture
def filled(lake: Lake) -> Lake:
    write(lake, BASE, rows(BASE, by_name()))
    write(lake, BESIDE, rows(BESIDE, by_name(), 100.0))
    write(lake, BREADTH, rows(BREADTH, pl.DataFrame({"date": DAYS}), 1000.0))
    return lake


# --- names


@pytest.mark.parametrize(
    ("wanted", "columns"),
    [
        ((), ("a", "b", "c", "advancers")),
        (("c", "a"), ("c", "a")),
        (("beside", "a"), ("c", "a")),
        (("b", "base", "breadth"), ("b", "a", "advancers")),
    ],
)
def test_a_model_names_features_whole_tables_or_nothing(wanted, columns):
    assert MATRIX.columns(wanted) == columns


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (["advancer"], r"advancer \(did you mean 'advancers'\?\); tables are"),
        (["bass"], r"bass \(did you mean 'base'\?\)"),
        (["xyzzy", "a", "plugh"], "xyzzy, plugh; tables are base, beside, breadth"),
        (["source"], "source"),
        (["symbol"], "symbol"),
    ],
)
def test_an_unknown_name_is_named_with_the_closest_ones(wanted, said):
    with pytest.raises(ValueError, match=said):
        MATRIX.columns(wanted)


def test_two_features_of_one_name_are_refused_whatever_their_case():
    with pytest.raises(ValueError, match=r"features\.other\.A and features\.base\.a are one column"):
        Matrix((BASE, made_set("other", "A"))).columns()


def test_features_of_the_shipped_tables_are_columns_of_one_matrix_and_no_table_is_named_like_one():
    columns = SHIPPED.columns()
    assert len(columns) == sum(len(features_in(table)) for table in SHIPPED.tables)
    assert not set(columns) & {table.asset_key[-1] for table in SHIPPED.tables}
    assert set(DAILY.values()) <= set(SHIPPED.tables)
    assert not {contract for (_, interval), contract in BY_SET.items() if interval != "daily"} & set(SHIPPED.tables)


def test_a_desk_has_the_tables_that_it_makes():
    assert SHIPPED.among(["features.technical", "features.nothing", "labels.forward_return"]).tables == (
        DAILY["technical"],
    )


# --- reading


def test_what_is_read_is_the_plain_join_by_name_and_session(filled: Lake):
    found = MATRIX.read(filled, (), DAYS[0], DAYS[-1])
    parts = [LakeFrame(filled, table).read().drop("source", strict=False) for table in MATRIX.tables]
    joined = parts[0].join(parts[1], on=["symbol", "date"], how="left").join(parts[2], on="date", how="left")
    assert_frame_equal(found, joined.sort("symbol", "date"))
    assert set(found.schema.values()) == {pl.String(), pl.Date(), pl.Float32()}


def test_only_what_is_asked_for_is_read(filled: Lake):
    found = MATRIX.read(filled, ["c"], DAYS[1], DAYS[1])
    assert found.to_dict(as_series=False) == {"symbol": ["A", "B"], "date": [DAYS[1]] * 2, "c": [104.0, 101.0]}
    assert MATRIX.read(filled, ["advancers", "b"], DAYS[2], DAYS[2]).columns == ["symbol", "date", "b", "advancers"]


def test_a_figure_of_the_session_stands_beside_every_name(filled: Lake):
    found = MATRIX.read(filled, ["advancers"], DAYS[0], DAYS[0])
    assert found.rows() == [("A", DAYS[0], 1000.0), ("B", DAYS[0], 1000.0)]


@pytest.mark.parametrize("symbols", ["A", "ABC"])
def test_a_table_with_other_rows_is_joined_and_not_laid_beside(filled: Lake, symbols: str):
    write(filled, BESIDE, rows(BESIDE, by_name(symbols), 100.0))
    found = MATRIX.read(filled, ["a", "c"], DAYS[0], DAYS[0])
    expected = {"A": 100.0, "B": 103.0 if "B" in symbols else None}
    assert dict(found.select("symbol", "c").iter_rows()) == expected


def test_many_columns_are_read_in_portions_and_in_order(lake: Lake):
    wide = made_set("wide", *(f"w{number:03d}" for number in range(95)))
    write(lake, wide, rows(wide, by_name()))
    found = Matrix((wide,)).read(lake, (), DAYS[0], DAYS[-1])
    assert_frame_equal(found, LakeFrame(lake, wide).read())


def test_an_empty_lake_gives_no_row_but_the_columns(lake: Lake):
    found = MATRIX.read(lake, (), DAYS[0], DAYS[-1])
    assert found.is_empty()
    assert found.columns == ["symbol", "date", "a", "b", "c", "advancers"]


# --- the view


def test_the_view_holds_what_is_read(filled: Lake):
    assert ensure_matrix(filled, MATRIX)
    shown = run_query(filled, f"SELECT * FROM {NAME} ORDER BY symbol, date")
    assert_frame_equal(shown, MATRIX.read(filled, (), DAYS[0], DAYS[-1]))


def test_any_client_reads_the_view_under_any_name_of_the_lake(filled: Lake):
    ensure_matrix(filled, MATRIX)
    statement = filled.attach_statement(read_only=True).replace(" AS lake ", " AS elsewhere ")
    with closing(filled.attach(read_only=True)) as connection:
        connection.execute(f"USE memory; DETACH lake; {statement}")
        counted = connection.execute(f"SELECT count(*), count(advancers) FROM elsewhere.{NAME}").fetchone()
    assert counted == (6, 6)


def test_the_view_is_made_again_only_where_a_table_or_a_column_has_appeared(lake: Lake):
    assert not ensure_matrix(lake, MATRIX)
    write(lake, BREADTH, rows(BREADTH, pl.DataFrame({"date": DAYS})))
    assert not ensure_matrix(lake, MATRIX), "a view without names is none"
    write(lake, BASE, rows(BASE, by_name()))
    assert ensure_matrix(lake, MATRIX)
    snapshot = lake.current_snapshot()
    assert not ensure_matrix(lake, MATRIX)
    assert lake.current_snapshot() == snapshot
    write(lake, BESIDE, rows(BESIDE, by_name()))
    assert ensure_matrix(lake, MATRIX)
    wider = made_set("beside", "c", "d")
    assert not ensure_matrix(lake, Matrix((BASE, wider, BREADTH))), "the lake has no such column yet"
    write(lake, wider, rows(wider, by_name()))
    assert ensure_matrix(lake, Matrix((BASE, wider, BREADTH)))
    assert run_query(lake, f"SELECT * FROM {NAME} LIMIT 1").columns == [
        "symbol",
        "date",
        "a",
        "b",
        "c",
        "d",
        "advancers",
    ]


def test_the_view_of_the_past_knows_what_there_was(filled: Lake):
    ensure_matrix(filled, Matrix((BASE,)))
    before = filled.current_snapshot()
    ensure_matrix(filled, MATRIX)
    assert run_query(filled, f"FROM {NAME} LIMIT 1", at=before).columns == ["symbol", "date", "a", "b"]


def test_the_view_of_the_shipped_tables_names_each_column_once():
    query = view_query(SHIPPED, {table.table: list(table.schema) for table in SHIPPED.tables})
    assert query is not None
    assert all(query.count(f'"{name}"') == 1 for name in SHIPPED.columns())
    assert CROSS_SECTION.table in query
