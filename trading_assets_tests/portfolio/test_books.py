"""Books are read strictly: what is not understood is refused by name, and all of it at once."""

from datetime import date
from textwrap import dedent

import pytest
import yaml

from trading_assets.definitions import build_defs
from trading_assets.desk.desk import Desk
from trading_assets.desk.settings import Settings
from trading_assets.execution.models import ExecutionModels
from trading_assets.execution.models.commission_per_share import PerShareCommission
from trading_assets.execution.models.commission_per_trade import PerTradeCommission
from trading_assets.portfolio.books import Book, BookError, load_books, require_known
from trading_assets.portfolio.sizing.inverse_volatility import InverseVolatility
from trading_assets.portfolio.sizing.rank_long_short import RankLongShort

SETTINGS = {
    "strategy": "ml_alpha",
    "capital": 1_000,
    "start": None,
    "rebalance": "daily",
    "sizing": "equal_weight_long",
    "top_fraction": 0.5,
    "gross_leverage": 1,
    "max_weight": 1,
    "lot_size": 0,
    "max_participation": 0.1,
    "broker": "sim",
    "live": None,
    "costs": {
        "commission_per_share": 0,
        "commission_bps": 1,
        "min_commission": 0,
        "half_spread_bps": 2,
        "impact_coefficient": 0.01,
    },
}


def load(tmp_path, content):
    path = tmp_path / "books.yaml"
    text = dedent(content) if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
    path.write_text(text, encoding="utf-8")
    return load_books(path)


def faults(tmp_path, content):
    """What is said of a file, one line for each fault."""
    with pytest.raises(BookError) as refusal:
        load(tmp_path, content)
    text = str(refusal.value)
    assert text.startswith(str(tmp_path / "books.yaml"))
    return text.splitlines()[1:] if "\n" in text else [text.removeprefix(f"{tmp_path / 'books.yaml'}: ")]


def test_the_default_books_hold_one_long_only_weekly_book():
    books = load_books()
    assert list(books) == ["main"]
    main = books["main"]
    assert (main.capital, main.start, main.rebalance) == (1_000_000.0, None, "weekly")
    assert (main.sizing.kind, main.broker) == ("equal_weight_long", "embedded")


def test_a_book_is_read_with_its_numbers_as_floats_and_its_start_as_a_date(tmp_path):
    books = load(tmp_path, {"first": SETTINGS, "second": SETTINGS | {"start": date(2015, 1, 2)}})
    assert list(books) == ["first", "second"]
    assert books["second"].start == date(2015, 1, 2)
    assert isinstance(books["first"].capital, float)
    assert books["first"].costs.commission.commission_bps == 1.0


# --- defaults and inheritance


def test_what_a_book_does_not_say_is_as_in_main_but_it_does_not_trade(tmp_path):
    short = load(tmp_path, "short: {strategy: ml_alpha, capital: 1000000}")["short"]
    main = load_books()["main"]
    assert short == main.with_values(name="short", broker="sim", live=None)


def test_limits_at_a_broker_and_costs_have_defaults_of_their_own(tmp_path):
    text = """\
        short:
          strategy: ml_alpha
          capital: 1000000
          broker: embedded
          live: {max_orders: 7}
          costs: {commission_bps: 3}
        """
    short, main = load(tmp_path, text)["short"], load_books()["main"]
    assert short.live == main.live.model_copy(update={"max_orders": 7.0})
    assert short.costs.commission == main.costs.commission.model_copy(update={"commission_bps": 3.0})
    assert short.costs.slippage == main.costs.slippage


def test_a_second_book_is_three_lines(tmp_path):
    text = """\
        main: {strategy: ml_alpha, capital: 5, top_fraction: 0.2, costs: {commission_bps: 3, half_spread_bps: 4}}
        second:
          like: main
          costs: {commission_bps: 9}
        """
    first, second = load(tmp_path, text).values()
    assert (second.name, second.capital, second.top_fraction) == ("second", 5.0, 0.2)
    assert second.costs.commission.commission_bps == 9.0
    assert second.costs.slippage == first.costs.slippage


