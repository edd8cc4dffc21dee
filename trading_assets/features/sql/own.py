"""The user's own features in SQL: each file ``own/features/NAME.sql`` is a dbt model, its table is ``features.NAME``.

A file says in its ``config(meta=...)`` what its columns are; contract, asset, checks and documentation follow.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from trading_assets.desk.own_work import OwnWork
from trading_assets.errors import TradingAssetsError
from trading_assets.features.feature_set import MAX_LOOKBACK, Feature, table_of
from trading_assets.features.sql.sql_set import SqlSet
from trading_assets.suggest import did_you_mean

KIND = "features"
"""Sub-folder of the user's own work that is searched."""

_NAME_PATTERN = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
_CONFIG = re.compile(r"\{\{-?\s*config\((?P<arguments>.*?)\)\s*-?\}\}", re.DOTALL)


class SqlFeatureError(TradingAssetsError, ValueError):
    """A file of the user's SQL features that cannot be used; the message says what to change."""


class _Column(BaseModel):
    """What the header of a file says of a column."""

    model_config = ConfigDict(extra="forbid", strict=True)

    formula: str = Field(min_length=1)
    unit: str = Field(min_length=1)
    source: str = ""


class _Header(BaseModel):
    """What the header of a file says of its table."""

    model_config = ConfigDict(extra="forbid", strict=True)

    doc: str = Field(min_length=1)
    lookback: int = Field(0, ge=0, le=MAX_LOOKBACK)
    columns: dict[Annotated[str, StringConstraints(pattern=_NAME_PATTERN)], _Column] = Field(min_length=1)
    key: list[Literal["symbol", "date"]] = ["symbol", "date"]

    @field_validator("key")
    @classmethod
    def _is_a_key(cls, key: list[str]) -> list[str]:
        if key not in (["symbol", "date"], ["date"]):
            raise ValueError('must be ["symbol", "date"] or ["date"]')
        return key


def own_sets(
    own: OwnWork, *, names: Collection[str], columns: Collection[str], readable: Collection[str]
) -> tuple[SqlSet, ...]:
    """Tables that the user's files make, in the order of their names; a file that cannot be used is left out.

    Parameters
    ----------
    own
        The user's files; the faults of those that are left out are kept there.
    names, columns
        Names of tables and columns of features that exist already; SQL ignores case.
    readable
        Tables that a model may read, beside those of the user's other files.
    """
    found: list[SqlSet] = []
    taken = {name.lower() for name in columns}
    files = own.files(KIND, ".sql")
    readable = [*readable, *(f"features.{path.stem}" for path in files)]
    for path in files:
        try:
            require_template_syntax(path)
            one = _read(path)
            _require_free(one, names, taken)
            _require_known(one, readable)
        except _TemplateError as error:
            own.refuse(path, str(error), error.line)
        except SqlFeatureError as error:
            own.refuse(path, error, _line_of_header(path))
        else:
            found.append(one)
            taken |= one.features.keys()
    return tuple(found)


class _TemplateError(SqlFeatureError):
    """Jinja cannot read the file."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def require_template_syntax(path: Path) -> None:
    """Refuse a file that Jinja cannot read: dbt would then compile no model of the project.

    Raises
    ------
    SqlFeatureError
        A tag is not closed, for instance.
    """
    from jinja2 import Environment
    from jinja2.exceptions import TemplateSyntaxError

    try:
        Environment(extensions=["jinja2.ext.do"], autoescape=True).parse(path.read_text())
    except TemplateSyntaxError as error:
        raise _TemplateError(f"dbt cannot read it: {error.message}", error.lineno) from None
    except UnicodeDecodeError as error:
        raise _TemplateError(f"it is not text in UTF-8: {error}", 1) from None


def require_sql_name(name: str, what: str) -> None:
    """Refuse a name that cannot be used for a table and a column.

    Raises
    ------
    SqlFeatureError
        It is not in snake_case.
    """
    if not re.match(_NAME_PATTERN, name):
        raise SqlFeatureError(f"{what} {name!r}: a name is made of lower case letters, digits and single underscores")


def _read(path: Path) -> SqlSet:
    require_sql_name(path.stem, "the file")
    header = _header(path.read_text())
    features = [
        Feature(name, one.formula, one.unit, header.lookback, one.source, "own", frozenset({"daily"}))
        for name, one in header.columns.items()
    ]
    return SqlSet(path.stem, header.doc, table_of(features), path, tuple(header.key))


def _require_known(one: SqlSet, readable: Collection[str]) -> None:
    if not one.reads:
        raise SqlFeatureError(
            'reads no table; a feature is made from source("market_data", ...) and source("features", ...)'
        )
    for table in one.reads:
        if table not in readable:
            raise SqlFeatureError(
                f"reads {table}, which does not exist{did_you_mean(table, readable)}; "
                "a feature reads market data and daily features"
            )


def _require_free(one: SqlSet, names: Collection[str], columns: Collection[str]) -> None:
    if one.name in names:
        raise SqlFeatureError(f"there is a table {one.table} already; rename the file")
    for name in one.features:
        if name in columns:
            raise SqlFeatureError(f"column {name!r}: there is a feature of this name already; choose another name")


def _header(text: str) -> _Header:
    """What the file's ``config(meta=...)`` says, which must be made of plain values."""
    found = _CONFIG.search(text)
    if found is None:
        raise SqlFeatureError("has no header {{ config(meta={...}) }}; see: trading-assets new feature NAME --sql")
    try:
        call = ast.parse(f"config({found['arguments']})", mode="eval").body
        assert isinstance(call, ast.Call)
        given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, AssertionError) as error:
        raise SqlFeatureError(f"its config(...) is not made of plain values: {error}") from None
    if "meta" not in given:
        raise SqlFeatureError("its config(...) has no meta={...}")
    try:
        return _Header.model_validate(given["meta"])
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, ('meta', *one['loc'])))}: {one['msg']}" for one in error.errors())
        raise SqlFeatureError("; ".join(wrong)) from None


def _line_of_header(path: Path) -> int:
    text = path.read_text()
    header = _CONFIG.search(text)
    return text[: header.start()].count("\n") + 1 if header else 1
