"""Files dropped into a bucket: what is imported, how it is read, and how one run hands over to the next."""

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from arrears.imports.dropped_files import Importer, Job, is_input, jobs
from arrears.ledger.organisation import Organisation
from arrears.ledger.result import Result
from support.memory_bucket import Bucket, notification

ID = "6a4e7bd0-7a3c-4a12-8d0c-3f4bba6f0c11"
ORGANISATION = Organisation(ID, "Books", "EUR", "UTC", 1, "00")
NOW = datetime(2026, 1, 31, 9, 30, tzinfo=UTC)


class Ledger:
    """Keeps records by type and id."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], dict[str, Any]] = {}

    def write(self, records: Sequence[dict[str, Any]]) -> list[Result]:
        found = []
        for record in records:
            key = record["type"], record["id"]
            found.append(Result(*key, "updated" if key in self.kept else "created"))
            self.kept[key] = record
        return found


def take(
    bucket: Bucket,
    ledger: Ledger,
    message: dict[str, Any],
    scratch: Path,
    runs_out: bool = False,
    organisation: Organisation | None = ORGANISATION,
) -> list[str]:
    importer = Importer(bucket, lambda: NOW, lambda: runs_out, scratch)
    return [importer.take(job, organisation, ledger.write) for job in jobs(message, NOW)]


def supplier(number: int) -> str:
    return json.dumps({"type": "supplier", "id": str(number), "name": "S"})


def results(bucket: Bucket, key: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(bucket.objects[key])
    return found


def test_a_dropped_file_is_imported_and_answered_beside_it(tmp_path: Path) -> None:
    key = f"imports/{ID}/2026/my suppliers.ndjson"
    bucket, ledger = Bucket({key: f"{supplier(1)}\n{{}}\n{supplier(2)}\n".encode()}), Ledger()
    assert take(bucket, ledger, notification(key), tmp_path) == ["done"]
    assert len(ledger.kept) == 2
    found = results(bucket, f"imports/{ID}/2026/results.json")
    assert found == results(bucket, f"{key}.results.json")
    assert (found["status"], found["file"], found["created"], found["rejected_rows"]) == ("done", key, 2, 1)
    assert found["rejected_file"] == f"{key}.rejected.csv"
    assert found["first_rejections"] == [{"line": 2, "field": "type", "reason": found["first_rejections"][0]["reason"]}]
    rejected = bucket.objects[f"imports/{ID}/2026/rejected.csv"]
    assert rejected == bucket.objects[f"{key}.rejected.csv"]
    assert [row[0] for row in csv.reader(rejected.decode().splitlines())] == ["line", "2"]


def test_what_an_import_writes_is_not_imported() -> None:
    key = f"imports/{ID}/books/a.csv"
    assert is_input(key)
    for other in (
        f"imports/{ID}/books/results.json", f"imports/{ID}/books/rejected.csv", f"{key}.results.json",
        f"{key}.rejected.csv", f"imports/{ID}/books/mapping.toml", f"imports/{ID}/books/", f"imports/{ID}",
        "imports/somebody/a.csv", f"exports/{ID}/a.csv", f"imports/{ID}x/a.csv",
    ):  # fmt: skip
        assert not is_input(other), other
        assert jobs(notification(other), NOW) == []
    assert jobs({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "drops"}, NOW) == []


XERO = (
    "invoice_id,contact_id,type,status,date,due_date,total,currency_code,amount_paid,amount_credited,"
    "fully_paid_on_date,updated_date_utc\n"
    "i1,c1,ACCREC,AUTHORISED,2020-01-01,2020-02-01,100,EUR,0,0,,2020-01-01 00:00:00 UTC\n"
)


def test_the_folder_says_whose_export_it_is(tmp_path: Path) -> None:
    key = f"imports/{ID}/xero/invoices.csv"
    bucket, ledger = Bucket({key: XERO.encode()}), Ledger()
    assert take(bucket, ledger, notification(key), tmp_path) == ["done"]
    assert set(ledger.kept) == {("invoice", "i1")}


def test_a_mapping_in_the_folder_counts(tmp_path: Path) -> None:
    mapping = """
