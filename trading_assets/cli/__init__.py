"""Command line: ``trading-assets ...``.

What lives here: the commands: the main job, SQL, the web UI and the lake in this module, trading in `trading`, the
stream of bars in `streaming`, files of your own in `new`, pages of features in `features`, JSON schemas for editors in
`schema`, what is wrong with a desk in `checking`, and what all share in `common`.
What not: what a command does; it calls the stage that does it.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trading_assets.cli.checking import check_app
from trading_assets.cli.common import Home, console, require_free, signalled, wait_for_signal
from trading_assets.cli.features import features_app
from trading_assets.cli.new import new_app
from trading_assets.cli.schema import schema_app
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
lake_app = typer.Typer(no_args_is_help=True, help="Snapshots, time travel and upkeep of the lake.")
app.add_typer(lake_app, name="lake")
app.add_typer(trading_app)
app.add_typer(streaming_app)
app.add_typer(features_app)
app.add_typer(schema_app)
app.add_typer(check_app)
app.add_typer(new_app, name="new")
REMOTE = ("yahoo", "alpaca")
SIMULATED_NAMES = 20


def main() -> None:
    """Run a command; an expected error is one readable message, not a traceback."""
    try:
        app()
    except TradingAssetsError as error:
        Console(stderr=True, highlight=False).print(f"[bold red]error[/]: {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


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
    from trading_assets.cli import full_run as job

    universe = {"kind": "symbols", "symbols": _tickers(source, symbols)} if source in REMOTE else None
    settings = job.configure(
        load_settings(home),
        _source(source, path, column or [], symbols, seed),
        universe=universe,
        start=start.date() if start else None,
    )
    console.print(f"[bold]trading_assets[/]: {dict(settings.source)} into {settings.home}")
    reports, started = [], time.perf_counter()
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
    _print_summary(settings, time.perf_counter() - started)


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


def _print_summary(settings: Settings, seconds: float) -> None:
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
    if summary.unknown:
        console.print("\nrows of models, strategies and books that are gone (trading-assets lake orphans --remove):")
        for line in summary.unknown:
            console.print(f"  {line}", soft_wrap=True)
    if summary.hindsight:
        console.print(
            f"\n[bold]the names were chosen on {summary.hindsight}[/] and are used before that day too: these "
            "results have survivorship bias (setting universe)",
            soft_wrap=True,
        )
    console.print(f"\n{seconds:.0f} s. Web UI: make ui, then http://127.0.0.1:3000", soft_wrap=True)


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
    frame = run_query(open_lake(load_settings(home)), statement, at=parse_at(at) if at else None)
    text = str(render(frame, style, output))
    if output is not None and style != "parquet":
        output.write_text(text)
    else:
        sys.stdout.write(text)


@lake_app.command("snapshots")
def lake_snapshots(limit: Annotated[int, typer.Option(help="Newest ones shown.")] = 20, home: Home = None) -> None:
    """List snapshots, newest first."""
    from trading_assets.desk.desk import open_lake
    from trading_assets.lake.store.history import snapshots
    from trading_assets.lake.store.sql import render

    sys.stdout.write(str(render(snapshots(open_lake(load_settings(home)), limit=limit), "table")))


@lake_app.command("diff")
def lake_diff(before: int, after: int, home: Home = None) -> None:
    """Show which rows each table gained and lost between two snapshots."""
    from trading_assets.desk.desk import open_lake
    from trading_assets.lake.store.history import diff
    from trading_assets.lake.store.sql import render

    sys.stdout.write(str(render(diff(open_lake(load_settings(home)), before, after), "table")))


@lake_app.command("rollback")
def lake_rollback(snapshot: int, home: Home = None) -> None:
    """Restore every table to its content at a snapshot; history is kept."""
    from trading_assets.desk.desk import open_lake
    from trading_assets.lake.store.history import rollback
    from trading_assets.lake.store.sql import render

    sys.stdout.write(str(render(rollback(open_lake(load_settings(home)), snapshot), "table")))


@lake_app.command("maintain")
def lake_maintain(
    retention_days: Annotated[int | None, typer.Option(min=0, help="Snapshots older than this are removed.")] = None,
    home: Home = None,
) -> None:
    """Merge small files, expire old snapshots, remove files nothing refers to."""
    from trading_assets.desk.clock import now
    from trading_assets.desk.desk import open_lake
    from trading_assets.lake.store.maintenance import maintain

    settings = load_settings(home)
    days = settings.retention_days if retention_days is None else retention_days
    report = maintain(open_lake(settings), now=now(), retention=timedelta(days=days))
    for name, value in report.as_dict().items():
        console.print(f"{name:<20}{value:>12,}")


@lake_app.command("migrate")
def lake_migrate(home: Home = None) -> None:
    """Bring a lake that an earlier version wrote to the layout of this one; no row is lost."""
    from trading_assets.orchestration.migration import migrate

    lines = list(migrate(load_settings(home)))
    for line in lines or ["the lake has the layout of this version already"]:
        console.print(line, soft_wrap=True)


@lake_app.command("orphans")
def lake_orphans(
    remove: Annotated[bool, typer.Option("--remove", help="Remove them; live trading is kept in any case.")] = False,
    home: Home = None,
) -> None:
    """List rows of models, strategies and books that the desk no longer has; remove them on request."""
    from trading_assets.desk.desk import Desk
    from trading_assets.orchestration.orphans import orphans, remove_orphans

    desk = Desk(load_settings(home))
    found = remove_orphans(desk) if remove else orphans(desk)
    for line in found or ["every row belongs to a model, a strategy or a book of this desk"]:
        console.print(line, soft_wrap=True)


@lake_app.command("serve")
def lake_serve(home: Home = None) -> None:
    """Keep the lake's Postgres running until Ctrl-C, so that other DuckDB clients can attach."""
    from trading_assets.desk.desk import open_lake

    settings = load_settings(home)
    open_lake(settings)
    console.print(f"the lake is open; attach with {settings.home / 'attach.sql'} (Ctrl-C closes it)", soft_wrap=True)
    wait_for_signal()


