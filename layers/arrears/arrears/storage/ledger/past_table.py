"""A ledger table as it was at a past moment: what is stored now, with all later changes put back.

It is read through a client that answers `query` and `batch_get_item` as DynamoDB does, so everything that reads the
ledger reads its past in the same way. The cost follows the changes since the moment.

Others may write meanwhile. So the change log is read, consistently, after every answer of the table: whatever change an
answer may show is known by then. Entries that are written late have a moment before others that were read already, by
no more than a minute.
"""

import time
from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from arrears.ledger.errors import UNAVAILABLE, ArrearsError
from arrears.ledger.ledger_side import Side
from arrears.storage.dynamodb import Item, Key
from arrears.storage.ledger import keys
from arrears.storage.ledger.change_entries import Entry
from arrears.storage.ledger.change_log import ChangeLog
from arrears.storage.ledger.keys import MonthSortKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

LATE_MICROSECONDS = 60_000_000
"""By how much an entry may be written after one of a later moment."""
_TRIES = 8
_SLOT = 999
"""Of the months' figures that take back what was added later; no writer has it."""
_INDEX_KEYS = {None: ("pk", "sk"), keys.INDEX: ("ipk", "isk"), keys.ACCOUNT_INDEX: ("apk", "ask")}
"""By index, the attributes of its partitions and sort keys; None: the table."""


type Around = Callable[[Iterable[Entry]], Iterator[Entry]]
"""What stops reading that takes too long."""


class Changed:
    """What has changed in a ledger since a moment, and what was stored before.

    settings: those of the organisation at the moment, if they have changed since.
    """

    def __init__(self, log: ChangeLog, moment: int, around: Around) -> None:
        self._log = log
        self._around = around
        self._moment = moment
        self._latest = 0
        self._seen: set[str] = set()
        self._versions: dict[Key, int] = {}
        self._before: dict[Key, Item | None] = {}
        self._listed: dict[tuple[str | None, str], list[tuple[str, Key]]] = {}
        self._months: dict[tuple[Side, str, int], dict[str, int]] = {}
        self._settings_changed_at = 0
        self.settings: Mapping[str, Any] | None = None

    def refresh(self) -> bool:
        """Reads what was written since the last time; whether there was anything."""
        first = max(self._moment + 1, self._latest - LATE_MICROSECONDS)
        found = False
        for entry in self._around(self._log.entries(first, seen=self._seen)):
            self._take(entry)
            found = True
        return found

    def _take(self, entry: Entry) -> None:
        self._latest = max(self._latest, entry.moment)
        for key in entry.before:
            if key not in self._versions or entry.moment < self._versions[key]:
                self._put_back(key, entry.before[key])
                self._versions[key] = entry.moment
        for side, month, day, sums in entry.months:
            taken = self._months.setdefault((side, month, day), {})
            for name, change in sums.items():
                taken[name] = taken.get(name, 0) - change
        if entry.settings is not None and not 0 < self._settings_changed_at <= entry.moment:
            self.settings, self._settings_changed_at = entry.settings, entry.moment

    def _put_back(self, key: Key, item: Item | None) -> None:
        for (index, partition), place in _places(self._before.get(key)):
            self._listed[index, partition].remove((place, key))
        self._before[key] = item
        for listing, place in _places(item):
            insort(self._listed.setdefault(listing, []), (place, key))

    def __contains__(self, key: Key) -> bool:
        return key in self._before

    def item(self, key: Key) -> Item | None:
        """What was stored under the key of something that has changed."""
        return self._before[key]

    def listed(self, index: str | None, partition: str, after: str, last: str) -> list[Item]:
        """What has changed and was stored in a partition, between two sort keys, the second one included; in order."""
        rows = self._listed.get((index, partition), [])
        start = bisect_right(rows, after, key=lambda row: row[0])
        end = bisect_right(rows, last, key=lambda row: row[0])
        return [item for _, key in rows[start:end] if (item := self._before[key]) is not None]

    def months(self, organisation: str) -> dict[str, list[Item]]:
        """Items that take back what was added to the months' figures, by partition."""
        found: dict[str, list[Item]] = {}
        for (side, month, day), sums in self._months.items():
            pk, sk = keys.month_key(organisation, side, MonthSortKey(month, _SLOT, day))
            numbers = {name: {"N": str(number)} for name, number in {**sums, "v": 0}.items()}
            found.setdefault(pk, []).append({"pk": {"S": pk}, "sk": {"S": sk}, **numbers})
        return found


def _places(item: Item | None) -> Iterator[tuple[tuple[str | None, str], str]]:
    """Where an item is listed: partitions and sort keys."""
    for index, (partition, sort_key) in _INDEX_KEYS.items():
        if item is not None and partition in item:
            yield (index, item[partition]["S"]), item[sort_key]["S"]


class _Range(NamedTuple):
    """What is asked of a partition: everything after one sort key up to another."""

    index_name: str | None
    partition: str
    after: str
    last: str


_FIRST, _LAST = "", chr(0x10FFFF)


