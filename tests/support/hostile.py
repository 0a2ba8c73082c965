"""Requests that nobody sends by accident: valid ones of every endpoint, spoilt at random."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

DOCUSIGN = "/restapi/v2.1/accounts/{account}/billing_invoices_past_due"

WEIRD_TEXTS = (
    "",
    " ",
    "\0",
    "\ud800",
    "\U0001f4b8",
    "é" * 300,
    "x" * 5_000,
    "\u202eabc",
    "null",
    "NaN",
    "1e999999999",
    "-0",
    "0x10",
    "1_000",
    "٣",
    "2020-02-30",
    "0000-00-00",
    "9999-12-31",
    "0001-01-01",
    "2020-06-30T24:00:00Z",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "../../etc/passwd",
    "%00",
    "%ff%fe",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "'; DROP TABLE x; --",
    "<!DOCTYPE a [<!ENTITY b 'c'>]>",
    "Bearer",
    "a\r\nSet-Cookie: b",
    "\x7f",
    "#",
    "O#",
)
WEIRD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**63,
    10**400,
    -(10**30),
    0.1,
    1e308,
    [],
    {},
    [[[[[]]]]],
    {"": ""},
    {"__proto__": {}},
    *WEIRD_TEXTS,
)
WEIRD_BODIES = (
    "",
    "{}",
    "[]",
    "null",
    "0",
    '"records"',
    '{"records":null}',
    '{"records":[null]}',
    '{"records":[[]]}',
    '{"records":[1e400]}',
    '{"records":[NaN]}',
    '{"records":[-Infinity]}',
    '{"records":[],"records":[]}',
    '{"records":[' + "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"records":[' + '{"a":' * 50_000 + "1" + "}" * 50_000 + "]}",
    '{"records":[' + "9" * 5_000 + "]}",
    '{"records":[0.' + "9" * 5_000 + "]}",
    '{"records":[1e' + "9" * 50 + "]}",
    "\ufeff{}",
    "\ufeff\ufeff{}",
    "\0" * 100,
    "\ud800",
    '{"records":["\\ud800"]}',
    "<xml/>",
)
RECORDS: tuple[dict[str, Any], ...] = (
    {
        "type": "customer",
        "id": "C1",
        "name": "Ann",
        "external_id": "e",
        "account_number": "1001",
        "currency": "EUR",
        "payment_blocked": False,
        "updated_at": "2020-06-01T00:00:00Z",
    },
    {"type": "supplier", "id": "S1", "name": "Bolt"},
    {
        "type": "invoice",
        "id": "I1",
        "customer_id": "C1",
        "customer_name": "Ann",
        "number": "N1",
        "currency": "EUR",
        "total": "100.00",
        "issued_on": "2020-05-01",
        "due_on": "2020-05-31",
        "status": "finalized",
        "payment_status": "pending",
        "taxable_amount": "80.00",
        "pdf_available": True,
        "lines": [{"id": "L1", "name": "Work", "quantity": "2", "unit_price": "50", "amount": "100", "tax_amount": 0}],
    },
    {
        "type": "bill",
        "id": "B1",
        "supplier_id": "S1",
        "supplier_name": "Bolt",
        "number": "7",
        "currency": "EUR",
        "total": 70.5,
        "issued_on": "2020-05-01",
        "due_on": "2020-05-31",
        "state": "Approved",
        "state_on": "2020-05-02",
        "scheduled_payment_on": "2020-07-01",
    },
    {"type": "payment", "id": "P1", "invoice_id": "I1", "amount": "40", "paid_on": "2020-06-01"},
    {"type": "credit", "id": "K1", "bill_id": "B1", "amount": -1, "credited_on": "2020-06-02", "kind": "write_off"},
    {"type": "reminder", "id": "R1", "customer_id": "C1", "sent_at": "2020-06-20T12:00:00Z", "invoice_ids": ["I1"]},
    {
        "type": "promise",
        "id": "M1",
        "customer_id": "C1",
        "currency": "EUR",
        "amount": "5",
        "made_on": "2020-06-01",
        "promised_on": "2020-06-29",
    },
    {
        "type": "dispute",
        "id": "D1",
        "invoice_id": "I1",
        "opened_on": "2020-06-01",
        "resolved_on": "2020-06-10",
        "outcome": "lost",
    },
)
"""One valid record of each type, together one small book."""


@dataclass
class Sent:
    """One request. headers and query: several values by name. shape: whose errors it is answered with."""

    method: str
    path: str
    shape: str
    headers: dict[str, list[str]] = field(default_factory=dict)
    query: dict[str, list[str]] = field(default_factory=dict)
    body: str | None = None


@dataclass(frozen=True)
class Credentials:
    """What lets in: an organisation's API key, and the credentials of a user of account 1001."""

    key: str
    token: str
    docusign: str
    organisation_id: str


