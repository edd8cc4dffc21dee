"""Which bar of a minute counts: a law, and what becomes of bars that break their contract."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from trading_assets.lake import Lake, Scope
from trading_assets.lake.store.frames import LakeFrame
from trading_assets.lake.store.writes import replace
from trading_assets.market_data.contract import BARS_MINUTE
from trading_assets.market_data.sources.protocol import INTRADAY_BARS_SCHEMA
from trading_assets.market_data.streaming.merging import FINAL, marked, merge
from trading_assets.market_data.streaming.storing import BarStore
from trading_assets_tests.brokers.embedded.markets import DAYS
from trading_assets_tests.market_data.streaming.conftest import minute

DAY = DAYS[1]
# symbol, minute, close, whether it is final
deliveries = st.lists(
    st.tuples(st.sampled_from("AB"), st.integers(0, 2), st.integers(1, 9), st.booleans()), max_size=14
)


def bars(*rows: tuple, is_final: bool = False) -> pl.DataFrame:
    """Marked bars from symbol, minute and close."""
    frame = pl.DataFrame(
        [
            {"symbol": symbol, "date": DAY, "ts": minute(DAY, number), **dict.fromkeys(("open", "high", "low", "close"),
             float(close)), "volume": 1, "source": "alpaca", "feed": "iex", "adjustment": "none", "raw": None}
            for symbol, number, close in rows
        ],
        schema=INTRADAY_BARS_SCHEMA,
    )  # fmt: skip
    return marked(frame, is_final=is_final)


@given(deliveries, st.integers(0, 14))
def test_the_last_final_bar_counts_and_without_one_the_first(deliveries, cut):
    expected: dict[tuple, tuple] = {}
    for symbol, number, close, is_final in deliveries:
        if is_final or (symbol, number) not in expected:
            expected[symbol, number] = (close, is_final or expected.get((symbol, number), (0, False))[1])
    frames = [bars((symbol, number, close), is_final=final) for symbol, number, close, final in deliveries]
    nothing = bars()
    whole = merge(nothing, *frames)
    assert dict(zip(zip(whole["symbol"], whole["ts"], strict=True), whole["close"], strict=True)) == {
        (symbol, minute(DAY, number)): close for (symbol, number), (close, _) in expected.items()
    }
    # whatever was merged in between
    assert merge(merge(nothing, *frames[:cut]), *frames[cut:]).equals(whole)
    assert merge(whole, whole).equals(whole)


def closes(lake: Lake) -> list[tuple]:
    return LakeFrame(lake, BARS_MINUTE).read(["symbol", "ts", "close"]).rows()


def test_stored_bar_is_replaced_by_a_final_one_alone(lake):
    store = BarStore(lake)
    assert store.write(bars(("A", 0, 1), ("A", 1, 1))).added == 2
    assert store.write(bars(("A", 0, 2))).changed == 0
    written = store.write(bars(("A", 1, 2), ("B", 1, 5), is_final=True))
    assert (written.added, written.changed, written.overwritten) == (1, 1, ())
    assert closes(lake) == [("A", minute(DAY, 0), 1.0), ("A", minute(DAY, 1), 2.0), ("B", minute(DAY, 1), 5.0)]
    assert BarStore(lake).last_sessions(["A", "B", "C"]) == {"A": DAY, "B": DAY}


def test_bar_that_breaks_the_contract_stays_in_quarantine_until_a_good_one_comes(lake):
    store = BarStore(lake)
    assert store.write(bars(("A", 0, -1), ("A", 1, 3))).quarantined == 1
    store.write(bars(("A", 2, 3)))
    assert len(lake.query(f"SELECT * FROM lake.{BARS_MINUTE.quarantine_table}")) == 1
    # neither does a broken correction replace a good bar
    store.write(bars(("A", 1, -1), is_final=True))
    assert closes(lake) == [("A", minute(DAY, 1), 3.0), ("A", minute(DAY, 2), 3.0)]
    store.write(bars(("A", 0, 2), ("A", 1, 2), is_final=True))
    assert len(lake.query(f"SELECT * FROM lake.{BARS_MINUTE.quarantine_table}")) == 0
    assert [close for _, _, close in closes(lake)] == [2.0, 2.0, 3.0]


def test_bars_of_another_writer_in_between_are_noticed(lake, monkeypatch):
    store, read = BarStore(lake), LakeFrame.read
    store.write(bars(("A", 0, 1)))

    def late(self, *args, **options):
        found = read(self, *args, **options)
        monkeypatch.setattr(LakeFrame, "read", read)
        other = bars(("A", 0, 1), ("A", 1, 1)).drop(FINAL)
        scope = Scope({"symbol": ("A",)}, "date", DAY, DAY + timedelta(days=1))
        replace(lake, BARS_MINUTE, other, scope)
        return found

    monkeypatch.setattr(LakeFrame, "read", late)
    assert store.write(bars(("A", 2, 1))).overwritten == (DAY,)
