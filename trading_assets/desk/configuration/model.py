"""The base of all configuration models: strict, immutable, without unknown keys."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from trading_assets.desk.configuration.faults import ConfigurationError, Schema, in_words


class ConfigModel(BaseModel):
    """A part of a configuration file.

    Values have the type that YAML gives them: text, ``true`` and infinity are not numbers. The docstring below a field
    gives its meaning, which editors show from the JSON schema.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )
    error: ClassVar[type[ConfigurationError]] = ConfigurationError

    def with_values(self, **values: Any) -> Self:
        """Copy with other values.

        Raises
        ------
        ConfigurationError
            The values cannot be used, alone or together; the class is the one that the model names as `error`.
        """
        before = {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
        try:
            return type(self)(**before | values)
        except ValidationError as error:
            faults = in_words(error, self.schema_in_words())
            raise self.error.of(self.described(), faults) from None

    def schema_in_words(self) -> Schema:
        """JSON schema that messages quote."""
        return self.model_json_schema()

    def described(self) -> str:
        """What a message calls this object."""
        return type(self).__name__.lower()
