"""Dagster's storage in Postgres, with an event log that is quick with the events of hundreds of partitions."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster import DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.base_storage import DagsterStorage
from dagster._core.storage.event_log import EventLogStorage
from dagster._core.storage.runs import RunStorage
from dagster._core.storage.schedules import ScheduleStorage
from dagster._serdes import ConfigurableClass, ConfigurableClassData, pack_value, serialize_value
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage
from psycopg2.extras import execute_values

_EVENTS = """
    INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition)
    VALUES %s RETURNING id
"""
_TAGS = "INSERT INTO asset_event_tags (event_id, asset_key, key, value, event_timestamp) VALUES %s"


class DeskStorage(DagsterStorage, ConfigurableClass):
    """Dagster's storage in Postgres with the event log of this module."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._runs = PostgresRunStorage(postgres_url)
        self._events = DeskEventLog(postgres_url)
        self._schedules = PostgresScheduleStorage(postgres_url)

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Where it was configured."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, dg.Field]:
        """Options in ``dagster.yaml``."""
        return {"postgres_url": dg.Field(dg.StringSource)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> DeskStorage:
        """Make it from those."""
        return cls(config_value["postgres_url"], inst_data)

    @property
    def run_storage(self) -> RunStorage:
        """Runs and what belongs to them."""
        return self._runs

    @property
    def event_log_storage(self) -> EventLogStorage:
        """What happened in them."""
        return self._events

    @property
    def schedule_storage(self) -> ScheduleStorage:
        """Ticks of schedules and sensors."""
        return self._schedules


class DeskEventLog(PostgresEventLogStorage):
    """Dagster's event log in Postgres, which asks once which tables and columns it has and writes batches as rows.

    Dagster makes a statement with a parameter for each value of a batch, and looks its own schema up again with most
    events; `python -m benchmarks event_storage` prints the difference.
    """

    def __init__(self, postgres_url: str) -> None:
        super().__init__(postgres_url)
        self._found: set[str] = set()

    def has_table(self, table_name: str) -> bool:
        """Whether a table exists; one that was there once is not looked up again."""
        return self._is_there(table_name) or self._keep(table_name, found=super().has_table(table_name))

    def _has_asset_key_col_on_connection(self, conn: Any, column_name: str) -> bool:
        name = f"asset_keys.{column_name}"
        found = super()._has_asset_key_col_on_connection
        return self._is_there(name) or self._keep(name, found=found(conn, column_name))

    def _is_there(self, name: str) -> bool:
        return name in self._found

    def _keep(self, name: str, *, found: bool) -> bool:
        if found:
            self._found.add(name)
        return found

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store events in one transaction, materializations as rows."""
        if {event.dagster_event_type for event in events} != {DagsterEventType.ASSET_MATERIALIZATION}:
            super().store_event_batch(events)
            return
        with self.index_transaction() as transaction:
            ids = self._insert(transaction.connection.driver_connection, events)
            # Dagster keeps the last one of a batch beside the asset
            self._store_asset_event(transaction, events[-1], ids[-1])

    def _insert(self, connection: Any, events: Sequence[EventLogEntry]) -> list[int]:
        rows = [
            (
                event.run_id,
                text,
                event.get_dagster_event().event_type_value,
                _moment(event),
                event.step_key,
                _asset_key(event),
                event.get_dagster_event().partition,
            )
            for event, text in zip(events, _texts(events), strict=True)
        ]
        with connection.cursor() as cursor:
            stored = execute_values(cursor, _EVENTS, rows, page_size=len(rows), fetch=True)
            ids = [number for (number,) in stored]
            tags = [
                (number, _asset_key(event), key, value, _moment(event))
                for number, event in zip(ids, events, strict=True)
                for key, value in self._tags_for_asset_event(event).items()
            ]
            execute_values(cursor, _TAGS, tags, page_size=len(tags) or 1)
        return ids


def _moment(event: EventLogEntry) -> datetime:
    """When it happened, in UTC, as the tables have it: without a zone."""
    return datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None)


def _asset_key(event: EventLogEntry) -> str | None:
    key = event.get_dagster_event().asset_key
    return None if key is None else key.to_string()


def _texts(events: Sequence[EventLogEntry]) -> Iterator[str]:
    """Materializations as Dagster writes them down: those of a batch differ in partition, tags and time alone."""
    pattern = events[0]
    packed: Any = pack_value(pattern)
    of_partition = packed["dagster_event"]["event_specific_data"]["materialization"]
    shared = _without_partition(pattern)
    for event in events:
        if _without_partition(event) == shared:
            made = event.get_dagster_event().step_materialization_data.materialization
            of_partition["partition"], of_partition["tags"] = made.partition, made.tags
            packed["timestamp"] = event.timestamp
            yield json.dumps(packed)
        else:
            yield serialize_value(event)


def _without_partition(event: EventLogEntry) -> tuple[object, ...]:
    dagster_event = event.get_dagster_event()
    made = dagster_event.step_materialization_data
    return (
        event._replace(timestamp=0.0, dagster_event=None),
        dagster_event._replace(event_specific_data=None),
        made.asset_lineage,
        made.materialization._replace(partition=None, tags={}),
    )
