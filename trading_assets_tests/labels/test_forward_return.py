from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from trading_assets.labels.contract import FORWARD_RETURN
from trading_assets.labels.forward_return import forward_return
from trading_assets_tests.point_in_time.sample import ACTION_SCHEMA, actions, random_bars, real_bars, real_splits

# Thursday 2016-06-30 to Wednesday 2016-07-13 without Independence Day: nine sessions over a holiday and two weekends
SESSIONS = [date(2016, 6, 30), date(2016, 7, 1), *(date(2016, 7, d) for d in (5, 6, 7, 8, 11, 12, 13))]
OPENS = [100.0, 101.0, 102.0, 103.0, 104.0, 105.0, 106.0, 107.0, 108.0]
ALL = {"start": SESSIONS[0], "end": SESSIONS[-1], "calendar_sessions": SESSIONS}


def bars(opens=OPENS, symbol="A", days=SESSIONS):
    return pl.DataFrame({"symbol": [symbol] * len(days), "date": days, "open": opens})


def only(symbol="A", day=SESSIONS[0], **frames):
    labels = forward_return(frames.get("bars", bars()), frames.get("actions", actions()), **{**ALL, "horizon": 5})
    return labels.filter(pl.col("symbol") == symbol, pl.col("date") == day)


def value(**frames):
    return only(**frames)["forward_return"].item()


class TestWindow:
    def test_label_starts_at_next_open_and_ends_horizon_sessions_later(self):
        row = only().row(0, named=True)
        assert row["entry_date"] == date(2016, 7, 1)
        assert row["exit_date"] == date(2016, 7, 11)
        assert row["forward_return"] == 106.0 / 101.0 - 1.0

    def test_sessions_are_counted_not_days(self):
        labels = forward_return(bars(), actions(), **ALL, horizon=1)
        over_the_holiday = labels.filter(pl.col("date") == date(2016, 6, 30)).row(0, named=True)
        assert (over_the_holiday["entry_date"], over_the_holiday["exit_date"]) == (date(2016, 7, 1), date(2016, 7, 5))

    def test_a_label_whose_exit_is_beyond_the_data_does_not_exist(self):
        labels = forward_return(bars(), actions(), **ALL, horizon=5)
        assert labels["date"].to_list() == SESSIONS[:3]
        assert labels["exit_date"].to_list() == SESSIONS[6:]

    @pytest.mark.parametrize("known", [3, 5, 7])
    def test_no_label_uses_a_bar_that_is_not_there_yet(self, known):
        labels = forward_return(bars().head(known), actions(), **ALL, horizon=2)
        assert labels.height == max(0, known - 3)

    def test_only_decisions_of_the_window_get_a_label(self):
        window = {**ALL, "start": SESSIONS[1], "end": SESSIONS[2]}
        assert forward_return(bars(), actions(), **window, horizon=5)["date"].to_list() == SESSIONS[1:3]

    def test_columns_and_types(self):
        assert dict(only().schema) == {
            "symbol": pl.String,
            "date": pl.Date,
            "entry_date": pl.Date,
            "exit_date": pl.Date,
            "forward_return": pl.Float64,
        }


