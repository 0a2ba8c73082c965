"""Real answers of every endpoint, one per status: the functions' own code over a small book that is always the same."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from api.conftest import Answer, Api, Clock
from arrears import runtime
from arrears.api import http, routes
from arrears.ledger.known_at import moment_of
from arrears.ledger.origin import Origin
from arrears.storage.access import passwords
from arrears.storage.ledger.recorder import Session
from template import create_tables

NOON = datetime(2026, 6, 30, 10, tzinfo=UTC)
CLOSING = datetime(2026, 7, 4, 10, tzinfo=UTC)
ORGANISATION = "5b0a1f6e-6d0f-4c43-9a57-6f3f3b6f9d01"
REQUEST = "0f4b1c4e-8a49-4a53-8d5f-2a7c9b1e6d10"
MORE_THAN_A_REQUEST_TAKES = 501

BOOK: list[dict[str, Any]] = [
    {
        "type": "customer",
        "id": "C-17",
        "name": "Northwind Traders",
        "external_id": "northwind",
        "account_number": "1001",
        "currency": "EUR",
    },
    {
        "type": "invoice",
        "id": "INV-204",
        "customer_id": "C-17",
        "number": "2026-204",
        "currency": "EUR",
        "total": "1250.00",
        "issued_on": "2026-04-20",
        "due_on": "2026-05-20",
        "lines": [{"id": "1", "name": "Seats", "quantity": "25", "unit_price": "50", "amount": "1250.00"}],
    },
    {"type": "payment", "id": "PAY-9", "invoice_id": "INV-204", "amount": "250.00", "paid_on": "2026-06-02"},
    {
        "type": "invoice",
        "id": "INV-188",
        "customer_id": "C-17",
        "number": "2026-188",
        "currency": "EUR",
        "total": "480.50",
        "issued_on": "2026-03-01",
        "due_on": "2026-03-31",
    },
    {"type": "payment", "id": "PAY-4", "invoice_id": "INV-188", "amount": "480.50", "paid_on": "2026-04-04"},
    {"type": "reminder", "id": "R-3", "customer_id": "C-17", "sent_at": "2026-06-10T08:00:00Z"},
    {
        "type": "bill",
        "id": "BILL-31",
        "supplier_id": "S-2",
        "supplier_name": "Paper & Co",
        "number": "A-7781",
        "currency": "EUR",
        "total": "319.90",
        "issued_on": "2026-05-10",
        "due_on": "2026-06-09",
        "state": "Approved",
    },
]
"""A customer with a late invoice partly paid and one settled late, and a supplier with a late bill."""

BATCH = [
    BOOK[1],
    {"type": "payment", "id": "PAY-12", "invoice_id": "INV-300", "amount": "10", "paid_on": "2026-06-29"},
    {"type": "payment", "id": "PAY-13", "invoice_id": "INV-204", "amount": "1.005", "paid_on": "2026-06-29"},
]
"""What the example of POST /ledger/records sends: one known, one whose invoice is not there yet, one rejected."""


BODIES: dict[str, dict[str, Any]] = {
    routes.LEDGER_RECORDS: {"records": BATCH},
    routes.RECEIVABLES_SIMULATION: {"policy": {"final_from_days": 46, "minimums": {"EUR": "25.00"}}},
    routes.PAYABLES_SIMULATION: {"policy": {"high_from_days": 20, "grace_days": 0}, "asOf": "2026-06-29"},
}
"""What the example of each POST sends."""


class Caller:
    """Asks the API, each request under the same id."""

    def __init__(self, api: Api, patch: pytest.MonkeyPatch) -> None:
        self.api = api
        self.patch = patch
        services = api.services
        api.organisation = services.organisations().create("Acme", "Europe/Berlin", "EUR", ORGANISATION)
        api.key = services.api_keys().create(ORGANISATION)
        api.stored(*BOOK)
        customer = services.ledger.customer(api.organisation, "1001")
        assert customer is not None
        self.token = services.users().create(
            ORGANISATION,
            customer.location.id,
            "ann",
            "a long password",
            services.users().create_integrator_key(ORGANISATION),
            True,
        )
        self.limited = services.api_keys().create(ORGANISATION, ["payables:read"])
        services.closing().close(api.organisation, CLOSING)

    def headers(self, path: str, key: str | None = None) -> dict[str, str]:
        """Credentials as the API of the path takes them."""
        if path == routes.BILLING_INVOICES_PAST_DUE:
            return {"Authorization": f"Bearer {key or self.token}"}
        if "/analytics/" in path:
            return {"Authorization": f"Bearer {key or self.api.key}"}
        return {"x-dolfin-api-key": key or self.api.key}

    def ask(self, path: str, key: str | None = None, body: str | None = None, **query: Any) -> Answer:
        """One request to a route; the varying parts of its path are those of the book."""
        address = path.replace("<api_version>", "v2.1").replace("<account_id>", "1001")
        address = address.replace("<name>", "start.js").replace("<code>", "invalid_parameter")
        address = address.replace("<id>", "S-2" if path.startswith("/payables") else "C-17")
        return self.at(path, address, self.headers(path, key), query, body)

    def at(
        self, path: str, address: str, headers: dict[str, str], query: dict[str, Any], body: str | None = None
    ) -> Answer:
        """One request to an address under a route."""
        if routes.METHODS[path] == "POST" and body is None:
            body = json.dumps(BODIES[path])
        return self.api.call(routes.METHODS[path], address, headers, query, body, requestContext={"requestId": REQUEST})

    def failing(self, code: str | None, path: str) -> Answer:
        """A request while the tables fail with a code of DynamoDB, or (None) our code does."""

        def fail(*_: Any, **__: Any) -> Any:
            raise RuntimeError("a mistake") if code is None else ClientError({"Error": {"Code": code}}, "Query")

        self.api.forget()
        with self.patch.context() as patch:
            patch.setattr(self.api.services.client, "batch_get_item", fail)
            return self.ask(path)

    def too_large(self, path: str) -> Answer:
        """A request whose answer is larger than one response can be."""
        with self.patch.context() as patch:
            patch.setattr(http, "MAX_ANSWER_BYTES", 10)
            return self.ask(path)

    def too_slow(self, path: str) -> Answer:
        """A request whose answer takes more time than it may."""
        clock, late = self.api.clock, iter(range(0, 3_600_000, 60))
        with self.patch.context() as patch:
            patch.setattr(type(clock), "__call__", lambda _: clock.now + timedelta(seconds=next(late)))
            return self.ask(path)


type Situation = Callable[[Caller, str], Answer]

_UNKNOWN_KEY = f"ar_{ORGANISATION.replace('-', '')}_0123456789ab_{'0' * 48}"
_FAILING: dict[int, Situation] = {
    429: lambda caller, path: caller.failing("ThrottlingException", path),
    500: lambda caller, path: caller.failing(None, path),
    503: lambda caller, path: caller.failing("InternalServerError", path),
}
_READING: dict[int, Situation] = {
    200: lambda caller, path: caller.ask(path),
    401: lambda caller, path: caller.ask(path, _UNKNOWN_KEY),
    413: lambda caller, path: caller.too_large(path),
    **_FAILING,
}
_OURS: dict[int, Situation] = {
    **_READING,
    400: lambda caller, path: caller.ask(path, colour="red"),
    403: lambda caller, path: caller.ask(path, caller.limited),
}
_BOOK: dict[int, Situation] = {
    **_OURS,
    400: lambda caller, path: caller.ask(path, knownAt="2026-01-31"),
    422: lambda caller, path: caller.too_slow(path),
}
_LAGO: dict[int, Situation] = {
    **_READING,
    403: lambda caller, path: caller.ask(path, caller.limited),
    422: lambda caller, path: caller.ask(path, months="none"),
}


def _foreign_key(caller: Caller, path: str) -> Answer:
    only_writing = caller.api.services.api_keys().create(ORGANISATION, ["ledger:write"])
    return caller.ask(path, only_writing)


def _other_version(caller: Caller, path: str) -> Answer:
    address = "/restapi/v1/accounts/1001/billing_invoices_past_due"
    return caller.at(path, address, caller.headers(path), {})


def _changed(caller: Caller, path: str) -> Answer:
    """A bill that was approved since, by a key whose id does not depend on chance."""
    created = {**BOOK[-1], "id": "BILL-32", "number": "A-7782", "state": "Created"}
    for record in (created, {**created, "state": "Approved"}):
        origin = Origin("key", "0123456789ab")
        caller.api.services.recorder().record(caller.api.organisation, [record], NOON, origin)
    return caller.ask(path, id="BILL-32")


def _nobody(caller: Caller, path: str) -> Answer:
    return caller.at(path, path.replace("<id>", "nobody"), caller.headers(path), {})


def _too_many(caller: Caller, path: str) -> Answer:
    return caller.ask(path, body=json.dumps({"records": [BOOK[0]] * MORE_THAN_A_REQUEST_TAKES}))


def _no_policy(caller: Caller, path: str) -> Answer:
    return caller.ask(path, body=json.dumps({"policy": {"firm_from_days": 40}}))


def _nothing_there(caller: Caller, path: str) -> Answer:
    return caller.at(path, path.replace("<name>", "none").replace("<code>", "none"), {}, {})


_PAGE: dict[int, Situation] = {200: lambda caller, path: caller.ask(path)}
_PAGES: dict[int, Situation] = {**_PAGE, 404: _nothing_there}

SITUATIONS: dict[str, dict[int, Situation]] = {
    routes.RECEIVABLES_OVERDUE: _BOOK,
    routes.PAYABLES_OVERDUE: {**_BOOK, 403: _foreign_key},
    routes.PAYABLES_HISTORY: {**_OURS, 403: _foreign_key},
    routes.RECEIVABLES_SIMULATION: {**_BOOK, 422: _no_policy},
    routes.PAYABLES_SIMULATION: {**_BOOK, 403: _foreign_key, 422: _no_policy},
    routes.RECEIVABLES_AGING: _BOOK,
    routes.PAYABLES_AGING: {**_BOOK, 403: _foreign_key},
    routes.RECEIVABLES_HISTORY: _OURS,
    routes.ESCALATIONS: _OURS,
    routes.CUSTOMER: {**_BOOK, 404: _nobody},
    routes.CUSTOMER_STATEMENT: {**_BOOK, 404: _nobody},
    routes.SUPPLIER: {**_BOOK, 403: _foreign_key, 404: _nobody},
    routes.SUPPLIER_STATEMENT: {**_BOOK, 403: _foreign_key, 404: _nobody},
    routes.LEDGER_RECORDS: {
        **{status: situation for status, situation in _OURS.items() if status != 413},
        400: lambda caller, path: caller.ask(path, body="{"),
        413: _too_many,
        422: lambda caller, path: caller.ask(path, body="[]"),
    },
    routes.LEDGER_CHANGES: {**_OURS, 200: _changed},
    routes.OVERDUE_BALANCE: _LAGO,
    routes.INVOICE_COLLECTION: _LAGO,
    routes.LAGO_PREFIX + routes.OVERDUE_BALANCE: _LAGO,
    routes.LAGO_PREFIX + routes.INVOICE_COLLECTION: _LAGO,
    routes.BILLING_INVOICES_PAST_DUE: {
        **_READING,
        400: lambda caller, path: caller.ask(path, knownAt="2026-01-31"),
        401: lambda caller, path: caller.ask(path, "none"),
        404: _other_version,
        422: lambda caller, path: caller.too_slow(path),
    },
    routes.OPENAPI: _PAGE,
    routes.DOCS: _PAGE,
    routes.DOCS_FILE: _PAGES,
    routes.PROBLEM: _PAGES,
}
"""What makes each endpoint answer each of its statuses."""


@dataclass(frozen=True)
class Answered:
    """An endpoint's answer with a status."""

    path: str
    status: int
    answer: Answer


