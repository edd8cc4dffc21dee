"""Your own features in SQL: each file in ``dbt_features/models/own`` is a table ``features.<its name>``.

A file says in its ``config(meta=...)`` what its columns are; contract, asset, checks and documentation follow.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from trading_assets.errors import TradingAssetsError
from trading_assets.features.feature_set import MAX_LOOKBACK, Feature, table_of
from trading_assets.features.sql.sql_set import PROJECT, SqlSet

MODELS_FOLDER = PROJECT / "models" / "own"
"""Where the files of your own SQL features lie."""

TEMPLATE = """\
{{{{ config(meta={{
    "doc": "What the table holds, in one sentence.",
    "lookback": 20,
    "columns": {{
        "{name}": {{"formula": "volume / its mean of 21 sessions, in dollars; 1 if nothing traded", "unit": "ratio"}},
    }},
}}) }}}}

with

bars as (

    select * from {{{{ source("market_data", "bars_daily") }}}}
    where {{{{ window(lookback=20) }}}}

),

traded as (

    select
        symbol,
        date,
        close * volume as dollars,
        {{{{ exact_mean("close * volume") }}}} over sessions as mean_dollars,
        count(*) over sessions as filled
    from bars
    window sessions as (partition by symbol order by date rows between 20 preceding and current row)

),

final as (

    select
        symbol,
        date,
        case
            when filled < 21 then null
            when mean_dollars = 0 then 1
            else dollars / mean_dollars
        end as {name}
    from traded

)

select * from final
"""

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_CONFIG = re.compile(r"\{\{-?\s*config\((?P<arguments>.*?)\)\s*-?\}\}", re.DOTALL)
_STAGES = frozenset({"market_data", "features"})
_OF_TABLE = {"doc": str, "lookback": int, "columns": dict, "key": list}
_OF_COLUMN = {"formula": str, "unit": str, "source": str}


class SqlFeatureError(TradingAssetsError, ValueError):
    """A file of your own SQL features that cannot be used; the message names it and says what to change."""


def template(name: str) -> str:
    """Text of a new model with one feature of that name.

    Raises
    ------
    SqlFeatureError
        The name cannot be that of a table and a column.
    """
    _require_name(name, f"the new SQL feature {name!r}")
    return TEMPLATE.format(name=name)


def write_sql_feature(name: str, folder: Path = MODELS_FOLDER) -> Path:
    """Write the model of a new feature, to be edited, and return its file.

    Raises
    ------
    SqlFeatureError
        The name cannot be that of a table and a column, or there is such a file.
    """
    path, text = folder / f"{name}.sql", template(name)
    if path.exists():
        raise SqlFeatureError(f"{path} is there already; edit it, or choose another name")
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def own_sets(folder: Path = MODELS_FOLDER) -> tuple[SqlSet, ...]:
    """Tables that the files of a folder make, in the order of their names.

    Raises
    ------
    SqlFeatureError
        A file lacks its header, or says something in it that cannot be.
    """
    return tuple(_read(path) for path in sorted(folder.glob("*.sql")))


def _read(path: Path) -> SqlSet:
    what = f"the SQL feature {path.name}"
    _require_name(path.stem, what)
    meta = _meta(path, what)
    lookback = meta.get("lookback", 0)
    if not 0 <= lookback <= MAX_LOOKBACK:
        raise SqlFeatureError(f"{what}: lookback counts sessions, from 0 to {MAX_LOOKBACK}, not {lookback}")
    key = tuple(meta.get("key", ("symbol", "date")))
    if key not in (("symbol", "date"), ("date",)):
        raise SqlFeatureError(f'{what}: key is ["symbol", "date"] or ["date"], not {list(key)}')
    if not meta["columns"]:
        raise SqlFeatureError(f"{what}: columns names no feature")
    features = table_of(_columns(meta["columns"], lookback, what))
    one = SqlSet(path.stem, meta["doc"], features, path, key)
    strange = [table for table in one.reads if table.partition(".")[0] not in _STAGES]
    if strange or not one.reads:
        read = f"reads {', '.join(strange)}" if strange else "reads no table"
        raise SqlFeatureError(
            f'{what} {read}; a feature is made from source("market_data", ...) and source("features", ...)'
        )
    return one


def _meta(path: Path, what: str) -> dict[str, Any]:
    """The header's meta, as plain values."""
    header = _CONFIG.search(path.read_text())
    if header is None:
        raise SqlFeatureError(
            f"{what} has no header {{{{ config(meta={{...}}) }}}}; see: trading-assets new feature --sql"
        )
    try:
        call = ast.parse(f"config({header['arguments']})", mode="eval").body
        assert isinstance(call, ast.Call)
        given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    except (SyntaxError, ValueError, AssertionError) as error:
        raise SqlFeatureError(f"{what}: its config(...) is not made of plain values: {error}") from error
    meta = given.get("meta")
    if not isinstance(meta, dict):
        raise SqlFeatureError(f"{what}: its config(...) has no meta={{...}}")
    _check(meta, _OF_TABLE, ("doc", "columns"), what)
    return meta


def _columns(columns: Mapping[str, Any], lookback: int, what: str) -> Iterator[Feature]:
    for name, said in columns.items():
        of = f"{what}, column {name!r}"
        _require_name(name, of)
        if not isinstance(said, dict):
            raise SqlFeatureError(f'{of}: say {{"formula": ..., "unit": ...}}, not {said!r}')
        _check(said, _OF_COLUMN, ("formula", "unit"), of)
        yield Feature(
            name, said["formula"], said["unit"], lookback, said.get("source", ""), "own", frozenset({"daily"})
        )


def _check(given: Mapping[str, Any], kinds: Mapping[str, type], required: tuple[str, ...], what: str) -> None:
    unknown = [str(name) for name in given if name not in kinds]
    missing = [name for name in required if name not in given]
    wrong = [
        f"{name} must be a {kinds[name].__name__}"
        for name in kinds
        if name in given and not isinstance(given[name], kinds[name])
    ]
    if unknown:
        raise SqlFeatureError(f"{what}: there is no {', '.join(unknown)}; known are {', '.join(kinds)}")
    if missing:
        raise SqlFeatureError(f"{what} lacks {', '.join(missing)}")
    if wrong:
        raise SqlFeatureError(f"{what}: {'; '.join(wrong)}")


def _require_name(name: str, what: str) -> None:
    if not _NAME.fullmatch(name):
        raise SqlFeatureError(f"{what}: a name is made of lower case letters, digits and single underscores")
