"""Imports hostile files in a process of little memory: `python -m support.hostile_files cases|SEED`, results on stdout.

A run of its own, as what is tried here killed the process before (a segmentation fault, gigabytes of memory).
"""

import itertools
import json
import random
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arrears.imports.dropped_files import Importer, jobs
from arrears.imports.import_run import validate_only
from arrears.ledger.organisation import Organisation
from arrears.ledger.result import Result
from support.memory_bucket import Bucket, notification

MEMORY_BYTES = 512 << 20
FUZZED_FILES = 150
ID = "6a4e7bd0-7a3c-4a12-8d0c-3f4bba6f0c11"
ORGANISATION = Organisation(ID, "Books", "EUR", "UTC", 1, "00")
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)

MAPPING = """
title = "Own"
[[table]]
name = "invoices"
columns = ["no", "who", "sum", "on"]
dates = "D.M.YYYY"
zone = "Europe/Vienna"
decimal = ","
[[table.record]]
type = "invoice"
id = "INV-{no}"
customer_id = "{who}"
currency = "EUR"
total = "{sum}"
issued_on = "{on}"
"""
ROWS = "no;who;sum;on\n7;A;1.234,50;3.2.2020\n8;B;5;4.2.2020 23:59\n"
RECORDS = [
    {"type": "supplier", "id": "1", "name": "S"},
    {"type": "invoice", "id": "2", "customer_id": "C", "currency": "EUR", "total": 10.5, "issued_on": "2020-01-01"},
    {"type": "reminder", "id": "3", "customer_id": "C", "sent_at": "2020-01-02T10:00:00Z", "invoice_ids": ["2"]},
]
SUPPLIER = '{"type": "supplier", "id": "1", "name": "S"}'
LINE = 8 << 20

type Case = dict[str, str | bytes]
"""Files of a folder by name; the first is the one that is imported."""


