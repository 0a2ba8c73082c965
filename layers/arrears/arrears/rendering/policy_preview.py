"""What another policy would change, as JSON, and as lines of CSV."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from arrears.ledger.days import day_text
from arrears.ledger.ledger_side import Side
from arrears.ledger.money import major_number
from arrears.rendering.lines import Lines
from arrears.rendering.reasons import reason_bodies
from arrears.reports.policy_preview import CurrencyLevels, Difference, Judged, LevelTotal, PolicyPreview
from arrears.reports.tiers import TIERS, URGENCIES


class Names(NamedTuple):
    """What a ledger side calls its counterparties and levels. lists: the member with the sums by currency."""

    party: str
    level: str
    lists: str
    levels: Sequence[str]

    @property
    def parties(self) -> str:
        """The member with the rows."""
        return f"{self.party}s"


NAMES: Mapping[Side, Names] = {
    Side.RECEIVABLE: Names("customer", "tier", "tiers", TIERS),
    Side.PAYABLE: Names("supplier", "urgency", "urgencies", URGENCIES),
}


def preview_body(
    preview: PolicyPreview, side: Side, differences: Iterable[Difference], next_cursor: str | None
) -> dict[str, Any]:
    """The comparison with these of its differences, and the cursor of the next page."""
    names = NAMES[side]
    return {
        "asOf": day_text(preview.day),
        "policyVersion": preview.policy.version,
        "totals": {"rowCount": preview.row_count, "differentCount": len(preview.differences)},
        names.lists: [_levels_body(one, names) for one in preview.currencies],
        names.parties: [_difference_body(one, names) for one in differences],
        "nextCursor": next_cursor,
    }


def _levels_body(levels: CurrencyLevels, names: Names) -> dict[str, Any]:
    def totals(found: Mapping[str, LevelTotal]) -> dict[str, Any]:
        each = ((level, found.get(level, LevelTotal())) for level in names.levels)
        return {
            level: {"amount": major_number(total.amount, levels.currency), "count": total.count}
            for level, total in each
        }

    return {"currency": levels.currency, "before": totals(levels.before), "after": totals(levels.after)}


def _difference_body(difference: Difference, names: Names) -> dict[str, Any]:
    """One row. A supplier known by its name only has no id and no reference."""
    reference, party = difference.reference, names.party
    account = reference.account
    return {
        f"{party}Id": account.party_id,
        f"{party}Reference": account.reference if account.party_id else None,
        f"{party}Name": account.name,
        "currency": reference.currency,
        "totalOverdue": major_number(reference.owed, reference.currency),
        "daysOverdue": reference.days,
        "before": _judged_body(difference.before, names),
        "after": _judged_body(difference.after, names),
    }


def _judged_body(judged: Judged, names: Names) -> dict[str, Any]:
    return {names.level: judged.level, "suggestedAction": judged.action, "reasons": reason_bodies(judged.reasons)}


def preview_lines(body: Mapping[str, Any], side: Side) -> Lines:
    """A line for each row that would differ."""
    names = NAMES[side]
    judged = (names.level, "suggestedAction", "reasons.code")
    columns = (
        "asOf",
        *(f"{names.party}{part}" for part in ("Id", "Reference", "Name")),
        *("currency", "totalOverdue", "daysOverdue"),
        *(f"{when}.{member}" for when in ("before", "after") for member in judged),
    )
    return Lines(columns, ({"asOf": body["asOf"], **row} for row in body[names.parties]))
