"""Contract of a split of rows into a part that is learned from and a part that is held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from trading_assets.models.labelled_rows import LabelledRows


@dataclass(frozen=True, slots=True)
class Split:
    """A pair of disjoint rows.

    Attributes
    ----------
    fit, test
        Rows to learn from and rows held out; whole sessions, in the order of the rows that were split.

    """

    fit: pl.DataFrame
    test: pl.DataFrame


class Splitter(Protocol):
    """Splits rows, once or into several pairs."""

    def split(self, rows: LabelledRows) -> Sequence[Split]:
        """Split rows; `LabelledRows.known_before` gives those that a held-out session may be predicted from.

        A model is fitted to the last pair, whose held-out part measures it. A tuner averages over all pairs.

        Raises
        ------
        InsufficientHistoryError
            There are too few sessions to hold any out.
        """
        ...
