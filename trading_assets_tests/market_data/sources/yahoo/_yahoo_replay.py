"""A server on loopback that answers as Yahoo does, on good days and bad ones, and the session that leads there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from http.cookiejar import Cookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

import numpy as np

from trading_assets.desk import calendar
from trading_assets.market_data.sources._limiter import Timing
from trading_assets.market_data.sources.yahoo._session import YahooSession
from trading_assets.market_data.sources.yahoo.source import Transport, YahooParameters, YahooSource

CRUMB, COOKIE = "CRUMBxSECRET", "d=COOKIExSECRET"


@dataclass(frozen=True)
class Listing:
    """A name that the replay knows; its raw prices are whole cents."""

    symbol: str
    exchange: str = "XNYS"
    currency: str = "USD"
    name: str = "Company Inc."
    first: date = date(2012, 1, 3)
    last: date = date(2024, 12, 31)
    splits: dict[date, tuple[int, int]] = field(default_factory=dict)
    dividends: dict[date, float] = field(default_factory=dict)
    holes: frozenset[date] = frozenset()
    quoted: bool = True

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(calendar.exchange_timezone(self.exchange))

    def sessions(self, start: date, end: date) -> list[date]:
        first, last = max(start, self.first), min(end, self.last)
        return calendar.sessions(self.exchange, first, last) if first <= last else []

    def raw(self, day: date, minute: int = 0) -> tuple[float, float, float, float, int]:
        """Open, high, low, close in cents of the day, and volume."""
        base = 20000 + sum(map(ord, self.symbol)) % 977 + day.toordinal() * 37 % 4001 + minute * 11 % 173
        open_, close = base - 25 + day.toordinal() % 50, base
        cents = open_, max(open_, close) + 12, min(open_, close) - 9, close
        return *(value / 100 for value in cents), 100_000 + day.toordinal() % 1000 * 7 + minute

    def later_ratio(self, day: date, now: date) -> float:
        later = [over / under for ex_date, (over, under) in self.splits.items() if day < ex_date <= now]
        return float(np.prod(later)) if later else 1.0


def as_yahoo_stores(value: float, ratio: float) -> float:
    """A price adjusted for splits as Yahoo passes it on: six decimals, then a 32-bit float."""
    return float(np.float32(round(value / ratio, 6)))


@lru_cache(maxsize=4096)
def hours_of(exchange: str, day: date) -> tuple[datetime, datetime]:
    return calendar.session_open(exchange, day), calendar.session_close(exchange, day)


@dataclass
class Fault:
    """What the server does instead of answering, to requests whose path contains a text, so many times."""

    path: str
    kind: str
    times: int = 10**9
    headers: dict[str, str] = field(default_factory=dict)


class FakeTiming:
    """A clock that sleeping moves on, so that no test waits."""

    def __init__(self) -> None:
        self.now, self.slept, self._lock = 0.0, [], threading.Lock()
        self.timing = Timing(monotonic=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
            self.slept.append(seconds)


class Replay:
    """The world that the server knows: names, the present, faults; and what it was asked."""

    def __init__(self, port: int, cache_path: str) -> None:
        self.port, self.cache_path = port, cache_path
        self.now = datetime(2024, 12, 20, 22, 0, tzinfo=UTC)
        self.listings: dict[str, Listing] = {}
        self.faults: list[Fault] = []
        self.bodies: dict[str, object] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.screened: list[str] = ["AAPL"]
        self.clock = FakeTiming()
        self._lock = threading.Lock()

    def add(self, *listings: Listing) -> None:
        self.listings |= {listing.symbol: listing for listing in listings}

    def fail(self, path: str, kind: str, times: int = 10**9, **headers: str) -> None:
        self.faults.append(Fault(path, kind, times, {k.replace("_", "-"): v for k, v in headers.items()}))

    def source(self, *symbols: str, port: int | None = None, **settings: object) -> YahooSource:
        """A source that asks this server, with a clock that does not wait."""
        target = self.port if port is None else port
        fast = {"requests_per_second": 1000.0, "burst": 1000, "threads": 2, "cache_path": self.cache_path}
        return YahooSource(
            YahooParameters(symbols=symbols or ("AAPL",), **{**fast, **settings}),
            Transport(
                now=lambda: self.now,
                timing=self.clock.timing,
                session=lambda policy: ReplaySession(policy, target),
            ),
        )

    def charts(self) -> list[dict[str, str]]:
        return [query for path, query in self.asked if "/chart/" in path]

    def take_fault(self, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.path in path and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None


class ReplaySession(YahooSession):
    """The session of the source, but for the address to which requests go."""

    def __init__(self, policy, port: int) -> None:
        super().__init__(policy)
        self._port = port

    def send(self, method, url, **options):
        parts = urlsplit(url)
        assert parts.hostname.endswith("yahoo.com"), url
        options["headers"] = {**(options.get("headers") or {}), "Host": parts.hostname}
        here = parts._replace(scheme="http", netloc=f"127.0.0.1:{self._port}").geturl()
        response = super().send(method, here, **options)
        # Cookies are Yahoo's, wherever its server runs.
        expires = int(datetime(2032, 1, 1, tzinfo=UTC).timestamp())
        where = (".yahoo.com", True, True, "/", True)
        self.cookies.jar.set_cookie(Cookie(0, "A3", COOKIE, None, False, *where, True, expires, False, None, None, {}))
        return response


@contextmanager
def serve(cache_path: str) -> Iterator[Replay]:
    """Run the server for a while."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    replay = Replay(server.server_address[1], cache_path)
    server.replay = replay
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield replay
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def do_GET(self) -> None:
        replay: Replay = self.server.replay
        parts = urlsplit(self.path)
        path, query = unquote(parts.path), {key: values[0] for key, values in parse_qs(parts.query).items()}
        replay.asked.append((path, query))
        fault = replay.take_fault(path)
        if fault is not None:
            self._misbehave(fault)
        elif "getcrumb" in path:
            self._send(200, CRUMB.encode(), "text/plain")
        else:
            status, body = _answer(replay, path, query)
            self._send(status, json.dumps(body).encode())

    def _misbehave(self, fault: Fault) -> None:
        if fault.kind.isdigit():
            body = b"Edge: Too Many Requests" if fault.kind == "429" else b'{"finance":{"error":{"code":"Oops"}}}'
            self._send(int(fault.kind), body, "text/plain", fault.headers)
        elif fault.kind == "truncated":
            self._send(200, b'{"chart":{"result":[{"meta":{"curr')
        elif fault.kind == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"chart":{"result":')
            self.close_connection = True
        elif fault.kind == "html":
            self._send(200, b"<html><body>Will be right back...</body></html>", "text/html")
        elif fault.kind == "hang":
            threading.Event().wait(1.0)
            self.close_connection = True
        else:
            self._send(200, json.dumps(self.server.replay.bodies[fault.kind]).encode())

    def _send(self, status: int, body: bytes, kind: str = "application/json", headers=None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", f"A3={COOKIE}; Expires=Fri, 01 Jan 2032 00:00:00 GMT; Path=/")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


def _answer(replay: Replay, path: str, query: dict[str, str]) -> tuple[int, object]:
    symbol = path.rsplit("/", 1)[-1]
    if "/finance/chart/" in path:
        return _chart(replay, symbol, query)
    if "/finance/quoteSummary/" in path:
        return _summary(replay, symbol, query["modules"])
    if "/v7/finance/quote" in path:
        return 200, {"quoteResponse": {"result": _quotes(replay, query["symbols"]), "error": None}}
    if "/timeseries/" in path:
        return 200, replay.bodies.get(f"statements {symbol}") or {"timeseries": {"result": [], "error": None}}
    if "/finance/screener" in path:
        quotes = [{"symbol": symbol} for symbol in replay.screened]
        return 200, {"finance": {"result": [{"quotes": quotes}], "error": None}}
    return 404, {}


def _error(root: str, status: int, code: str, description: str) -> tuple[int, object]:
    return status, {root: {"result": None, "error": {"code": code, "description": description}}}


def _chart(replay: Replay, symbol: str, query: dict[str, str]) -> tuple[int, object]:
    listing, now = replay.listings.get(symbol), replay.now
    if listing is None:
        return _error("chart", 404, "Not Found", "No data found, symbol may be delisted")
    interval = query["interval"]
    end = min(int(query.get("period2", 10**10)), int(now.timestamp()) + 1)
    start = int(query.get("period1", 0))
    limits = {"1m": (30, 8), "1h": (730, 730)}.get(interval)
    if limits and start < (now - timedelta(days=limits[0])).timestamp():
        return _error("chart", 422, "Unprocessable Entity", f"{interval} data not available for startTime={start}")
    if limits and end - start > timedelta(days=limits[1]).total_seconds():
        return _error("chart", 422, "Unprocessable Entity", f"Only {limits[1]} days worth of {interval} data")
    first, last = (datetime.fromtimestamp(max(at, 0), listing.zone).date() for at in (start, end))
    days = listing.sessions(first, last)
    if interval == "1mo":
        days = [day for number, day in enumerate(days) if number in (0, len(days) - 1)]
    stamps = [at for day in days for at in _stamps(listing, day, interval, now)]
    stamps = [at for at in stamps if start <= at[1].timestamp() < end]
    if not stamps:
        return _error("chart", 400, "Bad Request", f"Data doesn't exist for startDate = {start}, endDate = {end}")
    result = {"meta": _meta(listing, now, interval, days), "timestamp": [int(at.timestamp()) for _, at, _ in stamps]}
    quote = _quote_columns(listing, stamps, now)
    after_dividends = [None if close is None else 0.9 * close for close in quote["close"]]
    result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": after_dividends}]}
    result["events"] = _events(listing, {day for day, _, _ in stamps}, now.astimezone(listing.zone).date())
    return 200, {"chart": {"result": [result], "error": None}}


def _stamps(listing: Listing, day: date, interval: str, now: datetime) -> list[tuple[date, datetime, int]]:
    opens, closes = hours_of(listing.exchange, day)
    if interval in ("1d", "1mo"):
        # Yahoo stamps the running day with the moment of the answer.
        return [(day, now if opens <= now < closes else opens, 0)] if opens <= now else []
    step = timedelta(hours=1) if interval == "1h" else timedelta(minutes=1)
    if closes.astimezone(listing.zone).time() < time(14):
        closes += timedelta(hours=1)  # it goes on after an early close
    count = -(-(closes - opens) // step)
    return [(day, opens + n * step, n) for n in range(count) if opens + n * step <= now]


def _quote_columns(listing: Listing, stamps: list[tuple[date, datetime, int]], now: datetime) -> dict[str, list]:
    columns: dict[str, list] = {name: [] for name in ("open", "high", "low", "close", "volume")}
    hundredths = 100 if listing.currency == "GBp" else 1
    today = now.astimezone(listing.zone).date()
    for day, _, number in stamps:
        *prices, volume = listing.raw(day, number)
        ratio = listing.later_ratio(day, today)
        values = [as_yahoo_stores(price * hundredths, ratio) for price in prices] + [round(volume * ratio)]
        if day in listing.holes:
            values = [None] * 5
        for name, value in zip(columns, values, strict=True):
            columns[name].append(value)
    return columns


def _events(listing: Listing, days: set[date], today: date) -> dict[str, dict]:
    at = {day: int(hours_of(listing.exchange, day)[0].timestamp()) for day in days}
    dividends = {
        str(at[day]): {"amount": as_yahoo_stores(cash, listing.later_ratio(day, today)), "date": at[day]}
        for day, cash in listing.dividends.items()
        if day in days
    }
    splits = {
        str(at[day]): {"date": at[day], "numerator": over, "denominator": under, "splitRatio": f"{over}:{under}"}
        for day, (over, under) in listing.splits.items()
        if day in days
    }
    return {"dividends": dividends, "splits": splits}


def _last_trade(listing: Listing, now: datetime) -> datetime:
    days = listing.sessions(listing.first, now.astimezone(listing.zone).date())
    opened = [day for day in days[-3:] if hours_of(listing.exchange, day)[0] <= now]
    return min(hours_of(listing.exchange, opened[-1])[1], now)


def _meta(listing: Listing, now: datetime, interval: str, days: list[date]) -> dict[str, object]:
    period = {"timezone": "X", "gmtoffset": 0, "start": 0, "end": 0}
    meta = {
        "currency": listing.currency,
        "symbol": listing.symbol,
        "exchangeName": "X",
        "instrumentType": "EQUITY",
        "firstTradeDate": int(
            hours_of(listing.exchange, listing.sessions(listing.first, listing.last)[0])[0].timestamp()
        ),
        "regularMarketTime": int(_last_trade(listing, now).timestamp()),
        "gmtoffset": 0,
        "exchangeTimezoneName": str(listing.zone),
        "priceHint": 2,
        "dataGranularity": interval,
        "validRanges": ["1d", "5d", "max"],
        "longName": listing.name,
        "currentTradingPeriod": {name: dict(period) for name in ("pre", "regular", "post")},
    }
    if interval in ("1h", "1m"):
        spans = [hours_of(listing.exchange, day) for day in days]
        meta["tradingPeriods"] = [
            [{"timezone": "X", "gmtoffset": 0, "start": int(o.timestamp()), "end": int(c.timestamp()) + 7200}]
            for o, c in spans
        ]
    return meta


def _quotes(replay: Replay, symbols: str) -> list[dict[str, object]]:
    known = [replay.listings[name] for name in symbols.split(",") if name in replay.listings]
    return [
        {
            "symbol": listing.symbol,
            "longName": listing.name,
            "currency": listing.currency,
            "exchangeTimezoneName": str(listing.zone),
            "firstTradeDateMilliseconds": int(hours_of(listing.exchange, listing.first)[0].timestamp() * 1000),
            "regularMarketTime": int(_last_trade(listing, replay.now).timestamp()),
            "bid": 101.25,
            "ask": 0,
            "bidSize": 8,
            "askSize": 0,
        }
        for listing in known
        if listing.quoted
    ]


def _summary(replay: Replay, symbol: str, modules: str) -> tuple[int, object]:
    if symbol not in replay.listings:
        return _error("quoteSummary", 404, "Not Found", f"Quote not found for symbol: {symbol}")
    body = replay.bodies.get(f"{modules} {symbol}")
    if body is None:
        return _error("quoteSummary", 404, "Not Found", f"No fundamentals data found for symbol: {symbol}")
    return 200, {"quoteSummary": {"result": [body], "error": None}}
