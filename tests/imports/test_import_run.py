"""An import from its first row to its last, interrupted anywhere, with whatever bad rows there are."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from arrears.imports.import_run import (
    BATCH_RECORDS,
    Progress,
    Write,
    decode_state,
    encode_state,
    patiently,
    run,
    validate_only,
)
from arrears.imports.rejected_rows import RejectedRows
from arrears.ledger.errors import FORBIDDEN, UNAVAILABLE, ArrearsError
from arrears.ledger.result import Result
from support.files import MemoryFile, reader, text_file


class Ledger:
    """Keeps records by type and id, and says what a ledger says. Some it rejects for what it has already."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}
        self.calls: list[int] = []

    def write(self, records: Sequence[dict[str, Any]]) -> list[Result]:
        self.calls.append(len(records))
        return [self._one(record) for record in records]

    def _one(self, record: dict[str, Any]) -> Result:
        key = record["type"], record["id"]
        if record.get("account_number") == "taken":
            return Result(*key, "rejected", "account_number", "belongs to another customer")
        stored = self.kept.get(key)
        self.kept[key] = record
        return Result(*key, "created" if stored is None else "unchanged" if stored == record else "updated")


def imported(
    file: MemoryFile, path: Path, write: Write, progress: Progress | None = None, mapping: str | None = None
) -> tuple[Progress, list[list[str]], RejectedRows]:
    progress = progress or Progress()
    made = reader(mapping)
    made.check_dates(file)
    opened = made.open(file)
    rejected = RejectedRows(path, opened.table.columns, progress.rejected_bytes)
    try:
        assert run(opened, progress, write, rejected, lambda _: True)
    finally:
        opened.close()
        rejected.close()
    return progress, read(path), rejected


def read(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text(newline="").splitlines(keepends=True))) if path.exists() else []


HEADER = (
    "type,id,customer_id,supplier_id,invoice_id,bill_id,currency,total,amount,issued_on,due_on,paid_on,status,state,"
    "voided_on,payment_status,name,account_number,updated_at,kind,credited_on,sent_at,invoice_ids,made_on,promised_on,"
    "opened_on,resolved_on,outcome,payment_blocked,taxable_amount,lines"
)
COLUMNS = HEADER.split(",")
INVOICE = {
    "type": "invoice", "id": "X", "customer_id": "C", "currency": "EUR", "total": "10.00", "issued_on": "2020-01-01",
}  # fmt: skip
BILL = {"type": "bill", "id": "X", "currency": "EUR", "total": "10", "state": "Approved"}
PAYMENT = {"type": "payment", "id": "X", "invoice_id": "I", "amount": "5", "paid_on": "2020-01-01"}
CREDIT = {"type": "credit", "id": "X", "invoice_id": "I", "amount": "5", "credited_on": "2020-01-01"}
PROMISE = {
    "type": "promise", "id": "X", "customer_id": "C", "currency": "EUR", "made_on": "2020-01-02",
    "promised_on": "2020-01-09",
}  # fmt: skip
DISPUTE = {"type": "dispute", "id": "X", "invoice_id": "I", "opened_on": "2020-01-02"}
REMINDER = {"type": "reminder", "id": "X", "customer_id": "C", "sent_at": "2020-01-02T10:00:00Z"}
CUSTOMER = {"type": "customer", "id": "X", "name": "N"}
RAW = "raw"