class TestCorporateActions:
    def test_a_split_and_a_dividend_inside_the_window_by_hand(self):
        # one share bought at 101; two after the split; 0.75 each is paid; both sold at 53: (2 * 53 + 2 * 0.75) / 101
        halved = [*OPENS[:3], *(price / 2 for price in OPENS[3:])]
        events = actions(("A", SESSIONS[3], "split", 2.0), ("A", SESSIONS[5], "dividend", 0.75))
        assert value(bars=bars(halved), actions=events) == pytest.approx(107.5 / 101.0 - 1.0, abs=1e-15)

    def test_a_dividend_before_the_split_is_paid_on_the_old_share(self):
        halved = [*OPENS[:5], *(price / 2 for price in OPENS[5:])]
        events = actions(("A", SESSIONS[5], "split", 2.0), ("A", SESSIONS[3], "dividend", 0.75))
        assert value(bars=bars(halved), actions=events) == pytest.approx(106.75 / 101.0 - 1.0, abs=1e-15)

    def test_a_dividend_on_the_day_of_the_split_is_paid_on_the_new_shares(self):
        halved = [*OPENS[:5], *(price / 2 for price in OPENS[5:])]
        events = actions(("A", SESSIONS[5], "dividend", 0.75), ("A", SESSIONS[5], "split", 2.0))
        assert value(bars=bars(halved), actions=events) == pytest.approx(107.5 / 101.0 - 1.0, abs=1e-15)

    @pytest.mark.parametrize(
        ("ex_date", "is_held"),
        [
            (SESSIONS[0], False),  # decided, not yet bought
            (SESSIONS[1], False),  # bought on the ex-date: without the dividend
            (SESSIONS[2], True),
            (SESSIONS[6], True),  # sold on the ex-date: held the night before
            (SESSIONS[7], False),
            (date(2016, 7, 4), True),  # a holiday inside the window
            (date(2016, 7, 10), True),  # the Sunday before the exit
        ],
    )
    def test_an_action_counts_if_the_share_is_held_overnight_into_its_ex_date(self, ex_date, is_held):
        expected = (106.0 + (1.0 if is_held else 0.0)) / 101.0 - 1.0
        assert value(actions=actions(("A", ex_date, "dividend", 1.0))) == expected

    def test_an_action_of_another_symbol_does_not_matter(self):
        both = pl.concat([bars(), bars(symbol="B")])
        events = actions(("B", SESSIONS[3], "dividend", 1.0))
        assert value(bars=both, actions=events) == value()
        assert value(bars=both, actions=events, symbol="B") == 107.0 / 101.0 - 1.0

    def test_a_real_split_is_no_loss(self):
        apple = real_bars("AAPL").filter(pl.col("date").dt.year() == 2005)
        sessions = apple["date"]
        window = {"start": date(2005, 2, 1), "end": date(2005, 3, 1), "calendar_sessions": sessions}
        labels = forward_return(apple, real_splits(), **window)
        assert labels.filter(pl.col("exit_date") > date(2005, 2, 28))["forward_return"].is_between(-0.15, 0.15).all()
        unaware = forward_return(apple, actions(), **window)
        assert unaware["forward_return"].min() < -0.4


class TestGaps:
    @pytest.mark.parametrize("missing", [0, 1, 6])
    def test_a_missing_bar_at_decision_entry_or_exit_gives_no_label(self, missing):
        gap = bars().filter(pl.col("date") != SESSIONS[missing])
        assert only(bars=gap).is_empty()

    @pytest.mark.parametrize("missing", [2, 3, 4, 5])
    def test_a_missing_bar_while_held_does_not_matter(self, missing):
        gap = bars().filter(pl.col("date") != SESSIONS[missing])
        assert value(bars=gap) == value()

    def test_a_bar_on_a_day_without_session_is_ignored(self):
        stray = pl.concat([bars(), bars([500.0], days=[date(2016, 7, 4)])])
        assert_frame_equal(forward_return(stray, actions(), **ALL), forward_return(bars(), actions(), **ALL))

    def test_a_gap_of_one_symbol_does_not_shift_another(self):
        both = pl.concat([bars().filter(pl.col("date") != SESSIONS[1]), bars(symbol="B")])
        assert only(bars=both, symbol="B")["entry_date"].item() == SESSIONS[1]


def events_strategy():
    kinds = st.tuples(st.integers(0, 119), st.sampled_from(["split", "dividend"]), st.sampled_from([2.0, 1.5, 0.3]))
    return st.lists(kinds, max_size=8, unique_by=lambda event: event[:2])


PANEL = random_bars("AB", 80)
DAYS = PANEL["date"].unique().sort()


