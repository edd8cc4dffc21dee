"""The check of a table's contract: the stored rows of the run's partitions satisfy it."""

from collections.abc import Callable
from functools import cache

import dagster as dg
import polars as pl

from trading_assets.figures import apart
from trading_assets.lake.bridge.partition_keys import run_partition_keys, scope_of_keys
from trading_assets.lake.contracts import Contract
from trading_assets.lake.store.catalog import Lake
from trading_assets.lake.store.scope import Scope

_SHOWN = 20


def run_scopes(
    context: dg.AssetCheckExecutionContext, partitions_def: dg.PartitionsDefinition | None
) -> Callable[[Contract], Scope]:
    """From a table to its rows in the partitions of this run; the whole table for a run without partitions."""
    if partitions_def is None:
        return lambda _: Scope()
    keys = run_partition_keys(partitions_def, context.run.tags, context.instance)
    return cache(lambda contract: Scope() if keys is None else scope_of_keys(partitions_def, keys, contract))


def check_contract(
    lake: Lake, contract: Contract, scope: Scope, command: Callable[[str], str] = "trading-assets {}".format
) -> dg.AssetCheckResult:
    """Validate stored rows and count the quarantined ones; ``command`` makes the command that looks at this lake."""
    rows = contract.empty().select(contract.constrained)
    if lake.has_files(contract.table):
        # a column that may hold anything is not read: a set of features has hundreds of them
        names = ", ".join(f'"{name}"' for name in contract.constrained)
        rows = lake.query(f"SELECT {names} FROM lake.{contract.table} WHERE {scope.sql()}")
    bad = contract.breaking(rows)
    rules = pl.DataFrame(schema={"rule": pl.String, "rows": pl.Int64})
    if lake.has_files(contract.quarantine_table):
        rules = lake.query(
            f"SELECT rule, count(*) AS rows FROM lake.{contract.quarantine_table} WHERE {scope.sql()} "
            "GROUP BY rule ORDER BY rows DESC, rule"
        )
    quarantined = int(rules["rows"].sum())
    counting = rules.filter(~is_tolerated(contract))
    counted = int(counting["rows"].sum())
    share = counted / max(counted + rows.height, 1)
    passed = bad.is_empty() and share <= contract.quarantine_limit
    return dg.AssetCheckResult(
        passed=passed,
        description=_explain(contract, bad, quarantined, counting, share, command),
        metadata={
            "rows": rows.height,
            "rows_quarantined": quarantined,
            "rows_counted": counted,
            "share_quarantined": share,
            "rules_broken": _table(rules),
        },
    )


def is_tolerated(contract: Contract) -> pl.Expr:
    """Whether a row of the quarantine, by its column ``rule``, does not count towards the limit of its table."""
    rules = pl.concat_str(pl.lit("; "), pl.col("rule"))
    found = [rules.str.contains(f"; {beginning}", literal=True) for beginning in contract.tolerated]
    return pl.any_horizontal(pl.lit(value=False), *found)


def _explain(
    contract: Contract,
    bad: pl.DataFrame,
    quarantined: int,
    counting: pl.DataFrame,
    share: float,
    command: Callable[[str], str],
) -> str:
    if bad.height:
        first = bad.row(0, named=True)
        return f"{bad.height} stored rows break the contract, first: {first}"
    if share > contract.quarantine_limit:
        found, limit = apart(share, contract.quarantine_limit, percent=True)
        look = command(f"sql 'FROM {contract.quarantine_table}'")
        return (
            f"{counting['rows'].sum():,} rows ({found}) are quarantined, the limit is {limit}; most by the rule "
            f"{counting['rule'][0]!r}; look at them with: {look}"
        )
    return f"{quarantined} rows quarantined" if quarantined else "all rows satisfy the contract"


def _table(rules: pl.DataFrame) -> dg.TableMetadataValue:
    records = [dg.TableRecord({"rule": r["rule"], "rows": r["rows"]}) for r in rules.head(_SHOWN).to_dicts()]
    columns = [dg.TableColumn("rule", "string"), dg.TableColumn("rows", "int")]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns))