def test_a_copy_does_not_trade_at_a_broker_unless_it_says_so(tmp_path):
    text = """\
        real: {strategy: ml_alpha, capital: 5, broker: paper, live: {max_orders: 7}}
        copy: {like: real}
        trading: {like: copy, broker: embedded, live: {price_collar: 0.5}}
        """
    books = load(tmp_path, text)
    assert (books["copy"].broker, books["copy"].live) == ("sim", None)
    assert (books["trading"].broker, books["trading"].live.max_orders) == ("embedded", 7.0)
    assert books["trading"].live.price_collar == 0.5


def test_the_order_of_books_in_the_file_does_not_matter_for_what_they_inherit(tmp_path):
    books = load(tmp_path, "b: {like: a, capital: 2}\na: {strategy: x, capital: 1, lot_size: 10}")
    assert (books["b"].strategy, books["b"].capital, books["b"].lot_size) == ("x", 2.0, 10.0)


@pytest.mark.parametrize(
    ("inherited", "own", "expected"),
    [
        ("{kind: inverse_volatility, lookback: 20}", "{lookback: 10}", InverseVolatility(lookback=10)),
        ("inverse_volatility", "{lookback: 10}", InverseVolatility(lookback=10)),
        ("{kind: inverse_volatility, lookback: 20}", "{kind: rank_long_short}", RankLongShort()),
        ("{kind: inverse_volatility, lookback: 20}", "rank_long_short", RankLongShort()),
        ("rank_long_short", "{kind: inverse_volatility}", InverseVolatility()),
    ],
)
def test_another_kind_of_sizing_does_not_inherit_the_numbers_of_the_first(tmp_path, inherited, own, expected):
    books = load(tmp_path, f"a: {{strategy: x, capital: 1, sizing: {inherited}}}\nb: {{like: a, sizing: {own}}}")
    assert books["b"].sizing == expected


@pytest.mark.parametrize(
    ("inherited", "own", "commission", "half_spread_bps"),
    [
        ("{commission_bps: 3, half_spread_bps: 4}", "{half_spread_bps: 5}", PerShareCommission(commission_bps=3.0), 5),
        (
            "{commission_bps: 3, half_spread_bps: 4}",
            "{commission: {kind: per_trade, commission_per_trade: 7}}",
            PerTradeCommission(commission_per_trade=7.0),
            4,
        ),
        (
            "{commission: {kind: per_trade, commission_per_trade: 7}, slippage: {half_spread_bps: 4}}",
            "{half_spread_bps: 5}",
            PerTradeCommission(commission_per_trade=7.0),
            5,
        ),
        (
            "{commission: {kind: per_trade, commission_per_trade: 7}}",
            "{commission_bps: 3}",
            PerShareCommission(commission_bps=3.0),
            2,
        ),
    ],
)
def test_costs_are_inherited_by_role_however_they_are_written(tmp_path, inherited, own, commission, half_spread_bps):
    books = load(tmp_path, f"a: {{strategy: x, capital: 1, costs: {inherited}}}\nb: {{like: a, costs: {own}}}")
    assert books["b"].costs.commission == commission
    assert books["b"].costs.slippage.half_spread_bps == half_spread_bps


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: {like: b}\nb: {like: a}", ["circle: a -> b -> a", "circle: b -> a -> b"]),
        ("a: {like: a}", ["book 'a': like goes round in a circle: a -> a"]),
        (
            "main: {strategy: x, capital: 1}\na: {like: mian}\nb: {like: a}",
            [
                "book 'a': like is 'mian' (did you mean 'main'?); there are main, a, b",
                "like 'a' cannot be used, see there",
            ],
        ),
        ("a: {like: 3}", ["book 'a': like is 3; there are a"]),
    ],
)
def test_books_that_are_like_no_book_are_refused(tmp_path, text, expected):
    told = faults(tmp_path, text)
    assert len(told) == len(expected)
    for line, words in zip(told, expected, strict=True):
        assert words in line


def test_an_inherited_fault_is_told_once(tmp_path):
    told = faults(tmp_path, "a: {strategy: x, capital: -1}\nb: {like: a, lot_size: -1}\nc: {like: b}")
    assert told == [
        "- book 'a': capital is -1; allowed: a number above 0",
        "- book 'b': lot_size is -1; allowed: a number at least 0",
    ]


