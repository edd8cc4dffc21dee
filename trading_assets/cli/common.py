"""What all commands share: where the lake is, how to print, and how to wait for the end."""

import signal
import socket
import threading
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trading_assets.cli.interrupts import leave_to_command
from trading_assets.desk.clock import now
from trading_assets.desk.settings import SettingsError

console = Console(highlight=False)
Home = Annotated[Path | None, typer.Option(help="Folder of the lake; data_lake/ by default.")]


def require_free(host: str, port: int) -> None:
    """Refuse a port that another program listens on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            msg = f"port {port} of {host} cannot be used ({error.strerror}); choose another one with --port"
            raise SettingsError(msg) from None


def signalled() -> threading.Event:
    """An event that Ctrl-C and a request to end set."""
    leave_to_command()
    event = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: event.set())
    return event


def wait_for_signal() -> None:
    """Wait for Ctrl-C or a request to end."""
    event = signalled()
    while not event.wait(0.5):
        pass


def seconds_since_start() -> float:
    """Seconds since this process was started, what it imported included."""
    import psutil

    return now().timestamp() - float(psutil.Process().create_time())
