"""The web UI and the daemon of a lake as real processes, asked through the GraphQL that the browser uses."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from trading_assets.desk.settings import Settings

T = TypeVar("T")
LOCATION = "trading_assets"
REPOSITORY = "__repository__"
_OF_ANOTHER_LAKE = ("DAGSTER_", "TRADING_ASSETS_", "DATABASE_URL", "PG")

_LAUNCH_BACKFILL = """
mutation Launch($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename
    ... on LaunchBackfillSuccess { backfillId }
    ... on Error { message }
  }
}
"""
_BACKFILL = """
query Backfill($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename
    ... on PartitionBackfill { status error { message } runs(limit: 500) { runId status tags { key value } } }
    ... on Error { message }
  }
}
"""
_LAUNCH_RUN = """
mutation Launch($params: ExecutionParams!) {
  launchRun(executionParams: $params) {
    __typename
    ... on LaunchRunSuccess { run { runId } }
    ... on Error { message }
  }
}
"""
_RUNS = """
query Runs($filter: RunsFilter) {
  runsOrError(filter: $filter, limit: 500) {
    __typename
    ... on Runs { results { runId jobName status tags { key value } } }
    ... on Error { message }
  }
}
"""
_READY = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } ... on Error { message } } }"


@dataclass
class WebUi:
    """A running ``trading-assets ui``."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Answer of the GraphQL server; an error in it fails the test with the end of the log."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.load(response)
        assert "errors" not in answer, f"{answer['errors']}\n{self.tail()}"
        data: dict[str, Any] = answer["data"]
        return data

    def launch_backfill(self, assets: list[str], partitions: list[str]) -> str:
        """Request a backfill the way the UI does; returns its id."""
        params = {
            "assetSelection": [{"path": asset.split("/")} for asset in assets],
            "partitionNames": partitions,
            "fromFailure": False,
        }
        answer = self.ask(_LAUNCH_BACKFILL, params=params)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return str(answer["backfillId"])

    def backfill(self, backfill_id: str) -> dict[str, Any]:
        """Status of a backfill and its runs."""
        answer: dict[str, Any] = self.ask(_BACKFILL, id=backfill_id)["partitionBackfillOrError"]
        assert answer["__typename"] == "PartitionBackfill", answer
        return answer

    def end_of_backfill(self, backfill_id: str, timeout: float) -> dict[str, Any]:
        """Wait until a backfill has ended, one way or the other."""

        def ended() -> dict[str, Any] | None:
            found = self.backfill(backfill_id)
            return None if found["status"] in ("REQUESTED", "CANCELING", "FAILING") else found

        return self.wait_for("the end of the backfill", ended, timeout)

    def launch_job(self, job: str, tags: Mapping[str, str]) -> str:
        """Launch a run of a job; returns its id."""
        selector = {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY, "pipelineName": job}
        listed = [{"key": key, "value": value} for key, value in tags.items()]
        params = {"selector": selector, "runConfigData": {}, "executionMetadata": {"tags": listed}}
        answer = self.ask(_LAUNCH_RUN, params=params)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return str(answer["run"]["runId"])

    def runs(self, tags: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        """Runs with given tags, newest first."""
        listed = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        answer = self.ask(_RUNS, filter={"tags": listed} if listed else None)["runsOrError"]
        assert answer["__typename"] == "Runs", answer
        found: list[dict[str, Any]] = answer["results"]
        return found

    def wait_for(self, what: str, probe: Callable[[], T | None], timeout: float) -> T:
        """Poll until a probe gives something."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            found = probe()
            if found is not None:
                return found
            assert self.process.poll() is None, f"the web UI ended while waiting for {what}\n{self.tail()}"
            time.sleep(0.25)
        message = f"no {what} after {timeout:.0f} s\n{self.tail()}"
        raise AssertionError(message)

    def tail(self, lines: int = 60) -> str:
        """End of what webserver, daemon and code servers logged."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def _is_ready(self) -> bool | None:
        try:
            answer = self.ask(_READY)["repositoriesOrError"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None
        assert answer.get("nodes"), f"the code location does not load: {answer}\n{self.tail(200)}"
        return True


@contextmanager
def web_ui(settings: Settings, log: Path) -> Iterator[WebUi]:
    """Run ``trading-assets ui`` on a lake until the block ends."""
    settings.save()
    with log.open("wb") as output:
        port = free_port()
        process = subprocess.Popen(
            ui_command(settings, port),
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=log.parent,
            env=environment_of(settings),
            start_new_session=True,
        )
    ui = WebUi(f"http://127.0.0.1:{port}", process, log)
    try:
        ui.wait_for("answer of the web UI", ui._is_ready, timeout=120)
        yield ui
    finally:
        end(process)


def ui_command(settings: Settings, port: int) -> list[str]:
    """Command line of the web UI and the daemon of a lake."""
    return [sys.executable, "-m", "trading_assets.cli", "ui", "--port", str(port), "--home", str(settings.home)]


def environment_of(settings: Settings) -> dict[str, str]:
    """This process's environment without what names another lake."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_ANOTHER_LAKE)}
    return kept | ({"DATABASE_URL": settings.database_url} if settings.database_url else {})


def end(process: subprocess.Popen[bytes], timeout: float = 60) -> None:
    """End a process like Ctrl-C does; what is left of its descendants after the timeout is killed."""
    family = descendants(process)
    process.send_signal(signal.SIGINT)
    _, alive = psutil.wait_procs(family, timeout=timeout)
    for left in alive:
        left.kill()
    process.wait(timeout=10)


def descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """A process and everything it has started."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
