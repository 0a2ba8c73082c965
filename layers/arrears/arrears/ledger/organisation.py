"""The organisation: one tenant, one ledger."""

from dataclasses import dataclass, field
from datetime import datetime

from arrears.ledger.days import day_of
from arrears.ledger.policy import Policy


@dataclass(frozen=True, slots=True)
class Organisation:
    """A tenant and what its answers depend on.

    id: UUID text. currency: ISO 4217, the default one. timezone: IANA name; "today" is the date there.
    created_on: day. shards: how many index partitions its accounts are spread over; one, but for older books.
    cursor_secret: hex, signs paging cursors. payments_over_api: whether accounts may pay through the API. paged: all of
    its open accounts are stored in the form of which a page can be read alone. known_from: the first moment, in
    microseconds since 1970, of which is known what was known then; None: of none yet.
    """

    id: str
    name: str
    currency: str
    timezone: str
    created_on: int
    cursor_secret: str
    features: frozenset[str] = frozenset({"analytics"})
    shards: int = 1
    payments_over_api: bool = True
    paged: bool = True
    known_from: int | None = 0
    policy: Policy = field(default_factory=Policy)

    def today(self, now: datetime) -> int:
        """The calendar day in the organisation's time zone at an aware moment."""
        return day_of(now, self.timezone)
