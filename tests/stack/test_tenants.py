"""Two organisations whose ids are the same everywhere: nothing of one is in an answer to the other, or changes it."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from arrears.ledger.known_at import instant_text
from arrears.runtime import Services
from arrears_cli.deployment import Deployment, administrator
from stack.conftest import Tenant
from support.http import Answer, Client

CUSTOMER = "11111111-2222-4333-8444-555555555555"
OTHERS = ["C2", "C3", "C4"]
DAY = "2024-06-30"


def book(amount: str) -> list[dict[str, Any]]:
    """Everything has the same id for both, only what is owed differs."""
    dates = {"issued_on": "2024-03-01", "due_on": "2024-03-31"}
    parties = [{"type": "customer", "id": CUSTOMER, "name": "Ann", "account_number": "1001", "external_id": "crm-1"}]
    parties += [{"type": "customer", "id": id_, "name": id_} for id_ in OTHERS]
    invoices = [
        {"type": "invoice", "id": f"I{id_}", "customer_id": id_, "currency": "GBP", "total": amount, **dates}
        for id_ in (CUSTOMER, *OTHERS)
    ]
    bills = [
        {"type": "bill", "id": f"B{n}", "supplier_id": f"S{n}", "currency": "GBP", "total": amount, **dates}
        | {"state": "Approved"}
        for n in range(3)
    ]  # fmt: skip
    return [*parties, *invoices, *bills]


@dataclass(frozen=True)
class Side:
    """A tenant with its book, and a user of account 1001 with the same name and password as the other's."""

    tenant: Tenant
    amount: int
    token: str
    integrator: str

    @property
    def key(self) -> str:
        return self.tenant.api_key

    def credentials(self, **changes: str) -> dict[str, str]:
        login = {"Username": "ann", "Password": "a long password", "IntegratorKey": self.integrator, **changes}
        return {"X-DocuSign-Authentication": json.dumps(login)}


@pytest.fixture(scope="module")
def sides(stack: Deployment, services: Services) -> list[Side]:
    client, made = Client(stack.base_url), []
    for amount in (100, 7):
        organisation = services.organisations().create("Same", "Europe/London", "GBP")
        key = services.api_keys().create(organisation.id)
        results = client.record(key, *book(str(amount))).body["results"]
        assert {result["result"] for result in results} == {"created"}
        integrator = services.users().create_integrator_key(organisation.id)
        token = services.users().create(organisation.id, CUSTOMER, "ann", "a long password", integrator, True)
        services.closing().close(organisation, services.clock())
        made.append(Side(Tenant(organisation.id, key), amount, token, integrator))
    return made


@pytest.fixture
def client(stack: Deployment) -> Client:
    return Client(stack.base_url)


def simulated(client: Client, key: str, side: str) -> Answer:
    """What a policy would change that moves every row."""
    asked = {"policy": {"escalation_from_days": 120, "critical_from_days": 120}, "asOf": DAY}
    return client.send("POST", f"/{side}/overdue/simulation", {"x-dolfin-api-key": key}, body=json.dumps(asked))


def reports(client: Client, side: Side) -> dict[str, Any]:
    """Every answer that there is to one of them."""
    return {
        "receivables": client.dolfin(side.key, asOf=DAY),
        "receivables today": client.dolfin(side.key),
        "invoices of one": client.dolfin(side.key, asOf=DAY, customerId=CUSTOMER, include="invoices"),
        "customer": client.dolfin(side.key, f"/receivables/customers/{CUSTOMER}", asOf=DAY),
        "customer statement": client.dolfin(side.key, f"/receivables/customers/{CUSTOMER}/statement", to=DAY),
        "supplier": client.dolfin(side.key, "/payables/suppliers/S0"),
        "supplier statement": client.dolfin(side.key, "/payables/suppliers/S0/statement", kind="open_item", to=DAY),
        "payables": client.dolfin(side.key, "/payables/overdue", asOf=DAY),
        "receivables simulated": simulated(client, side.key, "receivables"),
        "payables simulated": simulated(client, side.key, "payables"),
        "aged receivables": client.dolfin(side.key, "/receivables/aging"),
        "aged payables": client.dolfin(side.key, "/payables/aging", by="document"),
        "history": client.dolfin(side.key, "/receivables/overdue/history", months="100"),
        "payables history": client.dolfin(side.key, "/payables/history", months="100"),
        "escalations": client.dolfin(side.key, "/escalations", limit="100"),
        "balance": client.lago(side.key, "overdue_balance"),
        "collection": client.lago(side.key, "invoice_collection", months="100"),
        "past due": client.docusign("1001", {"Authorization": f"Bearer {side.token}"}),
        "past due by password": client.docusign(CUSTOMER, side.credentials()),
    }


