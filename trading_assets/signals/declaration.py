"""What a strategy is: a rule from rows of the lake to scores, with what it reads and how far back."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import polars as pl

from trading_assets.signals.errors import StrategyError
from trading_assets.signals.inputs import ModelPredictions, StrategyInput
from trading_assets.suggest import did_you_mean

Rule = Callable[..., pl.DataFrame]
Lookback = int | Callable[..., int]
COLUMNS = ("date", "symbol", "score")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_FIRST_SENTENCE = re.compile(r"\.(?=\s|$)")


@dataclass(frozen=True, slots=True, eq=False)
class Strategy:
    """A strategy: one score in [-1, 1] for each name and session on which it has an opinion.

    Attributes
    ----------
    name : str
        Partition key and column `strategy`.
    inputs : mapping of str to StrategyInput
        What the rule reads, by the name of its argument.
    parameters : mapping of str to object
        Keyword-only arguments of the rule.
    source : str
        Source of the rule: a paper or a book; empty if it has none.
    doc : str
        Docstring of the rule.
    module : str
        Where it is defined; empty until a variant of another strategy has been found in its module.
    rule : callable
        From one frame for each input, and the parameters, to rows of date, symbol and score.
    declared_lookback : int or callable
        Look-back, or a function of the parameters that gives it.
    """

    name: str
    inputs: Mapping[str, StrategyInput]
    parameters: Mapping[str, object]
    source: str
    doc: str
    module: str
    rule: Rule
    declared_lookback: Lookback

    @property
    def description(self) -> str:
        """First sentence of the docstring."""
        return first_sentence(self.doc)

    @property
    def lookback(self) -> int:
        """Sessions of a name before its own that a score depends on."""
        declared = self.declared_lookback
        return declared(**self.parameters) if callable(declared) else declared

    @property
    def models(self) -> tuple[str, ...]:
        """Models whose predictions it reads."""
        return tuple(dict.fromkeys(one.model for one in self.inputs.values() if isinstance(one, ModelPredictions)))

    def of(self, model: str | None = None, /, **parameters: object) -> Strategy:
        """Use the same rule with the predictions of another model, or with other parameters.

        The variant has the name of the variable that it is assigned to.

        Raises
        ------
        StrategyError
            It reads the predictions of no model or of several, or has no such parameter.

        Examples
        --------
        >>> from trading_assets.signals.strategies.ml_alpha import ml_alpha
        >>> momentum = ml_alpha.of("lgbm_momentum")
        >>> momentum.models
        ('lgbm_momentum',)
        """
        inputs = self.inputs
        if model is not None:
            if len(self.models) != 1:
                read = " and ".join(self.models) or "no model"
                said = f"{self.name}.of({model!r}): the strategy reads the predictions of {read}"
                raise StrategyError(f"{said}; it must read those of one model")
            inputs = {name: _of_model(one, model) for name, one in inputs.items()}
        for name in parameters:
            if name not in self.parameters:
                said = f"strategy {self.name!r} has no parameter {name!r}{did_you_mean(name, self.parameters)}"
                raise StrategyError(f"{said}; it has {', '.join(self.parameters) or 'none'}")
        return _checked(replace(self, inputs=inputs, parameters={**self.parameters, **parameters}, module=""))

    def named(self, name: str, module: str = "") -> Strategy:
        """Give the strategy another name.

        Raises
        ------
        StrategyError
            The name is not in snake_case.
        """
        return _checked(replace(self, name=name, module=module or self.module))

    def scores(self, frames: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
        """Apply the rule.

        Parameters
        ----------
        frames
            For each input symbol, date, its columns and ``is_member``: whether the name belongs to the universe on that
            session. Sorted by symbol and date.

        Returns
        -------
        polars.DataFrame
            `date Date, symbol Utf8, score Float64`, by date and symbol, without null scores.

        Raises
        ------
        StrategyError
            The rule gives no frame of date, symbol and score, or two scores for one name and session.
        """
        found = self.rule(**frames, **self.parameters)
        if not isinstance(found, pl.DataFrame):
            raise StrategyError(f"strategy {self.name!r} gives {type(found).__name__}, not a polars.DataFrame")
        types = found.schema
        if set(types) != set(COLUMNS) or types["date"] != pl.Date or types["symbol"] != pl.String:
            raise StrategyError(f"strategy {self.name!r} gives {_in_words(types)}; it must give {', '.join(COLUMNS)}")
        if not types["score"].is_numeric():
            raise StrategyError(f"strategy {self.name!r} gives scores of the type {types['score']}, not numbers")
        rows = found.select("date", "symbol", pl.col("score").cast(pl.Float64)).drop_nulls("score")
        repeated = rows.filter(pl.struct("date", "symbol").is_duplicated())
        if repeated.height:
            day, symbol = repeated.sort("date", "symbol").select("date", "symbol").row(0)
            raise StrategyError(f"strategy {self.name!r} gives two scores for {symbol} on {day}; it must give one")
        return rows.sort("date", "symbol")


def strategy(
    *, inputs: Mapping[str, StrategyInput], lookback: Lookback = 0, source: str = ""
) -> Callable[[Rule], Strategy]:
    """Declare a function to be a strategy of its name; the first sentence of its docstring says what it does.

    Parameters
    ----------
    inputs
        What the function reads, by the name of its argument: `predictions`, `bars` or `features`. It gets a frame of
        symbol, date, the requested columns, and ``is_member``: whether the name is in the universe on that session.
        Names are scored while they are members; a rule that compares names with each other leaves out those that are
        not members, as `ranked` does. Rows are sorted by symbol and date and reach back over the look-back.
    lookback
        Sessions of a name before its own that a score depends on, counted in rows of each input: 199 for a mean of 200
        closes. A function of the parameters where it depends on them.
    source
        Source of the rule: a paper or a book.

    Returns
    -------
    callable
        Decorator of a function that takes one frame for each input and gives rows of date, symbol and score; a score
        lies in [-1, 1], null or no row is no opinion. Keyword-only arguments with defaults are parameters, see
        `Strategy.of`.

    Raises
    ------
    StrategyError
        The name is not in snake_case, the docstring is missing, the arguments are not the inputs, or the look-back is
        negative.

    Examples
    --------
    >>> from trading_assets.signals import features, ranked, strategy
    >>> @strategy(inputs={"known": features("log_return_5")}, source="Jegadeesh (1990)")
    ... def reversal(known: pl.DataFrame) -> pl.DataFrame:
    ...     '''Losers of the week before winners.'''
    ...     return ranked(known.with_columns(loss=-pl.col("log_return_5")), by="loss")
    >>> reversal.description, reversal.lookback
    ('Losers of the week before winners', 0)
    """

    def declare(rule: Rule) -> Strategy:
        name, where = rule.__name__, rule.__module__
        arguments = inspect.signature(rule).parameters.values()
        read = [one.name for one in arguments if one.kind is not inspect.Parameter.KEYWORD_ONLY]
        parameters = {one.name: one.default for one in arguments if one.kind is inspect.Parameter.KEYWORD_ONLY}
        if set(read) != set(inputs) or not inputs:
            takes, given = ", ".join(read) or "nothing", ", ".join(inputs) or "none"
            raise StrategyError(f"strategy {name!r} of {where} takes {takes}, but its inputs are {given}")
        for parameter, value in parameters.items():
            if value is inspect.Parameter.empty:
                raise StrategyError(f"strategy {name!r} of {where}: the parameter {parameter!r} needs a default")
        doc = inspect.cleandoc(rule.__doc__ or "")
        if not first_sentence(doc):
            raise StrategyError(f"strategy {name!r} of {where} needs a docstring: its first sentence says what it does")
        return _checked(Strategy(name, MappingProxyType({**inputs}), parameters, source, doc, where, rule, lookback))

    return declare


def first_sentence(doc: str) -> str:
    """First sentence of a docstring on one line, without its full stop."""
    return _FIRST_SENTENCE.split(" ".join(doc.split()), maxsplit=1)[0]


def require_strategy_name(name: str, where: str = "") -> None:
    """Refuse a name that cannot be that of a strategy.

    Raises
    ------
    StrategyError
        It is not in snake_case, or is a word of Python.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise StrategyError(
            f"{name!r}{where} cannot be the name of a strategy: use lower case letters, digits and single "
            "underscores, a letter first, for instance moving_average_cross"
        )


def _checked(one: Strategy) -> Strategy:
    where = f" of {one.module}" if one.module else ""
    require_strategy_name(one.name, where)
    if not isinstance(one.lookback, int) or one.lookback < 0:
        raise StrategyError(
            f"strategy {one.name!r}{where}: the look-back counts sessions before a score's own, got {one.lookback}"
        )
    return one


def _of_model(one: StrategyInput, model: str) -> StrategyInput:
    return replace(one, model=model) if isinstance(one, ModelPredictions) else one


def _in_words(types: pl.Schema) -> str:
    return ", ".join(f"{name} {dtype}" for name, dtype in types.items()) or "no column"
