"""Commands ``lake``: snapshots, time travel and upkeep."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Annotated

import typer

from trading_assets.cli.common import Home, console, wait_for_signal
from trading_assets.cli.lakes import existing_lake
from trading_assets.cli.one_run import only_run

lake_app = typer.Typer(no_args_is_help=True, help="Snapshots, time travel and upkeep of the lake.")


@lake_app.command("snapshots")
def lake_snapshots(limit: Annotated[int, typer.Option(help="Newest ones shown.")] = 20, home: Home = None) -> None:
    """List snapshots, newest first."""
    from trading_assets.desk.desk import open_lake
    from trading_assets.lake.store.history import snapshots
    from trading_assets.lake.store.sql import render

    sys.stdout.write(str(render(snapshots(open_lake(existing_lake(home)), limit=limit), "table")))


@lake_app.command("diff")
def lake_diff(before: int, after: int, home: Home = None) -> None:
    """Show which rows each table gained and lost between two snapshots."""
    from trading_assets.desk.desk import open_lake
    from trading_assets.lake.store.history import diff
    from trading_assets.lake.store.sql import render

    sys.stdout.write(str(render(diff(open_lake(existing_lake(home)), before, after), "table")))


@lake_app.command("rollback")
def lake_rollback(snapshot: int, home: Home = None) -> None:
    """Restore every table to its content at a snapshot; history is kept."""
    from trading_assets.desk.desk import open_lake
    from trading_assets.lake.store.history import rollback
    from trading_assets.lake.store.sql import render

    settings = existing_lake(home)
    with only_run(settings, "lake rollback"):
        sys.stdout.write(str(render(rollback(open_lake(settings), snapshot), "table")))


@lake_app.command("maintain")
def lake_maintain(
    retention_days: Annotated[int | None, typer.Option(min=0, help="Snapshots older than this are removed.")] = None,
    home: Home = None,
) -> None:
    """Merge small files, expire old snapshots, remove files nothing refers to."""
    from trading_assets.desk.clock import now
    from trading_assets.desk.desk import open_lake
    from trading_assets.lake.store.maintenance import maintain

    settings = existing_lake(home)
    days = settings.retention_days if retention_days is None else retention_days
    report = maintain(open_lake(settings), now=now(), retention=timedelta(days=days))
    for name, value in report.as_dict().items():
        console.print(f"{name:<20}{value:>12,}")


@lake_app.command("migrate")
def lake_migrate(home: Home = None) -> None:
    """Bring a lake that an earlier version wrote to the layout of this one; no row is lost."""
    from trading_assets.orchestration.migration import migrate

    settings = existing_lake(home)
    with only_run(settings, "lake migrate"):
        lines = list(migrate(settings))
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

    desk = Desk(existing_lake(home))
    found = remove_orphans(desk) if remove else orphans(desk)
    for line in found or ["every row belongs to a model, a strategy or a book of this desk"]:
        console.print(line, soft_wrap=True)


@lake_app.command("serve")
def lake_serve(home: Home = None) -> None:
    """Keep the lake's Postgres running until Ctrl-C, so that other DuckDB clients can attach."""
    from trading_assets.desk.desk import open_lake

    settings = existing_lake(home)
    open_lake(settings)
    console.print(f"the lake is open; attach with {settings.home / 'attach.sql'} (Ctrl-C closes it)", soft_wrap=True)
    wait_for_signal()
