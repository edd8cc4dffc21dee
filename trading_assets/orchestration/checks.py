"""Blocking checks of a stage's own: run on the partitions of the run, report violations as a table."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import dagster as dg
import polars as pl

from trading_assets.lake import LakeFrame
from trading_assets.lake.checks import run_scope
from trading_assets.lake.contracts import Contract
from trading_assets.lake.scope import Scope
from trading_assets.orchestration.resources import Desk
from trading_assets.point_in_time.lookahead import (
    Compute,
    Frames,
    lookahead_violations,
    pick_cuts,
    warmup_violations,
)

_SHOWN = 20
_CUTS = 3
_POISON_SEED = 11
Body = Callable[[Desk, Scope, str], pl.DataFrame]


@dataclass(frozen=True, slots=True)
class Recomputation:
    """Stored rows, and the function and inputs that must give them again.

    Attributes
    ----------
    compute
        From the inputs to rows with the key and the columns of `stored`.
    inputs
        Frames that the function reads, by name.
    stored
        What the lake holds.
    known_on
        For each input, the column that says when a row became known.
    history
        Inputs whose amount of history must not matter beyond the look-back, with their date columns.
    lookback
        Rows per entity before a row that its values may depend on.
    key
        Columns that identify a row.

    """

    compute: Compute
    inputs: Frames
    stored: pl.DataFrame
    known_on: Mapping[str, str]
    history: Mapping[str, str]
    lookback: int = 0
    key: Sequence[str] = ("symbol", "date")

    def look_ahead(self, scope: Scope) -> pl.DataFrame:
        """Values of the scope that differ from the stored ones, or that change with a cut or falsified future."""
        differing = differing_from_stored(self.stored, self.compute(self.inputs), scope, self.key)
        dates = self.stored["date"].unique()
        if differing.height or dates.len() <= _CUTS:
            return differing
        return lookahead_violations(
            self.compute,
            self.inputs,
            known_on=self.known_on,
            key=self.key,
            cuts=pick_cuts(dates, _CUTS),
            poison_seed=_POISON_SEED,
        )

    def warm_up(self) -> pl.DataFrame:
        """Values of the last date that change with the amount of history before the look-back."""
        probes = self.compute(self.inputs)["date"].unique().sort()[-1:].to_list()
        if not probes:
            return pl.DataFrame()
        return warmup_violations(
            self.compute,
            self.inputs,
            history=self.history,
            lookback=self.lookback,
            probes=probes,
            key=self.key,
        )


Recompute = Callable[[Desk, Scope, str], Iterable[Recomputation]]


def point_in_time_check(
    contract: Contract, partitions_def: dg.PartitionsDefinition | None, recompute: Recompute
) -> dg.AssetChecksDefinition:
    """Blocking checks `look_ahead` and `warm_up` of a table.

    Parameters
    ----------
    contract : Contract
        Contract of the table.
    partitions_def : PartitionsDefinition or None
        Partitions of the asset.
    recompute : callable
        From desk, scope of the run and run id to what is computed again, none where the scope has no row. Rows of
        different models or strategies are computed apart.
    """
    described = {
        "look_ahead": f"Recomputed on history cut at {_CUTS} dates and with a falsified future, every value up to the "
        "cut is the same bits, and the stored one.",
        "warm_up": "Values do not depend on how much history exists before the declared look-back.",
    }

    @dg.multi_asset_check(
        name="_".join((*contract.asset_key, "point_in_time")),
        specs=[
            dg.AssetCheckSpec(name, asset=dg.AssetKey(contract.asset_key), blocking=True, description=text)
            for name, text in described.items()
        ],
        required_resource_keys={"desk"},
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        desk: Desk = context.op_execution_context.resources.desk
        scope = run_scope(context, contract, partitions_def)
        again = list(recompute(desk, scope, context.run.run_id))
        for name, violations in {
            "look_ahead": _first_violations(one.look_ahead(scope) for one in again),
            "warm_up": _first_violations(one.warm_up() for one in again),
        }.items():
            result = violations_result(violations)
            yield result._replace(check_name=name, asset_key=dg.AssetKey(contract.asset_key))

    return check


def _first_violations(found: Iterable[pl.DataFrame]) -> pl.DataFrame:
    return next((frame for frame in found if frame.height), pl.DataFrame())


def scope_check(
    contract: Contract, name: str, partitions_def: dg.PartitionsDefinition | None, description: str, body: Body
) -> dg.AssetChecksDefinition:
    """Blocking check of a table.

    Parameters
    ----------
    contract : Contract
        Contract of the table.
    name : str
        Name of the check.
    partitions_def : PartitionsDefinition or None
        Partitions of the asset.
    description : str
        What holds when it passes.
    body : callable
        From desk, scope of the run and run id to violations: one row each, none when all is well.
    """

    @dg.asset_check(
        asset=dg.AssetKey(contract.asset_key),
        name=name,
        blocking=True,
        description=description,
        required_resource_keys={"desk"},
    )
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        desk: Desk = context.op_execution_context.resources.desk
        return violations_result(body(desk, run_scope(context, contract, partitions_def), context.run.run_id))

    return check


def violations_result(violations: pl.DataFrame) -> dg.AssetCheckResult:
    """Check result that passes where there is no violation and lists the first ones otherwise."""
    if violations.is_empty():
        return dg.AssetCheckResult(passed=True, description="no violation", metadata={"violations": 0})
    columns = [dg.TableColumn(name, "string") for name in violations.columns]
    records = [
        dg.TableRecord({name: str(value) for name, value in row.items()})
        for row in violations.head(_SHOWN).iter_rows(named=True)
    ]
    first = ", ".join(f"{name} {value}" for name, value in violations.row(0, named=True).items())
    return dg.AssetCheckResult(
        passed=False,
        description=f"{violations.height} violations, first: {first}",
        metadata={
            "violations": violations.height,
            "first_violations": dg.MetadataValue.table(records, schema=dg.TableSchema(columns)),
        },
    )


def stored_span(table: LakeFrame, scope: Scope, days: int) -> tuple[date, date] | None:
    """Last days of a scope that a table has rows in, at most so many; None where it has none.

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

    What is stored outside the scope is no business of the run: in a backfill other runs may not have written it yet.
    """
    stored, computed = stored.filter(scope.expr()), computed.filter(scope.expr())
    both = stored.join(computed, on=key, how="full", coalesce=True, suffix="__computed", nulls_equal=True)
    values = [name for name in stored.columns if name not in key]
    found = [
        both.filter(pl.col(name).ne_missing(pl.col(f"{name}__computed"))).select(
            *(pl.col(k).cast(pl.String) for k in key),
            mode=pl.lit("stored value is not what the code computes"),
            column=pl.lit(name),
        )
        for name in values
    ]
    return pl.concat(found)
