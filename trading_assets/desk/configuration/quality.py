"""Limits beyond which something in the data is worth a look: the setting `quality`."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from trading_assets.desk.configuration.model import ConfigModel
from trading_assets.point_in_time.relistings import RELISTED_AFTER

Count = Annotated[int, Field(gt=0)]
Limit = Annotated[float, Field(gt=0)]


class QualityRules(ConfigModel):
    """Limits of the quality tables; each can be set by its name."""

    window_sessions: Count = 60
    """Sessions before a bar from which its usual move and volume are estimated; also the longest run counted."""
    min_returns: Count = 20
    """Returns that the window must hold before an outlier can be identified."""
    outlier_scales: Limit = 10.0
    """A return beyond this many times the usual move is an outlier; the default marks two bars in a thousand of 7,072
    US names over two years."""
    scale_floor: Limit = 0.01
    """Smallest usual move of a session, as a fraction, so that quiet names are not marked for a few per cent."""
    confirming_volume: Limit = 3.0
    """A large move looks real if the volume reaches this many times its median."""
    stale_sessions: Count = 5
    """Bars of this many consecutive sessions that are identical, or have the same close and no volume, are stale."""
    gap_sessions: Count = 10
    """Missing sessions of a run that are listed one by one; the coverage counts them all."""
    watch_after: Count = 3
    """Sessions without a bar, while other names have theirs, after which a name is to be watched."""
    delist_after: Count = 10
    """Sessions without a bar, while other names have theirs, after which a name is to be delisted."""
    market_share: Limit = 0.5
    """A session counts as missed only if at least this share of the names that used to trade have a bar of it."""
    relisted_after: Annotated[int, Field(ge=31, le=730)] = RELISTED_AFTER
    """Days without a bar after which the next bar of a symbol is taken for another listing: features start anew, and no
    return spans the silence. Of 505 US names over five years none was silent for more than 20 days, and Nasdaq gives a
    company 180 days to put a deficiency right; exchanges that suspend for longer, such as Hong Kong, need more."""
    min_coverage: Limit = 0.95
    """Share of the expected bars of a month below which the check of the coverage warns."""
    price_tolerance: Limit = 0.005
    """Relative difference of a price between two sources that is not worth a row."""
    volume_tolerance: Limit = 0.05
    """Relative difference of a volume between two sources that is not worth a row."""
    comparison_sessions: Count = 20
    """Newest sessions that are compared with a source that is read over a network."""

    @model_validator(mode="after")
    def _fits_the_window(self) -> Self:
        for name in ("min_returns", "stale_sessions", "gap_sessions"):
            if getattr(self, name) > self.window_sessions:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, more than window_sessions ({self.window_sessions}); "
                    "lower it, or widen the window"
                )
        return self
