"""Command line: ``python -m benchmarks [name ...]``; a name is a module's or a figure's, such as lake_write.bulk."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.measure import Comparison, SkippedError

MODULES = (
    "load",
    "lake_write",
    "partition_checks",
    "event_storage",
    "mappings",
    "features",
    "feature_checks",
    "matrix",
    "alpha158",
    "rolling",
    "training",
    "ledger",
    "books",
    "live",
    "ingest",
    "graph",
)
_SIDE = "--side"
_KIB_PER_MB = 1024 if sys.platform == "linux" else 1024 * 1024


def main(arguments: Sequence[str]) -> int:
    """Run the named benchmarks, all of them without a name."""
    if arguments[:1] == [_SIDE]:
        return _run_side(*arguments[1:])
    chosen = {name: comparison for name, comparison in _all().items() if not arguments or _is_named(name, arguments)}
    if not chosen:
        print(f"no benchmark is named {' '.join(arguments)}; there are: {' '.join(_all())}", file=sys.stderr)
        return 2
    return max([_compare(comparison) for comparison in chosen.values()])


def _all() -> dict[str, Comparison]:
    return {comparison.name: comparison for module in MODULES for comparison in _comparisons(module)}


def _comparisons(module: str) -> tuple[Comparison, ...]:
    found: tuple[Comparison, ...] = import_module(f"benchmarks.{module}").COMPARISONS
    return found


def _is_named(name: str, arguments: Sequence[str]) -> bool:
    return name in arguments or _module_of(name) in arguments


def _module_of(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


def _compare(comparison: Comparison) -> int:
    ours = _side(comparison.name, "ours")
    peer = _side(comparison.name, "peer") if comparison.peers_side else {}
    line = {"name": comparison.name, **ours, "peer": comparison.peer}
    if "skipped" in peer:
        line["peer_skipped"] = peer["skipped"]
    elif "seconds" in ours and "seconds" in peer:
        line |= {"peer_seconds": peer["seconds"], "peer_peak_mb": peer["peak_mb"]}
        if "parts" in peer:
            line["peer_parts"] = peer["parts"]
        line["ratio"] = round(float(str(ours["seconds"])) / float(str(peer["seconds"])), 3)
    print(json.dumps(line), flush=True)
    return 1 if "failed" in ours or "failed" in peer else 0


def _side(name: str, side: str) -> dict[str, object]:
    """Run one side in a separate process, so that neither warms up the other or adds to its peak memory."""
    with tempfile.TemporaryDirectory(prefix="ta-bench-", ignore_cleanup_errors=True) as folder:
        result = Path(folder) / "result.json"
        work = Path(folder) / "work"
        work.mkdir()
        log = Path(folder) / "log"
        with log.open("w") as output:
            command = [sys.executable, "-m", "benchmarks", _SIDE, name, side, str(work), str(result)]
            code = subprocess.run(command, stdout=output, stderr=output, check=False).returncode
        if code or not result.exists():
            print("".join(log.read_text().splitlines(keepends=True)[-30:]), file=sys.stderr)
            return {"failed": f"{side}: exit code {code}, its output is above"}
        measured: dict[str, object] = json.loads(result.read_text())
        return measured


def _run_side(name: str, side: str, work: str, result: str) -> int:
    comparison = next(found for found in _comparisons(_module_of(name)) if found.name == name)
    run = comparison.ours if side == "ours" else comparison.peers_side
    if run is None:
        return 2
    try:
        timing = run(Path(work))
    except SkippedError as reason:
        Path(result).write_text(json.dumps({"skipped": str(reason)}))
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB_PER_MB
    measured: dict[str, object] = {"seconds": round(timing.median, 4), "rows": timing.rows, "peak_mb": round(peak)}
    if timing.parts:
        measured["parts"] = {part: round(seconds, 2) for part, seconds in timing.parts.items()}
    Path(result).write_text(json.dumps(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
