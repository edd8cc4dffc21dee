"""From listed names to partitions."""

from collections.abc import Iterable

import dagster as dg

from trading_assets.desk.partitions import SYMBOL


def registered_symbols(instance: dg.DagsterInstance) -> list[str]:
    """Symbols that have partitions, in the order of registration (the order of partition ranges)."""
    return list(instance.get_dynamic_partitions(SYMBOL))


def unregistered_symbols(instance: dg.DagsterInstance, listed: Iterable[str]) -> list[str]:
    """Listed symbols that have no partitions yet, sorted."""
    return sorted(set(listed) - set(registered_symbols(instance)))


def register_symbols(instance: dg.DagsterInstance, listed: Iterable[str]) -> list[str]:
    """Register listed symbols as partitions; returns the new ones, sorted."""
    new = unregistered_symbols(instance, listed)
    if new:
        instance.add_dynamic_partitions(SYMBOL, new)
    return new


def keep_listed_symbols(instance: dg.DagsterInstance, listed: Iterable[str]) -> list[str]:
    """Take the partitions of symbols that are not listed any more, as after a universe was made smaller; returns them.

    Their rows stay in the lake, and a symbol that is listed again gets its partitions back.
    """
    left = sorted(set(registered_symbols(instance)) - set(listed))
    for symbol in left:
        instance.delete_dynamic_partition(SYMBOL, symbol)
    return left
