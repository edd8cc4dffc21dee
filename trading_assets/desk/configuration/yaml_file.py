"""Read a YAML file that a person writes: a repeated key is refused, since YAML itself would keep only the last one."""

from __future__ import annotations

from pathlib import Path

import yaml

from trading_assets.desk.configuration.faults import ConfigurationError


def read_mapping(path: Path, error: type[ConfigurationError]) -> dict[object, object]:
    """The mapping that a file holds; an empty one of an empty file.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    error : type of ConfigurationError
        Class of the error to raise.

    Raises
    ------
    ConfigurationError
        The file cannot be read, is not YAML, is not a mapping, or repeats keys; the message names file and lines.
    """
    try:
        loader = _UniqueKeyLoader(path.read_text(encoding="utf-8"))
        try:
            content = loader.get_single_data()
        finally:
            loader.dispose()
    except OSError as trouble:
        raise error(f"{path} cannot be read: {trouble.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as trouble:
        raise error(f"{path} is not readable as YAML: {' '.join(str(trouble).split())}") from None
    if loader.repeated:
        raise error.of(path, loader.repeated)
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise error(f"{path} must hold a mapping, one `name: value` per line, not {content!r}")
    return content


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that remembers the keys that a mapping holds more than once."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.repeated: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        lines: dict[object, int] = {}
        for key_node, _ in node.value:
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if isinstance(key, str) and key in lines:
                self.repeated.append(f"key {key!r} appears twice, in lines {lines[key]} and {line}: remove one of them")
            elif isinstance(key, str):
                lines[key] = line
        return dict(super().construct_mapping(node, deep))
