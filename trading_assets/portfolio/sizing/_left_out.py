"""Stand-ins for sizings whose files cannot be used: a book that names one can still be read, and stopped by hand."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import polars as pl
from pydantic import ConfigDict, create_model

from trading_assets.portfolio.sizing._sizing import Sizing, SizingError, SizingInputs


class LeftOutSizing(Sizing):
    """A sizing whose file is left out; it accepts whatever keys a book gives it."""

    model_config = ConfigDict(extra="ignore")

    file: ClassVar[str] = ""
    """The file."""

    def weights(self, inputs: SizingInputs) -> pl.DataFrame:
        """Refuse: there are no weights."""
        del inputs
        raise SizingError(f"the sizing {self.kind!r} cannot be used: its file is left out, {self.file}")


def stand_in(kind: str, file: str) -> type[LeftOutSizing]:
    """Stand-in for a sizing of a kind whose file is left out."""
    annotation: Any = Literal[kind]
    made = create_model(kind, __base__=LeftOutSizing, kind=(annotation, kind))
    made.file = file
    return made
