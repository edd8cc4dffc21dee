"""From which size on something about the data is worth a person's look."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class QualityRules:
    """Limits of the quality tables; each can be set by its name.

    Attributes
    ----------
    window_sessions : int
        Sessions before a bar from which its usual move and volume are estimated; also the longest run counted.
    min_returns : int
        Returns that the window must hold before an outlier can be told.
    outlier_scales : float
        A return is an outlier past so many times the usual move. The default marks two bars in a thousand of
        7,072 US names over two years.
    scale_floor : float
        Least usual move of a session, as a fraction: quiet names are not marked for a move of a few per cent.
    confirming_volume : float
        A large move looks real where the volume is so many times its median.
    stale_sessions : int
        Bars of so many sessions in a row that are identical, or have the same close and no volume, are stale.
    gap_sessions : int
        Missing sessions of a run that are listed one by one; the coverage counts them all.
    watch_after, delist_after : int
        Sessions without a bar, while other names have theirs, after which a name is to be watched, or delisted.
    market_share : float
        A session counts as missed only if at least this share of the names that used to trade have a bar of it.
    min_coverage : float
        Share of the expected bars of a month below which the check of the coverage warns.
    price_tolerance, volume_tolerance : float
        Relative difference between two sources that is not worth a row.
    comparison_sessions : int
        Newest sessions for which a source is asked over a network to compare.

    Raises
    ------
    ValueError
        A limit is not positive, or a window is too short for what is counted in it; the message names the setting.
    """

    window_sessions: int = 60
    min_returns: int = 20
    outlier_scales: float = 10.0
    scale_floor: float = 0.01
    confirming_volume: float = 3.0
    stale_sessions: int = 5
    gap_sessions: int = 10
    watch_after: int = 3
    delist_after: int = 10
    market_share: float = 0.5
    min_coverage: float = 0.95
    price_tolerance: float = 0.005
    volume_tolerance: float = 0.05
    comparison_sessions: int = 20

    def __post_init__(self) -> None:
        """Check the limits."""
        for field in fields(self):
            value = getattr(self, field.name)
            kinds = (int,) if field.type == "int" else (int, float)
            if type(value) not in kinds or value <= 0:
                wanted = "a whole number" if field.type == "int" else "a number"
                raise ValueError(f"quality.{field.name} is {value!r}; it must be {wanted} above 0")
        for name in ("min_returns", "stale_sessions", "gap_sessions"):
            if getattr(self, name) > self.window_sessions:
                raise ValueError(
                    f"quality.{name} is {getattr(self, name)}, more than quality.window_sessions "
                    f"({self.window_sessions}); lower it, or widen the window"
                )

    @classmethod
    def of(cls, values: Mapping[str, float]) -> QualityRules:
        """Rules with some limits set by name, as the setting ``quality`` has them.

        Raises
        ------
        ValueError
            There is no limit of that name, or its value makes no sense.
        """
        names = [field.name for field in fields(cls)]
        for name in values:
            if name not in names:
                near = difflib.get_close_matches(str(name), names, n=1)
                hint = f" (did you mean {near[0]}?)" if near else ""
                raise ValueError(f"quality.{name} is no limit{hint}; there are {', '.join(names)}")
        return cls(**dict(values))  # type: ignore[arg-type]
