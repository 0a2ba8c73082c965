"""Deleting an organisation: no item and no file of it is left, and nothing of another one is touched."""

import os
import time
from dataclasses import replace
from datetime import date
from typing import Any

import boto3
import pytest

from arrears.ledger.organisation import Organisation
from arrears.storage.access import passwords
from arrears.storage.access.api_keys import ApiKeys
from arrears.storage.access.audit import OPERATOR, Audit
from arrears.storage.access.counters import Counters, last_use_key
from arrears.storage.access.items import key_attributes, organisation_key
from arrears.storage.access.organisations import Organisations
from arrears.storage.access.table import AccessTable
from arrears.storage.access.users import Users
from arrears.storage.history.deletion import HistoryDeletion
from arrears.storage.import_folder import ImportFolders
from arrears.storage.ledger.deletion import LedgerDeletion
from arrears.storage.organisation_deletion import OrganisationDeletion
from support.books import noon
from support.closing import Calls, Killed, Stored, Tables, kill
from support.records import ORGANISATION, OTHER, bill, credit, customer, dispute, invoice, payment, promise, reminder

RECORDED, CLOSED = noon(date(2020, 4, 1)), noon(date(2020, 6, 2))
HOME, OTHER = replace(ORGANISATION, shards=2), replace(OTHER, shards=2)
LINES = [{"id": "1", "name": "Work", "quantity": "1", "unit_price": "100", "amount": "100"}]
BOOK = [
    customer(name="Ada", account_number="A1", external_id="X1"),
    customer("E", name="Eve"),
    invoice(lines=LINES),
    invoice("euros", currency="EUR", total="70", customer_id="E"),
    invoice("draft", status="draft"),
    bill(),
    bill("nameless", supplier_id=None, supplier_name="Nemo"),
    payment(),
    payment("pending", invoice_id="never sent"),
    credit("future", credited_on="2020-12-01"),
    dispute(),
    promise(),
    reminder(),
    reminder("pending", customer_id="unknown"),
    *(invoice(f"H{n}", total="1", issued_on="2019-11-01") for n in range(28)),
    *(payment(f"H{n}", invoice_id=f"H{n}", amount="1", paid_on=f"2020-03-{n + 1:02}") for n in range(28)),
]


pytestmark = pytest.mark.usefixtures("s3_and_sts")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(passwords, "_MEMORY_COST", 2**4)


class World:
    """Two organisations with everything that one can have."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.s3 = boto3.client("s3")
        self.s3.create_bucket(Bucket="imports")
        self.s3.put_bucket_versioning(Bucket="imports", VersioningConfiguration={"Status": "Enabled"})
        self.table = AccessTable(client, os.environ["ACCESS_TABLE"])
        self.audit = Audit(self.table, lambda: CLOSED)
        self.counters = Counters(client, os.environ["COUNTERS_TABLE"])
        self.organisations = Organisations(self.table, self.audit, lambda: CLOSED, os.environ["LEDGER_TABLE"])
        for organisation in (HOME, OTHER):
            self.fill(Stored(client, organisation))

    def _spread(self, organisation: Organisation) -> None:
        """As older books are."""
        self.client.update_item(
            TableName=os.environ["ACCESS_TABLE"],
            Key=key_attributes(organisation_key(organisation.id)),
            UpdateExpression="SET shards = :shards",
            ExpressionAttributeValues={":shards": {"N": str(organisation.shards)}},
        )

    def fill(self, book: Stored) -> None:
        own = book.organisation
        self.organisations.create(own.name, own.timezone, own.currency, own.id)
        self._spread(own)
        ApiKeys(self.table, self.audit, lambda: CLOSED, self.counters).create(own.id)
        users = Users(self.table, self.audit, lambda: CLOSED)
        users.create(own.id, own.id, "ann", "a long password", users.create_integrator_key(own.id))
        self.counters.note_day(last_use_key(own.id, "0" * 12), "2020-06-30")
        book.recorder.record(own, BOOK, RECORDED)
        book.bus.refusing = 10_000
        with pytest.raises(Exception, match="refused"):
            book.close(CLOSED)  # so that the outbox has something
        strays = {"pk": {"S": f"{own.id}#rows#2020-01"}, "sk": {"S": "stray#0000"}, "z": {"B": b"x"}}
        self.client.put_item(TableName=os.environ["HISTORY_TABLE"], Item=strays)
        for folder in (own.id, own.id.upper()):
            self.s3.put_object(Bucket="imports", Key=f"imports/{folder}/a/book.csv", Body=b"1")
            self.s3.put_object(Bucket="imports", Key=f"imports/{folder}/a/book.csv", Body=b"2")
        self.s3.delete_object(Bucket="imports", Key=f"imports/{own.id}/a/book.csv")

    def deletion(self) -> OrganisationDeletion:
        return OrganisationDeletion(
            LedgerDeletion(self.client, os.environ["LEDGER_TABLE"]),
            HistoryDeletion(self.client, os.environ["HISTORY_TABLE"]),
            self.table,
            self.counters,
            ImportFolders("imports", self.s3),
            self.audit,
            lambda: CLOSED,
        )

    def items(self) -> dict[tuple[str, str, str], Any]:
        """Every item of every table, but for what the operator's audit keeps."""
        return {
            (table, item["pk"]["S"], item["sk"]["S"]): item
            for table in ("LEDGER_TABLE", "HISTORY_TABLE", "ACCESS_TABLE", "COUNTERS_TABLE")
            for item in self.client.scan(TableName=os.environ[table])["Items"]
            if item["pk"]["S"] != f"O#{OPERATOR}"
        }

    def files(self) -> list[str]:
        found = self.s3.list_object_versions(Bucket="imports")
        return sorted(one["Key"] for one in (*found.get("Versions", []), *found.get("DeleteMarkers", [])))


