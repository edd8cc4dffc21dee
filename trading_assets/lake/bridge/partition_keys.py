"""From Dagster's partition keys to the rectangle of rows they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import dagster as dg

from trading_assets.lake.contracts import Contract
from trading_assets.lake.errors import LakeError
from trading_assets.lake.store.scope import Scope

DATE_DIMENSION = "date"
_RANGE_START = "dagster/asset_partition_range_start"
_RANGE_END = "dagster/asset_partition_range_end"
_PARTITION = "dagster/partition"


def scope_of_keys(definition: dg.PartitionsDefinition, keys: Sequence[str], contract: Contract) -> Scope:
    """Rectangle of rows that a run's partition keys stand for.

    The dimension ``date`` selects a window of the contract's time column; every other dimension is a column of that
    name. A single dimension without time selects on the first column of the contract's key.

    Raises
    ------
    LakeError
        The keys do not form a rectangle.
    """
    if isinstance(definition, dg.TimeWindowPartitionsDefinition):
        start, end = _window(definition, keys)
        return Scope({}, contract.time, start, end, tuple(keys))
    if not isinstance(definition, dg.MultiPartitionsDefinition):
        return Scope({contract.key[0]: tuple(keys)}, partition_keys=tuple(keys))
    found = dimension_values(definition, keys)
    size = 1
    for values in found.values():
        size *= len(values)
    if size != len(keys):
        msg = f"the {len(keys)} partitions of this run do not form a rectangle of {list(found)}; run them separately"
        raise LakeError(msg)
    start, end = _window(definition.get_partitions_def_for_dimension(DATE_DIMENSION), found.pop(DATE_DIMENSION))
    # Dagster returns the keys of a range in the order of a set: sorted, two runs of a range do the same.
    wanted = {name: tuple(sorted(names)) for name, names in found.items()}
    return Scope(wanted, contract.time, start, end, tuple(sorted(keys)))


def days_of_key(definition: dg.PartitionsDefinition, key: str) -> tuple[date, date]:
    """First and last day of a partition.

    Raises
    ------
    LakeError
        The partition has no dimension of time.
    """
    if isinstance(definition, dg.MultiPartitionsDefinition):
        value = definition.get_partition_key_from_str(str(key)).keys_by_dimension[DATE_DIMENSION]
        start, end = _window(definition.get_partitions_def_for_dimension(DATE_DIMENSION), [value])
    else:
        start, end = _window(definition, [str(key)])
    return start, end - timedelta(days=1)


def through_of_keys(definition: dg.PartitionsDefinition, keys: Iterable[str], day: date) -> dict[str, date]:
    """Day that each partition is written through by a write that covers all days up to `day`; no later partitions."""
    days = {str(key): days_of_key(definition, key) for key in keys}
    return {key: min(day, last) for key, (first, last) in days.items() if first <= day}


def dimension_values(definition: dg.MultiPartitionsDefinition, keys: Sequence[str]) -> dict[str, list[str]]:
    """Distinct values of each dimension among multi-dimensional partition keys, in order of appearance."""
    found: dict[str, dict[str, None]] = {dimension.name: {} for dimension in definition.partitions_defs}
    for key in keys:
        for name, value in definition.get_partition_key_from_str(str(key)).keys_by_dimension.items():
            found[name][value] = None
    return {name: list(values) for name, values in found.items()}


def run_partition_keys(
    definition: dg.PartitionsDefinition, tags: Mapping[str, str], instance: dg.DagsterInstance
) -> list[str] | None:
    """Partition keys of a run, from its tags; None for a run without partitions."""
    if _RANGE_START in tags:
        key_range = dg.PartitionKeyRange(tags[_RANGE_START], tags[_RANGE_END])
        with dg.partition_loading_context(dynamic_partitions_store=instance):
            return list(definition.get_partition_keys_in_range(key_range))
    return [tags[_PARTITION]] if _PARTITION in tags else None


def range_tags(first: str, last: str) -> dict[str, str]:
    """Tags that make one run cover all partitions from ``first`` to ``last``, in every dimension."""
    return {_RANGE_START: first, _RANGE_END: last}


def range_ends(tags: Mapping[str, str]) -> tuple[str, ...]:
    """First and last partition that a run's tags name; none for a run of one partition or of no partitions."""
    return (tags[_RANGE_START], tags[_RANGE_END]) if _RANGE_START in tags else ()


def _window(definition: dg.PartitionsDefinition, keys: Sequence[str]) -> tuple[date, date]:
    if not isinstance(definition, dg.TimeWindowPartitionsDefinition):
        msg = f"the dimension '{DATE_DIMENSION}' must be made of time windows, not of {type(definition).__name__}"
        raise LakeError(msg)
    first = definition.time_window_for_partition_key(min(keys))
    last = definition.time_window_for_partition_key(max(keys))
    return first.start.date(), last.end.date()
