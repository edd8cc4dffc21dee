"""Dagster's storage in Postgres, with an event log that stores the events of many partitions quickly."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster import DagsterEventType, EventLogEntry, serialize_value
from dagster_postgres import PostgresEventLogStorage, PostgresRunStorage, PostgresScheduleStorage

from trading_assets.lake.bridge.partition_keys import DATE_DIMENSION
from trading_assets.library_internals.dagster import ConfigurableClass, ConfigurableClassData, DagsterStorage

_NUMBERS = "SELECT nextval(pg_get_serial_sequence('event_logs', 'id')) FROM generate_series(1, %s)"
_EVENTS = "event_logs (id, run_id, dagster_event_type, timestamp, step_key, asset_key, partition, event)"
_TAGS = "asset_event_tags (event_id, asset_key, key, value, event_timestamp)"
_DATE_TAG = f"dagster/partition/{DATE_DIMENSION}"
# Rows of one statement: their text is held in memory.
_ROWS_AT_ONCE = 1000


class DeskStorage(DagsterStorage, ConfigurableClass):
    """Dagster's storage in Postgres with the event log of this module."""

    def __init__(self, postgres_url: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        self._runs = PostgresRunStorage(postgres_url)
        self._events = DeskEventLog(postgres_url)
        self._schedules = PostgresScheduleStorage(postgres_url)

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Its entry in ``dagster.yaml``."""
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, dg.Field]:
        """Options in ``dagster.yaml``."""
        return {"postgres_url": dg.Field(dg.StringSource)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> DeskStorage:
        """Create it from those."""
        return cls(config_value["postgres_url"], inst_data)

    @property
    def run_storage(self) -> PostgresRunStorage:
        """Storage of runs."""
        return self._runs

    @property
    def event_log_storage(self) -> DeskEventLog:
        """Storage of events."""
        return self._events

    @property
    def schedule_storage(self) -> PostgresScheduleStorage:
        """Storage of the ticks of schedules and sensors."""
        return self._schedules


class DeskEventLog(PostgresEventLogStorage):
    """Dagster's event log in Postgres, which looks its tables and columns up once and copies batches into them.

    Dagster itself sends one statement with a parameter for each value of a batch, and looks its schema up again with
    most events; `python -m benchmarks event_storage` prints the difference.
    """

    def __init__(self, postgres_url: str) -> None:
        super().__init__(postgres_url)
        self._found: set[str] = set()

    def has_table(self, table_name: str) -> bool:
        """Whether a table exists; one that has been found is not looked up again."""
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
        """Store events in one transaction, materializations as rows with the newest partition last.

        The web UI shows the last event of an asset as its latest, and Dagster returns partitions in any order.
        """
        if {event.dagster_event_type for event in events} != {DagsterEventType.ASSET_MATERIALIZATION}:
            super().store_event_batch(events)
            return
        ordered = _newest_last(events)
        with self.index_transaction() as transaction:
            connection = transaction.connection.driver_connection
            for first in range(0, len(ordered), _ROWS_AT_ONCE):
                ids = self._insert(connection, ordered[first : first + _ROWS_AT_ONCE])
            self._store_asset_event(transaction, ordered[-1], ids[-1])

    def _insert(self, connection: Any, events: Sequence[EventLogEntry]) -> list[int]:
        """Copy events and their tags into the tables; return their ids."""
        found = [(event, event.get_dagster_event(), _moment(event)) for event in events]
        names = {key: key and key.to_string() for key in {of.asset_key for _, of, _ in found}}
        with connection.cursor() as cursor:
            cursor.execute(_NUMBERS, [len(events)])
            ids = [n for (n,) in cursor.fetchall()]
            rows = [
                (n, event.run_id, of.event_type_value, at, event.step_key, names[of.asset_key], of.partition, text)
                for n, text, (event, of, at) in zip(ids, _texts(events), found, strict=True)
            ]
            tags = [
                (n, names[of.asset_key], key, value, at)
                for n, (event, of, at) in zip(ids, found, strict=True)
                for key, value in self._tags_for_asset_event(event).items()
            ]
            _copy(cursor, _EVENTS, rows)
            _copy(cursor, _TAGS, tags)
        return ids


def _newest_last(events: Sequence[EventLogEntry]) -> list[EventLogEntry]:
    """Events by the date of their partition and then by its name, their times ascending with them."""
    moments = sorted(event.timestamp for event in events)
    return [event._replace(timestamp=at) for event, at in zip(sorted(events, key=_age), moments, strict=True)]


def _age(event: EventLogEntry) -> tuple[str, str]:
    made = event.get_dagster_event().step_materialization_data.materialization
    partition = made.partition or ""
    return (made.tags or {}).get(_DATE_TAG, partition), partition


def _copy(cursor: Any, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    lines = ("\t".join(map(_copied, row)) + "\n" for row in rows)
    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO("".join(lines)))


def _copied(value: object) -> str:
    """A value in the text format of COPY (PostgreSQL documentation, "COPY", File Formats)."""
    if value is None:
        return r"\N"
    return str(value).replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


def _moment(event: EventLogEntry) -> datetime:
    """When it happened, in UTC, without a zone as in the tables."""
    return datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None)


def _texts(events: Sequence[EventLogEntry]) -> Iterator[str]:
    """Materializations as Dagster serialises them: those of a batch differ in partition, tags and time alone."""
    pattern = events[0]
    packed: Any = json.loads(serialize_value(pattern))
    of_partition = packed["dagster_event"]["event_specific_data"]["materialization"]
    partition, tags, timestamp = places = [uuid4().hex for _ in range(3)]
    of_partition["partition"], of_partition["tags"], packed["timestamp"] = places
    pieces = re.split(f'"({"|".join(places)})"', json.dumps(packed))
    shared = _without_partition(pattern)
    for event in events:
        if _without_partition(event) == shared:
            made = event.get_dagster_event().step_materialization_data.materialization
            given = {partition: made.partition, tags: made.tags, timestamp: event.timestamp}
            yield "".join(json.dumps(given[piece]) if piece in given else piece for piece in pieces)
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