# --- faults


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("strategy", "", "text, not empty"),
        ("capital", 0, "above 0"),
        ("capital", "1e6", "above 0"),
        ("capital", True, "above 0"),
        ("capital", float("nan"), "above 0"),
        ("capital", float("inf"), "above 0"),
        ("start", "soon", "a date such as 2015-01-02, or null"),
        ("rebalance", "hourly", "daily, weekly, monthly"),
        ("rebalance", None, "daily, weekly, monthly"),
        ("sizing", "martingale", "equal_weight_long, inverse_volatility, rank_long_short, score_weighted"),
        ("sizing", "inverse_volatilty", "did you mean 'inverse_volatility'?"),
        (
            "sizing",
            {"kind": "inverse_volatility", "lookback": 1},
            "sizing.lookback is 1; allowed: a whole number at least 2",
        ),
        (
            "sizing",
            {"kind": "inverse_volatility", "periods": 20},
            "unknown key sizing.periods; allowed are kind, lookback",
        ),
        ("sizing", {"lookback": 20}, "key sizing.kind is missing; allowed: one of equal_weight_long, inverse_vol"),
        ("sizing", 3, "or a mapping with kind, one of equal_weight_long"),
        ("top_fraction", 1.1, "above 0 and at most 1"),
        ("gross_leverage", 0, "above 0 and at most 10"),
        ("max_weight", -1, "above 0 and at most 10"),
        ("max_participation", 2, "above 0 and at most 1"),
        ("lot_size", -1, "at least 0"),
        ("lot_size", 1e-10, "0, or a number with at most 9 decimals"),
        ("broker", "alpaca", "one of sim, embedded, live, paper"),
        ("broker", "embeded", "did you mean 'embedded'?"),
        ("broker", "paper", "a mapping for the broker paper"),
        ("live", {"max_orders": 5}, "null for the broker sim"),
        ("name", "trend", "the name of a book is its key in the file"),
    ],
)
def test_a_bad_value_is_refused_with_book_key_and_allowed_values(tmp_path, key, value, allowed):
    [told] = faults(tmp_path, {"trend": SETTINGS | {key: value}})
    assert told.startswith("book 'trend': ")
    assert key in told
    assert allowed in told


@pytest.mark.parametrize(
    ("key", "value"), [("half_spread_bps", -1), ("impact_coefficient", 2), ("commission_bps", "x")]
)
def test_a_bad_cost_is_refused_with_its_full_key(tmp_path, key, value):
    with pytest.raises(BookError, match=rf"book 'trend': costs\.{key} is .*allowed: a number at least 0"):
        load(tmp_path, {"trend": SETTINGS | {"costs": SETTINGS["costs"] | {key: value}}})


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("time_in_force", "gtc", "one of opg, day"),
        ("drift_threshold", 0, "a number above 0 and at most 1, or null"),
        ("max_orders", 0.5, "a number at least 1"),
        ("allow_live", "yes", "true or false"),
    ],
)
def test_a_bad_limit_at_a_broker_is_refused_with_its_full_key(tmp_path, key, value, allowed):
    values = {"broker": "embedded", "lot_size": 1, "live": {key: value}}
    [told] = faults(tmp_path, {"trend": SETTINGS | values})
    assert told == f"book 'trend': live.{key} is {value!r}; allowed: {allowed}"


def test_unknown_and_missing_keys_are_refused_with_the_keys_there_are(tmp_path):
    with pytest.raises(BookError, match=r"book 'trend': unknown key leverage .*; allowed are .*gross_leverage"):
        load(tmp_path, {"trend": SETTINGS | {"leverage": 2}})
    with pytest.raises(BookError, match=r"book 'trend': key capital is missing"):
        load(tmp_path, {"trend": {key: value for key, value in SETTINGS.items() if key != "capital"}})
    with pytest.raises(BookError, match=r"book 'trend': unknown key costs\.fee"):
        load(tmp_path, {"trend": SETTINGS | {"costs": SETTINGS["costs"] | {"fee": 1}}})
    with pytest.raises(BookError, match=r"book 'trend': costs is 3; allowed: a mapping"):
        load(tmp_path, {"trend": SETTINGS | {"costs": 3}})
    with pytest.raises(BookError, match=r"book 'trend': is 3; allowed: a mapping with like, strategy, capital"):
        load(tmp_path, {"trend": 3})


