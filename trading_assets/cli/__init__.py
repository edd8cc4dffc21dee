"""Command line: ``trading-assets ...``.

What lives here: the commands: the main job, SQL and dbt in this module, the lake's upkeep in `lake`, the web UI in
`serving`, trading in `trading`, the stream of bars in `streaming`, files of your own in `new`, pages of features in
`features`, JSON schemas for editors in `schema`, what is wrong with a desk in `checking`. What they share: which lake
is meant in `lakes`, what Ctrl-C does in `interrupts`, one run at a time in `one_run`, the rest in `common`.
What not: what a command does; it calls the stage that does it.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trading_assets.cli.checking import check_app
from trading_assets.cli.common import Home, console, seconds_since_start
from trading_assets.cli.features import features_app
from trading_assets.cli.interrupts import before_end, ends_at_once
from trading_assets.cli.lake import lake_app
from trading_assets.cli.lakes import existing_lake
from trading_assets.cli.new import new_app
from trading_assets.cli.one_run import only_run, require_idle
from trading_assets.cli.schema import schema_app
from trading_assets.cli.serving import serving_app
from trading_assets.cli.streaming import streaming_app
from trading_assets.cli.trading import print_replay, trading_app
from trading_assets.desk.settings import Settings, SettingsError, load_settings
from trading_assets.errors import TradingAssetsError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A trading desk as a Dagster asset graph.",
)
app.add_typer(lake_app, name="lake")
app.add_typer(serving_app)
app.add_typer(trading_app)
app.add_typer(streaming_app)
app.add_typer(features_app)
app.add_typer(schema_app)
app.add_typer(check_app)
app.add_typer(new_app, name="new")
REMOTE = ("yahoo", "alpaca")
SIMULATED_NAMES = 20
WITHOUT_RESULT = 3
"""Exit code of a run that went through and left a model or a book without a result."""


def main() -> None:
    """Run a command; an expected error is one readable message, not a traceback."""
    with ends_at_once():
        try:
            app()
        except TradingAssetsError as error:
            _tell(str(error))
            sys.exit(1)
        except Exception as error:  # noqa: BLE001 - a fault of the program, whatever it is
            _tell(
                f"{type(error).__name__}: {error}\nThis was not expected; where it happened is in {_keep_traceback()}"
            )
            sys.exit(1)


def _tell(error: str) -> None:
    Console(stderr=True, highlight=False).print(f"[bold red]error[/]: {escape(error)}", soft_wrap=True)


def _keep_traceback() -> Path:
    """Write the traceback of the present error to a file of its own, instead of screens of it."""
    descriptor, path = tempfile.mkstemp(prefix="trading-assets-", suffix=".log")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        traceback.print_exc(file=file)
    return Path(path)


@app.command()
def demo(
    source: Annotated[str, typer.Option(help="sample, files, simulated, yahoo or alpaca.")] = "sample",
    path: Annotated[Path | None, typer.Option(help="files: a Parquet or CSV file, a folder or a glob.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="files: standard=theirs, once per column.")] = None,
    symbols: Annotated[str, typer.Option(help="yahoo, alpaca: tickers, AAPL,MSFT; simulated: how many.")] = "",
    start: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day; otherwise all history.")
    ] = None,
    seed: Annotated[int, typer.Option(help="simulated: seed.")] = 7,
    home: Home = None,
) -> None:
    """Run a source's whole history through every stage and show what came out."""
    settings = load_settings(home)
    require_idle(settings)
    from trading_assets.cli import full_run as job
    from trading_assets.cli.asked import differences
    from trading_assets.lake.postgres.server import require_usable
    from trading_assets.orchestration.refresh import cancel_runs

    if settings.database_url is None:
        require_usable(settings.home)
    wanted = _source(source, path, column or [], symbols, seed)
    universe = {"kind": "symbols", "symbols": _tickers(source, symbols)} if source in REMOTE else None
    first = start.date() if start else None
    settings = job.configure(settings, wanted, universe=universe, start=first)
    with only_run(settings, "demo"), before_end(cancel_runs):
        console.print(f"[bold]trading_assets[/]: {dict(settings.source)} into {settings.home}", soft_wrap=True)
        asked = {"source": wanted} | ({"universe": universe} if universe else {})
        different = list(differences(settings, asked))
        if different:
            console.print("the lake's own settings are used where they differ from the command:")
        for line in different:
            console.print(f"  {line}", soft_wrap=True, markup=False)
        _run(settings)


def _run(settings: Settings) -> None:
    from trading_assets.cli import full_run as job

    reports = []
    console.print(f"  {'stage':<24}{'seconds':>9}{'orchestration':>15}")
    for report in job.run(settings):
        reports.append(report)
        console.print(f"  {report.job:<24}{report.seconds:>9.1f}{report.orchestration_seconds:>15.1f}")
    total = sum(report.seconds for report in reports)
    share = sum(report.orchestration_seconds for report in reports) / total
    console.print(f"  {'all stages':<24}{total:>9.1f}{share:>14.0%} of it")
    if job.replayed_books(settings):
        console.print("\nthe last sessions again, at the embedded broker")
        print_replay(job.replay_last(settings))
    else:
        console.print("\nno book trades at the embedded broker: no session is replayed")
    is_complete = _print_summary(settings)
    console.print(
        f"\n{seconds_since_start():.0f} s. Web UI: {settings.command('ui')}, then http://127.0.0.1:3000", soft_wrap=True
    )
    if not is_complete:
        raise typer.Exit(WITHOUT_RESULT)


def _tickers(source: str, symbols: str) -> list[str]:
    tickers = [ticker.strip() for ticker in symbols.split(",") if ticker.strip()]
    if not tickers:
        msg = f"--source {source} needs --symbols, for instance --symbols AAPL,MSFT"
        raise SettingsError(msg)
    return tickers


