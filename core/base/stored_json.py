"""JSON of the database as typed objects: read with a check, written with a version."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from core.base.errors import DamagedData


class StoredJson(BaseModel):
    """Base of what one JSON column holds; frozen.

    Keys that this release does not know are kept and written back, so that nothing of a newer
    release is lost. A key that was not stored is not written either. What is stored without a
    version is of version 1.

    noun : what it is of, for messages
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    noun: ClassVar[str]

    version: int = 1

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Self:
        """Read what a column holds; NULL reads like an empty object.

        Raises
        ------
        DamagedData
            A value is not of its type; the message names it.
        """
        try:
            return cls.model_validate(stored or {})
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = " / ".join(map(str, first["loc"]))
            raise DamagedData(cls.noun, f"{place}: {first['msg']}") from error

    def to_json(self) -> dict[str, Any]:
        """What the column is to hold; the inverse of `from_json`."""
        return {**self.content(), "version": self.version}

    def content(self) -> dict[str, Any]:
        """`to_json` without the version, for what shows or prints the stored values."""
        return self.model_dump(mode="json", exclude_unset=True, exclude={"version"})

    def changed(self, **values: Any) -> Self:
        """The same with some values changed."""
        return self.model_copy(update=values)
