"""An organisation's dunning policy: thresholds in days, versioned, the same for every endpoint."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Policy:
    """When a row moves up. Thresholds are the first day overdue at which the level begins.

    minimums: per currency, the overdue amount in minor units below which a row stays `final` at most.
    default_terms_days: fills a missing due date at recording; None leaves it empty.
    """

    version: int = 1
    firm_from_days: int = 15
    final_from_days: int = 31
    escalation_from_days: int = 61
    medium_from_days: int = 8
    high_from_days: int = 31
    critical_from_days: int = 61
    cooldown_days: int = 7
    grace_days: int = 0
    default_terms_days: int | None = None
    minimums: Mapping[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The policy as plain JSON values; `Policy(**json)` reads it back."""
        return {**asdict(self), "minimums": dict(self.minimums)}
