"""Processes that die: a proxy counts the calls of an object, and at some of them something happens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any


class Killed(BaseException):
    """The process has been killed: nothing that it would do afterwards happens."""


class Steps:
    """The steps of one life of a process: what it calls, before and after; at some of them something happens.

    Parameters
    ----------
    events : mapping of int to callable
        What happens at a step, by its number; a `Killed` that it raises ends the life.
    """

    def __init__(self, events: Mapping[int, Callable[[], None]] | None = None) -> None:
        self.events = dict(events or {})
        self.names: list[str] = []
        self._is_dead = False

    def reach(self, name: str) -> None:
        if self._is_dead:
            raise Killed
        self.names.append(name)
        happens = self.events.get(len(self.names) - 1)
        if happens:
            try:
                happens()
            except Killed:
                self._is_dead = True
                raise


class Stepping:
    """Another object whose named methods are steps."""

    def __init__(self, inner: Any, steps: Steps, methods: Collection[str]) -> None:
        self._inner, self._steps, self._methods = inner, steps, methods

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in self._methods:
            return found

        def call(*args: Any, **options: Any) -> Any:
            self._steps.reach(f"before {name}")
            answer = found(*args, **options)
            self._steps.reach(f"after {name}")
            return answer

        return call
