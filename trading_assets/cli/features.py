"""The command that writes the pages of features."""

from __future__ import annotations

from pathlib import Path

import typer

from trading_assets.cli.common import Home, console
from trading_assets.cli.lakes import intended_lake
from trading_assets.desk.settings import PROJECT

features_app = typer.Typer()
_PAGES = PROJECT / "docs" / "features"
_STRATEGY_PAGES = PROJECT / "docs" / "strategies"


@features_app.command()
def docs(home: Home = None) -> None:
    """Write a page per feature set and per strategy: the shipped ones in docs/, your own in the lake's folder."""
    from trading_assets.desk.desk import Desk
    from trading_assets.features.catalogue import SHIPPED
    from trading_assets.features.pages import GUIDE, pages, write_pages
    from trading_assets.features.sets import feature_sets
    from trading_assets.features.sql.catalogue import SHIPPED as SHIPPED_IN_SQL
    from trading_assets.features.sql.sets import sql_sets
    from trading_assets.signals import strategies as shipped_strategies
    from trading_assets.signals.pages import pages as pages_of_strategies
    from trading_assets.signals.registry import by_name, strategies_of

    desk = Desk(intended_lake(home))
    own = [one for one in desk.part(feature_sets).values() if one not in SHIPPED]
    own_in_sql = [one for one in desk.part(sql_sets).values() if not one.is_shipped]
    written = {
        _PAGES: pages(SHIPPED, SHIPPED_IN_SQL, guide=GUIDE),
        _STRATEGY_PAGES: pages_of_strategies(by_name(strategies_of(shipped_strategies))),
    }
    if own or own_in_sql:
        written[desk.settings.home / "docs" / "features"] = pages(own, own_in_sql)
    for folder, texts in written.items():
        changed = write_pages(folder, texts)
        for path in changed:
            console.print(f"{'wrote' if path.exists() else 'removed'} {_short(path)}", soft_wrap=True)
        if not changed:
            console.print(f"the pages in {_short(folder)} are up to date", soft_wrap=True)


def _short(path: Path) -> Path:
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path
