"""A proposal while it is made."""

from dataclasses import dataclass, field, replace

from core.ingest.mapping import ColumnMapping
from core.ingest.recognition.questions import Question


@dataclass
class Draft:
    """The mapping so far; sentences on guesses; questions; why columns are left out."""

    mapping: ColumnMapping
    guesses: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)

    def change(self, **parts: object) -> None:
        """Replace parts of the mapping."""
        self.mapping = replace(self.mapping, **parts)  # type: ignore[arg-type]

    def leave_out(self, column: str, reason: str) -> None:
        """Note why a column is not used."""
        self.reasons[column] = reason
