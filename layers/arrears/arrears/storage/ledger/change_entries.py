"""Entries of the change log as they are stored: what was stored before each transaction, packed.

Most of what an entry holds are UUIDs, and compressed text needs 21 bytes for one. So an entry has a table of them, 16
bytes each, and its text has their numbers. In batches that makes it a fifth smaller, together with the dictionary.
"""

import json
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, count
from typing import Any, NamedTuple

from arrears.ledger.ledger_side import Side
from arrears.ledger.origin import Origin
from arrears.storage.dynamodb import Item, Key
from arrears.storage.ledger.codec import compact

PART_BYTES = 300_000
"""A larger entry is several items of the same transaction: an item has 400 kB at most."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBERED = re.compile("\x05|\x01([0-9]+)\x02")
_FIRST, _ORGANISATION, _QUOTE = "\x05", "\x03", "\x04"
"""Stand for a UUID that was not in the text before, the organisation, and a quote inside a text.

JSON has no control characters, so they are not in any text.
"""
_LEVEL = 6
"""Of compression: 9 takes twice the processor time for half a hundredth of a write unit a record."""
_WBITS = -15
_UUID_BYTES = 16

_DICTIONARY = (
    """
["key",["operator","schedule",["b#@","d",null],["s#@","a",null],["P#@","p",null],{"t":"i%"}["K#@","p",null],["
A#@","p",null],["R#@","p",null],"l",null],"f",{"v":1,"b":"{'record':null,'reminders':{},'promises':{}}"}{'name
':'email':'state':'approved','payment_blocked':false,'external_id':null}"apk":"^#c%","ask":"0739","isk":"!!%",
"ipk":"^#0#p#o","p":"['INV-00','EUR',7399999999,[[739,0,1,0]],['USD','GBP',null,[[739]]"}],["i#@","d",{"v":17,
"ipk":"^#0#r#o","p":"b":"{'reference':'','head':{'customer_id':'','supplier_id':'customer_name':' Ltd','number
':'INV-00','currency':'EUR','total':'.00','issued_on':739,'due_on':739},'updated_at':null,'lines':null,'parts'
:{'payment:':[{'amount':'','paid_on':739},null]},'states':[],'recorded_on':739,'filled_due':null,'account':'c%
','shard':0,'at_rest':false}"}],["c#@","a",{"v":17,"ipk":"^#0#r#r","isk":"!EUR#0739%","p":"[['c','CUST-',null,
[],[],[[739,1,1,-1,1,1,2]],false,739],[['@','','EUR',739]]]","b":"{'reference':'','shard':0,'name':null,'names
':[[739,'%',' Ltd']],'named':1,'open':1,'documents':1,'rest':0,'rested':{'739':1},'floor':0,'latest':'','count
ed':739,'history':[]}"}],["P#@","p",null]],[["r","2026-",0,{"n:pending:EUR":-1,"a:pending:EUR":-,"n:succeeded:
EUR":1,"a:succeeded:EUR":,"c:EUR:":-1,"o:EUR:":-,"p:EUR:":1}]]
""".replace("\n", "")
    .replace("%", "\x010\x02")
    .replace("@", _FIRST)
    .replace("^", _ORGANISATION)
    .replace("'", _QUOTE)
    .encode()
)
"""What entries have in common; stored entries need it as it is, so it never changes."""


class MonthChange(NamedTuple):
    """What a transaction added to the figures of a month, whatever the slot: sums by name, from a day on."""

    side: Side
    month: str
    day: int
    sums: Mapping[str, int]


class Entry(NamedTuple):
    """What a transaction has changed. moment: microseconds since 1970, in UTC, when it was written.

    before: by key, the items before it; None where there was none. settings: those of the organisation before it, of
    which it changed some; settings_after: what they are since. name: what tells it from others of its moment, once it
    is stored.
    """

    moment: int
    origin: Origin
    before: Mapping[Key, Item | None]
    months: Sequence[MonthChange] = ()
    settings: Mapping[str, Any] | None = None
    settings_after: Mapping[str, Any] | None = None
    name: str = ""


class PackedItems(Mapping[Key, Item | None]):
    """The items of an entry by their keys, each unpacked when it is asked for: of most, others have the first."""

    def __init__(
        self, organisation: str, ids: str, known: int, places: Sequence[Sequence[str]], bodies: Sequence[str]
    ) -> None:
        self._organisation = organisation
        self._ids = ids
        self._known = known
        self._numbers = {(f"{organisation}#{pk}", sk): number for number, (pk, sk) in enumerate(places)}
        self._bodies = bodies

    def __getitem__(self, key: Key) -> Item | None:
        number = self._numbers[key]
        body = self._bodies[number]
        if not body:
            return None
        return _item(key, json.loads(_whole(body, self._organisation, self._ids, self._known_before[number])))

    @cached_property
    def _known_before(self) -> list[int]:
        """By number, how many UUIDs are before a body."""
        return list(accumulate((body.count(_FIRST) for body in self._bodies), initial=self._known))

    def __iter__(self) -> Iterator[Key]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def pack_entry(organisation: str, entry: Entry) -> list[bytes]:
    """An entry in as many parts as it needs."""
    prefix = len(organisation) + 1
    months = [[str(change.side), change.month, change.day, change.sums] for change in entry.months]
    content: list[Any] = [_origin(entry.origin), [[pk[prefix:], sk] for pk, sk in entry.before], months]
    if entry.settings is not None:
        content += [entry.settings] if entry.settings_after is None else [entry.settings, entry.settings_after]
    bodies = ["" if item is None else compact(_plain(item)) for item in entry.before.values()]
    ids: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        id_ = found.group()
        if id_ in ids:
            return f"\x01{ids[id_]}\x02"
        ids[id_] = len(ids)
        return _FIRST

    text = "\n".join([compact(content), *bodies])
    text = _UUID.sub(number, text.replace(organisation, _ORGANISATION)).replace('\\"', _QUOTE)
    packing = zlib.compressobj(_LEVEL, wbits=_WBITS, zdict=_DICTIONARY)
    table = b"".join(bytes.fromhex(id_.replace("-", "")) for id_ in ids)
    packed = len(ids).to_bytes(4) + table + packing.compress(text.encode()) + packing.flush()
    return [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)]


def unpack_entry(organisation: str, moment: int, packed: bytes) -> Entry:
    """The entry that was packed."""
    start = 4 + _UUID_BYTES * int.from_bytes(packed[:4])
    ids = packed[4:start].hex()
    text = zlib.decompressobj(_WBITS, zdict=_DICTIONARY).decompress(packed[start:]).decode()
    head, *bodies = text.split("\n")
    origin, places, months, *settings = json.loads(_whole(head, organisation, ids, 0))
    items = PackedItems(organisation, ids, head.count(_FIRST), places, bodies)
    changes = [MonthChange(Side(side), month, day, sums) for side, month, day, sums in months]
    return Entry(moment, Origin(*origin), items, changes, *settings)


def _whole(text: str, organisation: str, ids: str, known: int) -> str:
    """A line with its UUIDs, organisation and quotes. ids: digits of all. known: how many of them are before it."""
    numbers = count(known)

    def id_of(found: re.Match[str]) -> str:
        number = found.group(1)
        return _uuid(ids, next(numbers) if number is None else int(number))

    return _NUMBERED.sub(id_of, text).replace(_ORGANISATION, organisation).replace(_QUOTE, '\\"')


def _origin(origin: Origin) -> list[str]:
    values = list(origin)
    while values and not values[-1]:
        values.pop()
    return values


def _uuid(ids: str, number: int) -> str:
    """The UUID of a number. ids: the digits of all."""
    digits = ids[32 * number : 32 * number + 32]
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _plain(item: Item) -> dict[str, Any]:
    """Texts as they are, numbers as numbers; the key is beside it."""
    return {
        name: value["S"] if "S" in value else int(value["N"])
        for name, value in item.items()
        if name not in ("pk", "sk")
    }


def _item(key: Key, plain: Mapping[str, Any]) -> Item:
    pk, sk = key
    values = {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in plain.items()}
    return {"pk": {"S": pk}, "sk": {"S": sk}, **values}
