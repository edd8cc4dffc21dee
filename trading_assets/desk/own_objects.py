"""What a module defines itself: the names that it binds at its top level, and the objects among them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")
Find = Callable[[ModuleType], Mapping[str, T]]
"""From a module to the objects that it defines, by variable."""


def objects_of(of_type: type[T]) -> Find[T]:
    """How to find the objects of a type that a module defines itself; those that it imports are not its own."""

    def find(module: ModuleType) -> Mapping[str, T]:
        _, imported = names_bound_in(Path(str(module.__file__)))
        found = {name: value for name, value in vars(module).items() if isinstance(value, of_type)}
        return {name: value for name, value in found.items() if name not in imported and _is_first(name, found)}

    return find


def _is_first(name: str, found: Mapping[str, object]) -> bool:
    """Whether no earlier variable names the same object."""
    return name == next(other for other, value in found.items() if value is found[name])


def names_in(path: Path) -> Collection[str]:
    """Names that a file defines at its top level; none if Python cannot read it."""
    try:
        return names_bound_in(path)[0].keys()
    except (SyntaxError, ValueError):
        return ()


def names_bound_in(path: Path) -> tuple[Mapping[str, int], frozenset[str]]:
    """Line of each name that a file defines at its top level, and the names that it imports."""
    lines: dict[str, int] = {}
    imported = set[str]()
    waiting: list[ast.AST] = list(ast.parse(path.read_bytes()).body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Import | ast.ImportFrom):
            imported |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            lines.setdefault(node.name, node.lineno)
        else:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                lines.setdefault(node.id, node.lineno)
            waiting += ast.iter_child_nodes(node)
    return lines, frozenset(imported - lines.keys())
