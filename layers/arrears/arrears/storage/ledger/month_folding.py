"""Tidying monthly figures: what has come due is moved to what counts already, and all slots of a month into one.

Readers add up all items of a month, and every step here is one transaction that keeps the sum: they see no difference.
An item is deleted or trimmed only as it was read. What somebody has added to since stays for the next time.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import batched
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from arrears.ledger.ledger_side import Side
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import SCHEDULE
from arrears.storage.client import write_fast
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_entries import Entry, MonthChange
from arrears.storage.ledger.change_log import entry_actions, present_moment
from arrears.storage.ledger.keys import MonthSortKey
from arrears.storage.ledger.month_figures import MOST_NAMES, MonthItem, Sums, addition, month_items, version_step
from arrears.storage.transactions import PATIENT_WAITS, Failure, failure_of, transact

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


_MOST_IN_ITEM = 5_000
"""Sums that are brought together in one item: it has 400 kB."""


class MonthFolding:
    """Tidies the monthly figures of one organisation and side on one day. clock: as of the unit of work."""

    def __init__(
        self,
        client: "DynamoDBClient",
        table: str,
        organisation: Organisation,
        side: Side,
        today: int,
        clock: Callable[[], int] = present_moment,
    ) -> None:
        write_fast(client)
        self._client = client
        self._table = table
        self._organisation = organisation
        self._side = side
        self._today = today
        self._clock = clock

    def run(self) -> int:
        """Moves and trims what there is to; how many of the moved items had come due."""
        due = 0
        items = list(month_items(self._client, self._table, self._organisation, self._side))
        names = Counter({item.place: len(item.sums) for item in items})
        for item in items:
            target = self._target(item.place)
            if target != item.place and names[target] + len(item.sums) > _MOST_IN_ITEM:
                continue  # it is added up where it is
            if target != item.place:
                names[target] += len(item.sums)
                moved = self._move(item, target)
                due += moved and item.place.day != target.day
            else:
                self._trim(item)
        return due

    def _target(self, place: MonthSortKey) -> MonthSortKey:
        """Where an item's figures belong."""
        return MonthSortKey(place.month, 0, place.day if place.day > self._today else 0)

    def _move(self, item: MonthItem, target: MonthSortKey) -> bool:
        """Adds an item to another and deletes it, in as many steps as its sums need; False if somebody changed it."""
        sums = [(name, number) for name, number in item.sums.items() if number]
        *parts, last = [dict(part) for part in batched(sums, MOST_NAMES, strict=False)] or [{}]
        for part in parts:
            left = item.version + version_step()
            actions = [self._addition(target, part), *self._logged(item.place, target, part)]
            if not self._apply(self._without(item, part, left), *actions):
                return False
            item = item._replace(version=left)
        actions = [self._addition(target, last), *self._logged(item.place, target, last)] if last else []
        return self._apply(self._delete(item), *actions)

    def _trim(self, item: MonthItem) -> None:
        """Takes away what has become zero; the whole item, where nothing else is in it."""
        zeros = [name for name, number in item.sums.items() if not number]
        if len(zeros) == len(item.sums):
            self._apply(self._delete(item))
        elif zeros:
            self._apply(self._without(item, zeros[:MOST_NAMES], item.version + version_step()))

    def _addition(self, target: MonthSortKey, sums: dict[str, int]) -> Any:
        return addition(self._table, self._organisation.id, self._side, target, sums)

    def _logged(self, place: MonthSortKey, target: MonthSortKey, sums: Sums) -> list[Any]:
        """What has come due did not count before; which slot it is in makes no difference."""
        if place.day == target.day:
            return []
        taken = {name: -number for name, number in sums.items()}
        changes = [
            MonthChange(self._side, place.month, place.day, taken),
            MonthChange(self._side, target.month, target.day, sums),
        ]
        return entry_actions(self._table, self._organisation.id, Entry(self._clock(), SCHEDULE, {}, changes))

    def _delete(self, item: MonthItem) -> Any:
        return {"Delete": self._as_read(item)}

    def _without(self, item: MonthItem, names: Iterable[str], version: int) -> Any:
        """Takes away some of its sums, which makes it one of a later version."""
        update = self._as_read(item)
        placeholders = {f"#{number}": name for number, name in enumerate(names)}
        update["UpdateExpression"] = f"SET v = :left REMOVE {', '.join(placeholders)}"
        update["ExpressionAttributeNames"] = placeholders
        update["ExpressionAttributeValues"][":left"] = {"N": str(version)}
        return {"Update": update}

    def _as_read(self, item: MonthItem) -> dict[str, Any]:
        """An item of these contents: every addition to it would have changed its version."""
        pk, sk = keys.month_key(self._organisation.id, self._side, item.place)
        return {
            "TableName": self._table,
            "Key": {"pk": {"S": pk}, "sk": {"S": sk}},
            "ConditionExpression": "v = :v",
            "ExpressionAttributeValues": {":v": {"N": str(item.version)}},
        }

    def _apply(self, *actions: Any) -> bool:
        """Writes them; False if somebody else changed what they are based on."""
        try:
            transact(self._client, actions, PATIENT_WAITS)
        except ClientError as error:
            if failure_of(error) is Failure.CONFLICT:
                return False
            raise
        return True