def amounts(side: Side, answers: dict[str, Answer]) -> None:
    """Raises unless every answer is of this side's own book."""
    assert {name: answer.status for name, answer in answers.items() if answer.status != 200} == {}
    own = side.amount
    for name, rows in (
        *(("receivables", "customers"), ("receivables today", "customers"), ("payables", "suppliers")),
        *(("receivables simulated", "customers"), ("payables simulated", "suppliers")),
    ):
        owed = [row["totalOverdue"] for row in answers[name].body[rows]]
        assert owed == [own] * (3 if rows == "suppliers" else 4), answers[name].text
    for name, rows in (("aged receivables", "customers"), ("aged payables", "documents")):
        outstanding = {row["outstanding"] for row in answers[name].body[rows]}
        assert outstanding == {own}, answers[name].text
    months = {month["month"]: month["currencies"] for month in answers["history"].body["months"]}
    assert months["2024-04"][0]["closingOverdue"] == own * 4
    months = {month["month"]: month["currencies"] for month in answers["payables history"].body["months"]}
    assert months["2024-04"][0]["control"]["closing"] == own * 3
    totals = {record["totalOverdue"] for record in answers["escalations"].body["escalations"]}
    assert totals == {own}
    [row] = answers["invoices of one"].body["customers"]
    assert [(one["invoiceReference"], one["outstanding"]) for one in row["invoices"]] == [(f"I{CUSTOMER}", own)]
    for name in ("customer", "supplier"):
        assert answers[name].body["balances"][0]["net"] == own
        assert answers[f"{name} statement"].body["currencies"][0]["closing"] == own
    assert answers["balance"].body["overdue_balances"][0]["amount_cents"] == own * 400
    assert {row["amount_cents"] for row in answers["collection"].body["invoice_collections"]} <= {0, own * 400}
    for name in ("past due", "past due by password"):
        assert answers[name].body["accountBalance"] == f"{own}.00"


def test_each_is_answered_from_its_own_book(client: Client, sides: list[Side]) -> None:
    for side in sides:
        amounts(side, reports(client, side))


