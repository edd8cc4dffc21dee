"""Rolling features by qlib: ``python -m benchmarks.peers.qlib_rolling time BARS KERNELS`` prints its seconds."""

from __future__ import annotations

import sys

from benchmarks.peers.qlib_data import features, opened, print_seconds, read_bars

_WINDOWS = (5, 10, 20, 60, 120)
_EXPRESSIONS = [
    *(f"{function}($close, {window})" for window in _WINDOWS for function in ("Mean", "Std")),
    *(f"{function}($close, {window})" for window in _WINDOWS[-2:] for function in ("Max", "Min")),
]


def main(bars: str, kernels: str) -> None:
    """Print the seconds of the features alone."""
    with opened(read_bars(bars), int(kernels)):
        print_seconds(lambda: features(_EXPRESSIONS, _EXPRESSIONS))


if __name__ == "__main__":
    main(*sys.argv[2:])