def valid(random: Random, who: Credentials) -> Sent:
    """A request that is answered, of any endpoint."""
    key = {"x-dolfin-api-key": [who.key]}
    as_bearer = {"Authorization": [f"Bearer {who.key}"]}
    docusign = random.choice(
        [{"Authorization": [f"Bearer {who.token}"]}, {"X-DocuSign-Authentication": [who.docusign]}]
    )
    lago = random.choice(["", "/api/v1"])
    report = random.choice(["/receivables/overdue", "/payables/overdue", "/receivables/aging", "/payables/aging"])
    records = random.choices(RECORDS, k=random.randint(1, 3))
    months = {"months": ["3"]}
    return random.choice(
        [
            Sent("GET", report, "problem", key, {"asOf": ["2020-06-30"], "limit": ["10"]}),
            Sent("GET", "/receivables/overdue/history", "problem", key, dict(months)),
            Sent("GET", "/receivables/customers/C1", "problem", key, {"asOf": ["2020-06-30"], "limit": ["1"]}),
            Sent(
                "GET",
                "/payables/suppliers/S1/statement",
                "problem",
                key,
                {"from": ["2020-05-01"], "to": ["2020-06-30"]},
            ),
            Sent(
                "POST",
                f"{random.choice(['/receivables', '/payables'])}/overdue/simulation",
                "problem",
                key,
                {"limit": ["1"]},
                json.dumps({"policy": {"firm_from_days": 10, "minimums": {"EUR": "5"}}, "asOf": "2020-06-30"}),
            ),
            Sent("GET", "/escalations", "problem", key, {"since": ["2020-01-01"], "tier": ["firm"], "limit": ["5"]}),
            Sent("GET", "/ledger/changes", "problem", key, {"since": ["2020-01-01"], "type": ["bill"], "limit": ["5"]}),
            Sent("GET", f"{lago}/analytics/overdue_balance", "lago_error", as_bearer, {"currency": ["EUR"], **months}),
            Sent("GET", f"{lago}/analytics/invoice_collection", "lago_error", as_bearer, {"currency": ["EUR"]}),
            Sent(
                "GET",
                "/receivables/overdue",
                "problem",
                key,
                {
                    "customerId": ["C1"],
                    "tier": ["firm"],
                    "currency": ["EUR"],
                    "include": ["invoices"],
                    "format": ["csv"],
                },
            ),
            Sent("GET", DOCUSIGN.format(account="1001"), "docusign_error", docusign),
            Sent("POST", "/ledger/records", "problem", key, body=json.dumps({"records": records})),
        ]
    )


def mutated(random: Random, who: Credentials) -> Sent:
    """A request with one to three things wrong with it."""
    sent = copy.deepcopy(valid(random, who))
    for _ in range(random.randint(1, 3)):
        if sent.method == "POST" and random.random() < 0.75:
            random.choice(_BODY)(random, sent)
        else:
            random.choice(_REST)(random, sent)
    return sent


def _any_text(random: Random) -> str:
    if random.random() < 0.7:
        return random.choice(WEIRD_TEXTS)
    return "".join(chr(random.choice((random.randrange(128), random.randrange(0x3000)))) for _ in range(9))


def _spoil_bytes(random: Random, text: str) -> str:
    position, width = random.randrange(len(text) + 1), random.randint(0, 5)
    return (
        text[:position]
        + random.choice((_any_text(random), text[position : position + 20] * 2, ""))
        + text[position + width :]
    )


def _body_text(random: Random, sent: Sent) -> None:
    sent.body = _spoil_bytes(random, sent.body or "")


def _body_whole(random: Random, sent: Sent) -> None:
    sent.body = random.choice(WEIRD_BODIES)


def _body_value(random: Random, sent: Sent) -> None:
    try:
        body = json.loads(sent.body or "")
    except (ValueError, RecursionError):
        return
    positions: list[tuple[Any, Any]] = []
    _walk(body, positions)
    if positions:
        holder, name = random.choice(positions)
        if random.random() < 0.2:
            del holder[name]
        elif isinstance(holder, dict) and random.random() < 0.2:
            holder[_any_text(random)] = holder[name]
        else:
            holder[name] = random.choice(WEIRD_VALUES)
    sent.body = json.dumps(body, ensure_ascii=random.random() < 0.5)


def _walk(value: Any, positions: list[tuple[Any, Any]]) -> None:
    if isinstance(value, dict | list):
        for name, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            positions.append((value, name))
            _walk(inner, positions)


def _query_value(random: Random, sent: Sent) -> None:
    known = (
        "asOf",
        "limit",
        "cursor",
        "months",
        "currency",
        "since",
        "tier",
        "customerId",
        "external_customer_id",
        "knownAt",
    )
    name = random.choice([*known, _any_text(random)])
    sent.query[name] = [_any_text(random) for _ in range(random.choice((1, 1, 2)))]


def _header_value(random: Random, sent: Sent) -> None:
    known = ("Authorization", "x-dolfin-api-key", "x-dolfin-organisation-id", "X-DocuSign-Authentication")
    name = random.choice([*known, "Content-Type", "Accept", "X-Forwarded-For"])
    before = sent.headers.get(name, [""])[0]
    sent.headers[name] = [
        random.choice((_any_text(random), _spoil_bytes(random, before), f"Bearer {_any_text(random)}", before * 2))
        for _ in range(random.choice((1, 1, 1, 2)))
    ]


def _header_gone(random: Random, sent: Sent) -> None:
    if sent.headers:
        del sent.headers[random.choice(list(sent.headers))]


def _account(random: Random, sent: Sent) -> None:
    if sent.path.startswith("/restapi/"):
        text = _any_text(random).replace("/", "").strip() or "x"
        parts = sent.path.split("/")
        parts[random.choice((2, 4))] = text
        sent.path = "/".join(parts)


_BODY: tuple[Callable[[Random, Sent], None], ...] = (_body_text, _body_value, _body_value, _body_value, _body_whole)
_REST: tuple[Callable[[Random, Sent], None], ...] = (
    _query_value,
    _query_value,
    _header_value,
    _header_value,
    _header_gone,
    _account,
)
