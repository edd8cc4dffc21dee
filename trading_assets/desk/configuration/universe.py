"""Which names belong to the universe, and when: the setting `universe`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from trading_assets.desk.configuration.model import ConfigModel

UniverseKind = Literal["listed", "symbols", "file", "index", "screen"]

# What each kind needs, and what else it uses.
_NEEDED = {"symbols": "symbols", "file": "path", "index": "path", "screen": "screen"}
_USED = {
    "listed": {"name"},
    "symbols": {"name", "symbols", "as_of"},
    "file": {"name", "path", "as_of"},
    "index": {"name", "path", "as_of"},
    "screen": {"name", "screen"},
}


def _symbol(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("YAML reads symbols such as ON and NO as true and false; write them in quotes")  # noqa: TRY004 - pydantic's way
    return str(value) if isinstance(value, int) else value


Symbol = Annotated[str, Field(min_length=1), BeforeValidator(_symbol)]


class UniverseSettings(ConfigModel):
    """The setting `universe`; `trading_assets.market_data.universe` reads its lists."""

    kind: UniverseKind = "listed"
    """``listed``: every name of the source, while it is listed. ``symbols``: the names given here. ``file``: one list.
    ``index``: a folder with one list per date, the date in the file name (``..._2014-01-01.csv``). ``screen``: what a
    screen of the source returns today."""
    name: Annotated[str, Field(min_length=1)] = "universe"
    """Name of the universe in `market_data.membership`."""
    symbols: Annotated[tuple[Symbol, ...], Field(strict=False, examples=[["AAPL", "MSFT"]])] = ()
    """Names of the kind ``symbols``."""
    path: Annotated[Path, Field(strict=False), AfterValidator(Path.expanduser)] | None = None
    """List of the kind ``file``, folder of the kind ``index``."""
    screen: str | None = None
    """Name of the screen of the kind ``screen``."""
    as_of: date | None = Field(default=None, examples=[date(2014, 1, 2)])
    """Date of a list that does not give its own."""

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        needed = _NEEDED.get(self.kind)
        if needed and not getattr(self, needed):
            raise ValueError(f"the kind {self.kind!r} needs {needed}")
        unused = sorted(self.model_fields_set - _USED[self.kind] - {"kind"})
        if unused:
            raise ValueError(f"the kind {self.kind!r} does not use {unused[0]}; remove it, or change the kind")
        return self

    def stored(self) -> dict[str, Any]:
        """What `settings.yaml` says of it: the kind, and what is not the default."""
        values = self.model_dump(exclude_defaults=True, exclude={"kind", "path", "symbols"})
        given = {"symbols": list(self.symbols), "path": str(self.path) if self.path else None}
        return {"kind": self.kind} | {name: value for name, value in given.items() if value} | values
