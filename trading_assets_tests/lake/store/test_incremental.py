"""Which rows are behind their inputs: exactly those whose value could be another one now."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from trading_assets.lake import Contract, Lake, Scope
from trading_assets.lake.contracts import column
from trading_assets.lake.contracts.pandera_polars import pa
from trading_assets.lake.store import ducklake_catalog
from trading_assets.lake.store.history import rollback
from trading_assets.lake.store.incremental import ALL, Input, Stale, stale_rows
from trading_assets.lake.store.maintenance import maintain
from trading_assets.lake.store.writes import replace

JANUARY = [date(2024, 1, day) for day in range(2, 12)]
TODAY = date(2024, 1, 12)
YEAR = (date(2024, 1, 1), date(2025, 1, 1))
NAMES = ("A", "B", "C")


class Prices(pa.DataFrameModel):
    """Prices."""

    symbol: str = column("ticker")
    date: date = column("session")
    close: float = column("last price")
    source: str = column("where it came from")


class Doubled(pa.DataFrameModel):
    """Twice the price."""

    symbol: str = column("ticker")
    date: date = column("session")
    twice: float = column("twice the close")


class Sectors(pa.DataFrameModel):
    """Sectors, each from the day on that it became known."""

    symbol: str = column("ticker")
    known_on: date = column("day")
    sector: str = column("sector", nullable=True)


PRICES = Contract(Prices, "market_data.prices", key=("symbol", "date"), time="date")
DOUBLED = Contract(Doubled, "features.doubled", key=("symbol", "date"), time="date")
TRIPLED = Contract(Doubled, "features.tripled", key=("symbol", "date"), time="date")
SECTORS = Contract(Sectors, "market_data.sectors", key=("symbol", "known_on"), time="known_on")
OWN = Input(PRICES, "date", since=date(2023, 1, 1), is_own=True, columns=("close",))


def scope(*names: str) -> Scope:
    return Scope({"symbol": names or NAMES}, "date", *YEAR)


def prices(days: list[date], names: tuple[str, ...] = NAMES, source: str = "x") -> pl.DataFrame:
    frame = pl.DataFrame({"date": days}).join(pl.DataFrame({"symbol": names}), how="cross")
    return frame.select("symbol", "date", close=pl.col("date").dt.day().cast(pl.Float64), source=pl.lit(source))


def deliver(lake: Lake, rows: pl.DataFrame) -> None:
    replace(lake, PRICES, rows, Scope())


def make(lake: Lake, stale: Stale, contract: Contract = DOUBLED, *, factor: int = 2) -> None:
    """Bring the table up to date, as its asset would."""
    for rows, part in stale.parts():
        first, last = rows.window()
        values = lake.query(
            f"SELECT symbol, date, close * {factor} AS twice FROM lake.{PRICES.table} "
            f"WHERE {rows.sql()} AND date BETWEEN '{first}' AND '{last}'"
        )
        replace(lake, contract, values, rows, made_from=stale.made_from(part))


def asked(lake: Lake, *names: str, code: str = "1", inputs: tuple[Input, ...] = (OWN,)) -> Stale:
    return stale_rows(lake, [DOUBLED], scope(*names), inputs, code)


@pytest.fixture
def made(lake: Lake) -> Lake:
    """A lake in which the table is what its prices give."""
    deliver(lake, prices(JANUARY))
    make(lake, asked(lake))
    return lake


def test_what_was_never_made_is_stale_from_the_first_day(lake: Lake) -> None:
    deliver(lake, prices(JANUARY))
    assert asked(lake).first_days == dict.fromkeys(NAMES, YEAR[0])


def test_what_is_up_to_date_is_not_stale(made: Lake) -> None:
    assert asked(made).first_days == {}
    assert list(asked(made).parts()) == []


def test_a_new_session_is_stale_and_nothing_before_it(made: Lake) -> None:
    deliver(made, prices([*JANUARY, TODAY]))
    stale = asked(made)
    assert stale.first_days == dict.fromkeys(NAMES, TODAY)
    make(made, stale)
    assert asked(made).first_days == {}
    assert made.query(f"SELECT count(*) AS n FROM lake.{DOUBLED.table}")["n"][0] == 3 * 11


def test_a_restated_and_a_removed_row_are_stale_from_their_day_on(made: Lake) -> None:
    restated = (pl.col("symbol") == "B") & (pl.col("date") == JANUARY[4])
    removed = (pl.col("symbol") == "C") & (pl.col("date") == JANUARY[7])
    rows = prices([*JANUARY, TODAY]).with_columns(close=pl.when(restated).then(99.0).otherwise("close"))
    deliver(made, rows.filter(~removed))
    assert asked(made).first_days == {"A": TODAY, "B": JANUARY[4], "C": JANUARY[7]}


def test_another_source_of_the_same_values_changes_nothing(made: Lake) -> None:
    deliver(made, prices(JANUARY, source="y"))
    assert asked(made).first_days == {}


def test_what_lies_outside_the_days_that_are_read_changes_nothing(made: Lake) -> None:
    deliver(made, prices([date(2022, 12, 30), *JANUARY, YEAR[1]]))
    assert asked(made).first_days == {}


def test_a_look_back_that_changes_makes_the_whole_scope_stale(made: Lake) -> None:
    deliver(made, prices([date(2023, 12, 29), *JANUARY], names=("A",)).vstack(prices(JANUARY, names=("B", "C"))))
    assert asked(made).first_days == {"A": YEAR[0]}


def test_an_input_that_matters_to_all_names_makes_all_stale(made: Lake) -> None:
    of_all = Input(PRICES, "date", columns=("close",))
    deliver(made, prices(JANUARY).vstack(prices([TODAY], names=("B",))))
    assert asked(made, inputs=(of_all,)).first_days == dict.fromkeys(NAMES, TODAY)


@pytest.mark.parametrize("by_hand", [False, True], ids=["by the writer", "by hand"])
def test_what_the_writer_has_touched_of_such_an_input_need_not_be_read(made: Lake, *, by_hand: bool) -> None:
    of_all = Input(PRICES, "date", columns=("close",))
    deliver(made, prices([*JANUARY, TODAY], source="y").filter(pl.col("date") != JANUARY[3]))
    assert next(made.ducklake.commits(PRICES.table)).info["changed_from"] == str(JANUARY[0]), "all have another source"
    make(made, asked(made, inputs=(of_all,)))
    deliver(made, prices([*JANUARY, TODAY], source="y"))
    assert next(made.ducklake.commits(PRICES.table)).info["changed_from"] == str(JANUARY[3])
    if by_hand:
        made.cursor().execute(f"DELETE FROM lake.{PRICES.table} WHERE date = '{JANUARY[1]}'")
    day = JANUARY[1] if by_hand else JANUARY[3]
    assert asked(made, inputs=(of_all,)).first_days == dict.fromkeys(NAMES, day)


def test_what_was_changed_by_hand_before_the_first_day_that_the_writer_touched_is_found(made: Lake) -> None:
    deliver(made, prices([*JANUARY, TODAY]))
    assert next(made.ducklake.commits(PRICES.table)).info["changed_from"] == str(TODAY)
    made.cursor().execute(f"UPDATE lake.{PRICES.table} SET close = 99 WHERE symbol = 'B' AND date = '{JANUARY[2]}'")
    assert asked(made).first_days == {"A": TODAY, "B": JANUARY[2], "C": TODAY}


def test_an_input_without_days_makes_everything_stale(made: Lake) -> None:
    names = Input(SECTORS, None)
    assert asked(made, inputs=(OWN, names)).first_days == {}
    replace(made, SECTORS, pl.DataFrame({"symbol": ["A"], "known_on": [TODAY], "sector": ["tech"]}), Scope())
    assert asked(made, inputs=(OWN, names)).first_days == dict.fromkeys(NAMES, YEAR[0])


def test_an_input_that_was_not_there_yet_counts_from_its_first_day(made: Lake) -> None:
    sectors = Input(SECTORS, "known_on", is_own=True)
    replace(made, SECTORS, pl.DataFrame({"symbol": ["A"], "known_on": [TODAY], "sector": ["tech"]}), Scope())
    assert asked(made, inputs=(OWN, sectors)).first_days == {"A": TODAY}


def test_a_column_that_an_input_has_gained_counts_where_it_has_a_value(lake: Lake) -> None:
    class Fewer(pa.DataFrameModel):
        """Sectors without their names."""

        symbol: str = column("ticker")
        known_on: date = column("day")

    fewer = Contract(Fewer, SECTORS.table, key=SECTORS.key, time="known_on")
    known = pl.DataFrame({"symbol": ["A", "B"], "known_on": [JANUARY[0], JANUARY[0]]})
    deliver(lake, prices(JANUARY))
    replace(lake, fewer, known, Scope())
    sectors = Input(SECTORS, "known_on", is_own=True)
    make(lake, asked(lake, inputs=(sectors,)))
    replace(lake, SECTORS, known.with_columns(sector=pl.Series(["tech", None])), Scope())
    assert asked(lake, inputs=(sectors,)).first_days == {"A": JANUARY[0]}


def test_other_code_makes_everything_stale(made: Lake) -> None:
    assert asked(made, code="2").first_days == dict.fromkeys(NAMES, YEAR[0])
    make(made, asked(made, "A", code="2"), factor=3)
    assert asked(made, code="2").first_days == dict.fromkeys(("B", "C"), YEAR[0])
    assert asked(made, code="1").first_days == dict.fromkeys(NAMES, YEAR[0])


def test_rows_that_were_touched_by_hand_are_stale(made: Lake) -> None:
    made.cursor().execute(f"DELETE FROM lake.{DOUBLED.table} WHERE symbol = 'A'")
    assert asked(made).first_days == dict.fromkeys(NAMES, YEAR[0])
    make(made, asked(made))
    assert made.query(f"SELECT count(*) AS n FROM lake.{DOUBLED.table}")["n"][0] == 3 * 10
    assert asked(made).first_days == {}


def test_rows_that_a_writer_without_a_record_wrote_are_stale(made: Lake) -> None:
    replace(made, DOUBLED, DOUBLED.empty(), scope("B"))
    assert asked(made).first_days == dict.fromkeys(NAMES, YEAR[0])


def test_a_rollback_makes_rows_stale(made: Lake) -> None:
    snapshot = made.current_snapshot()
    deliver(made, prices([*JANUARY, TODAY]))
    make(made, asked(made))
    rollback(made, snapshot)
    assert asked(made).first_days == dict.fromkeys(NAMES, YEAR[0])


def test_maintenance_leaves_up_to_date_what_is(made: Lake) -> None:
    for day in (TODAY, date(2024, 1, 15), date(2024, 1, 16)):
        deliver(made, prices([*JANUARY, day]))  # the session before is taken away: its file has deleted rows
        make(made, asked(made))
    maintain(made, now=datetime.now(UTC), retention=timedelta(days=90))
    assert {kind for commit in made.ducklake.commits(DOUBLED.table) for kind in commit.kinds} >= {"merge_adjacent"}
    assert asked(made).first_days == {}
    deliver(made, prices([*JANUARY, date(2024, 1, 16), date(2024, 1, 17)]))
    assert asked(made).first_days == dict.fromkeys(NAMES, date(2024, 1, 17))


def test_rows_made_from_a_snapshot_that_has_expired_are_stale(made: Lake) -> None:
    deliver(made, prices([*JANUARY, TODAY]))
    maintain(made, now=datetime.now(UTC) + timedelta(days=100), retention=timedelta(days=90))
    assert asked(made).first_days == dict.fromkeys(NAMES, YEAR[0])


def test_a_part_of_the_names_is_up_to_date_by_itself(lake: Lake) -> None:
    deliver(lake, prices(JANUARY))
    make(lake, asked(lake, "A"))
    deliver(lake, prices([*JANUARY, TODAY]))
    make(lake, asked(lake, "B"))
    assert asked(lake).first_days == {"A": TODAY, "C": YEAR[0]}


def test_a_record_that_lies_many_commits_back_is_found(made: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ducklake_catalog, "_COMMITS_AT_ONCE", 2)
    for day in (12, 15, 16, 17, 18):
        deliver(made, prices([*JANUARY, date(2024, 1, day)]))
        make(made, asked(made, "A"))
    assert [commit.kinds for commit in made.ducklake.commits(DOUBLED.table)][-2:] == [
        {"inserted_into_table"},
        {"altered_table"},
    ]
    assert asked(made).first_days == dict.fromkeys(("B", "C"), date(2024, 1, 18))
    assert list(made.ducklake.commits("market_data.nothing")) == []


def test_a_record_of_fewer_days_does_not_vouch_for_more(lake: Lake) -> None:
    deliver(lake, prices([date(2023, 12, 29), *JANUARY]))
    make(lake, asked(lake))
    longer = Scope({"symbol": NAMES}, "date", date(2023, 1, 1), YEAR[1])
    assert stale_rows(lake, [DOUBLED], longer, [OWN], "1").first_days == dict.fromkeys(NAMES, date(2023, 1, 1))


def test_tables_made_together_are_as_stale_as_the_one_behind(made: Lake) -> None:
    both = [DOUBLED, TRIPLED]
    assert stale_rows(made, both, scope(), [OWN], "1").first_days == dict.fromkeys(NAMES, YEAR[0])
    make(made, stale_rows(made, [TRIPLED], scope(), [OWN], "1"), TRIPLED)
    assert stale_rows(made, both, scope(), [OWN], "1").first_days == {}
    deliver(made, prices([*JANUARY, TODAY]))
    make(made, asked(made))
    assert stale_rows(made, both, scope(), [OWN], "1").first_days == dict.fromkeys(NAMES, TODAY)


def test_a_table_of_all_names_is_stale_as_a_whole(lake: Lake) -> None:
    deliver(lake, prices(JANUARY))
    year = Scope(time="date", start=YEAR[0], end=YEAR[1])
    of_all = Input(PRICES, "date", columns=("close",))
    make(lake, stale_rows(lake, [DOUBLED], year, [of_all], "1"))
    deliver(lake, prices([*JANUARY, TODAY], names=("A",)).vstack(prices(JANUARY, names=("B", "C"))))
    stale = stale_rows(lake, [DOUBLED], year, [of_all], "1")
    assert stale.first_days == {ALL: TODAY}
    assert [rows.start for rows, _ in stale.parts()] == [TODAY]


def test_names_that_need_more_are_computed_apart_from_those_that_need_a_session() -> None:
    early, late = JANUARY[2], JANUARY[5]
    days = {"A": TODAY, "B": late, "C": TODAY, "D": early, "E": date(2024, 1, 15)}
    stale = Stale(Scope({"symbol": tuple(days)}, "date", *YEAR), days, "1", 1)
    parts = [(rows.start, rows.values["symbol"], part.start) for rows, part in stale.parts()]
    assert parts == [(TODAY, ("A", "C", "E"), YEAR[0]), (early, ("B", "D"), YEAR[0])]
