"""Entries of the change log as they are stored: what stood before each transaction, packed.

Most of what an entry holds are UUIDs, and compressed text needs 21 bytes for one. So an entry has a table of them, 16
bytes each, and its text has their numbers. In batches that makes it a tenth smaller, together with the dictionary.
"""

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from arrears.ledger.ledger_side import Side
from arrears.ledger.origin import Origin
from arrears.storage.dynamodb import Item, Key
from arrears.storage.ledger.codec import compact

PART_BYTES = 300_000
"""A larger entry is several items of the same transaction: an item has 400 kB at most."""

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_NUMBERED = re.compile("\x01([0-9]+)\x02")
_ORGANISATION = "\x03"
"""JSON has no control characters, so these are not in any text."""
_LEVEL = 9
_WBITS = -15
_UUID_BYTES = 16

_DICTIONARY = (
    b'["key",["operator","schedule",["b#\x010\x02","d",null],["s#\x010\x02","a",null],["P#\x010\x02","p",null],'
    b'{"t":"i\x010\x02"}["K#\x010\x02","p",null],["A#\x010\x02","p",null],["R#\x010\x02","p",null],"l",null],"f",'
    b'{"v":1,"b":"{\\"record\\":null,\\"reminders\\":{},\\"promises\\":{}}"}'
    b'{\\"name\\":\\"email\\":\\"state\\":\\"approved\\",\\"payment_blocked\\":false,\\"external_id\\":null}'
    b'"apk":"\x03#c\x010\x02","ask":"0739","isk":"!!\x010\x02","ipk":"\x03#0#p#o","p":"[\\"INV-00\\",\\"EUR\\",739'
    b'9999999,[[739,0,1,0]],[\\"USD\\",\\"GBP\\",null,[[739]]"}],["i#\x010\x02","d",{"v":17,"ipk":"\x03#0#r#o","p":'
    b'"b":"{\\"reference\\":\\"\\",\\"head\\":{\\"customer_id\\":\\"\\",\\"supplier_id\\":\\"customer_name\\":\\" Ltd'
    b'\\",\\"number\\":\\"INV-00\\",\\"currency\\":\\"EUR\\",\\"total\\":\\".00\\",\\"issued_on\\":739,\\"due_on\\":739},'
    b'\\"updated_at\\":null,\\"lines\\":null,\\"parts\\":{\\"payment:\\":[{\\"amount\\":\\"\\",\\"paid_on\\":739'
    b'},null]},\\"states\\":[],\\"recorded_on\\":739,\\"filled_due\\":null,\\"account\\":\\"c\x010\x02\\",\\"shard\\":0,'
    b'\\"at_rest\\":false}"}],["c#\x010\x02","a",{"v":17,"ipk":"\x03#0#r#r","isk":"!EUR#0739\x010\x02","p":'
    b'"[[\\"c\\",\\"CUST-\\",null,[],[],[[739,1,1,-1,1,1,2]],false,739],[[\\"\x010\x02\\",\\"\\",\\"EUR\\",739]]]",'
    b'"b":"{\\"reference\\":\\"\\",\\"shard\\":0,\\"name\\":null,\\"names\\":[[739,\\"\x010\x02\\",\\" Ltd\\"]],'
    b'\\"named\\":1,\\"open\\":1,\\"documents\\":1,\\"rest\\":0,\\"rested\\":{\\"739\\":1},\\"floor\\":0,\\"latest\\":'
    b'\\"\\",\\"counted\\":739,\\"history\\":[]}"}],["P#\x010\x02","p",null]],[["r","2026-",0,{"n:pending:EUR":-1,'
    b'"a:pending:EUR":-,"n:succeeded:EUR":1,"a:succeeded:EUR":,"c:EUR:":-1,"o:EUR:":-,"p:EUR:":1}]]'
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


def pack_entry(organisation: str, entry: Entry) -> list[bytes]:
    """An entry in as many parts as it needs."""
    prefix = len(organisation) + 1
    before = [[pk[prefix:], sk, None if item is None else _plain(item)] for (pk, sk), item in entry.before.items()]
    months = [[str(change.side), change.month, change.day, change.sums] for change in entry.months]
    content: list[Any] = [_origin(entry.origin), before, months]
    if entry.settings is not None:
        content += [entry.settings] if entry.settings_after is None else [entry.settings, entry.settings_after]
    ids: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"\x01{ids.setdefault(found.group(), len(ids))}\x02"

    text = _UUID.sub(number, compact(content).replace(organisation, _ORGANISATION))
    packing = zlib.compressobj(_LEVEL, wbits=_WBITS, zdict=_DICTIONARY)
    table = b"".join(bytes.fromhex(id_.replace("-", "")) for id_ in ids)
    packed = len(ids).to_bytes(4) + table + packing.compress(text.encode()) + packing.flush()
    return [packed[start : start + PART_BYTES] for start in range(0, len(packed), PART_BYTES)]


def unpack_entry(organisation: str, moment: int, packed: bytes) -> Entry:
    """The entry that was packed."""
    start = 4 + _UUID_BYTES * int.from_bytes(packed[:4])
    ids = [_uuid(packed[at : at + _UUID_BYTES].hex()) for at in range(4, start, _UUID_BYTES)]
    text = zlib.decompressobj(_WBITS, zdict=_DICTIONARY).decompress(packed[start:]).decode()
    whole = _NUMBERED.sub(lambda found: ids[int(found.group(1))], text).replace(_ORGANISATION, organisation)
    origin, before, months, *settings = json.loads(whole)
    items = {(f"{organisation}#{pk}", sk): _item((f"{organisation}#{pk}", sk), plain) for pk, sk, plain in before}
    changes = [MonthChange(Side(side), month, day, sums) for side, month, day, sums in months]
    return Entry(moment, Origin(*origin), items, changes, *settings)


def _origin(origin: Origin) -> list[str]:
    values = list(origin)
    while values and not values[-1]:
        values.pop()
    return values


def _uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _plain(item: Item) -> dict[str, Any]:
    """Texts as they are, numbers as numbers; the key is beside it."""
    return {
        name: value["S"] if "S" in value else int(value["N"])
        for name, value in item.items()
        if name not in ("pk", "sk")
    }


def _item(key: Key, plain: Mapping[str, Any] | None) -> Item | None:
    if plain is None:
        return None
    pk, sk = key
    values = {name: {"S": value} if isinstance(value, str) else {"N": str(value)} for name, value in plain.items()}
    return {"pk": {"S": pk}, "sk": {"S": sk}, **values}
