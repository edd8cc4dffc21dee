"""The event log of the desk stores what Dagster's own would, in one piece or not at all."""

from urllib.parse import quote

import dagster as dg
import pytest
from dagster._core.events import AssetObservationData
from dagster_postgres import PostgresEventLogStorage

from trading_assets.lake.bridge.partition_keys import range_tags
from trading_assets.orchestration.event_storage import DeskEventLog

KEYS = ["2016|A", "2016|B's", "2017|\\N", "2017|Ä\\|%s"]
KEY = dg.AssetKey(["stage", "panel"])


@dg.asset(
    key=KEY,
    partitions_def=dg.StaticPartitionsDefinition(KEYS),
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def panel(context: dg.AssetExecutionContext) -> None:
    context.add_output_metadata({"rows": 7, "share": 0.5, "note": "it's \\ %s\t\\N\r\n"})
    context.add_asset_metadata({"first": 1}, partition_key=KEYS[0])


@pytest.fixture
def urls(database):
    """URL of a fresh database for SQLAlchemy, made so often as asked."""

    def make():
        url = database()
        return f"postgresql+psycopg2://{url.user}@/{url.database}?host={quote(url.host, safe='/')}"

    return make


@pytest.fixture(scope="module")
def events():
    """The materializations of one run over all partitions, in the order of partitions and of time."""
    with dg.DagsterInstance.ephemeral() as instance:
        job = dg.Definitions(assets=[panel]).resolve_implicit_global_asset_job_def()
        run = job.execute_in_process(instance=instance, tags=range_tags(KEYS[0], KEYS[-1]))
        found = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    moments = sorted(event.timestamp for event in found)
    placed = sorted(found, key=lambda event: event.dagster_event.partition)
    return [event._replace(timestamp=moment) for event, moment in zip(placed, moments, strict=True)]


def stored(storage):
    """All that the tables of events hold, but for when rows were numbered."""
    records = storage.fetch_materializations(KEY, limit=10, ascending=True).records
    with storage.index_connection() as connection:
        rows = connection.exec_driver_sql(
            "SELECT run_id, dagster_event_type, timestamp, step_key, asset_key, partition FROM event_logs ORDER BY id"
        ).fetchall()
        of_events = connection.exec_driver_sql(
            "SELECT l.partition, t.asset_key, t.key, t.value, t.event_timestamp FROM asset_event_tags t "
            "JOIN event_logs l ON l.id = t.event_id ORDER BY t.event_id, t.key"
        ).fetchall()
    (asset,) = storage.get_asset_records([KEY])
    last = asset.asset_entry.last_materialization_record.event_log_entry
    return [record.event_log_entry for record in records], rows, of_events, last


def test_a_batch_is_stored_as_dagster_stores_it(urls, events):
    ours, dagsters = DeskEventLog(urls()), PostgresEventLogStorage(urls())
    for storage in (ours, dagsters):
        storage.store_event_batch(events)
    assert stored(ours) == stored(dagsters)
    assert stored(ours)[0] == events


def test_metadata_of_one_partition_stays_with_it(urls, events):
    storage = DeskEventLog(urls())
    storage.store_event_batch(events)
    shown = [entry.asset_materialization.metadata for entry in stored(storage)[0]]
    assert ["first" in metadata for metadata in shown] == [partition == KEYS[0] for partition in KEYS]


def test_a_batch_that_fails_leaves_nothing(urls, events, monkeypatch):
    storage = DeskEventLog(urls())
    monkeypatch.setattr(storage, "_tags_for_asset_event", lambda event: {"key": None, "bad": "\0"})
    with pytest.raises(Exception, match="invalid byte sequence"):
        storage.store_event_batch(events)
    assert not storage.fetch_materializations(KEY, limit=10).records


def test_events_of_other_kinds_are_stored_by_dagster(urls, events):
    planned = [
        event._replace(
            dagster_event=event.dagster_event._replace(
                event_type_value=dg.DagsterEventType.ASSET_OBSERVATION.value,
                event_specific_data=AssetObservationData(
                    dg.AssetObservation(KEY, partition=event.dagster_event.partition)
                ),
            )
        )
        for event in events
    ]
    storage = DeskEventLog(urls())
    storage.store_event_batch(planned)
    assert len(storage.fetch_observations(KEY, limit=10).records) == len(KEYS)


def test_a_table_that_is_there_is_looked_up_once_and_another_each_time(urls, monkeypatch):
    storage = DeskEventLog(urls())
    asked = []
    monkeypatch.setattr(
        PostgresEventLogStorage, "has_table", lambda self, name: (asked.append(name), name == "asset_event_tags")[1]
    )
    assert [storage.has_table(name) for name in ("asset_event_tags", "nowhere") * 2] == [True, False] * 2
    assert asked == ["asset_event_tags", "nowhere", "nowhere"]


SYMBOLS = dg.StaticPartitionsDefinition([f"S{number:02d}" for number in range(40)])
YEARS = dg.TimeWindowPartitionsDefinition(cron_schedule="0 0 1 1 *", start="1990", end="2020", fmt="%Y")


@pytest.mark.parametrize(
    ("partitions", "first", "last"),
    [
        (dg.MultiPartitionsDefinition({"symbol": SYMBOLS, "date": YEARS}), "1990|S00", "2019|S39"),
        (dg.MultiPartitionsDefinition({"date": YEARS, "name": SYMBOLS}), "1990|S10", "2001|S19"),
        (YEARS, "1991", "2003"),
        (SYMBOLS, "S03", "S21"),
    ],
    ids=["by symbol and year", "by year and name", "by year", "by name"],
)
def test_the_newest_partition_of_a_range_is_the_latest_event_of_its_asset(bench, partitions, first, last):
    made = []

    @dg.asset(name="ranged", partitions_def=partitions, backfill_policy=dg.BackfillPolicy.single_run())
    def ranged(context: dg.AssetExecutionContext) -> None:
        made.extend(context.partition_keys)

    job = dg.Definitions(assets=[ranged]).resolve_implicit_global_asset_job_def()
    with bench.active():
        job.execute_in_process(instance=bench.instance, tags=range_tags(first, last))
    newest = bench.instance.fetch_materializations(ranged.key, limit=len(made)).records
    assert bench.instance.get_latest_materialization_event(ranged.key).asset_materialization.partition == last
    assert newest[0].partition_key == last
    assert [record.timestamp for record in newest] == sorted((r.timestamp for r in newest), reverse=True)
    assert sorted(record.partition_key for record in newest) == sorted(made)


def test_the_instance_of_a_desk_keeps_its_events_there(bench):
    assert isinstance(bench.instance.event_log_storage, DeskEventLog)
