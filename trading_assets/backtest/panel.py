"""Dense arrays of sessions x symbols from long frames, with the checks that a ledger needs of its inputs."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import polars as pl

from trading_assets.backtest.ledger import MarketArrays, Targets

FloatArray = npt.NDArray[np.float64]

BAR_COLUMNS = ("symbol", "date", "open", "close", "volume")
ACTION_COLUMNS = ("symbol", "ex_date", "kind", "value")
WEIGHT_COLUMNS = ("date", "symbol", "weight", "is_rebalance")
SYMBOL_COLUMNS = ("symbol", "delisted_on")


class LedgerInputError(ValueError):
    """Inputs of a replay are missing or contradict each other; the message names symbol, session and remedy."""


class Axes:
    """Sessions and symbols of a replay, and where each row of a frame belongs.

    Parameters
    ----------
    sessions : sequence of datetime.date
        Ascending.
    symbols : sequence of str
        In any order; the columns are sorted, so that they do not depend on it.
    """

    def __init__(self, sessions: Sequence[date], symbols: Sequence[str]) -> None:
        self.sessions = pl.DataFrame({"date": list(sessions)}, schema={"date": pl.Date}).with_row_index("session")
        self.symbols = pl.DataFrame({"symbol": sorted(symbols)}, schema={"symbol": pl.String}).with_row_index("column")
        self.shape = (self.sessions.height, self.symbols.height)
        self.last = self.sessions["date"][-1]

    def place(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Add the indices `session` and `column`; rows of other dates or symbols are left out.

        Parameters
        ----------
        frame : polars.DataFrame
            With `date` and `symbol`.

        Returns
        -------
        polars.DataFrame
            The rows within the axes, in their order.
        """
        return frame.join(self.symbols, on="symbol", maintain_order="left").join(
            self.sessions, on="date", maintain_order="left"
        )

    def dense(self, placed: pl.DataFrame, column: str, empty: float) -> FloatArray:
        """Scatter a column of placed rows into an array.

        Parameters
        ----------
        placed : polars.DataFrame
            With `session` and `column`.
        column : str
            Values; null becomes `empty`.
        empty : float
            Where there is no row.

        Returns
        -------
        numpy.ndarray
            float64 of shape (sessions, symbols).
        """
        values = np.full(self.shape, empty)
        values[placed["session"].to_numpy(), placed["column"].to_numpy()] = (
            placed[column].cast(pl.Float64).fill_null(empty).to_numpy()
        )
        return values


def dense_market(bars: pl.DataFrame, actions: pl.DataFrame, axes: Axes) -> MarketArrays:
    """Prices, volumes and corporate actions of the symbols in the sessions.

    Parameters
    ----------
    bars : polars.DataFrame
        `symbol, date, open, close, volume`: raw daily bars. A null or NaN price is a missing one; bars of other days
        than sessions are not tradable and left out.
    actions : polars.DataFrame
        `symbol, ex_date, kind, value`. An ex-date between sessions takes effect at the next one; splits of one session
        multiply, dividends add up.
    axes : Axes
        Sessions and symbols.

    Returns
    -------
    MarketArrays
        The arrays of the ledger.

    Raises
    ------
    LedgerInputError
        A bar is repeated or has a price that is not positive, a negative volume; an action has no valid value.
    """
    _require(bars, BAR_COLUMNS, "market_data.bars_daily")
    _require(actions, ACTION_COLUMNS, "market_data.corporate_actions")
    placed = axes.place(bars.select(BAR_COLUMNS).with_columns(pl.col("open", "close").cast(pl.Float64).fill_nan(None)))
    price = pl.col("open", "close")
    _refuse(placed, pl.struct("symbol", "date").is_duplicated(), "bars_daily has more than one bar")
    _refuse(
        placed, pl.any_horizontal((price <= 0) | price.is_infinite()), "bars_daily has a price that is not positive"
    )
    _refuse(placed, pl.col("volume") < 0, "bars_daily has a negative volume")
    effective = axes.place(_effective(actions, axes))
    splits = effective.filter(pl.col("kind") == "split").group_by("session", "column").agg(pl.col("value").product())
    dividends = effective.filter(pl.col("kind") == "dividend").group_by("session", "column").agg(pl.col("value").sum())
    return MarketArrays(
        open_price=axes.dense(placed, "open", np.nan),
        close=axes.dense(placed, "close", np.nan),
        volume=axes.dense(placed, "volume", 0.0),
        split=axes.dense(splits, "value", 1.0),
        dividend=axes.dense(dividends, "value", 0.0),
    )