@app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port of the web UI.")] = 3000,
    host: Annotated[str, typer.Option(help="Address it listens on.")] = "127.0.0.1",
    home: Home = None,
) -> None:
    """Start the web UI and the daemon on the lake, until Ctrl-C."""
    from trading_assets.desk.settings import PROJECT
    from trading_assets.orchestration.instance import prepare_environment

    settings = load_settings(home)
    require_free(host, port)
    prepare_environment(settings)
    workspace = str(PROJECT / "workspace.yaml")
    webserver = Path(sys.executable).parent / "dagster-webserver"
    commands = [
        [str(webserver), "-w", workspace, "-h", host, "-p", str(port)],
        [sys.executable, "-m", "trading_assets.orchestration.daemon", "run", "-w", workspace],
    ]
    stop = signalled()
    processes = [subprocess.Popen(command) for command in commands]  # noqa: S603 - fixed programs of this environment
    console.print(f"web UI: http://{host}:{port} (Ctrl-C ends it and the daemon)")
    while not stop.wait(0.5) and all(process.poll() is None for process in processes):
        pass
    is_requested = stop.is_set()
    _end(processes)
    if not is_requested:
        console.print("[bold red]error[/]: the web UI or the daemon ended by itself; its last lines above say why")
        raise typer.Exit(1)


def _end(processes: list[subprocess.Popen[bytes]], timeout: float = 60) -> None:
    """Interrupt processes, and kill those that have not ended after a while."""
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()


@app.command()
def stop(home: Home = None) -> None:
    """End the embedded Postgres of the lake, for instance after a crash."""
    from trading_assets.lake.postgres.url import stop_embedded_postgres

    stopped = stop_embedded_postgres(load_settings(home).home / "postgres")
    console.print("stopped" if stopped else "nothing was running")


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

    settings = load_settings(home)
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