def as_actions(events):
    rows = [("AB"[i % 2], DAYS[0] + timedelta(days=o), kind, v) for i, (o, kind, v) in enumerate(events)]
    return pl.DataFrame(rows, schema=ACTION_SCHEMA, orient="row")


class TestLaws:
    @settings(max_examples=40, deadline=None)
    @given(events=events_strategy(), horizon=st.integers(1, 10))
    def test_a_range_equals_its_single_days_to_the_bit(self, events, horizon):
        every, window = as_actions(events), DAYS[30:33]
        common = {"horizon": horizon, "calendar_sessions": DAYS}
        together = forward_return(PANEL, every, start=window[0], end=window[-1], **common)
        # a single day reads neither earlier bars nor actions of earlier years
        single = [
            forward_return(
                PANEL.filter(pl.col("date") >= day),
                every.filter(pl.col("ex_date") >= day),
                start=day,
                end=day,
                **common,
            )
            for day in window[::-1]
        ]
        assert_frame_equal(pl.concat(single).sort("symbol", "date"), together, check_exact=True)

    @settings(max_examples=40, deadline=None)
    @given(events=events_strategy(), horizon=st.integers(1, 10))
    def test_shares_and_cash_followed_day_by_day_give_the_same_return(self, events, horizon):
        every = as_actions(events)
        labels = forward_return(PANEL, every, horizon=horizon, start=DAYS[0], end=DAYS[-1], calendar_sessions=DAYS)
        assert labels.height == 2 * (len(DAYS) - 1 - horizon)
        opens = {(row["symbol"], row["date"]): row["open"] for row in PANEL.iter_rows(named=True)}
        for row in labels.gather_every(17).iter_rows(named=True):
            shares, cash, symbol = 1.0, 0.0, row["symbol"]
            held = every.filter(
                pl.col("symbol") == symbol, pl.col("ex_date") > row["entry_date"], pl.col("ex_date") <= row["exit_date"]
            )
            for event in held.sort(pl.col("ex_date"), pl.col("kind") == "dividend").iter_rows(named=True):
                if event["kind"] == "split":
                    shares *= event["value"]
                else:
                    cash += shares * event["value"]
            proceeds = shares * opens[symbol, row["exit_date"]] + cash
            assert row["forward_return"] == pytest.approx(proceeds / opens[symbol, row["entry_date"]] - 1.0, abs=1e-12)

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 20))
    def test_the_order_of_rows_does_not_matter(self, seed):
        window = {"start": DAYS[0], "end": DAYS[-1], "calendar_sessions": DAYS}
        every = as_actions([(5, "split", 2.0), (9, "dividend", 0.3), (9, "split", 1.5), (12, "split", 3.0)])
        shuffled = forward_return(
            PANEL.sample(fraction=1, shuffle=True, seed=seed),
            every.sample(fraction=1, shuffle=True, seed=seed),
            **window,
        )
        assert_frame_equal(shuffled, forward_return(PANEL, every, **window), check_exact=True)


class TestRefusals:
    @pytest.mark.parametrize("wrong", [{"horizon": 0}, {"start": SESSIONS[3], "end": SESSIONS[2]}])
    def test_a_window_that_makes_no_sense(self, wrong):
        with pytest.raises(ValueError, match=r"horizon >= 1 and start <= end"):
            forward_return(bars(), actions(), **{**ALL, **wrong})

    @pytest.mark.parametrize("calendar", [[], SESSIONS[::-1], [SESSIONS[0], SESSIONS[0]]])
    def test_a_calendar_that_is_none(self, calendar):
        with pytest.raises(ValueError, match="strictly ascending"):
            forward_return(bars(), actions(), **{**ALL, "calendar_sessions": calendar})

    def test_a_calendar_that_ends_before_the_bars_would_lose_labels(self):
        with pytest.raises(ValueError, match=r"end on 2016-07-12 but there are bars until 2016-07-13"):
            forward_return(bars(), actions(), **{**ALL, "calendar_sessions": SESSIONS[:-1]})

    def test_an_unusable_action_is_refused_by_name(self):
        with pytest.raises(ValueError, match=r"A 2016-07-05 split 0\.0"):
            forward_return(bars(), actions(("A", SESSIONS[2], "split", 0.0)), **ALL)


