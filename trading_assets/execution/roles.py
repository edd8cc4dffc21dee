"""The roles of execution models: commission, slippage and fill, and what each of them computes.

A model has two sides. Settings see a frozen pydantic model with a `kind` and checked numbers. Compiled code and the
embedded broker see the named tuple that its `parameters` returns, whose one method is the formula of the role. Numba
compiles such a method, so it is plain arithmetic on its arguments: numbers, `math`, constants of its module.
"""

from abc import ABC, abstractmethod
from typing import Annotated, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field

BASIS_POINT = 1e-4
SHARE_DECIMALS = 9
"""Decimals of the smallest fraction of a share: what brokers take, and what a position can be."""

NonNegative = Annotated[float, Field(ge=0)]
BasisPoints = Annotated[float, Field(ge=0, le=1_000)]


class Trade(NamedTuple):
    """The total that trades, or might trade, in a symbol at one moment.

    Attributes
    ----------
    quantity : float
        Shares, positive to buy and negative to sell.
    price : float
        Currency per share: the market's price for slippage, the price paid for commission.
    volume : float
        Volume of the session in shares, above 0.
    """

    quantity: float
    price: float
    volume: float


class AuctionOrder(NamedTuple):
    """The shares of a symbol that are ordered when the market's price is struck.

    Attributes
    ----------
    quantity : float
        Shares, positive to buy and negative to sell.
    price : float
        The market's price in currency per share.
    volume : float
        Volume of the session in shares, above 0.
    limit : float
        Most shares that the book's `max_participation` lets trade, above 0.
    """

    quantity: float
    price: float
    volume: float
    limit: float


class CommissionFormula(Protocol):
    """Parameters of a commission model."""

    def commission(self, trade: Trade, /) -> float:
        """Commission of a trade of at least one share, in currency."""


class SlippageFormula(Protocol):
    """Parameters of a slippage model."""

    def slippage_rate(self, trade: Trade, /) -> float:
        """Distance of the price paid from the market's price, as a fraction of it; at least 0.

        Buys pay it above the market's price, sells receive it below.
        """


class FillFormula(Protocol):
    """Parameters of a fill model."""

    def fillable(self, order: AuctionOrder, /) -> float:
        """Shares of an order that trade, not signed.

        A value above the order or its limit is reduced to it, and a value not above 0 counts as 0.
        """


class TradingRules(NamedTuple):
    """How a book trades, as compiled code takes it; the classes of the models' parameters select their code.

    Attributes
    ----------
    lot_size : float
        Shares per lot; 0 allows fractions.
    max_participation : float
        Largest fraction of a session's volume one order takes.
    commission, slippage, fill
        Parameters of the book's execution models.
    """

    lot_size: float
    max_participation: float
    commission: CommissionFormula
    slippage: SlippageFormula
    fill: FillFormula


class ExecutionModel(BaseModel, ABC):
    """Settings of an execution model: its kind and its numbers; unknown keys and texts for numbers are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    kind: str


class CommissionModel(ExecutionModel):
    """What a broker charges for a trade."""

    @abstractmethod
    def parameters(self) -> CommissionFormula:
        """Parameters for compiled code: a named tuple with the formula as its method."""


class SlippageModel(ExecutionModel):
    """How far from the market's price a trade is done: spread and market impact."""

    @abstractmethod
    def parameters(self) -> SlippageFormula:
        """Parameters for compiled code: a named tuple with the formula as its method."""

    def largest_rate(self, max_participation: float) -> float:
        """Slippage of the largest order that a participation allows, as a fraction of the price."""
        return self.parameters().slippage_rate(Trade(max_participation, 1.0, 1.0))

    def half_spread(self, price: float) -> float:
        """Half of the bid-ask spread at a price, in currency per share: the slippage of the smallest order."""
        return price * self.parameters().slippage_rate(Trade(0.0, price, 1.0))


class FillModel(ExecutionModel):
    """How much of an order trades."""

    @abstractmethod
    def parameters(self) -> FillFormula:
        """Parameters for compiled code: a named tuple with the formula as its method."""
