# ruff: noqa: DTZ001 - times without a zone are what some sources deliver
import datetime as dt
import json
from decimal import Decimal

import polars as pl
import pytest

from trading_assets.lake.contracts._casts import cast_column, rows_as_json

UTC = pl.Datetime("us", "UTC")
NEW_YORK = pl.Datetime("us", "America/New_York")
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("given", "target", "cast", "kept"),
    [
        ([1.0, 1.5, NAN, INF, 1e300, None], pl.Int64(), [1, None, None, None, None, None], "yn ynny"),
        ([2**40, 7], pl.Int32(), [None, 7], "ny"),
        ([1e300, INF, NAN, -0.0], pl.Float32(), [None, None, None, 0.0], "nyyy"),
        ([1, 2], pl.Float64(), [1.0, 2.0], "yy"),
        (["1", "x", "", None], pl.Int64(), [1, None, None, None], "ynny"),
        ([1, 0, 2], pl.Boolean(), [True, False, None], "yyn"),
        ([Decimal("1.5"), Decimal(2)], pl.Int64(), [None, 2], "ny"),
        (["2024-01-02", "02.01.2024", "2024-02-30"], pl.Date(), [dt.date(2024, 1, 2), None, None], "ynn"),
        ([dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, 9)], pl.Date(), [dt.date(2024, 1, 2), None], "yn"),
        ([3, None], pl.String(), ["3", None], "yy"),
    ],
)
def test_value_is_cast_or_reported(given, target, cast, kept):
    result, is_kept = cast_column(pl.Series("x", given), target)
    wanted = [letter == "y" for letter in kept.replace(" ", "")]
    assert is_kept.to_list() == wanted
    assert [value for value, survived in zip(result, wanted, strict=True) if survived] == [
        value for value, survived in zip(cast, wanted, strict=True) if survived
    ]
    assert result.dtype == target


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-01-02T09:30:00Z", dt.datetime(2024, 1, 2, 9, 30)),
        ("2024-01-02 09:30:00", dt.datetime(2024, 1, 2, 9, 30)),
        ("2024-01-02 09:30:00.250+02:00", dt.datetime(2024, 1, 2, 7, 30, 0, 250_000)),
        ("2024-01-02T09:30", dt.datetime(2024, 1, 2, 9, 30)),
        ("2024-01-02", dt.datetime(2024, 1, 2)),
    ],
)
def test_times_are_read_as_iso_8601_in_utc(text, moment):
    zoned, _ = cast_column(pl.Series([text, "never"]), UTC)
    plain, is_kept = cast_column(pl.Series([text, "never"]), pl.Datetime("us"))
    assert zoned.to_list() == [moment.replace(tzinfo=dt.UTC), None]
    assert plain.to_list() == [moment, None]
    assert is_kept.to_list() == [True, False]


def test_time_of_another_zone_is_the_same_moment_in_utc():
    given = pl.Series([dt.datetime(2024, 1, 2)]).dt.replace_time_zone("America/New_York")
    assert cast_column(given, UTC)[0][0] == dt.datetime(2024, 1, 2, 5, tzinfo=dt.UTC)


def test_midnight_of_another_zone_is_that_zones_day():
    given = pl.Series([dt.datetime(2024, 1, 2)]).dt.replace_time_zone("America/New_York")
    cast, is_kept = cast_column(given, pl.Date())
    assert (cast[0], is_kept[0]) == (dt.date(2024, 1, 2), True)


def test_number_is_no_date():
    with pytest.raises(pl.exceptions.PolarsError, match="unit"):
        cast_column(pl.Series([20240102]), pl.Date())


def test_json_keeps_what_json_cannot_spell():
    frame = pl.DataFrame(
        {
            "number": [1.5, NAN],
            "bytes": [b"\x00", None],
            "object": pl.Series([Ellipsis, None], dtype=pl.Object),
            "list": [[1, 2], None],
            "span": [dt.timedelta(days=1), None],
            "day": [dt.date(2024, 1, 2), None],
            "deep": [{"a": [b"x"]}, None],
        }
    )
    first, second = (json.loads(row) for row in rows_as_json(frame))
    assert first == {
        "number": 1.5, "bytes": "b'\\x00'", "object": "Ellipsis", "list": [1, 2], "span": "1 day, 0:00:00",
        "day": "2024-01-02", "deep": "{'a': [b'x']}",
    }  # fmt: skip
    assert second == dict.fromkeys(first) | {"number": "nan"}
