"""The command ``check``: what is wrong with the files of a desk."""

from __future__ import annotations

import typer
from rich.markup import escape

from trading_assets.cli.common import Home, console
from trading_assets.cli.lakes import intended_lake

check_app = typer.Typer()


@check_app.command()
def check(home: Home = None) -> None:
    """Load settings, books and your own work, and say everything that is wrong with them; no lake has to exist."""
    from trading_assets.desk.desk import Desk
    from trading_assets.orchestration.inspection import inspect
    from trading_assets.orchestration.instance import ignore_expected_warnings

    ignore_expected_warnings()
    found = inspect(Desk(intended_lake(home)))
    for problem in found.problems:
        console.print(f"[bold red]wrong[/]: {escape(problem)}", soft_wrap=True)
    if found.problems:
        raise typer.Exit(1)
    console.print(", ".join(f"{count} {kind}" for kind, count in found.counts.items()))
