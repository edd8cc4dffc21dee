"""Command line of trading: the embedded broker, replays, and what a trader does by hand."""

import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trading_assets.cli.common import Home, console, require_free, wait_for_signal
from trading_assets.cli.interrupts import before_end
from trading_assets.cli.lakes import existing_lake
from trading_assets.cli.one_run import only_run, require_idle
from trading_assets.desk.clock import now
from trading_assets.desk.settings import HOME_VARIABLE

if TYPE_CHECKING:
    from trading_assets.desk.desk import Desk
    from trading_assets.orchestration.replay import SessionReport
    from trading_assets.portfolio.books import Book

trading_app = typer.Typer()


@trading_app.command()
def broker(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8787,
    clock: Annotated[str, typer.Option(help="real, accelerated or stepped.")] = "real",
    factor: Annotated[
        float | None, typer.Option(min=1, help="accelerated: seconds of the market per second, 60 by default.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(help="accelerated, stepped: time it starts at, in UTC; where it stopped last if it is left out."),
    ] = None,
    home: Home = None,
) -> None:
    """Serve Alpaca's protocol on loopback over the lake's prices, with an account per embedded book, until Ctrl-C."""
    from trading_assets.brokers.embedded.server import start_broker
    from trading_assets.desk.desk import Desk
    from trading_assets.orchestration.replay import embedded_books, make_clock, open_accounts

    settings = existing_lake(home)
    require_free("127.0.0.1", port)
    desk = Desk(settings)
    books = embedded_books(desk)
    with start_broker(desk.lake, settings.exchange, port=port, clock=make_clock(clock, factor, start)) as made:
        path = open_accounts(settings, made, books)
        console.print(f"embedded broker: {made.url}, its time is {made.now():%Y-%m-%d %H:%M} UTC (Ctrl-C ends it)")
        console.print(f"keys of {', '.join(book.name for book in books) or 'no book'}: {path}", soft_wrap=True)
        wait_for_signal()


@trading_app.command()
def replay(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First session.")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session.")],
    book: Annotated[list[str], typer.Option(help="Book of the embedded broker; may be repeated.")],
    home: Home = None,
) -> None:
    """Step the embedded broker through stored sessions and materialise the live path of each."""
    settings = existing_lake(home)
    require_idle(settings)
    from trading_assets.definitions import build_defs
    from trading_assets.orchestration.refresh import cancel_runs
    from trading_assets.orchestration.replay import replay as run

    with only_run(settings, "replay"), before_end(cancel_runs):
        print_replay(run(settings, book, first.date(), last.date(), build_defs))


def print_replay(reports: Iterable["SessionReport"]) -> list["SessionReport"]:
    """Print a line per replayed session as it ends."""
    console.print(f"  {'session':<12}{'book':<12}{'fills':>6}{'orders':>8}{'equity':>16}{'parity':>10}{'seconds':>9}")
    shown = []
    for one in reports:
        shown.append(one)
        parity = "opens" if one.difference is None else f"{one.difference:+.4%}"
        console.print(
            f"  {one.session!s:<12}{one.book:<12}{one.fills:>6}{one.orders:>8}{one.equity:>16,.2f}{parity:>10}"
            f"{one.seconds:>9.1f}"
        )
    return shown


@trading_app.command()
def kill(
    book: Annotated[str | None, typer.Argument(help="Book; all books if none is named.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in live.audit.")] = "stopped by hand",
    home: Home = None,
) -> None:
    """Stop a book, or all: nothing more is sent, and what is open at the broker is cancelled."""
    from trading_assets.brokers.accounts import broker_of
    from trading_assets.live import commands

    desk, books = _live_desk(home, book)
    for line in commands.kill(desk.lake, now(), book, reason, books, lambda one: broker_of(desk, one)):
        console.print(line, soft_wrap=True)


@trading_app.command()
def resume(
    reason: Annotated[str, typer.Option(help="Why trading may go on; kept in live.audit.")],
    book: Annotated[str | None, typer.Argument(help="Book; the switch of all books if none is named.")] = None,
    session: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Session whose lost parity is accepted.")
    ] = None,
    home: Home = None,
) -> None:
    """Let a stopped book, or all, trade again."""
    from trading_assets.live import switch

    desk, _ = _live_desk(home, book)
    day = session.date() if session else None
    switch.release(desk.lake, now(), book or switch.ALL_BOOKS, reason, day)
    console.print(f"{book or 'all books'}: trading may go on", soft_wrap=True)


@trading_app.command()
def adopt(
    book: Annotated[str, typer.Argument(help="Book whose account is taken over.")],
    reason: Annotated[str, typer.Option(help="Why; kept in live.audit.")],
    home: Home = None,
) -> None:
    """Make a book's own account what the broker says: after a difference has been explained, or at the start."""
    from trading_assets.live import commands

    desk, books = _live_desk(home, book)
    console.print(commands.adopt(desk, books[0], reason), soft_wrap=True)


@trading_app.command()
def confirm(book: Annotated[str, typer.Argument(help="Book that trades real money.")], home: Home = None) -> None:
    """Confirm a live account by typing its number; one of the three settings that must agree."""
    from trading_assets.brokers.accounts import broker_of
    from trading_assets.live import commands

    desk, books = _live_desk(home, book)
    typed = typer.prompt(f"{book} will trade REAL MONEY. Type the number of its account to confirm")
    commands.confirm(desk.lake, now(), books[0], broker_of(desk, books[0]), typed)
    console.print(f"{book}: confirmed for {typed.strip()}", soft_wrap=True)


def _live_desk(home: Path | None, book: str | None) -> "tuple[Desk, list[Book]]":
    from trading_assets.desk.desk import Desk
    from trading_assets.live.commands import books_at_a_broker
    from trading_assets.portfolio.books import written_books

    settings = existing_lake(home)
    os.environ[HOME_VARIABLE] = str(settings.home)  # what is said of this lake names it
    desk = Desk(settings)
    return desk, books_at_a_broker(desk.part(written_books), book)
