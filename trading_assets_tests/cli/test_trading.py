"""Commands of trading, as a trader types them."""

from __future__ import annotations

import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from trading_assets.brokers.alpaca.adapter import AlpacaBroker
from trading_assets.brokers.embedded.keys import embedded_connection
from trading_assets.desk.calendar import session_close
from trading_assets.desk.settings import Settings
from trading_assets.lake import LakeFrame
from trading_assets.lake.postgres.url import PostgresUrl
from trading_assets.live import switch
from trading_assets.live.contract import PNL, SUBMISSIONS
from trading_assets.portfolio.books import Book, load_books
from trading_assets_tests.desks import Bench
from trading_assets_tests.end_to_end._processes import environment_of, free_port
from trading_assets_tests.live._live_bench import DAYS, EXCHANGE, Trader, open_market, small_source, write_books

pytestmark = pytest.mark.slow

NAME = "typed"


@dataclass
class Shell:
    """A lake with a market and a book with target weights, and a command line on it."""

    bench: Bench
    settings: Settings
    book: Book

    def type(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "trading_assets.cli", *words, "--home", str(self.settings.home)],
            env=environment_of(self.settings) | {"COLUMNS": "200"},
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command that goes on until it is interrupted."""
        return subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "trading_assets.cli", *words, "--home", str(self.settings.home)],
            env=environment_of(self.settings) | {"COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def shell(postgres: PostgresUrl, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    with open_market(postgres, tmp_path_factory.mktemp("typed") / "lake", small_source()) as bench:
        books = write_books(bench.settings.home / "books.yaml", NAME)
        settings = bench.settings.with_values(books=books)
        settings.save()
        book = load_books(books)[NAME]
        trader = Trader(bench, book, None, None, bench.desk, "default")  # type: ignore[arg-type]
        for number, day in enumerate(DAYS[:3]):
            trader.want(day, {trader.symbols[number % 2]: 0.5})
        yield Shell(bench, settings, book)


def test_a_replay_prints_a_line_per_session_and_the_next_command_goes_on_from_it(shell: Shell) -> None:
    first, last = str(DAYS[0]), str(DAYS[1])

    done = shell.type("replay", "--book", NAME, "--from", first, "--to", last)

    assert done.returncode == 0, done.stderr
    assert re.search(rf"{first}\s+{NAME}\s+0\s+1\s+1,000,000.00\s+opens", done.stdout)
    assert re.search(rf"{last}\s+{NAME}\s+1\s+\d+\s+[\d,.]+\s+[+-]0.0000%", done.stdout)
    again = shell.type("replay", "--book", NAME, "--from", first, "--to", last)
    assert again.returncode == 0, again.stderr
    sent = LakeFrame(shell.bench.desk.lake, SUBMISSIONS).read(book=NAME)
    assert sent["client_order_id"].is_unique().all()

    early = shell.type("replay", "--book", NAME, "--from", "2021-02-01", "--to", first)
    assert early.returncode == 1
    assert "never goes back" in early.stderr

    unknown = shell.type("replay", "--book", "nobody", "--from", first, "--to", last)
    assert unknown.returncode == 1
    assert "there is no book 'nobody'" in unknown.stderr

    # The accounts of the replay are served on, at the time where it ended, until Ctrl-C; no earlier time is ignored.
    port = free_port()
    passed = shell.type("broker", "--port", str(port), "--clock", "stepped", "--start", f"{first}T00:00:00")
    assert passed.returncode == 1
    ended = f"{session_close(EXCHANGE, DAYS[1]):%Y-%m-%dT%H:%M:%S}"
    assert f"cannot start the clock at {first}T00:00:00 UTC" in passed.stderr
    assert f"traded until {ended} UTC" in passed.stderr
    assert "leave --start out to go on from there" in passed.stderr
    assert "Traceback" not in passed.stderr
    process = shell.start("broker", "--port", str(port), "--clock", "stepped")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    assert f"http://127.0.0.1:{port}" in lines[0]
    assert f"{session_close(EXCHANGE, DAYS[1]):%Y-%m-%d %H:%M}" in lines[0]
    keys = shell.settings.home / "broker" / "keys.json"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    account = AlpacaBroker(embedded_connection(NAME, shell.settings.home))
    pnl = LakeFrame(shell.bench.desk.lake, PNL).read(book=NAME)
    assert account.account().cash == pytest.approx(pnl["cash"][-1], abs=0.01)

    # Killed: what is open is cancelled; resumed only with a reason.
    killed = shell.type("kill", NAME, "--reason", "to see it")
    assert killed.returncode == 0, killed.stderr
    assert "requested to cancel" in killed.stdout
    assert account.open_orders() == []
    assert "to see it" in str(switch.why_stopped(shell.bench.desk.lake, NAME))
    assert shell.type("resume", NAME, "--reason", " ").returncode == 1
    assert switch.why_stopped(shell.bench.desk.lake, NAME) is not None
    assert shell.type("resume", NAME, "--reason", "seen").returncode == 0
    assert switch.why_stopped(shell.bench.desk.lake, NAME) is None

    taken = shell.type("adopt", NAME, "--reason", "as it is")
    assert taken.returncode == 0, taken.stderr
    assert f"taken over as of {DAYS[1]}" in taken.stdout

    refused = shell.type("confirm", NAME, given="12345\n")
    assert refused.returncode == 1
    assert "there is no real money to confirm" in refused.stderr

    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("broker", "--clock", "lunar"), "choose real, accelerated or stepped"),
        (("broker", "--start", "2013-01-02T21:00:00"), "the real clock starts now"),
        (("broker", "--clock", "stepped", "--factor", "60"), "--factor 60 is for --clock accelerated"),
        (("kill", "nobody"), "there is no book 'nobody' with a broker"),
        (("adopt", NAME, "--reason", " "), "say why"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(shell: Shell, words: tuple[str, ...], said: str) -> None:
    done = shell.type(*words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