class TestDelisting:
    """The name trades through Thursday 2016-07-07, the sixth session; from Friday on it is gone."""

    TRADED = 5
    LAST_CLOSE = 50.0

    def delistings(self, value=-0.3, known=date(2016, 7, 8), symbol="A"):
        moment = datetime(known.year, known.month, known.day, tzinfo=UTC)
        schema = {"symbol": pl.String, "date": pl.Date, "value": pl.Float64, "known_at": pl.Datetime("us", "UTC")}
        return pl.DataFrame([(symbol, SESSIONS[self.TRADED], value, moment)], schema=schema, orient="row")

    def traded(self):
        kept = bars(OPENS[: self.TRADED], days=SESSIONS[: self.TRADED])
        last = pl.col("date") == SESSIONS[self.TRADED - 1]
        return kept.with_columns(close=pl.when(last).then(self.LAST_CLOSE).otherwise(pl.col("open")))

    def labels(self, happened=None, **delisting):
        return forward_return(
            self.traded(), actions() if happened is None else happened, **ALL, horizon=2,
            delistings=self.delistings(**delisting),
        )  # fmt: skip

    def test_a_window_that_runs_into_it_ends_with_what_holders_got(self):
        labels = self.labels()
        ended = labels.filter(pl.col("exit_date") == SESSIONS[self.TRADED])
        assert ended["date"].to_list() == SESSIONS[2:4]
        assert ended["entry_date"].to_list() == SESSIONS[3:5]
        assert ended["forward_return"].to_list() == [50.0 * 0.7 / open_ - 1.0 for open_ in OPENS[3:5]]
        assert FORWARD_RETURN.split(labels).quarantined.is_empty()

    def test_windows_that_end_before_it_are_what_they_were(self):
        before = forward_return(self.traded(), actions(), **ALL, horizon=2)
        assert_frame_equal(self.labels().head(before.height), before)
        assert self.labels().height == before.height + 2

    def test_a_total_loss_is_minus_one(self):
        labels = self.labels(value=-1.0)
        assert labels["forward_return"].to_list()[-2:] == [-1.0, -1.0]
        assert FORWARD_RETURN.split(labels).quarantined.is_empty()

    @pytest.mark.parametrize("unknown", [{"value": None}, {"symbol": "B"}])
    def test_without_a_known_return_there_is_no_label(self, unknown):
        assert_frame_equal(self.labels(**unknown), forward_return(self.traded(), actions(), **ALL, horizon=2))

    def test_the_label_is_known_when_its_return_is(self):
        late = self.labels(known=date(2016, 7, 12)).tail(2)
        assert late["exit_date"].to_list() == [date(2016, 7, 12)] * 2
        assert self.labels(known=date(2016, 8, 1)).height == 2

    def test_splits_and_dividends_of_the_window_count(self):
        happened = actions(("A", SESSIONS[4], "split", 2.0), ("A", SESSIONS[4], "dividend", 1.0))
        first, second = self.labels(happened).tail(2)["forward_return"]
        assert first == pytest.approx((2 * 50.0 * 0.7 + 2 * 1.0) / OPENS[3] - 1.0)
        assert second == pytest.approx(50.0 * 0.7 / OPENS[4] - 1.0)

    def test_a_range_of_sessions_gives_what_its_sessions_give_one_by_one(self):
        one_by_one = [
            forward_return(
                self.traded(), actions(), **{**ALL, "start": day, "end": day}, horizon=2, delistings=self.delistings()
            )
            for day in SESSIONS
        ]
        assert_frame_equal(pl.concat(one_by_one), self.labels(), check_exact=True)