BAD: list[tuple[dict[str, str], str, str]] = [
    ({**INVOICE, "type": "order"}, "type", "must be one of"),
    ({**INVOICE, "type": ""}, "type", "must be one of"),
    ({**INVOICE, "id": ""}, "id", "is required"),
    ({**INVOICE, "id": "x" * 201}, "id", "200 characters"),
    ({**INVOICE, "id": "a\u0007b"}, "id", "control character"),
    ({**INVOICE, "customer_id": ""}, "customer_id", "is required"),
    ({**INVOICE, "currency": ""}, "currency", "is required"),
    ({**INVOICE, "currency": "EURO"}, "currency", "ISO 4217"),
    ({**INVOICE, "currency": "ZZZ"}, "currency", "ISO 4217"),
    ({**INVOICE, "total": ""}, "total", "is required"),
    ({**INVOICE, "total": "ten"}, "total", "not a number"),
    ({**INVOICE, "total": "10.001"}, "total", "more decimals"),
    ({**INVOICE, "total": "-10"}, "total", "below zero"),
    ({**INVOICE, "total": "1,250.00"}, "total", "say decimal"),
    ({**INVOICE, "total": "NaN"}, "total", "not a number"),
    ({**INVOICE, "total": "1e3"}, "total", "not a number"),
    ({**INVOICE, "total": "9" * 30}, "total", "digits"),
    ({**INVOICE, "total": "10", "currency": "JPY", "taxable_amount": "1.5"}, "taxable_amount", "more decimals"),
    ({**INVOICE, "issued_on": ""}, "issued_on", "is required"),
    ({**INVOICE, "issued_on": "2020-02-30"}, "issued_on", "not a real date"),
    ({**INVOICE, "issued_on": "31.12.2020"}, "issued_on", "not a real date of the form YYYY-MM-DD"),
    ({**INVOICE, "issued_on": "soon"}, "issued_on", "not a real date"),
    ({**INVOICE, "due_on": "01/02/2020"}, "due_on", "not a real date"),
    ({**INVOICE, "voided_on": "2020-13-01"}, "voided_on", "not a real date"),
    ({**INVOICE, "status": "open"}, "status", "'draft', 'finalized' or 'voided'"),
    ({**INVOICE, "payment_status": "paid"}, "payment_status", "'pending' or 'failed'"),
    ({**INVOICE, "updated_at": "yesterday"}, "updated_at", "not a real date"),
    ({**INVOICE, "lines": "[{]"}, "lines", "is not JSON"),
    ({**INVOICE, "lines": "5"}, "lines", "must be a list"),
    ({**INVOICE, "lines": '[{"id": "1"}]'}, "lines.0.name", "is required"),
    ({**INVOICE, "state": "Paid"}, "state", "is not a field"),
    ({**BILL, "state": ""}, "state", "is required"),
    ({**BILL, "state": "Lost"}, "state", "is not a bill state"),
    ({**BILL, "status": "voided"}, "status", "is not a field"),
    ({**BILL, "customer_id": "C"}, "customer_id", "is not a field"),
    ({**PAYMENT, "invoice_id": ""}, "", "give one of invoice_id, bill_id"),
    ({**PAYMENT, "bill_id": "B"}, "", "give one of invoice_id, bill_id"),
    ({**PAYMENT, "amount": ""}, "amount", "is required"),
    ({**PAYMENT, "amount": "five"}, "amount", "not a number"),
    ({**PAYMENT, "paid_on": ""}, "paid_on", "is required"),
    ({**CREDIT, "kind": "gift"}, "kind", "'credit_note' or 'write_off'"),
    ({**CREDIT, "credited_on": "x"}, "credited_on", "not a real date"),
    ({**PROMISE, "promised_on": "2020-01-01"}, "", "promised_on is before made_on"),
    ({**PROMISE, "amount": "1.234"}, "amount", "more decimals"),
    ({**DISPUTE, "resolved_on": "2020-01-01"}, "", "resolved_on is before opened_on"),
    ({**DISPUTE, "outcome": "drawn"}, "outcome", "'won' or 'lost'"),
    ({**REMINDER, "sent_at": ""}, "sent_at", "is required"),
    ({**REMINDER, "invoice_ids": '"all"'}, "invoice_ids", "must be a list"),
    ({**CUSTOMER, "name": ""}, "name", "is required"),
    ({**CUSTOMER, "name": "n" * 501}, "name", "500 characters"),
    ({**CUSTOMER, "payment_blocked": "maybe"}, "payment_blocked", "neither true nor false"),
    ({**CUSTOMER, "account_number": "taken"}, "account_number", "belongs to another customer"),
    ({RAW: "invoice,X,C"}, "", "has 3 values where the header has 31 columns"),
    ({RAW: "invoice" + "," * 40 + "X"}, "", "has 41 values"),
    ({RAW: 'invoice,"X,C,,,,EUR,10'}, "", "never closed"),
    ({RAW: 'invoice,"X"Y,C' + "," * 28}, "", "inside a quoted value"),
]


