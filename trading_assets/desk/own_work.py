"""A user's own work: features, models, strategies and sizings in a folder outside the package, loaded file by file.

The folder has a sub-folder for each kind. A file is imported as ``trading_assets_own.<kind>.<name>``; files whose name
begins with an underscore are shared code that the others import by that name. A file that cannot be used is left out,
and the fault is kept: it never stops the rest from loading.
"""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Generic, TypeVar

from trading_assets.desk.desk import Desk
from trading_assets.desk.own_objects import Find, names_bound_in, names_in
from trading_assets.errors import TradingAssetsError

T = TypeVar("T")

PACKAGE = "trading_assets_own"
"""Package under which the files are imported."""
KINDS = ("features", "models", "strategies", "sizings")
"""Sub-folders that are searched."""
SUFFIXES = (".py", ".sql")
"""Endings of the files that are searched."""
TESTS = "tests"
"""Sub-folder of the tests."""


class NameTakenError(TradingAssetsError):
    """Two things of a kind have the same name."""


@dataclass(frozen=True)
class Fault:
    """Why a file is left out.

    Attributes
    ----------
    file : pathlib.Path
        The file.
    place : pathlib.Path
        Where the fault is: the file, or shared code that it imports.
    line : int or None
        Its line there; None if it concerns the whole file.
    message : str
        What is wrong and what to do.
    """

    file: Path
    place: Path
    line: int | None
    message: str

    def __str__(self) -> str:
        """Return ``file:line: message``, as compilers write it."""
        place = str(self.place) if self.line is None else f"{self.place}:{self.line}"
        consequence = f" (so {self.file.name} is left out)" if self.place != self.file else ""
        return f"{place}: {self.message}{consequence}"


@dataclass(frozen=True)
class Defined(Generic[T]):
    """An object that a file defines.

    Attributes
    ----------
    value : object
        The object.
    line : int or None
        Line of its definition, where the source shows it.
    """

    value: T
    line: int | None


