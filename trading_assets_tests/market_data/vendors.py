"""Two real vendors' prices with their own adjustment, read into raw bars, actions and what became known when."""

from datetime import date
from pathlib import Path

import polars as pl

from trading_assets.desk.calendar import next_session, sessions

_EXACT = 1e-5  # ratios of the daily set are rounded to six decimals
_SMALLEST_SPLIT = 1.2
_DENOMINATORS = range(1, 7)


def daily_deliveries(folder: Path) -> pl.DataFrame:
    """The daily set, sorted, with the ex-date of each row's action and the day on which it became known.

    ``adj_ratio`` stands on the last row before the ex-date: it is ``1 - dividend / close`` of that row, or one over
    the shares that a share becomes. A row that was delivered after its ex-date came adjusted already; otherwise
    the vendor showed the action with the name's next row.
    """
    rows = pl.read_parquet(folder / "us_daily_2015_2017.parquet").sort("symbol", "date")
    calendar = sessions("XNYS", date(2015, 3, 20), date(2017, 4, 10))
    following = pl.DataFrame({"date": calendar[:-1], "ex_date": calendar[1:]}).with_columns(
        is_session=pl.lit(value=True)
    )
    came_adjusted = (pl.col("adj_close") / pl.col("close") - 1).abs() > _EXACT
    seen_next = pl.col("first_seen").shift(-1).over("symbol")
    return rows.join(following, on="date", how="left", maintain_order="left").with_columns(
        pl.col("is_session").fill_null(value=False),
        pl.col("adj_ratio").fill_null(1.0),
        known_on=pl.when(came_adjusted).then("first_seen").otherwise(seen_next),
    )


def daily_actions(rows: pl.DataFrame) -> pl.DataFrame:
    """Actions of the daily set: ratios that are simple fractions, or above 1, are splits, others dividends."""
    ratio = pl.col("adj_ratio")
    shares = 1 / ratio
    simple = pl.any_horizontal(
        ((step * d).round() / (step * d) - 1).abs() < _EXACT for step in (ratio, shares) for d in _DENOMINATORS
    )
    is_split = (ratio > 1) | ((shares >= _SMALLEST_SPLIT) & simple)
    return rows.filter(ratio != 1).select(
        "symbol",
        "ex_date",
        kind=pl.when(is_split).then(pl.lit("split")).otherwise(pl.lit("dividend")),
        value=pl.when(is_split).then(shares).otherwise(pl.col("close") * (1 - ratio)),
        known_at=pl.col("known_on").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.offset_by("12h"),
        source=pl.lit("vendor"),
    )


def hourly_actions(folder: Path, symbol: str) -> pl.DataFrame:
    """Splits and dividends of a factor file: per row the last day, price factor, split factor and close of that day.

    The factors of a row hold from the row before up to its own day; the last row, of the year 2050, is the present.
    """
    names = ["day", "price_factor", "split_factor", "close"]
    rows = pl.read_csv(
        folder / "us_hour_factor_files" / f"{symbol.lower()}.csv",
        has_header=False,
        new_columns=names,
        schema_overrides=[pl.String, pl.Float64, pl.Float64, pl.Float64],
    ).with_columns(pl.col("day").str.to_date("%Y%m%d"))
    steps = rows.with_columns(
        kept=pl.col("price_factor") / pl.col("price_factor").shift(-1),
        shares=pl.col("split_factor").shift(-1) / pl.col("split_factor"),
    ).drop_nulls("shares")
    return steps.with_columns(
        symbol=pl.lit(symbol),
        ex_date=pl.Series([next_session("XNYS", day) for day in steps["day"]], dtype=pl.Date),
    )