def _effective(actions: pl.DataFrame, axes: Axes) -> pl.DataFrame:
    """Actions up to the last session with the session they take effect in as `date`, in a fixed order."""
    known = (
        actions.select(ACTION_COLUMNS)
        .filter(pl.col("ex_date") <= axes.last)
        .join(axes.symbols, on="symbol", how="semi")
        .sort("ex_date", "symbol", "kind", "value")
    )
    value = pl.col("value")
    shown = known.rename({"ex_date": "date"})
    _refuse(shown, value.is_null() | ~value.is_finite() | (value < 0), "corporate_actions has no valid value")
    _refuse(shown, (pl.col("kind") == "split") & (value == 0), "corporate_actions has a split of 0 new shares")
    _refuse(shown, ~pl.col("kind").is_in(["split", "dividend"]), "corporate_actions has an unknown kind")
    return known.join_asof(axes.sessions.select("date"), left_on="ex_date", right_on="date", strategy="forward")


def dense_targets(weights: pl.DataFrame, symbols: pl.DataFrame, axes: Axes) -> Targets:
    """Target weights, rebalance sessions and delistings.

    Parameters
    ----------
    weights : polars.DataFrame
        `date, symbol, weight, is_rebalance` of one book. From its first session on every session has rows; a symbol
        without a row weighs 0.
    symbols : polars.DataFrame
        `symbol, delisted_on`: a symbol is closed out in the first session from `delisted_on` on; with a column
        `delisting_return` at that return from its last close, at 0 where it is null.
    axes : Axes
        Sessions and symbols.

    Returns
    -------
    Targets
        The arrays of the ledger.

    Raises
    ------
    LedgerInputError
        A weight is repeated, missing or infinite, lies outside the sessions, a session has none, or a symbol is
        unknown.
    """
    placed = axes.place(weights.select(WEIGHT_COLUMNS))
    _refuse(weights.join(axes.sessions, on="date", how="anti"), pl.lit(value=True), "target_weights has a row outside "
            "the sessions passed; pass every session since the book's start")  # fmt: skip
    _refuse(placed, pl.struct("symbol", "date").is_duplicated(), "target_weights has more than one row")
    weight = pl.col("weight")
    _refuse(placed, weight.is_null() | ~weight.is_finite(), "target_weights has no finite weight")
    flags = placed.group_by("session").agg(pl.col("is_rebalance").first(), flags=pl.col("is_rebalance").n_unique())
    days = axes.sessions.join(flags, on="session", how="left", maintain_order="left")
    held = days.filter(pl.col("flags").is_not_null())
    first = held["date"][0] if held.height else axes.last
    missing = days.filter((pl.col("date") > first) & pl.col("flags").is_null())
    if not missing.is_empty():
        raise LedgerInputError(
            f"target_weights has no row on {missing['date'][0]}, after its first on {first}; "
            "materialise the signals of its rebalance session and the weights of that session"
        )
    mixed = days.filter((pl.col("flags") > 1) | (pl.col("flags").is_not_null() & pl.col("is_rebalance").is_null()))
    if not mixed.is_empty():
        raise LedgerInputError(
            f"target_weights disagrees with itself on is_rebalance on {mixed['date'][0]}; rebuild it"
        )
    last_session, delisting_return = _delistings(symbols, axes)
    return Targets(
        weight=axes.dense(placed, "weight", 0.0),
        rebalance=days["is_rebalance"].fill_null(value=False).to_numpy().copy(),
        last_session=last_session,
        delisting_return=delisting_return,
    )