def cases() -> Iterator[tuple[str, Case]]:
    """Known attacks, by name."""
    yield "whole number of 4,301 digits", {"a.json": f'[{SUPPLIER}, {{"id": {"9" * 4_301}}}]'}
    yield "whole number of 4,301 digits alone", {"a.json": '{"id": ' + "9" * 4_301 + "}"}
    yield "whole number of 4,301 digits in a line", {"a.ndjson": SUPPLIER + '\n{"id": ' + "9" * 4_301 + "}\n"}
    yield "nested arrays", {"a.json": "[" * 60_000}
    yield "nested objects", {"a.json": '{"a":' * 60_000}
    yield "nested objects in a list", {"a.json": '{"records": [' + '{"a":' * 60_000}
    yield "lines of 8 MB", {"a.ndjson": "".join(_padded(LINE - 100 - number) for number in range(6))}
    yield (
        "lines of 8 MB with wide text",
        {"a.ndjson": '{"type": "\U0001f600", "id": "' + "x" * (LINE - 200) + '"}\n' * 2},
    )
    yield "a line of empty objects", {"a.ndjson": '{"lines": [' + "{}," * (LINE // 3 - 20) + "{}]}\n"}
    yield "a record of empty objects", {"a.json": "[[" + "{}," * (LINE // 3) + "{}]]"}
    yield "a record of 40 MB", {"a.json": f"[{SUPPLIER}, [" + "0," * (20 << 20) + "0]]"}
    yield "150,000 unknown fields", {"a.ndjson": _unknown_fields()}
    yield "500 lines of 300 unknown fields", {"a.ndjson": _unknown_line_fields()}
    yield "a header of 4 million columns", {"a.csv": "," * (4 << 20) + "\n"}
    yield "rows of 1 MB", {"a.csv": "type,id,name\n" + ("supplier,1," + "x" * (1 << 20) + "\n") * 40}
    yield "half surrogate pairs", {"a.json": r'[{"type": "supplier", "id": "\ud800", "\udfff": "\udc00"}]'}
    yield (
        "half surrogate pairs in lines",
        {"a.ndjson": r'{"type": "\ud800", "id": "\ud800", "\udfff": "\udc00"}' + "\n{}\n"},
    )
    yield "a mapping's unknown zone", {"a.csv": ROWS, "mapping.toml": MAPPING.replace("Europe/Vienna", "Mars/Base")}
    yield (
        "a mapping's zone that is a folder",
        {"a.csv": ROWS, "mapping.toml": MAPPING.replace("Europe/Vienna", "Europe")},
    )
    yield "a mapping's zone outside", {"a.csv": ROWS, "mapping.toml": MAPPING.replace("Europe/Vienna", "../../etc")}
    for form in ("YYYY", "D/D/M/YYYY", "day", "D.M.YY.YY"):
        yield f"a mapping's date form {form}", {"a.csv": ROWS, "mapping.toml": MAPPING.replace("D.M.YYYY", form)}
        field = MAPPING.replace('"{on}"', f'{{ from = "{{on}}", dates = "{form}" }}')
        yield f"a field's date form {form}", {"a.csv": ROWS, "mapping.toml": field}
    bound = MAPPING.replace('id = "INV', 'when = { sum = { above = nan } }\nid = "INV')
    yield "a mapping's bound that is no number", {"a.csv": ROWS, "mapping.toml": bound}
    decimals = MAPPING.replace('decimal = ","', 'decimal = ","\nminor_units = true\ndecimals = { EUR = 999999999 }')
    yield "a mapping's endless decimals", {"a.csv": ROWS, "mapping.toml": decimals}
    for name, content in (
        ("deep", "[" * 50_000),
        ("deep object", '{"a":' * 50_000),
        ("odd", "[1]"),
        ("text", '"mapping"'),
        ("endless", '{"title": "' + "x" * 1_000_000 + '"}'),
        ("number", "9" * 4_301),
    ):
        yield f"mapping.json {name}", {"a.csv": ROWS, "mapping.json": content}
        yield f"results.json {name}", {"a.ndjson": SUPPLIER, "a.ndjson.results.json": content}
    yield "mapping.toml deep", {"a.csv": ROWS, "mapping.toml": "title = " + "[" * 40_000}
    yield "mapping.toml dotted", {"a.csv": ROWS, "mapping.toml": "a" + ".a" * 40_000 + " = 1"}
    zone_rows = 'no;who;sum;on\n7;A;5;"0001-01-01 00:00:00 +14:00"\n8;A;5;3.2.2020\n'
    yield "a moment before all years", {"a.csv": zone_rows, "mapping.toml": MAPPING}
    yield (
        "an epoch before all years",
        {
            "a.csv": "no;who;sum;on\n7;A;5;-99999999999\n",
            "mapping.toml": MAPPING.replace("D.M.YYYY", "epoch"),
        },
    )
    yield (
        "a key that is a list",
        {
            "a.json": '[{"invoices": [{"id": 7, "amount": 1, "payment_id": [1], "index": 0}]}]',
            "b.json": "[]",
        },
    )


def _padded(length: int) -> str:
    return '{"type": "supplier", "id": "1", "name": "' + "x" * length + '"}\n'


def _unknown_fields() -> str:
    return "{" + ", ".join(f'"{number}": 1' for number in range(150_000)) + "}"


def _unknown_line_fields() -> str:
    line = "{" + ", ".join(f'"{number}": 1' for number in range(300)) + "}"
    return '{"type": "invoice", "id": "1", "lines": [' + ", ".join([line] * 500) + "]}"


def fuzzed(seed: int) -> Iterator[tuple[str, Case]]:
    """Files of every kind with random damage."""
    chance = random.Random(seed)
    for number in range(FUZZED_FILES):
        base: Case = chance.choice(
            [
                {"a.ndjson": "\n".join(map(json.dumps, RECORDS))},
                {"a.json": json.dumps(RECORDS)},
                {"a.json": json.dumps({"meta": 1, "records": RECORDS})},
                {"a.csv": "type,id,name\nsupplier,1,S\ncustomer,2,C\n"},
                {"a.csv": ROWS, "mapping.toml": MAPPING},
                {"a": json.dumps(RECORDS, indent=1)},
            ]
        )
        damaged = {name: _damaged(str(content), chance) for name, content in base.items()}
        yield f"{seed}/{number}", {**base, **damaged}


PIECES = [
    "\0", '"', "\\", "{", "}", "[", "]", ",", ";", "\n", "\r", "\ufeff", "\ud800", "\\ud800", "\x1b[2J", "9" * 5_000,
    "1e999999999", "-", "NaN", "null", "true", "[" * 2_000, '{"a":' * 2_000, '"' * 100, "x" * 300_000, "\u202e",
    "0001-01-01T00:00:00+14:00", "{}", "{.}", "{a|b}", "=1+1", "\U0001f600", "1_000", "/Date(99999999999999)/",
]  # fmt: skip


def _damaged(text: str, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:at] + chance.choice(PIECES) + text[at:]
            case 1:
                text = text[:at] + text[at + chance.randint(1, 9) :]
            case 2:
                text = text[:at] + text[chance.randrange(len(text) + 1) :]
            case _:
                text = text.replace(chance.choice(text or " "), chance.choice(PIECES), 3)
    encoding = chance.choice(["utf-8", "utf-8", "utf-8", "utf-16", "windows-1252", "utf-16-be"])
    data = text.encode(encoding, chance.choice(["replace", "surrogatepass"]) if "utf" in encoding else "replace")
    if data and chance.random() < 0.3:
        at = chance.randrange(len(data))
        data = data[:at] + chance.randbytes(3) + data[at:]
    return data


def accepted(records: Sequence[dict[str, Any]]) -> list[Result]:
    """A ledger that takes everything."""
    return validate_only(records)


def result(files: Case) -> dict[str, Any]:
    """What came of a folder's first file."""
    folder = f"imports/{ID}/own"
    contents = {
        f"{folder}/{name}": content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        for name, content in files.items()
    }
    key = next(iter(contents))
    bucket = Bucket(contents)
    with tempfile.TemporaryDirectory() as scratch:
        importer = Importer(bucket, lambda: NOW, lambda: False, Path(scratch))
        for job in jobs(notification(key), NOW):
            importer.take(job, ORGANISATION, accepted)
    found: dict[str, Any] = json.loads(bucket.objects[f"{folder}/results.json"])
    return found


def main(asked: str) -> None:
    """Prints one line of JSON for each file: its name and the results, or the error that got out."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for name, files in cases() if asked == "cases" else itertools.chain(fuzzed(int(asked))):
        try:
            print(json.dumps([name, result(files)]), flush=True)
        except Exception as error:
            print(json.dumps([name, {"status": "crashed", "reason": repr(error)[:500]}]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
