"""Books are read strictly: what is not understood is refused by name."""

from dataclasses import replace
from datetime import date

import pytest
import yaml

from trading_assets.portfolio.books import Book, BookError, load_books
from trading_assets_tests.execution.examples import models

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
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return load_books(path)


def test_the_default_books_hold_one_long_only_weekly_book():
    books = load_books()
    assert list(books) == ["main"]
    main = books["main"]
    assert (main.capital, main.start, main.rebalance, main.sizing) == (1_000_000.0, None, "weekly", "equal_weight_long")
    assert main.costs == models(0.0, 1.0, 0.0, 2.0, 0.01)


def test_a_book_is_read_with_its_numbers_as_floats_and_its_start_as_a_date(tmp_path):
    books = load(tmp_path, {"first": SETTINGS, "second": SETTINGS | {"start": date(2015, 1, 2)}})
    assert list(books) == ["first", "second"]
    assert books["second"].start == date(2015, 1, 2)
    assert isinstance(books["first"].capital, float)
    assert books["first"].costs.commission.commission_bps == 1.0


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("strategy", "", "a name"),
        ("capital", 0, "above 0"),
        ("capital", "1e6", "above 0"),
        ("capital", True, "above 0"),
        ("capital", float("nan"), "above 0"),
        ("capital", float("inf"), "above 0"),
        ("start", "soon", "a date such as"),
        ("rebalance", "hourly", "daily, weekly, monthly"),
        ("rebalance", None, "daily, weekly, monthly"),
        ("sizing", "martingale", "equal_weight_long, rank_long_short, score_weighted"),
        ("top_fraction", 1.1, "above 0 and at most 1"),
        ("gross_leverage", 0, "above 0 and at most 10"),
        ("max_weight", -1, "above 0 and at most 10"),
        ("max_participation", 2, "above 0 and at most 1"),
        ("lot_size", -1, "at least 0"),
        ("broker", "alpaca", "one of sim, embedded, live, paper"),
        ("broker", "paper", "a mapping for the broker paper"),
    ],
)
def test_a_bad_value_is_refused_with_book_key_and_allowed_values(tmp_path, key, value, allowed):
    with pytest.raises(BookError) as refusal:
        load(tmp_path, {"trend": SETTINGS | {key: value}})
    assert "book 'trend'" in str(refusal.value)
    assert key in str(refusal.value)
    assert allowed in str(refusal.value)


@pytest.mark.parametrize(
    ("key", "value"), [("half_spread_bps", -1), ("impact_coefficient", 2), ("commission_bps", "x")]
)
def test_a_bad_cost_is_refused_with_its_full_key(tmp_path, key, value):
    with pytest.raises(BookError, match=rf"book 'trend': costs\.{key} is .*allowed: a number at least 0"):
        load(tmp_path, {"trend": SETTINGS | {"costs": SETTINGS["costs"] | {key: value}}})


def test_unknown_and_missing_keys_are_refused_with_the_keys_there_are(tmp_path):
    with pytest.raises(BookError, match=r"book 'trend': unknown key leverage; allowed are .*gross_leverage"):
        load(tmp_path, {"trend": SETTINGS | {"leverage": 2}})
    with pytest.raises(BookError, match=r"book 'trend': key capital is missing"):
        load(tmp_path, {"trend": {key: value for key, value in SETTINGS.items() if key != "capital"}})
    with pytest.raises(BookError, match=r"book 'trend': unknown key costs\.fee"):
        load(tmp_path, {"trend": SETTINGS | {"costs": SETTINGS["costs"] | {"fee": 1}}})
    with pytest.raises(BookError, match=r"book 'trend': costs is 3; allowed: a mapping"):
        load(tmp_path, {"trend": SETTINGS | {"costs": 3}})


def test_a_repeated_book_is_refused_instead_of_dropped(tmp_path):
    text = yaml.safe_dump({"trend": SETTINGS})
    with pytest.raises(BookError, match="'trend' appears twice"):
        load(tmp_path, text + text)


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "a: [1"])
def test_a_file_without_books_is_refused_by_its_path(tmp_path, content):
    with pytest.raises(BookError, match=r"books\.yaml"):
        load(tmp_path, content)


def test_settings_that_contradict_each_other_are_refused():
    main = load_books()["main"]
    with pytest.raises(BookError, match=r"top_fraction is 0.6; allowed: at most 0.5 for rank_long_short"):
        replace(main, sizing="rank_long_short", top_fraction=0.6)
    with pytest.raises(BookError, match="below the price itself"):
        replace(main, max_participation=1.0, costs=models(half_spread_bps=2.0, impact=1.0))
    with pytest.raises(BookError, match="lower-case letters"):
        replace(main, name="Main|1")


def test_a_book_is_immutable_and_compares_by_value():
    main = load_books()["main"]
    assert main == load_books()["main"]
    assert isinstance(main, Book)
    with pytest.raises(AttributeError):
        main.capital = 1.0