def with_delisting_returns(symbols: pl.DataFrame, listings: pl.DataFrame) -> pl.DataFrame:
    """Add what holders of delisted symbols received.

    Parameters
    ----------
    symbols : polars.DataFrame
        market_data.symbols: `symbol, delisted_on` and more.
    listings : polars.DataFrame
        market_data.listings: `symbol, date, kind, value`.

    Returns
    -------
    polars.DataFrame
        The symbols with `delisting_return`: the value of their last delisting, null where there is none or it is not
        known. The ledger takes 0 for null, which flatters: T. Shumway (1997), "The delisting bias in CRSP data",
        Journal of Finance 52, 327-340, found about -0.3 for delistings of New York names for bad performance whose
        return the data lack.
    """
    events = listings.filter(pl.col("kind") == "delisting").sort("date")
    returns = events.group_by("symbol", maintain_order=True).agg(delisting_return=pl.col("value").last())
    return symbols.join(returns, on="symbol", how="left", maintain_order="left")


def _delistings(symbols: pl.DataFrame, axes: Axes) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Session at whose close each symbol is closed out, and its delisting return."""
    _require(symbols, SYMBOL_COLUMNS, "market_data.symbols")
    known = symbols.select(
        *SYMBOL_COLUMNS,
        pl.col("delisting_return") if "delisting_return" in symbols.columns else pl.lit(0.0).alias("delisting_return"),
        known=True,
    )
    listed = axes.symbols.join(known, on="symbol", how="left", maintain_order="left")
    shown = listed.with_columns(date=pl.lit(axes.last))
    _refuse(shown, pl.col("known").is_null(), "market_data.symbols does not list it; materialise the universe")
    _refuse(shown, pl.struct("symbol").is_duplicated(), "market_data.symbols lists it more than once")
    earned = pl.col("delisting_return")
    _refuse(shown, (earned < -1) | ~earned.is_finite(), "market_data.listings has a delisting return below -1")
    delisted = listed["delisted_on"].cast(pl.Date).to_physical().to_numpy()
    sessions = axes.sessions["date"].to_physical().to_numpy()
    never = np.isnan(delisted.astype(np.float64))
    last_session = np.where(never, axes.shape[0], np.searchsorted(sessions, delisted)).astype(np.int64)
    return last_session, listed["delisting_return"].cast(pl.Float64).fill_null(0.0).to_numpy().copy()


def check_prices(market: MarketArrays, targets: Targets, axes: Axes) -> None:
    """Refuse weights on symbols without any price yet, and bars of symbols that are delisted.

    Parameters
    ----------
    market : MarketArrays
        Prices.
    targets : Targets
        Weights and delistings.
    axes : Axes
        Sessions and symbols.

    Raises
    ------
    LedgerInputError
        Names the first such symbol and session.
    """
    known = np.maximum.accumulate(~np.isnan(market.close), axis=0)
    after = np.arange(axes.shape[0])[:, None] > targets.last_session
    wanted = targets.rebalance[:, None] & (targets.weight != 0.0) & ~after
    faults = {
        "has a target weight but no close up to then; materialise its bars_daily or drop its signal": wanted & ~known,
        "has a bar after its delisted_on; correct delisted_on in market_data.symbols": after & ~np.isnan(market.close),
    }
    for fault, where in faults.items():
        rows, columns = np.nonzero(where)
        if rows.size:
            raise LedgerInputError(
                f"{axes.symbols['symbol'][int(columns[0])]!r} on {axes.sessions['date'][int(rows[0])]} {fault}"
            )


def _require(frame: pl.DataFrame, columns: Sequence[str], table: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise LedgerInputError(f"{table} lacks the columns {', '.join(missing)}; it has {', '.join(frame.columns)}")


def _refuse(frame: pl.DataFrame, fault: pl.Expr, message: str) -> None:
    """Raise for the first row, by date and symbol, that has the fault."""
    rows = frame.filter(fault)
    if not rows.is_empty():
        symbol, day = rows.sort("date", "symbol").select("symbol", "date").row(0)
        raise LedgerInputError(f"{symbol!r} on {day}: {message}")
