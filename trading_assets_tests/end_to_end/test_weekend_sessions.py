"""Exchanges that trade on weekends: every stage has their sessions, and what starts by itself starts after each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl
import pytest

from trading_assets.desk.calendar import next_session, sessions
from trading_assets.desk.desk import Desk
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.orchestration.schedules import REFRESH_TAG
from trading_assets.portfolio.books import BookError, books
from trading_assets_tests.desks import Bench, open_bench

pytestmark = pytest.mark.slow

FIRST, LAST = date(2021, 2, 1), date(2022, 7, 31)
SATURDAY, SUNDAY = 6, 7  # as polars counts


@pytest.fixture(scope="module", params=["24/7", "XSAU"])
def bench(request, postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A lake of three names, from bars to reports."""
    source = {"kind": "simulated", "n_symbols": 3, "seed": 5, "start": FIRST, "end": LAST, "exchange": request.param}
    folder = tmp_path_factory.mktemp("weekend")
    with open_bench(postgres, folder, source, FIRST, LAST + timedelta(days=1), exchange=request.param) as opened:
        opened.list_symbols()
        days = sessions(request.param, FIRST, LAST)
        opened.run_all(days[0], days[-1])
        yield opened


def weekdays(frame: pl.DataFrame) -> set[int]:
    return set(frame["date"].dt.weekday().unique())


def test_every_stage_has_every_session(bench: Bench) -> None:
    code = bench.settings.exchange
    days = sessions(code, FIRST, LAST)
    week = {day.isoweekday() for day in days}
    assert SUNDAY in week
    assert (SATURDAY in week) == (code == "24/7")
    for table in ("market_data.bars_daily", "features.technical", "features.market_breadth", "backtest.pnl"):
        rows = bench.read(table)
        assert weekdays(rows) == week, table
        assert set(rows["date"]) <= set(days), table
    assert set(bench.read("market_data.bars_daily")["date"]) == set(days)
    pnl = bench.read("backtest.pnl")["date"].to_list()
    assert pnl == sessions(code, pnl[0], LAST)
    months = {str(key) for key in bench.partitions.ended_months.get_partition_keys()}
    assert {"2021-02", "2022-07"} <= months
    assert bench.read("models.trained").height > 3
    assert bench.quarantined("market_data.bars_daily").is_empty()


def test_a_label_starts_at_the_open_of_the_next_session_whatever_its_weekday(bench: Bench) -> None:
    labels, bars = bench.read("labels.forward_return"), bench.read("market_data.bars_daily")
    row = labels.filter(pl.col("date").dt.weekday() == SUNDAY).row(5, named=True)
    days = sessions(bench.settings.exchange, row["date"], LAST)
    name = bars.filter(pl.col("symbol") == row["symbol"])
    opened = name.filter(pl.col("date") == days[1])["open"][0]
    assert days[1] == next_session(bench.settings.exchange, row["date"])
    ends = [name.filter(pl.col("date") == day).row(0, named=True) for day in days[1:12]]
    earned = [day[price] / opened - 1 for day in ends for price in ("open", "close")]
    assert min(abs(value - row["forward_return"]) for value in earned) < 1e-9


def test_the_refresh_starts_after_each_session(bench: Bench) -> None:
    schedule = bench.defs.resolve_schedule_def("refresh_after_close")
    zone = ZoneInfo(str(schedule.execution_timezone))
    lines = schedule.cron_schedule
    started = []
    for day in range(9):  # from Friday 8 July to Saturday 16 July
        hour = {"24/7": "00:30", "XSAU": "15:30"}[bench.settings.exchange]
        tick = datetime.fromisoformat(f"2022-07-{8 + day:02d}T{hour}").replace(tzinfo=zone)
        with dg.build_schedule_context(instance=bench.instance, scheduled_execution_time=tick) as context:
            answer = schedule(context)
        if isinstance(answer, dg.RunRequest):
            started.append(answer.tags[REFRESH_TAG])
    if bench.settings.exchange == "24/7":
        assert lines == ["30 0 * * *"]
        assert started == [f"2022-07-{day:02d}" for day in range(7, 16)]
    else:  # closed from Friday 8 July to Tuesday 12 July
        assert lines == ["30 15 * * 0-4"]
        assert started == [str(day) for day in sessions("XSAU", date(2022, 7, 8), date(2022, 7, 16))]


def test_a_book_has_a_broker_only_where_there_is_time_to_send(bench: Bench) -> None:
    shipped = bench.desk.part(books)["main"]
    assert shipped.broker == {"24/7": "sim", "XSAU": "embedded"}[bench.settings.exchange]
    path = bench.settings.home / "books.yaml"
    path.write_text("trend: {strategy: ml_alpha, capital: 1000, broker: embedded}\n")
    own = Desk(bench.settings.with_values(books=path))
    if bench.settings.exchange == "XSAU":
        assert own.part(books)["trend"].broker == "embedded"
    else:
        with pytest.raises(BookError, match=r"book 'trend': broker is 'embedded'; allowed: sim on the exchange 24/7"):
            own.part(books)
