"""Facts of an exchange: its holidays and closing times, kept in a file so that definitions load without a calendar."""

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from trading_assets.desk import calendar
from trading_assets.desk import exchange as module
from trading_assets.desk.exchange import Exchange, cron_days, exchange_of
from trading_assets.desk.settings import Settings

TODAY = date(2016, 6, 1)


def ended(home: Path, **values: object) -> Settings:
    return Settings(home=home, start=date(2015, 1, 1), end=date(2016, 1, 1)).with_values(**values)


def test_holidays_on_weekdays_are_closed_and_weekends_need_not_be_named(tmp_path: Path) -> None:
    closed = exchange_of(ended(tmp_path), TODAY).closed
    assert {"2015-01-01", "2015-04-03", "2015-07-03", "2015-11-26", "2015-12-25"} <= set(closed)
    assert "2015-11-27" not in closed  # a half day is a session
    assert all(date.fromisoformat(day).weekday() < 5 for day in closed)


def test_there_is_a_tick_half_an_hour_after_each_time_of_day_at_which_a_session_closes(tmp_path: Path) -> None:
    """New York closes at 16:00, on half days at 13:00; London at 16:30 and 12:30."""
    assert exchange_of(ended(tmp_path), TODAY).ticks == ("30 13 * * 1-5", "30 16 * * 1-5")
    london = exchange_of(ended(tmp_path, exchange="XLON"), TODAY)
    assert london.ticks == ("0 13 * * 1-5", "0 17 * * 1-5")
    assert london.timezone == "Europe/London"


def test_the_week_of_an_exchange_is_that_of_its_sessions(tmp_path: Path) -> None:
    """Riyadh trades from Sunday to Thursday and closes at 15:00; a day of "24/7" closes when the next one begins."""
    new_york = exchange_of(ended(tmp_path), TODAY)
    assert (new_york.days, new_york.deadline, new_york.has_pauses) == ("1-5", "0 20 * * 1-5", True)
    riyadh = exchange_of(ended(tmp_path, exchange="XSAU", start=date(2022, 1, 1), end=date(2023, 1, 1)), TODAY)
    assert (riyadh.days, riyadh.ticks, riyadh.deadline) == ("0-4", ("30 15 * * 0-4",), "0 19 * * 0-4")
    assert {date.fromisoformat(day).weekday() for day in riyadh.closed} <= {6, 0, 1, 2, 3}
    assert riyadh.has_pauses
    always = exchange_of(ended(tmp_path, exchange="24/7"), TODAY)
    assert (always.days, always.closed, always.timezone) == ("*", (), "UTC")
    assert (always.ticks, always.deadline, always.has_pauses) == (("30 0 * * *",), "0 4 * * *", False)


def test_a_special_session_on_a_saturday_is_a_day_of_the_week(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library knows none of them, such as those of Bombay: a calendar that has one."""
    special, regular = date(2015, 1, 24), calendar.sessions
    monkeypatch.setattr(calendar, "sessions", lambda *span: sorted([*regular(*span), special]))
    found = exchange_of(ended(tmp_path), TODAY)
    assert (found.days, found.weekdays) == ("1-6", {1, 2, 3, 4, 5, 6})
    assert str(special) not in found.closed
    assert {"2015-01-17", "2015-01-31"} <= set(found.closed)


@pytest.mark.parametrize(
    ("days", "line"),
    [([1, 2, 3, 4, 5], "1-5"), ([0, 1, 2, 3, 4], "0-4"), ([0, 1, 2, 3, 6], "0,1,2,3,6"), ([3], "3"), (range(7), "*")],
)
def test_weekdays_as_a_field_of_a_cron_line_and_back(days: list[int], line: str, tmp_path: Path) -> None:
    assert cron_days(days) == line
    assert replace(exchange_of(ended(tmp_path), TODAY), days=line).weekdays == set(days)


def test_facts_of_another_form_are_made_anew(tmp_path: Path) -> None:
    made = exchange_of(ended(tmp_path), TODAY)
    [path] = (tmp_path / "cache").iterdir()
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({name: stored[name] for name in ("code", "timezone", "until", "closed", "ticks")}))
    assert exchange_of(ended(tmp_path), TODAY) == made


def test_the_facts_of_an_ended_history_reach_past_its_end(tmp_path: Path) -> None:
    """The next session after the end closes the window of the last one: Thursday 31 December, then Monday 4 January."""
    found = exchange_of(ended(tmp_path), TODAY)
    assert found.until == "2016-01-15"
    assert "2016-01-01" in found.closed


def test_the_facts_are_read_from_their_file_the_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = exchange_of(ended(tmp_path), TODAY)
    monkeypatch.setattr(module, "_make", None)
    assert exchange_of(ended(tmp_path), TODAY) == made
    assert isinstance(made, Exchange)


def test_a_history_that_goes_on_is_made_anew_before_its_facts_run_out(tmp_path: Path) -> None:
    settings = ended(tmp_path, end=None)
    first = exchange_of(settings, TODAY)
    assert date.fromisoformat(first.until) == TODAY + timedelta(days=180)
    assert exchange_of(settings, TODAY + timedelta(days=80)) == first
    later = exchange_of(settings, TODAY + timedelta(days=100))
    assert date.fromisoformat(later.until) == TODAY + timedelta(days=280)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_another_exchange_or_span_has_a_file_of_its_own(tmp_path: Path) -> None:
    exchange_of(ended(tmp_path), TODAY)
    exchange_of(ended(tmp_path, exchange="XLON"), TODAY)
    exchange_of(ended(tmp_path, end=date(2016, 2, 1)), TODAY)
    names = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert names == [
        "XLON_2015-01-01_2016-01-01.json",
        "XNYS_2015-01-01_2016-01-01.json",
        "XNYS_2015-01-01_2016-02-01.json",
    ]
    assert json.loads((tmp_path / "cache" / names[0]).read_text())["code"] == "XLON"
    exchange_of(ended(tmp_path, exchange="24/7"), TODAY)
    assert (tmp_path / "cache" / "24-7_2015-01-01_2016-01-01.json").exists()
