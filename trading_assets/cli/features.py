"""Commands about features: a new one of your own, and the pages that describe all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trading_assets.cli.common import console
from trading_assets.desk.settings import PROJECT

features_app = typer.Typer()
new_app = typer.Typer(no_args_is_help=True, help="Start something of your own from a template.")
features_app.add_typer(new_app, name="new")
_TESTS = PROJECT / "trading_assets_tests" / "features" / "own"
_PAGES = PROJECT / "docs" / "features"
_STRATEGY_PAGES = PROJECT / "docs" / "strategies"


@new_app.callback()
def _new() -> None:
    """Let the templates be commands below ``new``, one by one."""


@new_app.command("feature")
def new_feature(
    name: Annotated[str, typer.Argument(help="Name of the feature, such as range_21.")],
    lookback: Annotated[int, typer.Option(help="Bars before its own that a value depends on.")] = 20,
    sql: Annotated[bool, typer.Option("--sql", help="A SQL model instead of a Polars expression.")] = False,
) -> None:
    """Write a feature and its test, to be edited; it is a column of the lake from then on."""
    if sql:
        _new_sql_feature(name)
        return
    from trading_assets.features import own
    from trading_assets.features.scaffold import write_feature

    module, test = write_feature(name, lookback, modules=Path(own.__path__[0]), tests=_TESTS, taken=_existing_columns())
    _show(
        f"wrote {_short(module)}\nwrote {_short(test)}",
        f"write its formula into {module.name}, and into {test.name} what it must give on bars that you made up",
        f"{_program('python')} -m pytest {_short(test)}",
        f"{_program('trading-assets')} docs",
        f"{_program('python')} -m trading_assets_tests.test_definitions --update",
        'materialise features/own in the web UI, then: trading-assets sql "FROM features.own"',
    )


def _new_sql_feature(name: str) -> None:
    from trading_assets.features.registry import FeatureError
    from trading_assets.features.sql.own import write_sql_feature

    if name in _existing_columns():
        raise FeatureError(f"there is a column {name!r} already; choose another name")
    model = write_sql_feature(name)
    _show(
        f"wrote {_short(model)}",
        f"write its columns and its SQL into {model.name}",
        f"{_program('trading-assets')} docs",
        f"{_program('python')} -m trading_assets_tests.test_definitions --update",
        f'materialise features/{name} in the web UI, then: trading-assets sql "FROM features.{name}"',
    )


def _existing_columns() -> set[str]:
    from trading_assets.features.contract import CONTRACTS

    return {column.lower() for contract in CONTRACTS for column in contract.schema}


def _program(name: str) -> str:
    return f".venv/bin/{name}"


def _short(path: Path) -> Path:
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path


def _show(done: str, *steps: str) -> None:
    console.print(done, soft_wrap=True)
    console.print("next:")
    for number, step in enumerate(steps, 1):
        console.print(f"  {number}. {step}", soft_wrap=True, markup=False)


@features_app.command()
def docs() -> None:
    """Write docs/features/ and docs/strategies/ from the code: one page per set and per strategy, and their indexes."""
    from trading_assets.features.pages import pages, write_pages
    from trading_assets.features.sets import SETS
    from trading_assets.features.sql.sets import SQL_SETS
    from trading_assets.signals import strategies
    from trading_assets.signals.pages import pages as pages_of_strategies
    from trading_assets.signals.registry import by_name, strategies_of

    changed = write_pages(_PAGES, pages(SETS.values(), SQL_SETS.values()))
    changed += write_pages(_STRATEGY_PAGES, pages_of_strategies(by_name(strategies_of(strategies))))
    for path in changed:
        console.print(f"{'wrote' if path.exists() else 'removed'} {_short(path)}", soft_wrap=True)
    if not changed:
        console.print(f"the pages in {_short(_PAGES)} and {_short(_STRATEGY_PAGES)} are up to date", soft_wrap=True)