@contextmanager
def _api() -> Iterator[Caller]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "LEDGER_TABLE": "LedgerTable",
            "ACCESS_TABLE": "AccessTable",
            "HISTORY_TABLE": "HistoryTable",
            "COUNTERS_TABLE": "CountersTable",
        }.items():
            patch.setenv(name, value)
        clock = Clock(NOON)
        patch.setattr(runtime, "now", clock)
        patch.setattr(Session, "moment", lambda session: moment_of(clock.now))
        patch.setattr(passwords, "_MEMORY_COST", 2**4)
        patch.setattr(passwords, "_PASSES", 1)
        runtime.services.cache_clear()
        log, printed = http.logger.registered_handler.setStream(StringIO()), redirect_stdout(StringIO())
        create_tables(boto3.client("dynamodb"))
        try:
            with printed:
                yield Caller(Api(clock), patch)
        finally:
            http.logger.registered_handler.setStream(log)
            runtime.services.cache_clear()


def answers() -> list[Answered]:
    """Every answer, by endpoint and status."""
    with _api() as caller:
        return [
            Answered(path, status, _with(status, situation(caller, path)))
            for path, situations in SITUATIONS.items()
            for status, situation in sorted(situations.items())
        ]


def _with(status: int, answer: Answer) -> Answer:
    if answer.status != status:
        raise ValueError(f"meant to be answered {status}, and was answered {answer.status}: {answer.text}")
    return answer
