"""Blocking checks of a stage's own: run on the partitions of the run, report violations as a table."""

from collections.abc import Callable
from datetime import date, timedelta

import dagster as dg
import polars as pl

from trading_assets.lake import LakeFrame
from trading_assets.lake.checks import run_scope
from trading_assets.lake.contracts import Contract
from trading_assets.lake.scope import Scope
from trading_assets.orchestration.resources import Desk

_SHOWN = 20
Body = Callable[[Desk, Scope, str], pl.DataFrame]


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


def differing_from_stored(stored: pl.DataFrame, computed: pl.DataFrame, scope: Scope, key: list[str]) -> pl.DataFrame:
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
