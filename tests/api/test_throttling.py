"""A ledger that takes no more requests: callers wait, by the error of their contract, and lose nothing."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError

from api.conftest import Answer, Api, check, invoice
from arrears.storage.access import rate_limit
from arrears.storage.access.guess_limit import GUESSES
from arrears.storage.access.rate_limit import WINDOW_SECONDS

CUSTOMER = {"type": "customer", "id": "C1", "name": "Ann", "account_number": "1001"}


class Throttle:
    """Refuses each n-th request to the ledger table, as DynamoDB does when the client's own retries are over."""

    def __init__(self) -> None:
        self.every = 0
        self.seen = 0

    def __call__(self, params: Any, **_: Any) -> None:
        if not self.every or b"LedgerTable" not in params["body"]:
            return
        self.seen += 1
        if self.seen % self.every == 0:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "Query")


@pytest.fixture
def throttle(api: Api) -> Iterator[Throttle]:
    throttle = Throttle()
    events = api.services.client.meta.events
    events.register("before-call.dynamodb", throttle)
    yield throttle
    events.unregister("before-call.dynamodb", throttle)


@pytest.fixture
def asks(api: Api) -> list[tuple[str, Callable[[], Answer]]]:
    """A request of every API that reaches the ledger, and the shape of its errors."""
    api.stored(CUSTOMER, invoice("I0"))
    customer = api.services.ledger.customer(api.organisation, "1001")
    assert customer is not None
    users = api.services.users()
    token = users.create(api.organisation.id, customer.location.id, "ann", "a long password", api.integrator, True)
    return [
        ("problem", api.dolfin),
        ("problem", lambda: api.dolfin("/payables/overdue")),
        ("problem", lambda: api.record(invoice("I0", total="7"))),
        ("lago_error", lambda: api.lago("overdue_balance")),
        ("lago_error", lambda: api.lago("invoice_collection")),
        ("docusign_error", lambda: api.docusign("1001", {"Authorization": f"Bearer {token}"})),
    ]


def has_to_wait(answer: Answer, shape: str) -> bool:
    if answer.status == 200:
        return False
    assert answer.status == 429, answer.text
    assert int(answer.headers["Retry-After"]) > 0
    check(shape, answer.body)
    return True


def test_every_api_says_how_long_to_wait(throttle: Throttle, asks: list[tuple[str, Callable[[], Answer]]]) -> None:
    assert [ask().status for _, ask in asks] == [200] * len(asks)
    throttle.every = 1
    assert all(has_to_wait(ask(), shape) for shape, ask in asks)


@pytest.mark.parametrize("every", [3, 5, 7])
def test_who_waits_and_asks_again_loses_nothing(
    api: Api, throttle: Throttle, asks: list[tuple[str, Callable[[], Answer]]], every: int
) -> None:
    throttle.every = every
    waited = 0
    for number in range(12):
        records = [invoice(f"I{number}"), {"type": "payment", "id": f"P{number}", "invoice_id": f"I{number}"}]
        records[1] |= {"amount": "40", "paid_on": "2020-06-01"}
        while has_to_wait(answer := api.record(*records), "problem"):
            waited += 1
            assert waited < 1_000
        assert {result["result"] for result in answer.body["results"]} <= {"created", "unchanged"}
        waited += sum(has_to_wait(ask(), shape) for shape, ask in asks if ask != asks[2][1])
    assert waited
    throttle.every = 0
    [row] = api.dolfin().body["customers"]
    assert (len(row["invoiceIds"]), row["totalOverdue"]) == (12, 12 * 60)
    assert list(api.services.reconciliation().run(api.organisation, api.clock())) == []


# --- A limit for each key and each user -----------------------------------------------------------------------------


def test_who_asks_too_often_has_to_wait_and_nobody_else(
    api: Api, asks: list[tuple[str, Callable[[], Answer]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Two requests in a window of two seconds.
    monkeypatch.setattr(rate_limit, "WINDOW_SECONDS", 2)
    monkeypatch.setenv("REQUESTS_PER_KEY", "1")
    other = api.services.api_keys().create(api.services.organisations().create("Other", "UTC", "EUR").id)
    for shape, ask in asks:
        api.forget()
        api.clock.now += timedelta(seconds=WINDOW_SECONDS)
        assert [has_to_wait(ask(), shape) for _ in range(4)] == [False, False, True, True]
        answer = ask()
        code = answer.body.get("code") or answer.body["errorCode"].lower()
        assert code == "rate_limited"
        assert int(answer.headers["Retry-After"]) <= WINDOW_SECONDS
        assert api.dolfin(key=other).status == 200


def test_wrong_passwords_are_counted_by_the_address_that_the_gateway_names(api: Api) -> None:
    api.stored(CUSTOMER)
    customer = api.services.ledger.customer(api.organisation, "1001")
    assert customer is not None
    api.services.users().create(
        api.organisation.id, customer.location.id, "ann", "a long password", api.integrator, True
    )
    address = "/restapi/v2.1/accounts/1001/billing_invoices_past_due"

    def ask(password: str, source: str) -> Answer:
        api.forget()
        credentials = json.dumps({"Username": "ann", "Password": password, "IntegratorKey": api.integrator})
        headers = {"X-DocuSign-Authentication": credentials, "X-Forwarded-For": str(uuid4())}
        context = {"requestId": str(uuid4()), "identity": {"sourceIp": source}}
        return api.call("GET", address, headers, requestContext=context)

    for _ in range(GUESSES):
        assert ask("a wrong password", "198.51.100.7").status == 401
    refused = ask("a long password", "198.51.100.7")
    assert has_to_wait(refused, "docusign_error")
    assert refused.body["errorCode"] == "RATE_LIMITED"
    assert ask("a long password", "192.0.2.1").status == 200
