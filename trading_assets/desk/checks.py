"""Checks of the assets: run on the partitions of the run, report violations as a table; most checks block the run.

All checks of an asset run in one step. A separate step for each would cost as much as the asset: before Dagster runs a
step it lists all partitions of the assets that the step reads (`python -m benchmarks graph`).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import dagster as dg
import polars as pl

from trading_assets.desk.desk import Desk
from trading_assets.lake.bridge.contract_check import check_contract, run_scopes
from trading_assets.lake.contracts import Contract
from trading_assets.lake.store.scope import Scope
from trading_assets.parallel import map_ordered

_SHOWN = 20
_CONTRACT = "contract"
Body = Callable[[Desk, Scope, str], pl.DataFrame]


def _pairs(row: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items())


@dataclass(frozen=True, slots=True)
class ScopeCheck:
    """Checks of a table that share one computation.

    Attributes
    ----------
    contract : Contract
        Contract of the table.
    names : mapping of str to str
        Name of each check, and what is true when it passes.
    body : callable
        From desk, scope of the run and run id to violations by name: one row each, no row if there is none.
    blocking : bool
        Whether a violation stops the run before anything is computed from the table.
    severity : dagster.AssetCheckSeverity
        How a violation is shown.
    shown : callable, optional
        From desk, scope of the run and run id to further metadata of the results, such as a plot: a check is recorded
        once for each run, a materialization once for each partition.
    sentence : callable
        From a violation's row to its description in the result.
    """

    contract: Contract
    names: Mapping[str, str]
    body: Callable[[Desk, Scope, str], Mapping[str, pl.DataFrame]]
    blocking: bool = True
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
    shown: Callable[[Desk, Scope, str], Mapping[str, dg.MetadataValue]] | None = None
    sentence: Callable[[Mapping[str, object]], str] = _pairs

    def results(self, desk: Desk, scope: Scope, run_id: str) -> Iterator[dg.AssetCheckResult]:
        """Run the checks."""
        for name, violations in self.body(desk, scope, run_id).items():
            result = violations_result(violations, self.sentence)._replace(severity=self.severity)
            if self.shown is not None:
                metadata = {**(result.metadata or {}), **self.shown(desk, scope, run_id)}
                result = result._replace(metadata=metadata)
            yield _named(result, self.contract, name)


def scope_check(
    contract: Contract,
    name: str,
    description: str,
    body: Body,
    *,
    blocking: bool = True,
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR,
    shown: Callable[[Desk, Scope, str], Mapping[str, dg.MetadataValue]] | None = None,
) -> ScopeCheck:
    """One check of a table; see `ScopeCheck`."""
    return ScopeCheck(
        contract,
        {name: description},
        lambda desk, scope, run_id: {name: body(desk, scope, run_id)},
        blocking=blocking,
        severity=severity,
        shown=shown,
    )


def asset_checks(
    asset: dg.AssetsDefinition, contracts: Mapping[str, Contract], checks: Sequence[ScopeCheck]
) -> dg.AssetChecksDefinition:
    """All checks of an asset as one step: its contracts, and the checks of its stage.

    The partitions are read from the run's own tags: a check that declares ``partitions_def`` writes one planned row
    per partition with all partitions inside it, which is quadratic (see ``docs/decisions.md``).

    Parameters
    ----------
    asset : AssetsDefinition
        An asset of one or several tables.
    contracts : mapping of str to Contract
        Contracts by table.
    checks : sequence of ScopeCheck
        Checks of any tables; those of this asset are used.
    """
    tables = [contracts[".".join(key.path)] for key in asset.keys]
    own = [check for check in checks if check.contract in tables]
    described = [(contract, _CONTRACT, _contract_holds(contract), True) for contract in tables]
    described += [(check.contract, name, text, check.blocking) for check in own for name, text in check.names.items()]

    @dg.multi_asset_check(
        name="_".join(("check", *tables[0].asset_key)),
        specs=[
            dg.AssetCheckSpec(name, asset=dg.AssetKey(contract.asset_key), blocking=blocking, description=text)
            for contract, name, text, blocking in described
        ],
        required_resource_keys={"desk"},
        can_subset=True,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        desk: Desk = context.op_execution_context.resources.desk
        wanted = {(tuple(key.asset_key.path), key.name) for key in context.selected_asset_check_keys}
        scope_of = run_scopes(context, asset.partitions_def)
        bodies: list[Callable[[], list[dg.AssetCheckResult]]] = [
            partial(_contract_result, desk, contract, scope_of(contract))
            for contract in tables
            if (tuple(contract.asset_key), _CONTRACT) in wanted
        ]
        bodies += [
            partial(_results, one, desk, scope_of(one.contract), context.run.run_id)
            for one in own
            if wanted & {(tuple(one.contract.asset_key), name) for name in one.names}
        ]
        # most of their time is spent in DuckDB and Polars, outside Python's lock
        for results in map_ordered(lambda body: body(), bodies):
            yield from (
                one for one in results if one.asset_key and (tuple(one.asset_key.path), one.check_name) in wanted
            )

    return check


def _contract_result(desk: Desk, contract: Contract, scope: Scope) -> list[dg.AssetCheckResult]:
    return [_named(check_contract(desk.lake, contract, scope, desk.settings.command), contract, _CONTRACT)]


def _results(check: ScopeCheck, desk: Desk, scope: Scope, run_id: str) -> list[dg.AssetCheckResult]:
    return list(check.results(desk, scope, run_id))


def _contract_holds(contract: Contract) -> str:
    return (
        f"Stored rows satisfy the contract of {contract.table}; quarantined rows stay below "
        f"{contract.quarantine_limit:.2%}."
    )


def _named(result: dg.AssetCheckResult, contract: Contract, name: str) -> dg.AssetCheckResult:
    return result._replace(check_name=name, asset_key=dg.AssetKey(contract.asset_key))


def violations_result(
    violations: pl.DataFrame, sentence: Callable[[Mapping[str, object]], str] = _pairs
) -> dg.AssetCheckResult:
    """Check result that passes where there is no violation and lists the first ones otherwise."""
    if violations.is_empty():
        return dg.AssetCheckResult(passed=True, description="no violation", metadata={"violations": 0})
    columns = [dg.TableColumn(name, "string") for name in violations.columns]
    records = [
        dg.TableRecord({name: str(value) for name, value in row.items()})
        for row in violations.head(_SHOWN).iter_rows(named=True)
    ]
    first = sentence(violations.row(0, named=True))
    return dg.AssetCheckResult(
        passed=False,
        description=f"{violations.height} violations, first: {first}",
        metadata={
            "violations": violations.height,
            "first_violations": dg.MetadataValue.table(records, schema=dg.TableSchema(columns)),
        },
    )
