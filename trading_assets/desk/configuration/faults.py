"""Faults of a configuration in words: which key, what it is, and what is allowed, as its JSON schema says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from pydantic import ValidationError

from trading_assets.desk.configuration import _schema_words as words
from trading_assets.errors import TradingAssetsError
from trading_assets.suggest import did_you_mean

Schema = words.Schema
Fault = Mapping[str, Any]

_SHOWN = 80


class ConfigurationError(TradingAssetsError, ValueError):
    """A configuration cannot be used; the message names the file, the keys and what is allowed."""

    @classmethod
    def of(cls, where: object, faults: Sequence[str]) -> Self:
        """An error that lists all faults of a file or section at once."""
        if len(faults) == 1:
            return cls(f"{where}: {faults[0]}")
        return cls("\n- ".join([f"{where} has {len(faults)} faults:", *faults]))


class ContradictionError(ValueError):
    """A contradiction that the validator of a whole model finds: sentences that name their keys themselves."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("; ".join(sentences))
        self.sentences = sentences


def in_words(error: ValidationError, schema: Schema) -> list[str]:
    """Describe each fault that a model found in its values.

    Parameters
    ----------
    error : pydantic.ValidationError
        The error of the model.
    schema : mapping
        JSON schema of the values.

    Returns
    -------
    list of str
        One sentence for each fault, such as ``costs.commission_bps is -1; allowed: a number at least 0``.
    """
    found: list[str] = []
    for fault in error.errors():
        told = fault.get("ctx", {}).get("error")
        if isinstance(told, ContradictionError):
            found += told.sentences
        else:
            found.append(_SENTENCES.get(fault["type"], _bad_value)(schema, fault))
    return found


def unknown_key(key: str, schema: Schema, node: Schema | None = None) -> str:
    """Message for a key that a mapping does not have; the JSON schema, or a node of it, describes the mapping."""
    names = words.names(schema, schema if node is None else node)
    return f"unknown key {key}{did_you_mean(key.rsplit('.', 1)[-1], names)}; allowed are {', '.join(names)}"


def _missing(schema: Schema, fault: Fault) -> str:
    key, node = words.find(schema, fault["loc"])
    return f"key {key} is missing; allowed: {words.allowed(schema, node)}"


def _unknown(schema: Schema, fault: Fault) -> str:
    key, _ = words.find(schema, fault["loc"])
    _, parent = words.find(schema, fault["loc"][:-1])
    return unknown_key(key, schema, parent)


def _missing_kind(schema: Schema, fault: Fault) -> str:
    key, node = words.find(schema, fault["loc"])
    return f"key {words.joined(key, 'kind')} is missing; allowed: one of {', '.join(words.kinds(schema, node))}"


def _unknown_kind(schema: Schema, fault: Fault) -> str:
    key, node = words.find(schema, fault["loc"])
    kind, kinds = fault["ctx"]["tag"], words.kinds(schema, node)
    return f"{key} has no kind {kind!r}{did_you_mean(kind, kinds)}; allowed: one of {', '.join(kinds)}"


def _told(schema: Schema, fault: Fault) -> str:
    """The message of a validator, unchanged."""
    key, _ = words.find(schema, fault["loc"])
    return f"{key}: {fault['ctx']['error']}" if key else str(fault["ctx"]["error"])


def _bad_value(schema: Schema, fault: Fault) -> str:
    *path, last = [*fault["loc"]] or [""]
    key, node = words.find(schema, fault["loc"])
    value = fault["input"]
    if last == "[key]":
        return f"key {value!r} of {words.find(schema, path[:-1])[0]} must be text; write it in quotes"
    text = repr(value)
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    hint = did_you_mean(value, words.choices(schema, node)) if isinstance(value, str) else ""
    return f"{key} is {shown}{hint}; allowed: {words.allowed(schema, node) or fault['msg']}"


_SENTENCES: Mapping[str, Callable[[Schema, Fault], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "invalid_key": _unknown,
    "union_tag_not_found": _missing_kind,
    "union_tag_invalid": _unknown_kind,
    "value_error": _told,
}