def _source(kind: str, path: Path | None, columns: list[str], symbols: str, seed: int) -> dict[str, Any]:
    if kind == "files":
        if path is None:
            msg = "--source files needs --path FILE"
            raise SettingsError(msg)
        unpaired = [pair for pair in columns if "=" not in pair]
        if unpaired:
            msg = f"--column {unpaired[0]}: write standard=theirs, for instance --column close=last_price"
            raise SettingsError(msg)
        mapping = dict(pair.split("=", 1) for pair in columns)
        return {"kind": "files", "path": str(path.expanduser().resolve())} | ({"columns": mapping} if mapping else {})
    if kind == "simulated":
        if symbols and not symbols.isdecimal():
            msg = f"--symbols {symbols}: --source simulated takes a number of names"
            raise SettingsError(msg)
        return {"kind": kind, "n_symbols": int(symbols or SIMULATED_NAMES), "seed": seed}
    return {"kind": kind}


def _print_summary(settings: Settings) -> bool:
    """Show what a lake holds; returns whether every model and every book has a result."""
    from trading_assets.cli import full_run as job

    summary = job.summarise(settings)
    job.save_summary(settings, summary)
    table = Table("table", "rows", "content hash", title="The lake")
    table.columns[1].justify = "right"
    for name, rows in summary.rows.items():
        table.add_row(name, f"{rows:,}", summary.hashes[name])
    console.print(table)
    console.print(f"rows in quarantine: {summary.quarantined:,}")
    for note in summary.notes:
        console.print(f"[bold]note[/]: {escape(note)}", soft_wrap=True)
    for book, figures in summary.books.items():
        shown = {
            "mean rank IC": figures.get("rank_ic_mean"),
            "t of the IC": figures.get("rank_ic_t_statistic"),
            "Sharpe ratio after costs": figures.get("sharpe_ratio"),
            "total return": figures.get("total_return"),
            "maximum drawdown": figures.get("max_drawdown"),
            "turnover a year": figures.get("annualised_turnover"),
        }
        console.print(f"\n[bold]book {book}[/]")
        for name, value in shown.items():
            console.print(f"  {name:<26}{'n/a' if value is None else f'{value:>10.3f}'}")
        console.print(f"  {summary.verdicts[book]}", soft_wrap=True)
        console.print(f"  report: {summary.reports[book]}", soft_wrap=True)
    for line in summary.missing:
        console.print(f"\n[bold red]no result[/]: {escape(line)}", soft_wrap=True)
    if summary.unknown:
        remedy = settings.command("lake orphans --remove")
        console.print(f"\nrows of models, strategies and books that are gone ({remedy}):", soft_wrap=True)
        for line in summary.unknown:
            console.print(f"  {line}", soft_wrap=True)
    if summary.hindsight:
        console.print(
            f"\n[bold]the names were chosen on {summary.hindsight}[/] and are used before that day too: these "
            "results have survivorship bias (setting universe)",
            soft_wrap=True,
        )
    return not summary.missing


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="One query.")],
    style: Annotated[str, typer.Option("--format", help="table, csv, json or parquet.")] = "table",
    at: Annotated[str | None, typer.Option(help="Snapshot id, or a time such as 2026-01-31T16:00.")] = None,
    output: Annotated[Path | None, typer.Option(help="File to write to; needed for parquet.")] = None,
    home: Home = None,
) -> None:
    """Query the lake in SQL; read-only, no file access."""
    from trading_assets.desk.desk import open_lake
    from trading_assets.lake.store.sql import FORMATS, parse_at, render, run_query

    if style not in FORMATS:
        msg = f"--format {style}: choose one of {', '.join(FORMATS)}"
        raise SettingsError(msg)
    if output is not None and not output.absolute().parent.is_dir():
        msg = f"--output {output}: there is no folder {output.absolute().parent}"
        raise SettingsError(msg)
    frame = run_query(open_lake(existing_lake(home)), statement, at=parse_at(at) if at else None)
    text = str(render(frame, style, output))
    if output is not None and style != "parquet":
        output.write_text(text)
    else:
        sys.stdout.write(text)


@app.command("dbt-sources")
def dbt_sources() -> None:
    """Write what dbt knows of sources and models, in dbt_features/models, from the contracts."""
    from trading_assets.features.sql.properties import property_files

    for path, text in property_files().items():
        path.write_text(text)
        console.print(f"wrote {path}", soft_wrap=True)


@app.command("dbt-build")
def dbt_build(home: Home = None) -> None:
    """Test the SQL features by dbt: every unit test, and what the lake holds against the tests of each column."""
    from trading_assets.desk.desk import Desk
    from trading_assets.features.sql.dbt import run_dbt
    from trading_assets.features.sql.desk_models import models_of_desk, project_of
    from trading_assets.features.sql.sets import models_in, sql_sets
    from trading_assets.orchestration.instance import prepare_environment

    settings = existing_lake(home)
    prepare_environment(settings)
    desk, target = Desk(settings), settings.home / "dbt"
    compiled = models_of_desk(desk)
    sets = [one for name, one in desk.part(sql_sets).items() if name in compiled.models]
    models = models_in(desk.lake.tables(), sets)
    found = run_dbt(project_of(desk, target / "project"), "build", "--select", " ".join(models), target=target)
    console.print(f"{len(found)} models and tests of {', '.join(models)} pass", soft_wrap=True)
    for name, error in compiled.errors.items():
        console.print(f"[bold red]error[/]: {name} is left out: {escape(error)}", soft_wrap=True)
    if compiled.errors:
        raise typer.Exit(1)