def line(values: dict[str, str]) -> str:
    if RAW in values:
        return values[RAW]
    return ",".join(
        '"' + value.replace('"', '""') + '"' if value else "" for value in (values.get(name, "") for name in COLUMNS)
    )


def test_there_are_fifty_kinds() -> None:
    assert len(BAD) >= 50


def test_a_thousand_bad_rows_of_fifty_kinds_among_good_ones(tmp_path: Path) -> None:
    lines, expected, good = [HEADER], [], 0
    for number in range(1_000):
        values, column, reason = BAD[number % len(BAD)]
        lines.append(line(values))
        expected.append((len(lines), column, reason))
        for _ in range(number % 4):
            good += 1
            lines.append(line({**INVOICE, "id": f"good-{good}", "total": f"{good}.50"}))
    ledger = Ledger()
    file = text_file("\n".join(lines) + "\n")
    progress, [header, *rejected], _ = imported(file, tmp_path / "rejected.csv", ledger.write)
    assert header == ["line", "field", "reason", *COLUMNS]
    assert len(rejected) == progress.rejected_rows == 1_000
    for found, (number, column, reason) in zip(rejected, expected, strict=True):
        assert (int(found[0]), found[1]) == (number, column), found[:3]
        assert reason in found[2]
    assert set(ledger.kept) == {("invoice", f"good-{number}") for number in range(1, good + 1)}
    assert progress.summary()["created"] == good
    assert progress.rows == 1_000 + good


def test_a_mended_file_of_rejected_rows_can_be_imported(tmp_path: Path) -> None:
    path = tmp_path / "rejected.csv"
    bad_rows = [line({**INVOICE, "id": str(number), "total": "ten"}) for number in range(3)]
    imported(text_file("\n".join([HEADER, *bad_rows])), path, Ledger().write)
    mended = text_file(path.read_text().replace("ten", "10"))
    ledger = Ledger()
    progress, rejected, _ = imported(mended, tmp_path / "again.csv", ledger.write)
    assert rejected == []
    assert sorted(id_ for _, id_ in ledger.kept) == ["0", "1", "2"]
    assert progress.results == {"created": 3}


MAPPING_OF_NAMES = """
title = "Names"
[[table]]
name = "customers"
columns = ["id", "=name"]
[[table.record]]
type = "customer"
id = "{id}"
name = "{=name}"
"""


def repeating() -> MemoryFile:
    lines = [HEADER]
    lines += [line({**INVOICE, "id": f"I{number % 1_990}", "total": str(number)}) for number in range(2_000)]
    lines += [line({**PAYMENT, "id": "P"})] * 2
    lines += [line({**CUSTOMER, "id": "C", "name": "N", "account_number": number}) for number in "11"]
    return text_file("\n".join(lines))


@pytest.mark.parametrize("stop", [False, True])
def test_records_of_one_file_that_share_an_id_are_reported_with_their_lines(tmp_path: Path, stop: bool) -> None:
    progress = Progress()
    if stop:
        opened = reader().open(repeating())
        rejected = RejectedRows(tmp_path / "r.csv", opened.table.columns, 0)
        assert not run(opened, progress, validate_only, rejected, lambda progress: progress.rows < 1_500)
        opened.close()
        rejected.close()
        progress = Progress(**json.loads(json.dumps(progress.to_json())))
    progress, _, _ = imported(repeating(), tmp_path / "r.csv", validate_only, progress)
    assert progress.repeated_records == 12
    assert progress.first_repeated[0] == {"line": 1_992, "first_line": 2, "type": "invoice", "id": "I0"}
    assert [one["line"] for one in progress.first_repeated[10:]] == [2_003, 2_005]
    assert progress.summary()["repeated_records"] == 12