title = "Own"
[[table]]
name = "suppliers"
columns = ["no", "name"]
[[table.record]]
type = "supplier"
id = "{no}"
name = "{name}"
"""
    folder = f"imports/{ID}/own"
    bucket, ledger = (
        Bucket({f"{folder}/mapping.toml": mapping.encode(), f"{folder}/a.csv": b"no,name\n7,S\n"}),
        Ledger(),
    )
    assert take(bucket, ledger, notification(f"{folder}/a.csv"), tmp_path) == ["done"]
    assert set(ledger.kept) == {("supplier", "7")}
    bucket.objects[f"{folder}/mapping.toml"] = b"title = 1"
    assert take(bucket, ledger, notification(f"{folder}/a.csv", "0B"), tmp_path) == ["refused"]
    assert "mapping.toml" in results(bucket, f"{folder}/results.json")["reason"]


def test_files_of_one_export_are_looked_up_in_each_other(tmp_path: Path) -> None:
    folder = f"imports/{ID}/quickbooks"
    bucket = Bucket(
        {
            f"{folder}/lines.csv": b"payment_id,index,amount,invoice_id\n7,0,30,1\n",
            f"{folder}/payments.csv": b"id,customer_id,total_amount,transaction_date,unapplied_amount\n"
            b"7,C,30,2020-03-01,0\n",
        }
    )
    ledger = Ledger()
    assert take(bucket, ledger, notification(f"{folder}/lines.csv"), tmp_path) == ["done"]
    assert ledger.kept["payment", "7/0"]["paid_on"] == "2020-03-01"


@pytest.mark.parametrize(
    ("content", "organisation", "reason"),
    [
        (b"a,b\n1,2\n", ORGANISATION, "no column 'type'"),
        (b"", ORGANISATION, "empty"),
        (supplier(1).encode(), None, "no organisation"),
        (
            b"type,id,customer_id,currency,total,issued_on\ninvoice,1,C,EUR,1,1/2/2020\n",
            ORGANISATION,
            "has dates such as",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_the_results(
    tmp_path: Path, content: bytes, organisation: Organisation | None, reason: str
) -> None:
    key = f"imports/{ID}/a.csv"
    bucket, ledger = Bucket({key: content}), Ledger()
    assert take(bucket, ledger, notification(key), tmp_path, organisation=organisation) == ["refused"]
    found = results(bucket, f"imports/{ID}/results.json")
    assert found["status"] == "refused"
    assert reason in found["reason"]
    assert ledger.kept == {}


def rows(count: int) -> bytes:
    return "\n".join(supplier(number) if number % 9 else f'{{"row": {number}}}' for number in range(count)).encode()


def test_a_run_hands_over_to_the_next_where_it_stopped(tmp_path: Path) -> None:
    key = f"imports/{ID}/many.ndjson"
    once, whole = Bucket({key: rows(2_600)}), Ledger()
    take(once, whole, notification(key), tmp_path)
    bucket, ledger = Bucket({key: rows(2_600)}), Ledger()
    message, outcomes = notification(key), []
    for run in range(20):
        scratch = tmp_path / str(run)
        scratch.mkdir()
        outcomes += take(bucket, ledger, message, scratch, runs_out=True)
        if not bucket.queue:
            break
        message = bucket.queue.pop()
        assert len(json.dumps(message)) < 100_000
    assert outcomes[:2] == ["handed over", "handed over"]
    # Told to stop after its last batch, a run still hands over; the next one finds nothing left.
    while message and outcomes[-1] == "handed over":
        outcomes += take(bucket, ledger, message, tmp_path)
    assert outcomes[-1] == "done"
    assert ledger.kept == whole.kept
    assert bucket.objects[f"{key}.rejected.csv"] == once.objects[f"{key}.rejected.csv"]
    assert results(bucket, f"{key}.results.json") == results(once, f"{key}.results.json")


def test_a_run_that_died_is_taken_again_from_where_it_began(tmp_path: Path) -> None:
    key = f"imports/{ID}/many.ndjson"
    bucket, ledger = Bucket({key: rows(1_600)}), Ledger()
    calls = 0

    def dying(records: Sequence[dict[str, Any]]) -> list[Result]:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise ConnectionError
        return ledger.write(records)

    [job] = jobs(notification(key), NOW)
    with pytest.raises(ConnectionError):
        Importer(bucket, lambda: NOW, lambda: False, tmp_path).take(job, ORGANISATION, dying)
    assert take(bucket, ledger, notification(key), tmp_path) == ["done"]
    found = results(bucket, f"{key}.results.json")
    assert found["rows"] == 1_600
    assert found["rejected_rows"] == len(range(0, 1_600, 9))
    assert len(ledger.kept) == 1_600 - found["rejected_rows"]


def test_a_notification_that_comes_twice_is_taken_once(tmp_path: Path) -> None:
    key = f"imports/{ID}/a.ndjson"
    bucket, ledger = Bucket({key: supplier(1).encode()}), Ledger()
    assert take(bucket, ledger, notification(key, "0A"), tmp_path) == ["done"]
    assert take(bucket, ledger, notification(key, "0A"), tmp_path) == ["known"]
    assert results(bucket, f"{key}.results.json")["created"] == 1
    assert take(bucket, ledger, notification(key, "0B"), tmp_path) == ["done"]
    assert results(bucket, f"{key}.results.json")["updated"] == 1


def test_a_replaced_file_is_left_to_its_own_notification(tmp_path: Path) -> None:
    key = f"imports/{ID}/a.ndjson"
    bucket, ledger = Bucket({key: rows(2_000)}), Ledger()
    take(bucket, ledger, notification(key), tmp_path, runs_out=True)
    bucket.objects[key] = supplier(7).encode()
    assert take(bucket, ledger, bucket.queue.pop(), tmp_path) == ["known"]
    assert f"{key}.results.json" not in bucket.objects


def test_a_clean_import_takes_away_what_an_earlier_one_rejected(tmp_path: Path) -> None:
    key = f"imports/{ID}/a.ndjson"
    bucket, ledger = Bucket({key: b"{}"}), Ledger()
    take(bucket, ledger, notification(key, "0A"), tmp_path)
    bucket.objects[key] = supplier(1).encode()
    take(bucket, ledger, notification(key, "0B"), tmp_path)
    assert sorted(bucket.objects) == [key, f"{key}.results.json", f"imports/{ID}/results.json"]


def test_an_import_has_one_id_over_all_its_runs_and_its_results_name_it(tmp_path: Path) -> None:
    key = f"imports/{ID}/a.ndjson"
    bucket, ledger = Bucket({key: f"{supplier(1)}\n{supplier(2)}\n".encode()}), Ledger()
    dropped = notification(key)
    [job] = jobs(dropped, NOW)
    assert [jobs(dropped, NOW + timedelta(hours=1))[0].import_id, len(job.import_id)] == [job.import_id, 23]
    assert take(bucket, ledger, dropped, tmp_path, runs_out=True) == ["handed over"]
    [message] = bucket.queue
    [continued] = jobs(message, NOW + timedelta(hours=1))
    assert continued.import_id == job.import_id
    take(bucket, ledger, message, tmp_path)
    assert results(bucket, f"{key}.results.json")["import_id"] == job.import_id
    [other] = jobs(notification(key, "0B"), NOW)
    assert other.import_id != job.import_id


def test_a_job_survives_its_message() -> None:
    job = Job("drops", f"imports/{ID}/a.csv", "0A", "2026-01-31T09:30:00+00:00", "etag", {"rows": 5}, [])
    message = {"job": {name: getattr(job, name) for name in Job.__slots__}}
    assert jobs(json.loads(json.dumps(message)), NOW) == [job]
    assert job.organisation_id == ID