def test_each_is_answered_from_its_own_book_as_it_was_known(
    stack: Deployment, sides: list[Side], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every function may read what has changed since a moment."""
    client, moment = Client(stack.base_url), instant_text(datetime.now(UTC))
    send = client.send

    def send_known_at(method: str, path: str, headers: Any, query: Any = (), body: str | None = None) -> Answer:
        if body is None:
            return send(method, path, headers, {**dict(query), "knownAt": moment})
        return send(method, path, headers, body=json.dumps({**json.loads(body), "knownAt": moment}))

    monkeypatch.setattr(client, "send", send_known_at)
    for side in sides:
        answers = reports(client, side)
        amounts(side, answers)
        assert {answer.headers.get("X-Arrears-Known-At") for answer in answers.values()} == {moment}


PAGED = (
    "/receivables/overdue",
    "/payables/overdue",
    "/receivables/aging",
    "/payables/aging",
    "/escalations",
    "/ledger/changes",
)


@pytest.mark.parametrize("path", PAGED)
def test_a_cursor_of_the_other_is_no_cursor(client: Client, sides: list[Side], path: str) -> None:
    mine, other = sides
    cursor = client.dolfin(other.key, path, limit="1").body["nextCursor"]
    assert client.dolfin(other.key, path, limit="1", cursor=cursor).status == 200
    refusal = client.dolfin(mine.key, path, limit="1", cursor=cursor)
    assert (refusal.status, refusal.body["code"]) == (400, "invalid_cursor")
    assert refusal.without_ids() == client.dolfin(mine.key, path, limit="1", cursor="AAAA").without_ids()


@pytest.mark.parametrize("path", [*PAGED, "/receivables/overdue/history", "/payables/history"])
def test_whether_there_is_an_organisation_does_not_show(client: Client, sides: list[Side], path: str) -> None:
    mine, other = sides

    def ask(key: str, organisation: str) -> tuple[int, Any]:
        return client.send(
            "GET", path, {"x-dolfin-api-key": key, "x-dolfin-organisation-id": organisation}
        ).without_ids()

    refused = ask(mine.key, other.tenant.organisation_id)
    assert refused[0] == 403
    assert refused == ask(mine.key, str(uuid4()))
    own, foreign, nobody = (text.replace("-", "") for text in (
        mine.tenant.organisation_id, other.tenant.organisation_id, str(uuid4()),
    ))  # fmt: skip
    answers = {json.dumps(ask(mine.key.replace(own, id_), "x")) for id_ in (foreign, nobody)}
    assert len(answers) == 1
    assert json.loads(answers.pop())[0] == 401


def test_users_of_the_other_organisation_are_refused(client: Client, sides: list[Side]) -> None:
    mine, other = sides
    own, foreign, nobody = (text.replace("-", "") for text in (
        mine.tenant.organisation_id, other.tenant.organisation_id, str(uuid4()),
    ))  # fmt: skip
    tokens = [
        client.docusign("1001", {"Authorization": f"Bearer {mine.token.replace(own, id_)}"})
        for id_ in (foreign, nobody)
    ]
    assert [answer.body["errorCode"] for answer in tokens] == ["AUTHORIZATION_INVALID_TOKEN"] * 2
    assert tokens[0].body == tokens[1].body
    key = client.docusign("1001", mine.credentials(IntegratorKey="nobody's"))
    assert key.body["errorCode"] == "PARTNER_AUTHENTICATION_FAILED"


def test_accounts_that_only_the_other_has_are_not_found(client: Client, sides: list[Side], services: Services) -> None:
    mine, other = sides
    payload = {"type": "customer", "id": "only", "name": "Only", "account_number": "only-1", "external_id": "only"}
    owed = {**book("5")[4], "id": "only", "customer_id": "only", "issued_on": "2024-03-01"}
    assert client.record(other.key, payload, owed).status == 200
    organisation = services.organisations().get(other.tenant.organisation_id)
    customer = services.ledger.customer(organisation, "only-1")
    assert customer is not None
    token = {"Authorization": f"Bearer {mine.token}"}
    answers = [
        client.docusign(account, token) for account in ("only-1", customer.location.id, "nobody-1", str(uuid4()))
    ]
    assert {answer.body["errorCode"] for answer in answers} == {"USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT"}
    assert len({answer.text for answer in answers}) == 1
    assert client.lago(mine.key, "overdue_balance", external_customer_id="only").body == {"overdue_balances": []}
    assert client.dolfin(mine.key, "/escalations", customerId=customer.location.id).body["escalations"] == []
    # A number that the other has given away is free.
    [result] = client.record(mine.key, {**payload, "id": "mine"}).body["results"]
    assert result["result"] == "created"
    # And the book of the tests is as it was.
    assert (
        client.record(
            other.key,
            {"type": "credit", "id": "only", "invoice_id": "only", "amount": "5", "credited_on": "2024-03-01"},
        ).status
        == 200
    )


def test_what_one_writes_changes_nothing_of_the_other(
    client: Client, new_tenant: Callable[..., Tenant], services: Services
) -> None:
    mine, other = new_tenant(), new_tenant()
    client.record(other.api_key, *book("7"))
    before = dump(services, other)
    answer = client.record(
        mine.api_key, {"type": "payment", "id": "P", "invoice_id": "IC2", "amount": "7", "paid_on": DAY}
    )
    assert [result["result"] for result in answer.body["results"]] == ["pending"]
    client.record(mine.api_key, *book("100"), {"type": "invoice", **book("1")[4], "status": "voided", "id": "IC2"})
    organisation = services.organisations().get(mine.organisation_id)
    services.closing().close(organisation, services.clock())
    assert list(services.reconciliation().run(organisation, services.clock(), mend=True)) == []
    assert dump(services, other) == before
    exported = list(services.export().records(services.organisations().get(other.organisation_id)))
    assert {record["total"] for record in exported if "total" in record} == {"7"}


def test_a_file_dropped_for_one_is_in_its_book_alone(
    client: Client, stack: Deployment, new_tenant: Callable[..., Tenant], services: Services
) -> None:
    mine, other = new_tenant(), new_tenant()
    client.record(other.api_key, *book("7"))
    before = dump(services, other)
    bucket = administrator().client("s3", endpoint_url=stack.endpoint_url)
    key = f"imports/{mine.organisation_id}/{other.organisation_id}/book.ndjson"
    lines = "\n".join(json.dumps(record) for record in book("100"))
    bucket.put_object(Bucket=stack.import_bucket, Key=f"imports/{mine.organisation_id}/book.ndjson", Body=lines)
    bucket.put_object(Bucket=stack.import_bucket, Key=key, Body=lines)
    deadline = time.monotonic() + 180
    while not client.dolfin(mine.api_key, asOf=DAY).body["customers"]:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    time.sleep(2)
    assert dump(services, other) == before


def dump(services: Services, tenant: Tenant) -> list[str]:
    """Every item of a tenant in all tables, apart from when its key was last used."""
    found = []
    for table in (services.settings.ledger_table, services.settings.history_table, services.settings.access_table):
        for page in services.client.get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                item.pop("last_used_on", None)
                if tenant.organisation_id in item["pk"]["S"]:
                    found.append(json.dumps(item, sort_keys=True, default=str))
    return sorted(found)