class PastTable:
    """A client of a ledger table that answers as of a past moment, for one organisation.

    around: what stops reading changes that takes too long, if anything does.
    """

    def __init__(
        self, client: "DynamoDBClient", table: str, organisation: str, moment: int, around: Around = iter
    ) -> None:
        self.meta = client.meta
        self._client = client
        self._table = table
        self._organisation = organisation
        self._changed = Changed(ChangeLog(client, table, organisation), moment, around)

    def settings(self) -> Mapping[str, Any] | None:
        """The organisation's settings at the moment, as the change log has them; None if they are those of today."""
        self._changed.refresh()
        return self._changed.settings

    def batch_get_item(self, RequestItems: Mapping[str, Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        """Items by key, as DynamoDB answers them."""
        answer: Any = self._client.batch_get_item(RequestItems=cast("Any", RequestItems))
        self._changed.refresh()
        asked = [(key["pk"]["S"], key["sk"]["S"]) for key in RequestItems[self._table]["Keys"]]
        unprocessed = answer.get("UnprocessedKeys") or {}
        unread = {(key["pk"]["S"], key["sk"]["S"]) for key in unprocessed.get(self._table, {}).get("Keys", ())}
        items = [item for item in answer["Responses"].get(self._table, []) if _key(item) not in self._changed]
        then = (self._changed.item(key) for key in asked if key in self._changed and key not in unread)
        items += [item for item in then if item is not None]
        return {**answer, "Responses": {self._table: items}}

    def query(self, **request: Any) -> dict[str, Any]:
        """A page of a partition, as DynamoDB answers it."""
        asked = _range_of(request)
        if asked.index_name is None and asked.partition in self._month_partitions():
            return self._months(request, asked.partition)
        counted = request.pop("Select", None) == "COUNT"
        projected = request.get("ProjectionExpression")
        if counted or projected:
            names = {"pk", "sk", _INDEX_KEYS[asked.index_name][1], *(projected or "").split(", ")} - {""}
            request["ProjectionExpression"] = ", ".join(sorted(names))
        answer: Any = self._client.query(**request)
        self._changed.refresh()
        items = self._patched(asked, answer, descending=request.get("ScanIndexForward") is False)
        return {**answer, "Items": [] if counted else items, "Count": len(items)}

    def _patched(self, asked: _Range, answer: Mapping[str, Any], descending: bool) -> list[Item]:
        """A page without what has changed, and with what was stored between its ends."""
        _, sort_name = _INDEX_KEYS[asked.index_name]
        after, last = asked.after, asked.last
        if "LastEvaluatedKey" in answer:
            reached = answer["LastEvaluatedKey"][sort_name]["S"]
            after, last = (_right_before(reached), last) if descending else (after, reached)
        items = [item for item in answer["Items"] if _key(item) not in self._changed]
        items += self._changed.listed(asked.index_name, asked.partition, after, last)
        return sorted(items, key=lambda item: item[sort_name]["S"], reverse=descending)

    def _month_partitions(self) -> Sequence[str]:
        return [keys.months_partition(self._organisation, side) for side in Side]

    def _months(self, request: Mapping[str, Any], partition: str) -> dict[str, Any]:
        """All figures of months: sums are read again if somebody added to them between the two readings.

        Raises ArrearsError (unavailable) when others keep adding.
        """
        for tries in range(_TRIES):
            self._changed.refresh()
            items: list[Item] = []
            page: Any = {"LastEvaluatedKey": None}
            again = dict(request)
            while "LastEvaluatedKey" in page:
                page = self._client.query(**again, ConsistentRead=True)
                items += page["Items"]
                again["ExclusiveStartKey"] = page.get("LastEvaluatedKey")
            if not self._changed.refresh():
                return {"Items": [*items, *self._changed.months(self._organisation).get(partition, ())]}
            time.sleep(0.02 * 2**tries)
        raise ArrearsError(UNAVAILABLE, "The ledger is being written; try again.", retry_after=1)


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _range_of(request: Mapping[str, Any]) -> _Range:
    """What a query asks for: a partition, alone or with one of the conditions that readers use."""
    index = request.get("IndexName")
    values = {name: value["S"] for name, value in request["ExpressionAttributeValues"].items()}
    partition, _, condition = request["KeyConditionExpression"].partition(" AND ")
    names = [word for word in condition.replace("(", " ").replace(")", " ").replace(",", " ").split() if word[0] == ":"]
    bounds = [values[name] for name in names]
    first, last = _FIRST, _LAST
    if condition.startswith("begins_with"):
        first, last = bounds[0], bounds[0] + _LAST
    elif " BETWEEN " in condition:
        first, last = bounds
    elif " >= " in condition:
        first = bounds[0]
    elif condition:
        raise ValueError(f"the past is not read by {condition}: teach it to, beside the others")
    after = _right_before(first)
    if "ExclusiveStartKey" in request:
        started = request["ExclusiveStartKey"][_INDEX_KEYS[index][1]]["S"]
        if request.get("ScanIndexForward") is False:
            last = _right_before(started)
        else:
            after = started
    return _Range(index, values[partition.rpartition(" ")[2]], after, last)


def _right_before(sort_key: str) -> str:
    """A sort key before this one, with no other of the ledger's between them."""
    return sort_key and sort_key[:-1] + chr(ord(sort_key[-1]) - 1) + _LAST
