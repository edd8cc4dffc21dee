"""A name that does not exist is answered with the closest one that does."""

import pytest

from trading_assets.suggest import did_you_mean

NAMES = ["seed", "start", "XNYS", "XNAS", "delist_after"]


@pytest.mark.parametrize(
    ("name", "limit", "suggested"),
    [
        ("sed", 1, " (did you mean 'seed'?)"),
        ("delist_aftr", 1, " (did you mean 'delist_after'?)"),
        ("xnys", 1, " (did you mean 'XNYS'?)"),
        ("XNS", 2, " (did you mean 'XNYS' or 'XNAS'?)"),
        ("quarterly", 3, ""),
        ("", 1, ""),
        (7, 1, ""),
    ],
)
def test_the_closest_names_are_suggested(name, limit, suggested):
    assert did_you_mean(name, NAMES, limit=limit) == suggested


def test_nothing_is_close_to_anything_where_there_are_no_names():
    assert did_you_mean("seed", []) == ""
