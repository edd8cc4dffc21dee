import datetime as dt
import os
import subprocess
import sys

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.lake.store.hashing import content_hash
from trading_assets_tests.lake.examples import bars

KEY = ("symbol", "date")


def hash_of(*values, dtype=None):
    return content_hash(pl.DataFrame({"k": range(len(values)), "v": pl.Series(values, dtype=dtype)}), key=("k",))


@given(st.randoms(use_true_random=False), st.integers(1, 9))
def test_hash_does_not_depend_on_row_order_or_chunks(random, size):
    frame = pl.concat([bars("A"), bars("B", price=3.5)])
    rows = list(range(frame.height))
    random.shuffle(rows)
    shuffled = frame[rows]
    chunked = pl.concat([shuffled[at : at + size] for at in range(0, frame.height, size)], rechunk=False)
    assert content_hash(chunked, key=KEY) == content_hash(frame, key=KEY)


def test_hash_is_the_same_in_every_process():
    program = (
        "from trading_assets.lake.store.hashing import content_hash\n"
        "from trading_assets_tests.lake.examples import bars\n"
        "print(content_hash(bars('A'), key=('symbol', 'date')))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "POLARS_MAX_THREADS": "1"}
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert other.stdout.strip() == content_hash(bars("A"), key=KEY)


def test_hash_of_known_rows_stays_what_it_was():
    rows = pl.DataFrame({"k": ["a", "b"], "v": [1.5, None], "d": [dt.date(2024, 1, 2)] * 2, "b": [True, None]})
    assert content_hash(rows, key=("k",)) == "029aa65ac69e9941106b2cb7269ffd25"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([("ab"), ("c")], [("a"), ("bc")]),
        ([None, "x"], ["", "x"]),
        ([None, 1], [0, 1]),
        ([None, 1.5], [0.0, 1.5]),
        ([None, True], [False, True]),
        ([None, dt.date(1970, 1, 2)], [dt.date(1970, 1, 1), dt.date(1970, 1, 2)]),
        ([1, 2], [2, 1]),
        ([1, 2], [1.0, 2.0]),
        ([0.1, 0.2], [0.1, 0.2 + 1e-16]),
        (["é"], ["e\u0301"]),
        ([], [None]),
    ],
)
def test_different_content_has_different_hashes(one, other):
    assert hash_of(*one) != hash_of(*other)


def test_names_of_columns_are_content():
    frame = pl.DataFrame({"k": [1], "a": [1]})
    assert content_hash(frame, key=("k",)) != content_hash(frame.rename({"a": "b"}), key=("k",))


def test_zeros_of_both_signs_are_equal():
    assert hash_of(0.0, 1.0) == hash_of(-0.0, 1.0)
    assert hash_of(float("nan")) == hash_of(-float("nan"))
    assert hash_of(0.0, dtype=pl.Float32) == hash_of(-0.0, dtype=pl.Float32)


def test_excluded_columns_do_not_count():
    frame = bars("A")
    other = frame.with_columns(source=pl.lit("another"))
    assert content_hash(frame, key=KEY, exclude=("source",)) == content_hash(other, key=KEY, exclude=("source",))
    assert content_hash(frame, key=KEY) != content_hash(other, key=KEY)