def test_what_looks_wrong_is_counted_by_code_and_the_first_of_it_shown(tmp_path: Path) -> None:
    def write(records: Sequence[dict[str, Any]]) -> list[Result]:
        ids = [f"J{number}" for number in range(9)]
        warnings = ({"code": "unknown_invoices", "invoice_ids": ids}, {"code": "date_far_away", "field": "sent_at"})
        return [Result(record["type"], record["id"], "created", warnings=warnings) for record in records]

    lines = [HEADER, *(line({**REMINDER, "id": str(number)}) for number in range(30))]
    progress, _, _ = imported(text_file("\n".join(lines)), tmp_path / "r.csv", write)
    summary = Progress(**json.loads(json.dumps(progress.to_json()))).summary()
    assert summary["warnings"] == {"unknown_invoices": 30, "date_far_away": 30}
    assert len(summary["first_warnings"]) == 20
    first = {"line": 2, "type": "reminder", "id": "0"}
    assert summary["first_warnings"][:2] == [
        {**first, "code": "unknown_invoices", "invoice_ids": ["J0", "J1", "J2"]},
        {**first, "code": "date_far_away", "field": "sent_at"},
    ]


def test_a_row_for_each_line_of_an_invoice_repeats_nothing(tmp_path: Path) -> None:
    rows = text_file("id,=name,item\n1,A,x\n1,A,y\n2,B,x\n")
    progress, _, _ = imported(rows, tmp_path / "r.csv", validate_only, mapping=MAPPING_OF_NAMES)
    assert (progress.rows, progress.repeated_records) == (3, 0)


FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "'=1",
    "''-1+1",
    "'",
    "'x",
    "-5",
    "-1.250,50",
    "+49",
    "-",
]


def test_a_file_of_rejected_rows_runs_nothing_in_a_spreadsheet_and_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "rejected.csv"
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["id", "=name", "total"])
    writer.writerows([str(number), name, "x"] for number, name in enumerate(FORMULAS))
    bad = MAPPING_OF_NAMES.replace('id = "{id}"', 'id = { from = "{total}", map = { y = "y" } }')
    _, [_, *rejected], _ = imported(text_file(text.getvalue()), path, Ledger().write, mapping=bad)
    assert len(rejected) == len(FORMULAS)
    for row in read(path):
        for cell in row[1:]:
            assert cell[:1] not in "=+-@\t\r" or cell in ("-5", "-1.250,50", "+49", ""), cell
    ledger = Ledger()
    imported(
        MemoryFile("rejected.csv", path.read_bytes()), tmp_path / "again.csv", ledger.write, mapping=MAPPING_OF_NAMES
    )
    names = [ledger.kept["customer", str(number)]["name"] for number in range(len(FORMULAS))]
    assert names == [name.strip() for name in FORMULAS]


def test_rejected_json_is_kept_as_it_was(tmp_path: Path) -> None:
    rows = ['{"type":"supplier","id":"1","name":"A"}', '{"type":"supplier","id":"2"}', '{"type":']
    progress, rejected, found = imported(text_file("\n".join(rows), "f.ndjson"), tmp_path / "r.csv", Ledger().write)
    assert [row[0] for row in rejected] == ["line", "2", "3"]
    assert [row[3] for row in rejected] == ["record", rows[1], rows[2]]
    assert found.first == [(2, "name", "is required", ()), (3, None, rejected[2][2], ())]
    assert progress.rejected_rows == 2


def book(rows: int) -> MemoryFile:
    lines = [HEADER]
    for number in range(rows):
        values = INVOICE if number % 7 else {**INVOICE, "total": "bad"}
        lines.append(line({**values, "id": f"I{number}"}))
    return text_file("\n".join(lines))


