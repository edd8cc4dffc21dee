"""Maintenance: merge small files, expire old snapshots, clean up files that nothing refers to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.retries import with_retries

_GRACE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class MaintenanceReport:
    """Files and bytes before and after, and how many snapshots were expired."""

    files_before: int
    files_after: int
    bytes_before: int
    bytes_after: int
    snapshots_expired: int
    files_removed: int

    def as_dict(self) -> dict[str, int]:
        """The figures by name."""
        return asdict(self)


def maintain(lake: Lake, *, now: datetime, retention: timedelta) -> MaintenanceReport:
    """Merge small files and expire what is older than the retention.

    A file that nothing refers to is removed once it is a day old, however short the retention is: a query may still
    read it, or a writer that has not committed yet may just have created it.

    Parameters
    ----------
    lake : Lake
        The lake.
    now : datetime
        The present, timezone-aware.
    retention : timedelta
        Snapshots older than this can no longer be read after it.
    """
    keep_from, unused_from = _timestamp(now - retention), _timestamp(now - max(retention, _GRACE))
    files_before, bytes_before = _size(lake)
    expired = _call(lake, f"ducklake_expire_snapshots('lake', older_than => {keep_from})")
    _call(lake, "ducklake_rewrite_data_files('lake')")
    _call(lake, "ducklake_merge_adjacent_files('lake')")
    removed = _call(lake, f"ducklake_cleanup_old_files('lake', older_than => {unused_from})")
    removed += _call(lake, f"ducklake_delete_orphaned_files('lake', older_than => {unused_from})")
    _remove_empty_folders(lake.data_path, (now - _GRACE).timestamp())
    files_after, bytes_after = _size(lake)
    return MaintenanceReport(files_before, files_after, bytes_before, bytes_after, expired, removed)


def _call(lake: Lake, function: str) -> int:
    """Run one step in its own transaction, with retries while writers conflict with it; returns its number of rows."""
    return with_retries(lake, lambda cursor: len(cursor.execute(f"CALL {function}").fetchall()))


def _remove_empty_folders(data_path: str, unused_from: float) -> None:
    """Remove folders of tables that never were.

    DuckLake makes the folder of a table before it finds that a client which attached the lake read-only may not create
    it, and leaves it there.
    """
    if "://" in data_path:
        return
    for path in sorted(Path(data_path).glob("*/*"), reverse=True):
        if path.is_dir() and path.stat().st_mtime < unused_from:
            with suppress(OSError):  # it holds files, or somebody has been faster
                path.rmdir()


def _timestamp(moment: datetime) -> str:
    return f"CAST('{moment.isoformat(sep=' ')}' AS TIMESTAMPTZ)"


def _size(lake: Lake) -> tuple[int, int]:
    row = (
        lake.cursor()
        .execute(
            "SELECT coalesce(sum(file_count), 0), coalesce(sum(file_size_bytes), 0) FROM ducklake_table_info('lake')"
        )
        .fetchone()
    )
    return (int(row[0]), int(row[1])) if row else (0, 0)
