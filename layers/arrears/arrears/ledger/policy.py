"""An organisation's dunning policy: thresholds in days, versioned, the same for every endpoint."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from arrears.ledger.money import EXPONENTS

MAX_DAYS = 36_500
MAX_CLOSE_AFTER_DAYS = 28
OLDEST_FIRST = "oldest_first"
UNAPPLIED_COVERS = (OLDEST_FIRST, "none")
MAX_MINIMUM = 10**24

_LADDERS = (
    ("firm_from_days", "final_from_days", "escalation_from_days"),
    ("medium_from_days", "high_from_days", "critical_from_days"),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """When a row moves up. Thresholds are the first day overdue at which the level begins.

    minimums: per currency, the overdue amount in minor units below which a row stays `final` at most.
    default_terms_days: fills a missing due date at recording; None leaves it empty.
    close_after_days: how many days after the first of the next month a month is closed, for late postings.
    unapplied_covers: one of UNAPPLIED_COVERS; with `none`, money on account changes no suggested action.
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
    close_after_days: int = 3
    unapplied_covers: str = OLDEST_FIRST

    def to_json(self) -> dict[str, Any]:
        """The policy as plain JSON values; `Policy(**json)` reads it back; what an older one lacks has its default."""
        return {**asdict(self), "minimums": dict(self.minimums)}

    def validated(self, changes: Mapping[str, Any]) -> "Policy":
        """The next version of this policy, with `changes` by field name; `minimums` replaces all of them.

        Raises ValueError with a sentence that names the field and what it may be.
        """
        known = {entry.name for entry in fields(self)} - {"version"}
        for name, value in changes.items():
            if name not in known:
                raise ValueError(f"{name[:100]} is not part of a policy; it has {', '.join(sorted(known))}")
            _check(name, value)
        changed = replace(self, **{**changes, "version": self.version + 1})
        for ladder in _LADDERS:
            steps = [1, *(getattr(changed, name) for name in ladder)]
            if steps != sorted(set(steps)):
                raise ValueError(f"{', '.join(ladder)} must ascend, each above the one before and above 1")
        return changed


def _check(name: str, value: object) -> None:
    if name == "minimums":
        _check_minimums(value)
    elif name == "unapplied_covers":
        if value not in UNAPPLIED_COVERS:
            raise ValueError(f"unapplied_covers must be one of {', '.join(UNAPPLIED_COVERS)}")
    elif value is None and name == "default_terms_days":
        return
    else:
        most = MAX_CLOSE_AFTER_DAYS if name == "close_after_days" else MAX_DAYS
        if not _is_whole(value, most):
            raise ValueError(f"{name} must be a whole number of days from 0 to {most}")


def _check_minimums(value: object) -> None:
    if not isinstance(value, Mapping):
        raise ValueError("minimums must be an object of amounts by currency")
    for currency, amount in value.items():
        if currency not in EXPONENTS:
            raise ValueError(f"minimums: {currency[:100]} is not a currency of ISO 4217, such as EUR")
        if not _is_whole(amount, MAX_MINIMUM):
            raise ValueError(f"minimums: {currency} must be a whole number of minor units from 0")


def _is_whole(value: object, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= largest