def test_records_go_in_batches_that_one_call_takes(tmp_path: Path) -> None:
    ledger = Ledger()
    imported(book(3_000), tmp_path / "r.csv", ledger.write)
    assert max(ledger.calls) <= BATCH_RECORDS
    assert len(ledger.calls) == -(-len(ledger.kept) // BATCH_RECORDS)


class KilledError(Exception):
    """The process is gone."""


@pytest.mark.parametrize("written_first", [False, True])
@pytest.mark.parametrize("batch", range(6))
def test_killed_at_any_batch_and_resumed_nothing_is_lost_or_doubled(
    tmp_path: Path, batch: int, written_first: bool
) -> None:
    whole, resumed = Ledger(), Ledger()
    expected, expected_rejected, _ = imported(book(3_000), tmp_path / "whole.csv", whole.write)
    path = tmp_path / "resumed.csv"
    state = b""
    calls = 0

    def dying(records: Sequence[dict[str, Any]]) -> list[Result]:
        nonlocal calls
        calls += 1
        if calls == batch + 1:
            if written_first:
                resumed.write(records)
            raise KilledError
        return resumed.write(records)

    def keep(progress: Progress) -> bool:
        nonlocal state
        state = encode_state({"file": "book"}, progress)
        return True

    opened = reader().open(book(3_000))
    rejected = RejectedRows(path, opened.table.columns, 0)
    with pytest.raises(KilledError):
        run(opened, Progress(), dying, rejected, keep)
    opened.close()
    rejected.close()
    with path.open("ab") as half_written:
        half_written.write(b"9,,half a row")
    progress = decode_state(state, {"file": "book"}) or Progress()
    assert progress.rows == 0 or batch > 0
    progress, found, _ = imported(book(3_000), path, resumed.write, progress)
    assert resumed.kept == whole.kept
    assert found == expected_rejected
    assert (progress.rows, progress.rejected_rows) == (expected.rows, expected.rejected_rows)
    assert sum(progress.results.values()) == sum(expected.results.values())


def test_a_state_of_something_else_starts_anew() -> None:
    state = encode_state({"file": "a", "mapping": None}, Progress(rows=5))
    assert decode_state(state, {"file": "a", "mapping": None}) == Progress(rows=5)
    assert decode_state(state, {"file": "b", "mapping": None}) is None
    assert decode_state(state[:-5], {"file": "a", "mapping": None}) is None
    assert decode_state(json.dumps({"bound_to": 1}).encode(), {}) is None


def test_it_stops_when_it_is_waited_to(tmp_path: Path) -> None:
    ledger = Ledger()
    opened = reader().open(book(3_000))
    progress = Progress()
    rejected = RejectedRows(tmp_path / "r.csv", opened.table.columns, 0)
    assert not run(opened, progress, ledger.write, rejected, lambda _: False)
    opened.close()
    rejected.close()
    assert len(ledger.calls) == 1
    assert 0 < progress.rows < 3_000


def test_a_dry_run_validates_and_writes_nothing(tmp_path: Path) -> None:
    progress, rejected, _ = imported(book(70), tmp_path / "r.csv", validate_only)
    assert progress.summary()["valid"] == 60
    assert len(rejected) == 11


def test_without_bad_rows_there_is_no_file_of_them(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("of an earlier import")
    imported(text_file("\n".join([HEADER, line(INVOICE)])), path, Ledger().write)
    assert not path.exists()


def test_a_busy_ledger_is_waited_for() -> None:
    busy = [ArrearsError(UNAVAILABLE, "Busy."), ArrearsError(UNAVAILABLE, "Busy.")]
    waits: list[float] = []

    def write(records: Sequence[dict[str, Any]]) -> list[Result]:
        if busy:
            raise busy.pop()
        return validate_only(records)

    waited: list[tuple[str, int]] = []
    patient = patiently(write, lambda why, seconds: waited.append((why, seconds)), waits.append)
    assert [result.result for result in patient([{"type": "supplier", "id": "1"}])] == ["valid"]
    assert waited == [("Busy.", 1), ("Busy.", 2)]
    assert waits == [1, 2]


@pytest.mark.parametrize(("kind", "tries"), [(UNAVAILABLE, 7), (FORBIDDEN, 1)])
def test_patience_ends_and_is_for_busy_ledgers_only(kind: Any, tries: int) -> None:
    calls = []

    def write(records: Sequence[dict[str, Any]]) -> list[Result]:
        calls.append(1)
        raise ArrearsError(kind, "No.")

    with pytest.raises(ArrearsError):
        patiently(write, lambda *_: None, lambda _: None)([])
    assert len(calls) == tries
