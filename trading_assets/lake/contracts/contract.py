"""Contracts: one pandera model per table is the only description of it.

From a contract come the DDL, the cast on write, the split into good and quarantined rows, the blocking asset check,
the column schema in the web UI and the dbt source file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from trading_assets.lake.contracts._casts import cast_column, rows_as_json
from trading_assets.lake.contracts.pandera_polars import SchemaErrors, pa
from trading_assets.lake.errors import ContractError

_SQL_TYPES: Mapping[type[pl.DataType], str] = {
    pl.String: "VARCHAR",
    pl.Date: "DATE",
    pl.Boolean: "BOOLEAN",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.Float32: "FLOAT",
    pl.Float64: "DOUBLE",
}


def column(description: str, *, unit: str = "", **rules: Any) -> Any:
    """Field of a contract's model: its meaning, its unit, and pandera's rules (``ge``, ``gt``, ``isin``, ...)."""
    return pa.Field(description=description, metadata={"unit": unit}, **rules)


DUPLICATE = "duplicate: an identical row with the same key is already there"
CONFLICT = "conflict: rows with the same key hold different values"
REJECTED = "rejected"
"""Column that a frame to store may have: the rule by which whoever made a row rejects it, null for the others."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a contract: name, Polars dtype, SQL type, unit, nullability, rules and meaning."""

    name: str
    dtype: pl.DataType
    sql_type: str
    nullable: bool
    unit: str
    rules: tuple[str, ...]
    description: str


@dataclass(frozen=True, slots=True)
class SplitRows:
    """A frame divided by its contract: rows that satisfy it, and rows that break a rule, with the rule's name."""

    good: pl.DataFrame
    quarantined: pl.DataFrame


