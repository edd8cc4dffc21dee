"""Commands that start the web UI and the daemon of a lake, and that end its Postgres."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from trading_assets.cli.common import Home, console, require_free, signalled
from trading_assets.cli.lakes import existing_lake

serving_app = typer.Typer()


@serving_app.command()
def ui(
    port: Annotated[int, typer.Option(help="Port of the web UI.")] = 3000,
    host: Annotated[str, typer.Option(help="Address it listens on.")] = "127.0.0.1",
    home: Home = None,
) -> None:
    """Start the web UI and the daemon on the lake, until Ctrl-C."""
    from trading_assets.desk.settings import PROJECT
    from trading_assets.orchestration.instance import prepare_environment

    settings = existing_lake(home)
    require_free(host, port)
    prepare_environment(settings)
    workspace = str(PROJECT / "workspace.yaml")
    webserver = Path(sys.executable).parent / "dagster-webserver"
    commands = [
        [str(webserver), "-w", workspace, "-h", host, "-p", str(port)],
        [sys.executable, "-m", "trading_assets.orchestration.daemon", "run", "-w", workspace],
    ]
    stop = signalled()
    processes = [subprocess.Popen(command) for command in commands]  # noqa: S603 - fixed programs of this environment
    console.print(f"web UI: http://{host}:{port} (Ctrl-C ends it and the daemon)")
    while not stop.wait(0.5) and all(process.poll() is None for process in processes):
        pass
    is_requested = stop.is_set()
    _end(processes)
    if not is_requested:
        console.print("[bold red]error[/]: the web UI or the daemon ended by itself; its last lines above say why")
        raise typer.Exit(1)


def _end(processes: list[subprocess.Popen[bytes]], timeout: float = 60) -> None:
    """Interrupt processes, and kill those that have not ended after a while."""
    for process in processes:
        process.send_signal(signal.SIGINT)
    for process in processes:
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()


@serving_app.command()
def stop(home: Home = None) -> None:
    """End the embedded Postgres of the lake, for instance after a crash."""
    from trading_assets.lake.postgres.url import stop_embedded_postgres

    stopped = stop_embedded_postgres(existing_lake(home).home / "postgres")
    console.print("stopped" if stopped else "nothing was running")
