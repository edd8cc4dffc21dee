"""Checks that stored rows are what the code computes, without look-ahead and within its look-back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property

import polars as pl

from trading_assets.desk.checks import ScopeCheck
from trading_assets.desk.desk import Desk
from trading_assets.lake import LakeFrame
from trading_assets.lake.contracts import Contract
from trading_assets.lake.store.scope import Scope
from trading_assets.point_in_time.explain import in_words
from trading_assets.point_in_time.lookahead import Compute, Frames, lookahead_violations, pick_cuts
from trading_assets.point_in_time.warm_up import Lookback, warmup_violations

_POISON_SEED = 11


@dataclass(frozen=True)
class Recomputation:
    """Stored rows, and the function and inputs that must reproduce them.

    Attributes
    ----------
    compute
        From the inputs to rows with the key and the columns of `stored`.
    inputs
        Frames that the function reads, by name.
    stored
        What the lake holds.
    known_on
        For each input, the column with the date on which a row became known.
    history
        Inputs whose amount of history must not matter beyond the look-back, with their date columns.
    lookback
        Rows per entity before a row that its values may depend on: of all columns, or by column.
    key
        Columns that identify a row.
    time
        Column of the key with the date on which a row is known; history is cut at its values.
    entity
        Column whose values are computed independently of each other, see `lookahead_violations`.
    cuts
        Number of dates or moments at which history is cut.
    made
        Rows as a run computes them, needed if `compute` gives other bits for its shorter span; its result by default.
    """

    compute: Compute
    inputs: Frames
    stored: pl.DataFrame
    known_on: Mapping[str, str]
    history: Mapping[str, str]
    lookback: Lookback = 0
    key: Sequence[str] = ("symbol", "date")
    time: str = "date"
    entity: str | None = None
    cuts: int = 3
    made: pl.DataFrame | None = None

    @cached_property
    def computed(self) -> pl.DataFrame:
        """What the function computes now."""
        return self.compute(self.inputs)

    def look_ahead(self, scope: Scope) -> pl.DataFrame:
        """Values of the scope that differ from the stored ones, or that change with a cut or falsified future."""
        made = self.computed if self.made is None else self.made
        differing = differing_from_stored(self.stored, made, scope, self.key)
        moments = self.stored[self.time].unique()
        if differing.height or moments.len() <= self.cuts:
            return differing
        return lookahead_violations(
            self.compute,
            self.inputs,
            known_on=self.known_on,
            key=self.key,
            date_column=self.time,
            cuts=pick_cuts(moments, self.cuts),
            poison_seed=_POISON_SEED,
            computed=self.computed,
            entity=self.entity,
        )

    def warm_up(self) -> pl.DataFrame:
        """Values of the last date or moment that change with the amount of history before the look-back."""
        probes = self.computed[self.time].unique().sort()[-1:].to_list()
        if not probes:
            return pl.DataFrame()
        return warmup_violations(
            self.compute,
            self.inputs,
            history=self.history,
            lookback=self.lookback,
            probes=probes,
            key=self.key,
            date_column=self.time,
            computed=self.computed,
            entity=self.entity,
        )


Recompute = Callable[[Desk, Scope, str], Iterable[Recomputation]]


def point_in_time_check(contract: Contract, recompute: Recompute) -> ScopeCheck:
    """Checks `look_ahead` and `warm_up` of a table.

    Parameters
    ----------
    contract : Contract
        Contract of the table.
    recompute : callable
        From desk, scope of the run and run id to what is recomputed, nothing if the scope has no row. Rows of different
        models or strategies are recomputed separately.
    """

    def body(desk: Desk, scope: Scope, run_id: str) -> dict[str, pl.DataFrame]:
        again = list(recompute(desk, scope, run_id))
        return {
            "look_ahead": _first_violations(one.look_ahead(scope) for one in again),
            "warm_up": _first_violations(one.warm_up() for one in again),
        }

    return ScopeCheck(
        contract,
        {
            "look_ahead": "Recomputed on history cut at some dates and with a falsified future, every value up to the "
            "cut has the same bits and equals the stored one.",
            "warm_up": "Values do not depend on the history before the look-back that their column declares.",
        },
        body,
        sentence=in_words,
    )


def _first_violations(found: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return next((frame for frame in found if frame.height), pl.DataFrame())


def stored_span(table: LakeFrame, scope: Scope, days: int) -> tuple[date, date] | None:
    """Last days of a scope in which a table has rows, at most so many; None if it has none.

    A check looks at this many days before the scope's last row even if the run wrote a single session, because a
    look-ahead can only show where there is a future to hide.
    """
    first, last = scope.window() if scope.start else (None, None)
    dates = table.lake.query(f"SELECT max(date) AS last FROM lake.{table.table} WHERE date <= ?", [last or date.max])[
        "last"
    ]
    newest = dates[0]
    if newest is None or (first is not None and newest < first):
        return None
    return newest - timedelta(days=days), newest


def differing_from_stored(
    stored: pl.DataFrame, computed: pl.DataFrame, scope: Scope, key: Sequence[str]
) -> pl.DataFrame:
    """Rows of a scope whose stored values are not what the code computes: date, symbol and the column.

    Rows outside the scope are ignored: in a backfill other runs may not have written them yet.
    """
    stored, computed = stored.filter(scope.expr()), computed.filter(scope.expr())
    both = stored.join(computed, on=key, how="full", coalesce=True, suffix="__computed", nulls_equal=True)
    differs = {name: pl.col(name).ne_missing(pl.col(f"{name}__computed")) for name in stored.columns if name not in key}
    is_wrong = both.select(**{name: one.any() for name, one in differs.items()}).row(0, named=True)
    found = [
        both.filter(one).select(
            *(pl.col(k).cast(pl.String) for k in key),
            mode=pl.lit("stored value is not what the code computes"),
            column=pl.lit(name),
        )
        for name, one in differs.items()
        if is_wrong[name]
    ]
    return pl.concat(found) if found else pl.DataFrame()