@dataclass(frozen=True, eq=False)
class Contract:
    """A table of the lake: its pandera model, and the facts about storage that a model cannot express.

    Attributes
    ----------
    model : type of pandera.polars.DataFrameModel
        Columns as pandera fields: dtype, checks, description, ``metadata={"unit": ...}``. Its docstring is the
        table's meaning.
    table : str
        ``stage.name``: asset key, lake table and SQL name are the same.
    key : tuple of str
        Columns that identify a row; also the order in which rows are written.
    time : str or None
        Column that the partition dimension ``date`` restricts.
    quarantine_limit : float
        Share of a partition's rows that may be quarantined before the blocking check fails.
    provenance : tuple of str
        Columns with the origin of a row; they are stored but not part of the content hash.
    tolerated : tuple of str
        Beginnings of rules whose rows do not count towards `quarantine_limit`: they take nothing from any other row.
    """

    model: type[pa.DataFrameModel]
    table: str
    key: tuple[str, ...]
    time: str | None = None
    quarantine_limit: float = 0.0
    provenance: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """Columns in the order of declaration."""
        return tuple(_columns(self))

    @cached_property
    def meaning(self) -> str:
        """Meaning of the table: the first paragraph of the model's docstring, on one line."""
        return " ".join((self.model.__doc__ or "").strip().split("\n\n")[0].split())

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """Column names and Polars dtypes."""
        return {column.name: column.dtype for column in self.columns}

    @cached_property
    def constrained(self) -> tuple[str, ...]:
        """Columns in which a value of the right type can break the contract: all if a rule looks at whole rows."""
        if self.model.to_schema().checks:
            return tuple(self.schema)
        keys = (*self.key, self.time)
        return tuple(one.name for one in self.columns if one.name in keys or one.rules or not one.nullable)

    @property
    def asset_key(self) -> list[str]:
        """Path of the asset key: stage and name."""
        return self.table.split(".")

    @property
    def quarantine_table(self) -> str:
        """Name of the table that keeps the rows which broke this contract."""
        return f"quarantine.{self.table.replace('.', '_')}"

    @cached_property
    def quarantine_schema(self) -> dict[str, pl.DataType]:
        """Columns of the quarantine table: the key as far as it parsed, the rule, and the row as JSON."""
        placed = (*self.key, self.time) if self.time and self.time not in self.key else self.key
        return {name: self.schema[name] for name in placed} | {"rule": pl.String(), "row": pl.String()}

    def empty(self) -> pl.DataFrame:
        """Frame with the contract's columns and no row."""
        return pl.DataFrame(schema=self.schema)

    def split(self, frame: pl.DataFrame, rules: Mapping[str, pl.Expr] | None = None) -> SplitRows:
        """Cast a frame to the contract and divide it into good and quarantined rows; none is lost.

        NaN and infinities become null: other libraries write missing values that way, in integer columns too. Of
        identical rows the first is kept; rows with the same key and different values are all quarantined.

        Parameters
        ----------
        frame : polars.DataFrame
            Rows to store. Columns that the contract does not name are kept only inside quarantined rows. A row with a
            text in a column `REJECTED` is quarantined by that rule and judged no further.
        rules : mapping of str to polars.Expr, optional
            Further rules of this write: name -> expression that is true where a row **breaks** it.

        Raises
        ------
        ContractError
            A column is missing altogether, or is of a type that cannot be cast at all.
        """
        missing = [name for name in self.schema if name not in frame.columns]
        if missing:
            msg = f"{self.table}: the frame lacks the columns {missing}; it has {frame.columns}"
            raise ContractError(msg)
        indexed = frame.with_row_index("__row")
        cast, broken = self._examined(indexed, self.columns, rules or {})
        good = cast.join(broken.select("__row").unique(), on="__row", how="anti") if broken.height else cast
        bad = (
            _quarantined(self, indexed, cast, broken) if broken.height else pl.DataFrame(schema=self.quarantine_schema)
        )
        return SplitRows(_in_order(good.drop("__row"), self.key), bad)

    def breaking(self, stored: pl.DataFrame) -> pl.DataFrame:
        """Rows that break the contract, given their `constrained` columns alone, and the rules that they break.

        Returns
        -------
        polars.DataFrame
            The rows as given, with a column ``rule``.
        """
        indexed = stored.with_row_index("__row")
        columns = [one for one in self.columns if one.name in self.constrained]
        _, broken = self._examined(indexed, columns, {})
        return indexed.join(_rules_by_row(broken), on="__row", how="inner", maintain_order="left").drop("__row")

    @cached_property
    def _constrained_schema(self) -> pa.DataFrameSchema:
        """What is left to check once every column has its type."""
        return self.model.to_schema().select_columns(list(self.constrained))

    def _examined(
        self, indexed: pl.DataFrame, columns: Sequence[Column], rules: Mapping[str, pl.Expr]
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Rows cast to the types of columns, and the rules that each of them breaks."""
        cast, uncast = _cast(self.table, columns, indexed)
        constrained = cast.select("__row", *self.constrained)
        failures = _pandera_failures(self.table, self._constrained_schema, constrained)
        broken = _with_rejected(indexed, pl.concat([uncast, failures, _rule_failures(cast, rules)]))
        kept = cast.join(broken.select("__row"), on="__row", how="anti") if broken.height else cast
        return cast, pl.concat([broken, _duplicate_failures(self, kept)])


def _in_order(frame: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Rows in the order of their unique key; sorting hundreds of columns costs more than the check."""
    follows = pl.lit(value=False)
    for name in reversed(key):
        before = pl.col(name).shift(1)
        follows = (pl.col(name) > before) | ((pl.col(name) == before) & follows)
    is_ordered = frame.select(follows.slice(1).fill_null(value=False).all()).item()
    return frame if is_ordered else frame.sort(key)


def _columns(contract: Contract) -> Iterator[Column]:
    for name, field in contract.model.to_schema().columns.items():
        dtype: Any = field.dtype.type
        dtype = dtype() if isinstance(dtype, type) else dtype
        yield Column(
            name=name,
            dtype=dtype,
            sql_type=_sql_type(contract, name, dtype),
            nullable=field.nullable,
            unit=str((field.metadata or {}).get("unit", "")),
            rules=tuple(str(check.error or check.name) for check in field.checks),
            description=field.description or "",
        )


def _sql_type(contract: Contract, name: str, dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Datetime):
        return "TIMESTAMPTZ" if dtype.time_zone else "TIMESTAMP"
    try:
        return _SQL_TYPES[type(dtype)]
    except KeyError:
        msg = f"{contract.table}.{name}: no SQL type for {dtype}; use one of {sorted(map(str, _SQL_TYPES))}"
        raise ContractError(msg) from None


def _failures(rows: pl.Series, rule: str) -> pl.DataFrame:
    return pl.DataFrame({"__row": rows.cast(pl.UInt32)}).with_columns(rule=pl.lit(rule))


def _no_failures() -> pl.DataFrame:
    return pl.DataFrame(schema={"__row": pl.UInt32, "rule": pl.String})


def _cast(table: str, wanted: Sequence[Column], frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cast every column; rows with a cell that cannot be cast without loss are reported."""
    columns, failures = [frame["__row"]], [_no_failures()]
    floats = _finite_floats(wanted, frame)
    for column in wanted:
        given = frame[column.name]
        if column.name in floats:
            columns.append(floats[column.name])
            continue
        if given.dtype == column.dtype and not given.dtype.is_float():
            columns.append(given)
            continue
        try:
            cast, is_kept = cast_column(given, column.dtype)
        except pl.exceptions.PolarsError as error:
            reason = str(error).split("\n", 1)[0]
            msg = f"{table}.{column.name}: {given.dtype} cannot be stored as {column.sql_type} ({reason})"
            raise ContractError(msg) from None
        if not is_kept.all():
            failures.append(_failures(frame["__row"].filter(~is_kept), f"{column.name}: not of type {column.sql_type}"))
        columns.append(cast)
    return pl.DataFrame(columns), pl.concat(failures)


def _finite_floats(wanted: Sequence[Column], frame: pl.DataFrame) -> dict[str, pl.Series]:
    """Float columns of the right type without NaN or infinity; -0.0 becomes 0.0, which is equal but has other bits.

    All of them in one expression: a set of features has hundreds.
    """
    floats = {one.name: one.dtype for one in wanted if one.dtype.is_float()}
    given = {name: dtype for name, dtype in frame.schema.items() if floats.get(name) == dtype}
    is_finite = frame.select(pl.col(name).is_finite().all() for name in given).row(0, named=True) if given else {}
    return frame.select(
        pl.when(pl.col(name) == 0).then(pl.lit(0.0, dtype=dtype)).otherwise(pl.col(name)).alias(name)
        for name, dtype in given.items()
        if is_finite[name]
    ).to_dict()


def _pandera_failures(table: str, schema: pa.DataFrameSchema, cast: pl.DataFrame) -> pl.DataFrame:
    if cast.is_empty():
        return _no_failures()
    try:
        schema.validate(cast.drop("__row"), lazy=True)
    except SchemaErrors as error:
        cases: pl.DataFrame = error.failure_cases
        if cases["index"].null_count():
            msg = f"{table}: the frame as a whole breaks its contract: {cases.to_dicts()[:3]}"
            raise ContractError(msg) from None
        whole_row = pl.col("schema_context") == "DataFrameSchema"
        return cases.select(
            __row=pl.col("index").cast(pl.UInt32),
            rule=pl.when(whole_row).then(pl.col("check")).otherwise(pl.format("{}: {}", "column", "check")),
        )
    return _no_failures()


def _rule_failures(cast: pl.DataFrame, rules: Mapping[str, pl.Expr]) -> pl.DataFrame:
    failures = [_failures(cast.filter(broken.fill_null(value=False))["__row"], rule) for rule, broken in rules.items()]
    return pl.concat([_no_failures(), *failures])


def _with_rejected(indexed: pl.DataFrame, broken: pl.DataFrame) -> pl.DataFrame:
    """Rules of rows, with those rows that came rejected under the rule they came with alone."""
    if REJECTED not in indexed.columns:
        return broken
    rejected = indexed.select("__row", rule=REJECTED).drop_nulls()
    return pl.concat([broken.join(rejected, on="__row", how="anti"), rejected])


def _duplicate_failures(contract: Contract, cast: pl.DataFrame) -> pl.DataFrame:
    """Of identical rows all but the first fail; of rows with the same key and different values, all."""
    key = pl.struct(contract.key)
    if cast.select(key.hash().n_unique()).item() == cast.height:  # different hashes mean different keys
        return _no_failures()
    repeated = cast.filter(key.is_duplicated())
    if repeated.is_empty():
        return _no_failures()
    value = pl.struct(pl.exclude("__row"))
    marked = repeated.with_columns(
        conflicting=value.n_unique().over(contract.key) > 1,
        is_first=pl.col("__row") == pl.col("__row").min().over(contract.key),
    )
    return marked.filter(pl.col("conflicting") | ~pl.col("is_first")).select(
        "__row", rule=pl.when("conflicting").then(pl.lit(CONFLICT)).otherwise(pl.lit(DUPLICATE))
    )


def _rules_by_row(broken: pl.DataFrame) -> pl.DataFrame:
    return broken.group_by("__row").agg(rule=pl.col("rule").unique().sort().str.join("; "))


def _quarantined(contract: Contract, indexed: pl.DataFrame, cast: pl.DataFrame, broken: pl.DataFrame) -> pl.DataFrame:
    rules = _rules_by_row(broken)
    original = indexed.join(rules, on="__row", how="semi", maintain_order="left")
    rows = original.select("__row", row=rows_as_json(original.drop("__row", REJECTED, strict=False)))
    return (
        rows.join(rules, on="__row", how="left", maintain_order="left")
        .join(cast, on="__row", how="left", maintain_order="left")
        .select(*contract.quarantine_schema)
    )
