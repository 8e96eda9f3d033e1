"""What every block of the configuration shares: its base class and the types of its values."""

import json
from collections.abc import Set
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic import StringConstraints as Text
from pydantic_core import PydanticCustomError

# Names become folders and parts of wildcards, so they hold nothing that a path or shell reads.
NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
Name = Annotated[str, Text(pattern=NAME_PATTERN, max_length=64)]
OptionalName = Annotated[str, Text(pattern=rf"^$|{NAME_PATTERN}", max_length=64)]
# Braces would be wildcards to Snakemake.
FilePath = Annotated[str, Text(pattern=r"^[^{}\r\n]+$")]
OptionalFilePath = Annotated[str, Text(pattern=r"^[^{}\r\n]*$")]
Language = Annotated[str, Text(pattern=r"^[a-z]{2,3}$")]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0)]
# Of the weights in an exported file.
Precision = Literal["float32", "float16", "int8", "int8_float16"]


class Settings(BaseModel):
    """A block of keys: unknown keys are errors, numbers may be quoted, nothing can be changed."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, validate_default=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_truth_as_number(cls, value: object, info: ValidationInfo) -> object:
        # `epochs: yes` is True in YAML, and True is 1 in Python.
        annotation = cls.model_fields[info.field_name].annotation
        if isinstance(value, bool) and annotation in (int, float, int | None):
            raise PydanticCustomError("float_type" if annotation is float else "int_type", "number")
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _read_null(cls, value: object, info: ValidationInfo) -> object:
        # Snakemake's --config hands nested values over as text.
        annotation = cls.model_fields[info.field_name].annotation
        return None if value in ("", "null") and type(None) in get_args(annotation) else value

    def to_json(self, exclude: Set[str] = frozenset()) -> str:
        """All keys as one line of JSON, sorted, so that equal settings are equal text."""
        values = self.model_dump(mode="json", exclude=set(exclude))
        return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The settings that `to_json` wrote; raises pydantic's ValidationError on other text."""
        return cls.model_validate_json(text)


def invalid(problem: str, cure: str) -> PydanticCustomError:
    """The error for a value that has the right type and is wrong all the same."""
    return PydanticCustomError("check", "{problem}", {"problem": problem, "cure": cure})
