"""A JSON schema in words: how a person writes a key, and what its value may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

Schema = Mapping[str, Any]
Location = Sequence[str | int]

_WIDTH = 80
_KINDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "null",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}
_FORMATS = {"date": "a date", "path": "a path"}
_LIMITS = {
    "exclusiveMinimum": "above",
    "minimum": "at least",
    "exclusiveMaximum": "below",
    "maximum": "at most",
}


def find(schema: Schema, location: Location) -> tuple[str, Schema]:
    """The key of a location as a person writes it, and its schema; an empty one where the schema says nothing.

    A member of a union of kinds is an element of the location, but not of the key.
    """
    key, node = "", schema
    for element in location:
        chosen = _by_kind(schema, node).get(element) if isinstance(element, str) else None
        if chosen is not None:
            node = chosen
            continue
        key = f"{key}[{element}]" if isinstance(element, int) else joined(key, element)
        node = next((below for one in _members(schema, node) if (below := _below(one, element))), {})
    return key, node


def joined(key: str, name: str) -> str:
    """The key of a name inside the mapping of another key."""
    return f"{key}.{name}" if key else name


def _resolved(schema: Schema, node: Schema) -> Schema:
    """The node with its reference resolved."""
    if "$ref" not in node:
        return node
    target = schema["$defs"][node["$ref"].rsplit("/", 1)[-1]]
    return {**_resolved(schema, target), **{name: value for name, value in node.items() if name != "$ref"}}


def kinds(schema: Schema, node: Schema) -> list[str]:
    """Kinds of a union that a key ``kind`` tells apart."""
    return list(_by_kind(schema, node))


def names(schema: Schema, node: Schema) -> list[str]:
    """Keys that a mapping may have."""
    return list(dict.fromkeys(name for one in _members(schema, node) for name in one.get("properties", ())))


def choices(schema: Schema, node: Schema) -> list[str]:
    """The texts that a value may be."""
    return [choice for one in _members(schema, node) for choice in one.get("enum", ()) if isinstance(choice, str)]


def allowed(schema: Schema, node: Schema) -> str:
    """What a value may be; empty where the schema says nothing."""
    whole = _resolved(schema, node)
    if "discriminator" in whole:
        return f"a mapping with kind, one of {', '.join(kinds(schema, node))}"
    union = whole.get("anyOf")
    first, *others = [allowed(schema, one) for one in union] if union else [_plain(schema, whole)]
    examples = whole.get("examples")
    return ", or ".join([f"{first} such as {_flow(examples[0])}" if examples else first, *others])


def _below(node: Schema, element: str | int) -> Schema:
    if isinstance(element, int):
        found = node.get("items", {})
    else:
        found = node.get("properties", {}).get(element) or node.get("additionalProperties", {})
    return found if isinstance(found, Mapping) else {}


def _members(schema: Schema, node: Schema) -> Iterator[Schema]:
    """What a node may be: itself, or the members of its union."""
    whole = _resolved(schema, node)
    union = whole.get("anyOf") or whole.get("oneOf")
    if not union:
        yield whole
    for one in union or ():
        yield from _members(schema, one)


def _by_kind(schema: Schema, node: Schema) -> Mapping[str, Schema]:
    """Members of the union of kinds that a node is, or that is a member of it."""
    whole = _resolved(schema, node)
    if "discriminator" in whole:
        return {kind: {"$ref": ref} for kind, ref in whole["discriminator"]["mapping"].items()}
    found: dict[str, Schema] = {}
    for one in whole.get("anyOf", ()):
        found |= _by_kind(schema, one)
    return found


def _plain(schema: Schema, node: Schema) -> str:
    if "enum" in node or "const" in node:
        return f"one of {', '.join(map(str, node['enum']))}" if "enum" in node else str(node["const"])
    kind = node.get("type", "")
    words = _FORMATS.get(node.get("format", ""), _KINDS.get(kind, ""))
    limits = [f"{word} {node[name]:g}" for name, word in _LIMITS.items() if name in node]
    if limits:
        words += f" {' and '.join(limits)}"
    elif kind == "array" and node.get("items"):
        words += f", each {allowed(schema, node['items'])}"
    elif kind == "object" and node.get("properties"):
        words += f" with {', '.join(node['properties'])}"
    elif kind == "string" and node.get("minLength") and not node.get("examples"):
        words += ", not empty"
    return words


def _flow(example: object) -> str:
    """An example as YAML writes it on one line; a date is text in JSON, and not quoted in YAML."""
    if isinstance(example, str):
        return example
    return yaml.safe_dump(example, default_flow_style=True, width=_WIDTH).strip()
