"""SQL table macros of market data, stored in the lake: any DuckDB client that attaches it can call them.

``FROM market_data.adjusted_bars(DATE '2016-01-04', method := 'total_return') WHERE symbol = 'AAPL'`` returns the same
rows as the functions of `trading_assets.market_data.as_of`. The macros name tables without a catalog, so a client first
runs ``USE`` with the name under which it has attached the lake, as ``attach.sql`` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import duckdb

from trading_assets.lake import Lake
from trading_assets.lake.store._literals import literal
from trading_assets.lake.store.retries import with_retries
from trading_assets.lake.store.views import rendered

__all__ = ["MACROS", "Macro", "ensure_macros"]

_SCHEMA = "market_data"


@dataclass(frozen=True, slots=True)
class Macro:
    """A table macro: its name in the schema ``market_data``, its parameters as in SQL, its query, the tables it reads.

    DuckLake cannot reopen a catalog in which a default is null, empty or a list, so no parameter has such a default.
    """

    name: str
    parameters: tuple[tuple[str, str, str | None], ...]
    query: str
    tables: tuple[str, ...]

    @property
    def statement(self) -> str:
        """CREATE statement."""
        listed = ", ".join(
            f"{name} {kind.upper()}" + ("" if default is None else f" := {literal(default)}")
            for name, kind, default in self.parameters
        )
        return f"CREATE OR REPLACE MACRO lake.{_SCHEMA}.{self.name}({listed}) AS TABLE {self.query}"


_ADJUSTED_BARS = """
WITH placed AS (
    SELECT known.symbol, known.ex_date, known.kind, known.value, bars.date, bars.close,
           CASE known.kind WHEN 'split' THEN known.value ELSE 1.0 END AS ratio
    FROM (
        FROM market_data.corporate_actions
        WHERE ex_date <= as_of AND epoch_us(known_at) < epoch_us(CAST(as_of + 1 AS TIMESTAMP))
    ) AS known
    ASOF JOIN (FROM market_data.bars_daily WHERE date <= as_of) AS bars
        ON known.symbol = bars.symbol AND known.ex_date > bars.date
), entitled AS (
    SELECT *, product(ratio) OVER (
        PARTITION BY symbol, date ORDER BY ex_date, kind DESC, value ROWS UNBOUNDED PRECEDING
    ) AS shares
    FROM placed
), steps AS (
    SELECT symbol, date, first(close) AS close, product(ratio) AS ratio,
           sum(CASE kind WHEN 'dividend' THEN value * shares ELSE 0.0 END) AS cash
    FROM entitled
    GROUP BY symbol, date
), checked AS (
    SELECT symbol, date, ratio, CASE
        WHEN method = 'split' OR cash < close THEN 1.0 - cash / close
        ELSE error('dividend of ' || cash || ' on ' || symbol || ' after ' || date || ' is not below that day''s close '
                   || close || ': correct the amount in market_data.corporate_actions or adjust by splits alone')
    END AS kept
    FROM steps
), factors AS (
    SELECT symbol, date,
           product(CASE method WHEN 'split' THEN 1.0 / ratio WHEN 'dividend' THEN kept ELSE 1.0 / ratio * kept END)
               OVER later AS price,
           product(CASE method WHEN 'dividend' THEN 1.0 ELSE ratio END) OVER later AS shares
    FROM checked
    WINDOW later AS (PARTITION BY symbol ORDER BY date DESC ROWS UNBOUNDED PRECEDING)
)
SELECT bars.symbol, bars.date,
       bars.open * coalesce(factors.price, 1.0) AS open, bars.high * coalesce(factors.price, 1.0) AS high,
       bars.low * coalesce(factors.price, 1.0) AS low, bars.close * coalesce(factors.price, 1.0) AS close,
       bars.volume * coalesce(factors.shares, 1.0) AS volume, bars.source
FROM (FROM market_data.bars_daily WHERE date <= as_of) AS bars
ASOF LEFT JOIN factors ON bars.symbol = factors.symbol AND bars.date <= factors.date
WHERE CASE WHEN method IN ('split', 'dividend', 'total_return') THEN TRUE
      ELSE error('there is no adjustment ''' || method || '''; choose one of split, dividend, total_return') END
ORDER BY bars.symbol, bars.date
"""

_FUNDAMENTALS_AS_OF = """
SELECT symbol, period_end, period, item, value, currency, known_on, known_at, basis, source
FROM market_data.fundamentals
WHERE known_at <= moment
QUALIFY row_number() OVER (PARTITION BY symbol, period_end, period, item ORDER BY known_at DESC) = 1
ORDER BY symbol, period_end, period, item
"""

_MEMBERS_ON = """
SELECT symbol, first_date, last_date, basis, listed_on, source
FROM market_data.membership
WHERE universe = wanted AND first_date <= day AND (last_date IS NULL OR last_date >= day)
ORDER BY symbol
"""

MACROS = (
    Macro(
        "adjusted_bars",
        (("as_of", "date", None), ("method", "varchar", "split")),
        _ADJUSTED_BARS,
        ("market_data.bars_daily", "market_data.corporate_actions"),
    ),
    Macro("fundamentals_as_of", (("moment", "timestamptz", None),), _FUNDAMENTALS_AS_OF, ("market_data.fundamentals",)),
    Macro("members_on", (("wanted", "varchar", None), ("day", "date", None)), _MEMBERS_ON, ("market_data.membership",)),
)


def ensure_macros(lake: Lake, macros: Sequence[Macro] = MACROS) -> list[str]:
    """Store the macros whose tables exist and which the lake lacks or has in another version.

    If none has to be stored, which takes two queries of Postgres, no snapshot is made.

    Returns
    -------
    list of str
        Names of the macros that were stored.
    """
    if not _outdated(lake, macros):
        return []
    with lake.exclusively("macros"):
        return [macro.name for macro in _outdated(lake, macros) if with_retries(lake, _storing(macro))]


def _storing(macro: Macro) -> Callable[[duckdb.DuckDBPyConnection], object]:
    return lambda cursor: cursor.execute(macro.statement)


def _outdated(lake: Lake, macros: Sequence[Macro]) -> list[Macro]:
    tables = lake.ducklake.columns({table for macro in macros for table in macro.tables})
    stored = lake.ducklake.macros(_SCHEMA)
    return [
        macro
        for macro in macros
        if tables.keys() >= set(macro.tables) and stored.get(macro.name) != (rendered(macro.query), _typed(macro))
    ]


def _typed(macro: Macro) -> str:
    """Parameters in the spelling of the catalog."""
    return ", ".join(
        f"{name} {kind} {'NULL' if default is None else default}" for name, kind, default in macro.parameters
    )