class OwnWork:
    """The files of a folder, as far as they can be used.

    Parameters
    ----------
    folder : pathlib.Path
        The folder; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self._faults: dict[Fault, None] = {}
        _forget_loaded()
        _declare_packages(self.folder)
        self._modules = {kind: tuple(self._imported(kind)) for kind in KINDS}

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the files that are left out, as far as their stages have looked at them."""
        return tuple(sorted(self._faults, key=lambda fault: (fault.file, fault.line or 0, fault.message)))

    @property
    def searched(self) -> tuple[Path, ...]:
        """All files that should define something."""
        return tuple(path for kind in KINDS for suffix in SUFFIXES for path in self.files(kind, suffix))

    def of(self, kind: str) -> tuple[ModuleType, ...]:
        """Modules of a kind in the order of their names, without the shared ones."""
        return self._modules[kind]

    def files(self, kind: str, suffix: str) -> tuple[Path, ...]:
        """Files of a kind that end in a suffix, such as ``.sql``, in the order of their names."""
        return tuple(path for path in sorted((self.folder / kind).glob(f"*{suffix}")) if path.name[0] not in "._")

    def defined(self, kind: str, find: Find[T], what: str) -> Iterator[tuple[Path, list[Defined[T]]]]:
        """Objects that each file of a kind defines.

        Parameters
        ----------
        kind
            One of `KINDS`.
        find
            From a module to the objects that it defines, by variable; see `objects_of`.
        what
            What a file should define, for the fault of one that defines nothing.
        """
        for module in self.of(kind):
            path = Path(str(module.__file__))
            lines, _ = names_bound_in(path)
            try:
                found = [Defined(value, lines.get(name)) for name, value in find(module).items()]
            except TradingAssetsError as error:
                self.refuse(path, error)
                continue
            if found:
                yield path, found
            else:
                self.refuse(path, f"defines no {what}; shared code belongs in a file whose name begins with _")

    def add_to(
        self,
        shipped: Mapping[str, T],
        kind: str,
        find: Find[T],
        what: str,
        require: Callable[[T], object] | None = None,
        name_of: Callable[[T], str] = attrgetter("name"),
    ) -> Mapping[str, T]:
        """Shipped objects by name, then those that the files of a kind define.

        A file is left out if it defines a name twice or one that is taken, or if one of its objects cannot be used.

        Parameters
        ----------
        shipped
            Objects of the project.
        kind, find, what
            As in `defined`.
        require
            Raises TradingAssetsError for an object that cannot be used.
        name_of
            From an object to its name; its attribute ``name`` by default.
        """
        found = dict(shipped)
        for path, objects in self.defined(kind, find, what):
            new = [one for one in objects if not any(one.value is other for other in shipped.values())]
            named = dict[str, T]()
            try:
                for one in new:
                    at = one.line
                    name = name_of(one.value)
                    if name in found or name in named:
                        raise NameTakenError(f"there is a {what} {name!r} already; choose another name")
                    if require is not None:
                        require(one.value)
                    named[name] = one.value
            except TradingAssetsError as error:
                self.refuse(path, error, at)
            else:
                found |= named
        return MappingProxyType(found)

    def left_out(self, kind: str) -> Mapping[str, Path]:
        """Names that the left-out files of a kind would define, as far as their text shows, each with its file."""
        faulty = [fault.file for fault in self.faults if fault.file.parent == self.folder / kind]
        return {name: path for path in faulty for name in (path.stem, *names_in(path))}

    def refuse(self, file: Path, reason: str | BaseException, line: int | None = None) -> None:
        """Keep the fault of a file that cannot be used.

        Parameters
        ----------
        file
            The file that is left out.
        reason
            What is wrong; the place of an exception is the last line of user code that it passed through.
        line
            Line, if the reason does not give it.
        """
        if isinstance(reason, str):
            self._faults[Fault(file, file, line, " ".join(reason.split()))] = None
            return
        place, at = self._place(reason) or (file, line)
        self._faults[Fault(file, place, at, _said_by(reason))] = None

    def _imported(self, kind: str) -> Iterator[ModuleType]:
        """Modules of a kind that can be imported."""
        for path in self.files(kind, ".py"):
            if not path.stem.isidentifier():
                self.refuse(path, "the name of a file is made of letters, digits and underscores, a letter first")
                continue
            try:
                yield importlib.import_module(f"{PACKAGE}.{kind}.{path.stem}")
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's file must not stop the others
                self.refuse(path, error)

    def _place(self, error: BaseException) -> tuple[Path, int | None] | None:
        """The last line in the folder that an exception, or one that it was raised from, passed through."""
        if isinstance(error, SyntaxError) and error.filename and self._is_inside(error.filename):
            return Path(error.filename), error.lineno
        for frame in reversed(traceback.extract_tb(error.__traceback__)):
            if self._is_inside(frame.filename):
                return Path(frame.filename), frame.lineno
        cause = error.__cause__ or error.__context__
        return self._place(cause) if cause else None

    def _is_inside(self, file: str) -> bool:
        return Path(file).is_relative_to(self.folder)


def own_work(desk: Desk) -> OwnWork:
    """The user's own work of a desk."""
    return OwnWork(desk.settings.own)


def _forget_loaded() -> None:
    """Let the next import read the files again; modules that another desk holds stay as they are."""
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]
    importlib.invalidate_caches()


def _declare_packages(folder: Path) -> None:
    """Let the import system find the files of a folder below the package, without ``__init__.py`` files."""
    for name, place in ((PACKAGE, folder), *((f"{PACKAGE}.{kind}", folder / kind) for kind in KINDS)):
        package = ModuleType(name)
        package.__path__ = [str(place)]
        sys.modules[name] = package


def _said_by(error: BaseException) -> str:
    if isinstance(error, TradingAssetsError):
        return str(error)
    said = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
