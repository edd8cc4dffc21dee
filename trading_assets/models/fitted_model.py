"""A model as it is used: what a learner made, behind the scaler of its features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256

import polars as pl

from trading_assets.models.learner import Fitted, Scores
from trading_assets.models.lookback import IS_WANTED, with_history
from trading_assets.models.scaling import Scaler


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A fitted model that reads unscaled features.

    Attributes
    ----------
    fitted
        What the learner made; it reads scaled features.
    scaler
        What is done to features before; None where nothing is.

    """

    fitted: Fitted
    scaler: Scaler | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that are read, in order."""
        return self.fitted.features

    @property
    def lookback(self) -> int:
        """Sessions before its own that a row's score depends on."""
        return self.fitted.lookback

    def model_hash(self) -> str:
        """SHA-256 of the model, and of its scaler where there is one, hexadecimal."""
        scaler = self.scaler.to_json() if self.scaler else ""
        return sha256(self.fitted.identity() + scaler.encode()).hexdigest()

    def predict(
        self,
        rows: pl.DataFrame,
        *,
        panel: pl.DataFrame | None = None,
        calendar: Sequence[date] | None = None,
        threads: int = 0,
    ) -> Scores:
        """Score rows.

        Parameters
        ----------
        rows
            `symbol, date` and the features; sorted by date and symbol where the model looks back.
        panel, calendar
            Read where the model looks back: the same features on the rows and the `lookback` sessions before the
            first, and those sessions, ascending. The rows and their dates by default.
        threads
            As in `Fitted.predict`.

        Returns
        -------
        numpy.ndarray
            A score for each row, in the order of the rows.
        """
        features = pl.col(self.features).cast(pl.Float32)
        if not self.lookback:
            return self.fitted.predict(self._scaled(rows).with_columns(features), threads=threads)
        panel = rows if panel is None else panel
        calendar = panel["date"].unique().sort().to_list() if calendar is None else calendar
        found = with_history(
            rows.select("symbol", "date"), panel, features=self.features, lookback=self.lookback, calendar=calendar
        )
        scores = self.fitted.predict(self._scaled(found).with_columns(features), threads=threads)
        wanted: Scores = scores[found[IS_WANTED].to_numpy()]
        return wanted

    def _scaled(self, rows: pl.DataFrame) -> pl.DataFrame:
        return self.scaler.apply(rows) if self.scaler else rows
