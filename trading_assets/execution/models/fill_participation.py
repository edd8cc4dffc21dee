"""Fills up to the book's part of the session's volume."""

from typing import Literal, NamedTuple

from trading_assets.execution.roles import AuctionOrder, FillModel


class Participation(NamedTuple):
    """Parameters of `ParticipationFill`: none but the book's own `max_participation`."""

    def fillable(self, order: AuctionOrder) -> float:
        """Shares that trade: the order, as far as the volume allows."""
        return min(abs(order.quantity), order.limit)


class ParticipationFill(FillModel):
    """An order trades up to `max_participation` of the session's volume; the rest of it is cancelled."""

    kind: Literal["participation"] = "participation"

    def parameters(self) -> Participation:
        """Parameters for compiled code."""
        return Participation()
