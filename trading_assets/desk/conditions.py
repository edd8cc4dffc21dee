"""When assets refresh themselves: automation conditions and freshness policies, once, by name."""

from datetime import timedelta

import dagster as dg

from trading_assets.desk.exchange import Exchange
from trading_assets.desk.settings import Settings


def after_close(exchange: Exchange) -> dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey]:
    """Once after the latest close of each weekday with sessions."""
    return dg.AutomationCondition.on_cron(exchange.ticks[-1], exchange.timezone)


def after_upstream_changed() -> dg.AutomationCondition[dg.AssetKey | dg.AssetCheckKey]:
    """As soon as anything it is made from has been materialised, once none of it is under way."""
    return (
        (dg.AutomationCondition.missing() | dg.AutomationCondition.any_deps_updated())
        & ~dg.AutomationCondition.any_deps_missing()
        & ~dg.AutomationCondition.any_deps_in_progress()
        & ~dg.AutomationCondition.in_progress()
    )


def fresh_after_close(settings: Settings, exchange: Exchange) -> dg.FreshnessPolicy | None:
    """Four hours after the close of each weekday with sessions; None for a source whose history has ended."""
    if settings.end is not None:
        return None
    return dg.FreshnessPolicy.cron(
        deadline_cron=exchange.deadline, lower_bound_delta=timedelta(hours=4), timezone=exchange.timezone
    )
