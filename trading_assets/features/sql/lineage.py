"""Where each column of a model comes from: the columns of source tables, found by sqlglot in the compiled SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

DIALECT = "duckdb"
_HIGHLIGHT = re.compile("\x1b\\[[0-9;]*m")


def lineage_of(name: str, sql: str, schemas: Mapping[str, Iterable[str]]) -> dict[str, list[list[str]]]:
    """Columns that each column of a statement is made from.

    Parameters
    ----------
    name
        Name of the model, for messages.
    sql
        One SELECT statement over ``lake.<stage>.<table>``.
    schemas
        Columns of each table.

    Returns
    -------
    dict
        Column -> sorted pairs of table and column.

    Raises
    ------
    SqlModelError
        sqlglot cannot follow the statement, for instance because of a column that no table has.
    """
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    from trading_assets.features.sql.compiled import SqlModelError

    known: dict[str, object] = _nested(schemas)
    try:
        tree = qualify(
            parse_one(sql, dialect=DIALECT),
            dialect=DIALECT,
            schema=known,
            identify=False,
            validate_qualify_columns=False,
        )
        assert isinstance(tree, exp.Query)
        scope = build_scope(tree)
        return {
            column: _leaves(lineage(column, tree, schema=known, dialect=DIALECT, scope=scope, copy=False))
            for column in tree.named_selects
        }
    except SqlglotError as error:
        said = _HIGHLIGHT.sub("", str(error))
        raise SqlModelError(f"the columns of the model {name} cannot be traced: {said}") from error


def _leaves(node: Any) -> list[list[str]]:
    """Columns of tables at the ends of a column's lineage."""
    from sqlglot import exp

    found = set()
    for part in node.walk():
        if isinstance(part.expression, exp.Table):
            table = f"{part.expression.db}.{part.expression.name}"
            found.add((table, part.name.rpartition(".")[2].strip('"')))
    return [list(pair) for pair in sorted(found)]


def _nested(schemas: Mapping[str, Iterable[str]]) -> dict[str, object]:
    """Schema as sqlglot wants it: catalog, schema, table, column; the types do not matter here."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for table, columns in schemas.items():
        stage, name = table.split(".")
        found.setdefault(stage, {})[name] = dict.fromkeys(columns, "DOUBLE")
    return {"lake": found}