@pytest.fixture
def world(ledger_tables: Any) -> World:
    return World(ledger_tables)


def delete(world: World) -> int:
    """What the command does, once it was asked."""
    deletion = world.deletion()
    if deletion.begun(HOME.id) is None:
        deletion.begin(world.organisations.get(HOME.id), None)
    begun = deletion.begun(HOME.id)
    assert begun is not None
    return deletion.finish(HOME.id, begun)


def of_others(items: dict[tuple[str, str, str], Any]) -> dict[tuple[str, str, str], Any]:
    return {key: item for key, item in items.items() if HOME.id not in str((key, item))}


def test_no_item_and_no_file_is_left_and_others_keep_all_of_theirs(world: World) -> None:
    before, files = world.items(), world.files()
    kinds = {key[1].split("#")[1] + "/" + key[2] for key in before if HOME.id in key[1] and key[0] == "LEDGER_TABLE"}
    assert {"i/d", "i/l", "c/a", "c/f", "c/h", "n/a", "P/p", "K/p", "D/p", "R/p", "M/p", "N/p"} <= kinds
    assert any(key[1] == f"{HOME.id}#g" for key in before), "there are entries of the change log"
    assert len(of_others(before)) > 60
    assert delete(world) > 60
    assert world.items() == of_others(before)
    assert HOME.id not in str(world.items())
    assert world.files() == [name for name in files if OTHER.id in name.lower()]
    assert delete(world) == 0
    assert [organisation.id for organisation in world.organisations.all()] == [OTHER.id]


def test_what_outlives_it_says_who_deleted_what(world: World) -> None:
    delete(world)
    # Both are of one moment here.
    begun, finished = sorted(world.audit.acts(OPERATOR), key=lambda act: act.act)
    assert (begun.act, begun.actor, begun.subject) == ("delete_organisation", "system", HOME.id)
    assert begun.content == {"shards": 2, "first_month": "2019-11", "export": None}
    assert (finished.act, finished.subject) == ("organisation_deleted", HOME.id)
    assert HOME.name not in str(begun.content) + str(finished.content)


def test_it_may_be_killed_anywhere_and_run_again(world: World) -> None:
    calls = Calls(world.client)
    expected = of_others(world.items())
    tables = Tables()
    calls.release()
    calls = Calls(world.client)
    delete(world)
    count = calls.count
    calls.release()
    for number in range(1, count + 1, 5):
        tables.restore()
        calls = Calls(world.client)
        (calls.before if number % 2 else calls.after)[number] = kill
        with pytest.raises(Killed):
            delete(world)
        calls.release()
        delete(world)
        assert world.items() == expected, number


@pytest.mark.parametrize("number", [6, 20, 30, 40])
def test_what_somebody_still_writes_meanwhile_goes_too(world: World, number: int) -> None:
    book, expected = Stored(world.client, HOME), of_others(world.items())
    late = [payment("late", amount="5"), invoice("late", customer_id="New", lines=LINES), reminder("late")]
    calls = Calls(world.client)
    calls.before[number] = lambda: book.recorder.record(HOME, late, CLOSED)
    delete(world)
    assert not calls.before
    calls.release()
    assert world.items() == expected


def test_only_an_organisation_that_is_there_can_be_taken_out_of_service(world: World) -> None:
    assert world.deletion().begun(OTHER.id) is None
    world.deletion().begin(HOME, None)
    with pytest.raises(ValueError, match="same moment"):
        world.deletion().begin(HOME, None)
