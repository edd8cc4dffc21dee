"""The main job: a source's whole history through every stage, with an honest summary at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import yaml

from trading_assets.cli.asked import differences, goes_with, remember
from trading_assets.definitions import build_defs
from trading_assets.desk.calendar import first_session, sessions
from trading_assets.desk.clock import last_close, now
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import FILE_NAME, INTRADAY_TABLES, Settings, SettingsError, written_keys
from trading_assets.files import write_atomically
from trading_assets.lake import LakeFrame
from trading_assets.market_data.listing import listed_names
from trading_assets.market_data.source_policy import primary_source
from trading_assets.orchestration.instance import open_instance
from trading_assets.orchestration.maintenance import MAINTENANCE, MAINTENANCE_JOB
from trading_assets.orchestration.refresh import QUIET, StageReport, refresh
from trading_assets.orchestration.stages import contracts
from trading_assets.portfolio.books import books
from trading_assets.reports.assets import read_tear_sheet
from trading_assets.reports.contract import TEAR_SHEET
from trading_assets.serving import queries
from trading_assets.serving.data_notes import data_notes
from trading_assets.serving.missing_results import missing_results

if TYPE_CHECKING:
    from trading_assets.orchestration.replay import SessionReport

# A week and a day: the demo's book trades once a week, so one rebalance and its fills are among them.
REPLAYED_SESSIONS = 6
_REMOTE_HISTORY = timedelta(days=3653)


@dataclass(frozen=True)
class Summary:
    """What the demo made: rows and hash of each table, figures and report of each book, and any hindsight.

    `notes` say what is missing from the data or wrong with them, `missing` which models and books have no result and
    why, a line each.
    """

    rows: Mapping[str, int]
    hashes: Mapping[str, str]
    books: Mapping[str, Mapping[str, float | None]]
    verdicts: Mapping[str, str]
    hindsight: date | None
    reports: Mapping[str, Path]
    quarantined: int
    unknown: Sequence[str]
    notes: Sequence[str] = ()
    missing: Sequence[str] = ()


def configure(
    settings: Settings,
    source: Mapping[str, Any],
    *,
    universe: Mapping[str, Any] | None = None,
    start: date | None = None,
) -> Settings:
    """Point a lake at a source and give its partitions the span of the source's history.

    Parameters
    ----------
    settings : Settings
        Settings of the lake.
    source : mapping
        The source.
    universe : mapping, optional
        Names to take of it; all by default.
    start : date, optional
        First day; by default that of the source's history or, of a remote source, ten years ago. A remote source
        continues to deliver sessions, so its partitions have no end. Settings written by hand get what they lack.

    Raises
    ------
    SettingsError
        The lake holds another source, and not by an edit of its settings; or the source has no bar on any session.
    SourceError
        The source cannot be reached, or knows none of the names.
    """
    stored = settings.home / FILE_NAME
    asked: dict[str, Any] = {"source": dict(source)} | ({"universe": dict(universe)} if universe else {})
    wanted = settings.with_values(source=source, universe=universe or {"kind": "listed"})
    if stored.exists() and not goes_with(settings, asked):
        different = "; ".join(differences(settings, asked))
        msg = (
            f"the lake in {settings.home} holds the source {dict(settings.source)} ({different}); use another folder "
            f"(--home DIR), or edit {stored}, or remove the lake"
        )
        raise SettingsError(msg)
    if not stored.exists():
        settings = wanted.with_values(**_history(wanted, start))
        settings.save()
        remember(settings, asked)
        return settings
    missing = {"start", "end"} - written_keys(settings.home)
    if missing:
        found = _history(settings, start)
        added = {name: found[name] for name in ("start", "end") if name in missing}
        settings = settings.with_values(**added)
        write_atomically(stored, stored.read_text(encoding="utf-8").rstrip() + "\n" + yaml.safe_dump(added))
    return settings


def _history(settings: Settings, start: date | None) -> Mapping[str, Any]:
    """Settings that follow from the history of the source: first day, day after the last one, intraday tables.

    Raises
    ------
    SettingsError
        The source has no bar on any session.
    """
    desk = Desk(settings)
    found = desk.part(primary_source)
    listed, _ = listed_names(found, settings.universe)
    span = _possible_span(listed, settings.exchange)
    if span is None:
        msg = f"the source {dict(settings.source)} has no bar on any session; check its path and column mapping"
        raise SettingsError(msg)
    goes_on = found.is_remote
    earliest = start or (now().date() - _REMOTE_HISTORY if goes_on else span[0])
    return {
        "start": max(span[0], earliest).replace(day=1),
        "end": None if goes_on else span[1] + timedelta(days=1),
        "intraday": () if "bars_daily" in found.offers else sorted(found.offers & set(INTRADAY_TABLES)),
    }


def _possible_span(listed: pl.DataFrame, exchange: str) -> tuple[date, date] | None:
    """First and last session of a universe, no further than a bar can be: a stray row may say 1066 or next year."""
    first, last = listed["first_session"].min(), listed["last_session"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return None
    first, last = max(first, first_session(exchange)), min(last, last_close(exchange, now()))
    return (first, last) if first <= last else None


def run(settings: Settings) -> Iterator[StageReport]:
    """Run all stages over the whole span of a lake; yields a report per stage as it ends."""
    desk = Desk(settings)
    instance = open_instance(settings)
    defs = build_defs(desk=desk)
    yield from refresh(defs, desk, instance, lambda: _span(desk))
    if not desk.lake.has_table(MAINTENANCE.table):
        # Once, so that the lineage has no asset that never ran; from then on its schedule decides.
        defs.resolve_job_def(MAINTENANCE_JOB).execute_in_process(instance=instance, run_config=QUIET)


def replayed_books(settings: Settings) -> list[str]:
    """Books of the embedded broker, whose last sessions are replayed."""
    from trading_assets.orchestration.replay import embedded_books

    return [book.name for book in embedded_books(Desk(settings))]


def replay_last(settings: Settings) -> Iterator[SessionReport]:
    """Replay the last sessions through the live path of every book of the embedded broker."""
    from trading_assets.orchestration.replay import replay

    names = replayed_books(settings)
    days = sessions(settings.exchange, *_span(Desk(settings)))[-REPLAYED_SESSIONS:]
    if names:
        yield from replay(settings, names, days[0], days[-1], build_defs)


def _span(desk: Desk) -> tuple[date, date]:
    """First and last session of the lake; if its source continues, the last session for which the source has bars."""
    settings = desk.settings
    last = settings.last_day
    if last is None:
        newest = queries.newest_session(desk)["last_session"]
        closed = last_close(settings.exchange, now())
        last = min(newest[0], closed) if newest.len() else closed
    days = sessions(settings.exchange, settings.start, last)
    return days[0], days[-1]


def summarise(settings: Settings) -> Summary:
    """Read back what a lake holds."""
    desk = Desk(settings)
    shown = [contract for contract in desk.part(contracts).values() if contract is not MAINTENANCE]
    stored = queries.tables(desk, contracts=shown)
    names = list(desk.part(books))
    reports = {book: desk.reports / book / "tear_sheet.html" for book in names}
    sheets = {book: read_tear_sheet(path.with_suffix(".json")) for book, path in reports.items() if path.exists()}
    chosen = queries.hindsight(desk)["listed_on"]
    return Summary(
        rows=dict(stored.select("table", "rows").iter_rows()),
        hashes=dict(stored.select("table", "content_hash").iter_rows()),
        books={book: _figures(desk, book) for book in sheets},
        verdicts={book: _verdict(sheet) for book, sheet in sheets.items()},
        hindsight=chosen[0] if chosen.len() else None,
        reports=reports,
        quarantined=int(stored["quarantined"].sum()),
        notes=data_notes(desk),
        missing=missing_results(desk),
        unknown=[
            f"{row['rows']:,} rows of the {row['column']} {row['name']!r} in {row['table']}"
            for row in queries.unknown_names(desk, contracts=shown).iter_rows(named=True)
        ],
    )


def save_summary(settings: Settings, summary: Summary) -> Path:
    """Write rows and hashes next to the reports, so that two runs can be compared."""
    path = settings.home / "reports" / "summary.json"
    content = {"rows": summary.rows, "content_hashes": summary.hashes, "books": summary.books}
    write_atomically(path, json.dumps(content, indent=2, sort_keys=True) + "\n")
    return path


def _figures(desk: Desk, book: str) -> dict[str, float | None]:
    found = LakeFrame(desk.lake, TEAR_SHEET).read(book=book)
    return dict(found.select("statistic", "value").iter_rows())


def _verdict(sheet: Mapping[str, Any]) -> str:
    verdict = sheet["verdict"]
    return str(verdict["text"] if isinstance(verdict, Mapping) else verdict)
