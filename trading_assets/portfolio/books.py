"""The books of a desk, read from `books.yaml`: defaults, inheritance, and all faults of the file at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from trading_assets.brokers.factory import SIMULATED
from trading_assets.desk.configuration import read_mapping
from trading_assets.desk.configuration.faults import in_words
from trading_assets.desk.desk import Desk
from trading_assets.desk.exchange import desk_exchange
from trading_assets.desk.own_work import own_work
from trading_assets.execution.models import ROLES
from trading_assets.portfolio.book import Book, BookError
from trading_assets.portfolio.inheritance import LIKE, with_inheritance
from trading_assets.portfolio.sizing import LeftOutSizing, Sizing, shipped_sizings, sizings, sizings_left_out
from trading_assets.signals.registry import strategies
from trading_assets.suggest import did_you_mean

__all__ = ["Book", "BookError", "books", "books_schema", "load_books", "require_known", "written_books"]

_DEFAULT_PATH = Path(__file__).with_name("books.yaml")


def books(desk: Desk) -> Mapping[str, Book]:
    """Books of a desk by name; those whose strategy or sizing is in a file that is left out are left out too.

    Raises
    ------
    BookError
        As `load_books`; or no book is left.
    """
    own, there = desk.part(own_work), desk.part(strategies)
    path, lost = desk.settings.books or _DEFAULT_PATH, own.left_out("strategies")
    found: dict[str, Book] = {}
    for name, book in desk.part(written_books).items():
        needs = {}
        if isinstance(book.sizing, LeftOutSizing):
            needs[f"sizing {book.sizing.kind!r}"] = book.sizing.file
        if book.strategy in lost and book.strategy not in there:
            needs[f"strategy {book.strategy!r}"] = str(lost[book.strategy])
        for what, file in needs.items():
            own.refuse(path, f"book {name!r} is left out: the file of its {what} is left out, {file}")
        if not needs:
            found[name] = book
    if not found:
        raise BookError(f"{path}: no book is left; trading-assets check says what is wrong with the files they need")
    return found


def written_books(desk: Desk) -> Mapping[str, Book]:
    """Books of a desk by name as the file has them, including those whose strategy or sizing cannot be used.

    What a trader does by hand, such as stopping a book, needs neither.
    """
    found = load_books(desk.settings.books, {**desk.part(sizings), **sizings_left_out(desk)})
    return found if desk.part(desk_exchange).has_pauses else _without_brokers(found, desk)


def _without_brokers(found: Mapping[str, Book], desk: Desk) -> Mapping[str, Book]:
    """Books of an exchange that never closes between two sessions: the package's own are simulated there.

    Raises
    ------
    BookError
        A book of the desk's own file has a broker: its orders are decided after a close and sent before the next open,
        and there is no time between the two.
    """
    path = desk.settings.books
    if path is None:
        return {name: book.with_values(broker=SIMULATED, live=None) for name, book in found.items()}
    traded = [book for book in found.values() if book.broker != SIMULATED]
    if traded:
        raise BookError.of(
            path,
            [
                f"book {book.name!r}: broker is {book.broker!r}; allowed: {SIMULATED} on the exchange "
                f"{desk.settings.exchange} (settings.yaml), where a session opens when the one before closes, which "
                "leaves no time to send orders"
                for book in traded
            ],
        )
    return found


def load_books(path: Path | None = None, known: Mapping[str, type[Sizing]] | None = None) -> dict[str, Book]:
    """Read and validate every book of a YAML file.

    Parameters
    ----------
    path : pathlib.Path, optional
        A mapping of book name to its settings; by default the `books.yaml` of this package.
    known : mapping of str to type of Sizing, optional
        Sizings by kind; by default those of the package.

    Returns
    -------
    dict[str, Book]
        The books by name, in the order of the file.

    Raises
    ------
    BookError
        The file is not such a mapping, or keys are unknown, missing, repeated or have bad values; the message names all
        of them.
    """
    source, known = path or _DEFAULT_PATH, known or shipped_sizings()
    written = {str(name): settings for name, settings in read_mapping(source, BookError).items()}
    if not written:
        raise BookError(f"{source} holds no books: expected a mapping of book name to its settings")
    settings = {name: one for name, one in written.items() if isinstance(one, dict)}
    inherited, faults = with_inheritance(settings)
    found: dict[str, Book] = {}
    for name, values in inherited.items():
        faults[name] = ["unknown key name: the name of a book is its key in the file"] if "name" in values else []
        given = {str(key): value for key, value in values.items()} | {"name": name}
        try:
            found[name] = Book.model_validate(given, context={"sizings": known})
        except ValidationError as error:
            faults[name] += [_as_written(text, given) for text in in_words(error, _entry_schema(known))]
    faults |= {name: [_no_mapping(one, known)] for name, one in written.items() if name not in settings}
    told = [f"book {name!r}: {text}" for name in written for text in _new_faults(name, faults, settings)]
    if told:
        raise BookError.of(source, told)
    return found


def require_known(books: Mapping[str, Book], strategies: Collection[str]) -> None:
    """Refuse books that follow a strategy that does not exist.

    Raises
    ------
    BookError
        The message names each such book, its strategy, and the ones that there are.
    """
    wrong = [book for book in books.values() if book.strategy not in strategies]
    if wrong:
        there = f"there are {', '.join(strategies)}"
        raise BookError.of(
            "books.yaml",
            [
                f"{book.described()}: strategy is {book.strategy!r}{did_you_mean(book.strategy, strategies)}; {there}"
                for book in wrong
            ],
        )


def books_schema(known: Mapping[str, type[Sizing]]) -> dict[str, Any]:
    """JSON schema of `books.yaml`, for editors."""
    entry = _entry_schema(known)
    entry["anyOf"] = [{"required": [LIKE]}, {"required": entry.pop("required")}]
    return {"$defs": entry.pop("$defs"), "title": "books.yaml", "type": "object", "additionalProperties": entry}


def _entry_schema(known: Mapping[str, type[Sizing]]) -> dict[str, Any]:
    """JSON schema of one book of the file: its name is the key, and it may be like another book."""
    schema = Book.schema_of(known)
    del schema["properties"]["name"]
    like = {
        "type": "string",
        "description": "Book from which this one inherits every setting that it lacks, except the broker.",
    }
    required = [name for name in schema["required"] if name != "name"]
    return schema | {"properties": {LIKE: like, **schema["properties"]}, "required": required}


def _no_mapping(settings: object, known: Mapping[str, type[Sizing]]) -> str:
    return f"is {settings!r}; allowed: a mapping with {', '.join(_entry_schema(known)['properties'])}"


def _as_written(fault: str, settings: Mapping[str, Any]) -> str:
    """A fault of costs that name no role, without the role that their numbers belong to."""
    costs = settings.get("costs")
    if isinstance(costs, dict) and not costs.keys() & ROLES:
        for role in ROLES:
            fault = fault.replace(f"costs.{role}.", "costs.", 1)
    return fault


def _new_faults(name: str, faults: Mapping[str, list[str]], settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Faults of a book that it has not inherited."""
    parent = str(settings.get(name, {}).get(LIKE))
    inherited = faults.get(parent, []) if parent != name else []
    return [text for text in faults[name] if text not in inherited]