def test_all_faults_of_a_file_are_told_at_once(tmp_path):
    first = {"capitol": 1, "strategy": "x", "costs": {"fee": 1}}
    second = {"strategy": "x", "capital": 1, "rebalance": "hourly", "broker": "embeded"}
    told = faults(tmp_path, {"one": first, "Two": second})
    assert [line.split(";")[0] for line in told] == [
        "- book 'one': key capital is missing",
        "- book 'one': unknown key costs.fee",
        "- book 'one': unknown key capitol (did you mean 'capital'?)",
        "- book 'Two': a name is lower-case letters, digits and underscores, e.g. main, not 'Two'",
        "- book 'Two': rebalance is 'hourly'",
        "- book 'Two': broker is 'embeded' (did you mean 'embedded'?)",
    ]


def test_a_repeated_book_is_refused_instead_of_dropped(tmp_path):
    text = yaml.safe_dump({"trend": SETTINGS})
    with pytest.raises(BookError, match=f"'trend' appears twice, in lines 1 and {len(text.splitlines()) + 1}"):
        load(tmp_path, text + text)


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "a: [1"])
def test_a_file_without_books_is_refused_by_its_path(tmp_path, content):
    with pytest.raises(BookError, match=r"books\.yaml"):
        load(tmp_path, content)


def test_settings_that_contradict_each_other_are_refused_all_at_once():
    main = load_books()["main"]
    with pytest.raises(BookError, match=r"book 'main': top_fraction is 0.6; allowed: at most 0.5 for rank_long_short"):
        main.with_values(sizing="rank_long_short", top_fraction=0.6)
    costly = ExecutionModels.model_validate({"impact_coefficient": 1.0})
    with pytest.raises(BookError, match="below the price itself"):
        main.with_values(max_participation=1.0, costs=costly)
    with pytest.raises(BookError, match="lower-case letters"):
        main.with_values(name="Main|1")
    with pytest.raises(BookError, match=r"live\.time_in_force is 'opg'; allowed: day where lot_size allows fractions"):
        main.with_values(lot_size=0)
    with pytest.raises(BookError, match="has 3 faults"):
        main.with_values(lot_size=0, max_participation=1.0, costs=costly, sizing="rank_long_short", top_fraction=0.6)


def test_a_book_is_immutable_and_compares_by_value():
    main = load_books()["main"]
    assert main == load_books()["main"]
    assert isinstance(main, Book)
    with pytest.raises(ValueError, match="frozen"):
        main.capital = 1.0


def test_a_book_that_is_simulated_has_no_limits_at_a_broker():
    book = load_books()["main"].with_values(broker="sim", live=None)
    with pytest.raises(BookError, match="book 'main': broker is 'sim'; allowed to trade: one of embedded, live, paper"):
        _ = book.live_rules


def test_a_sizing_is_written_as_short_as_it_can_be():
    main = load_books()["main"]
    assert main.model_dump()["sizing"] == "equal_weight_long"
    assert main.with_values(sizing=InverseVolatility()).model_dump()["sizing"] == "inverse_volatility"
    written = main.with_values(sizing={"kind": "inverse_volatility", "lookback": 9}).model_dump()["sizing"]
    assert written == {"kind": "inverse_volatility", "lookback": 9}


def test_a_strategy_that_does_not_exist_is_refused_when_definitions_load(tmp_path):
    (tmp_path / "books.yaml").write_text("trend: {strategy: ml_alhpa, capital: 1}")
    desk = Desk(Settings(home=tmp_path, books=tmp_path / "books.yaml"))
    with pytest.raises(BookError, match=r"book 'trend': strategy is 'ml_alhpa' \(did you mean 'ml_alpha'\?\)"):
        build_defs(desk=desk)


def test_books_that_follow_a_strategy_that_does_not_exist_are_refused_together(tmp_path):
    followed = {"a": "ml_alhpa", "b": "x", "c": "y"}
    books = load(tmp_path, {name: {"strategy": strategy, "capital": 1} for name, strategy in followed.items()})
    require_known(books, ["ml_alhpa", "x", "y"])
    with pytest.raises(BookError) as refusal:
        require_known(books, ["ml_alpha", "y"])
    assert str(refusal.value).splitlines()[1:] == [
        "- book 'a': strategy is 'ml_alhpa' (did you mean 'ml_alpha'?); there are ml_alpha, y",
        "- book 'b': strategy is 'x'; there are ml_alpha, y",
    ]
