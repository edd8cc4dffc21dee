"""Settings written by hand: what they lack follows from the source, and a desk has one exchange."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from trading_assets.cli.full_run import configure
from trading_assets.desk.calendar import sessions
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings, load_settings
from trading_assets.market_data.source_policy import primary_source, source_policy
from trading_assets.market_data.sources import SourceConfigError

LONDON = sessions("XLON", date(2015, 11, 20), date(2016, 2, 10))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    bars = pl.DataFrame({"date": LONDON}).with_columns(symbol=pl.lit("VOD"), volume=100)
    prices = {name: pl.lit(10.0) for name in ("open", "high", "low", "close")}
    bars.with_columns(**prices).write_csv(tmp_path / "bars.csv")
    folder = tmp_path / "lake"
    folder.mkdir()
    return folder


def written(home: Path, *lines: str) -> Settings:
    source = f"source: {{kind: files, path: {home.parent / 'bars.csv'}}}"
    (home / "settings.yaml").write_text("\n".join(["# written by hand", source, "# London", *lines]) + "\n")
    return load_settings(home)


def test_the_span_is_that_of_the_source_and_is_added_to_the_file(home: Path) -> None:
    settings = written(home, "exchange: XLON")
    found = configure(settings, settings.source)
    assert (found.start, found.end) == (date(2015, 11, 1), LONDON[-1] + timedelta(days=1))
    assert load_settings(home) == found
    text = (home / "settings.yaml").read_text()
    assert text.startswith("# written by hand")
    assert "\n# London\n" in text
    assert configure(load_settings(home), settings.source) == found
    assert (home / "settings.yaml").read_text() == text


def test_a_span_that_is_written_is_kept(home: Path) -> None:
    settings = written(home, "exchange: XLON", "start: 2016-01-01", "end: null")
    assert configure(settings, settings.source) == settings
    settings = written(home, "exchange: XLON", "start: 2016-01-01")
    assert (settings.start, settings.end) == (date(2016, 1, 1), None)
    assert configure(settings, settings.source).end == LONDON[-1] + timedelta(days=1)


def test_names_have_the_exchange_of_the_desk(home: Path) -> None:
    listed = Desk(written(home, "exchange: XLON")).part(primary_source).symbols()
    assert listed["exchange"].to_list() == ["XLON"]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("exchange: XLON", "other_sources: {second: {kind: sample}}"), "other_sources.second has the exchange 'XNYS'"),
        (
            ("exchange: XLON", "other_sources: {second: {kind: simulated, exchange: XNYS}}"),
            "other_sources.second has the exchange 'XNYS' and the setting exchange is 'XLON'",
        ),
    ],
)
def test_a_second_exchange_is_refused(home: Path, lines: tuple[str, ...], message: str) -> None:
    with pytest.raises(SourceConfigError, match=message):
        Desk(written(home, *lines)).part(source_policy)


def test_the_sample_on_another_exchange_is_refused(home: Path) -> None:
    with pytest.raises(SourceConfigError, match="source has the exchange 'XNYS' and the setting exchange is 'XLON'"):
        Desk(Settings(home=home, exchange="XLON")).part(primary_source)
