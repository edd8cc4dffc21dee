"""Commands ``new``: files of your own work from a template."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trading_assets.cli.common import Home, console
from trading_assets.cli.lakes import intended_lake
from trading_assets.desk.settings import Settings

new_app = typer.Typer(no_args_is_help=True, help="Start something of your own: a file and its test.")


@new_app.callback()
def _new() -> None:
    """Register the templates as commands below ``new``; what they load warns of nothing that is expected."""
    from trading_assets.orchestration.instance import ignore_expected_warnings

    ignore_expected_warnings()


@new_app.command("feature")
def new_feature(
    name: Annotated[str, typer.Argument(help="Name of the feature, such as range_21.")],
    lookback: Annotated[int, typer.Option(help="Bars before its own that a value depends on.")] = 20,
    sql: Annotated[bool, typer.Option("--sql", help="A SQL model instead of a Polars expression.")] = False,
    home: Home = None,
) -> None:
    """Write a feature and its test, to be edited; it is a column of the lake from then on."""
    from trading_assets.desk.desk import Desk
    from trading_assets.features import templates
    from trading_assets.features.contract import contracts

    settings = intended_lake(home)
    desk = Desk(settings)
    taken = {column.lower() for contract in contracts(desk) for column in contract.schema}
    if sql:
        texts = templates.new_sql_feature(name, taken)
        _write("features", f"{name}.sql", texts, _materialise(settings, f"features.{name}"), home)
    else:
        texts = templates.new_feature(name, lookback, taken)
        _write("features", f"{name}.py", texts, _materialise(settings, "features.own"), home)


@new_app.command("model")
def new_model(
    name: Annotated[str, typer.Argument(help="Name of the model, such as ridge_momentum.")], home: Home = None
) -> None:
    """Write a model and its test, to be edited; it is trained month by month from then on."""
    from trading_assets.desk.desk import Desk
    from trading_assets.models import templates
    from trading_assets.models.specs import models

    texts = templates.new_model(name, Desk(intended_lake(home)).part(models))
    _write("models", f"{name}.py", texts, f'follow it with a strategy, such as: {name} = ml_alpha.of("{name}")', home)


@new_app.command("strategy")
def new_strategy(
    name: Annotated[str, typer.Argument(help="Name of the strategy, such as reversal.")], home: Home = None
) -> None:
    """Write a strategy and its test, to be edited; a book of books.yaml trades it by its name."""
    from trading_assets.desk.desk import Desk
    from trading_assets.signals import templates
    from trading_assets.signals.registry import strategies

    texts = templates.new_strategy(name, Desk(intended_lake(home)).part(strategies))
    _write("strategies", f"{name}.py", texts, f"let a book of books.yaml follow it: strategy: {name}", home)


@new_app.command("sizing")
def new_sizing(
    name: Annotated[str, typer.Argument(help="Kind by which a book names it, such as rank_weighted.")],
    home: Home = None,
) -> None:
    """Write a sizing and its test, to be edited; a book of books.yaml names it by its kind."""
    from trading_assets.desk.desk import Desk
    from trading_assets.portfolio import templates
    from trading_assets.portfolio.sizing import sizings

    texts = templates.new_sizing(name, Desk(intended_lake(home)).part(sizings))
    _write("sizings", f"{name}.py", texts, f"let a book of books.yaml name it: sizing: {name}", home)


def _materialise(settings: Settings, table: str) -> str:
    query = settings.command(f'sql "FROM {table}"')
    return f"materialise {table.replace('.', '/')} in the web UI, then: {query}"


def _write(kind: str, file: str, texts: tuple[str, str], use: str, home: Path | None) -> None:
    """Write a file and its test, and say what comes next."""
    from trading_assets.desk.desk import Desk
    from trading_assets.desk.new_files import write_new
    from trading_assets.desk.own_work import TESTS, own_work

    settings = intended_lake(home)
    folder = own_work(Desk(settings)).folder
    made = folder / kind / file
    test = folder / TESTS / f"test_{made.stem}.py"
    write_new(dict(zip((made, test), texts, strict=True)))
    steps = (
        f"make {made.name} yours; {test.name} holds whatever it becomes",
        f"python -m pytest {_short(test)}",
        settings.command("check"),
        use,
    )
    console.print(f"wrote {_short(made)}\nwrote {_short(test)}\nnext:", soft_wrap=True)
    for number, step in enumerate(steps, 1):
        console.print(f"  {number}. {step}", soft_wrap=True, markup=False)


def _short(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
