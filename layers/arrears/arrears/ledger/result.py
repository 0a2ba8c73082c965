"""What became of a record."""

from dataclasses import dataclass
from typing import Any

from arrears.ledger.record_warnings import RecordWarning


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one record, in the order of the batch."""

    type: str | None
    id: str | None
    result: str
    field: str | None = None
    reason: str | None = None
    warnings: tuple[RecordWarning, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The result as it is answered; `field`, `reason` and `warnings` only where there are any."""
        answer: dict[str, Any] = {"type": self.type, "id": self.id, "result": self.result}
        if self.field is not None:
            answer["field"] = self.field
        if self.reason is not None:
            answer["reason"] = self.reason
        if self.warnings:
            answer["warnings"] = list(self.warnings)
        return answer
