"""Past-due invoices as the DocuSign document has them: strings throughout, credentials, administrators, errors."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import count
from typing import Any
from xml.sax.saxutils import escape

import pytest

from api.conftest import NOON, Answer, Api, check, invoice
from arrears.api import docusign, http
from arrears.ledger.customers import InvoiceDetail, InvoiceLine
from arrears.ledger.dated_document import DatedDocument
from arrears.reports.aging import Overdue
from arrears.reports.past_due import Balance, PastDue

ACCOUNT = "1001"
PASSWORD = 'p<&>"ä secret'
BOOK = [
    {"type": "customer", "id": "C1", "name": "Ann", "account_number": ACCOUNT, "currency": "EUR"},
    invoice(
        "I1",
        number="2020-7",
        total="110.50",
        taxable_amount="100",
        pdf_available=True,
        lines=[
            {
                "id": "1",
                "name": "Work",
                "quantity": "2.50",
                "unit_price": "40",
                "amount": "100",
                "tax_amount": "10.5",
            },
            {"id": "2", "name": "", "quantity": 1, "unit_price": "0.0001", "amount": 0},
        ],
    ),
    invoice("I2", due_on="2020-05-02", total=7),
    invoice("I3", due_on="2020-07-01", total="0.50"),
    invoice("I4", currency="JPY", total="7000", due_on="2020-06-29"),
    {"type": "payment", "id": "P1", "invoice_id": "I1", "amount": "10.50", "paid_on": "2020-06-01"},
]


class Account:
    """An account with a user, and how the user proves who it is."""

    def __init__(self, api: Api, number: str = ACCOUNT, username: str = "ann@example.com", admin: bool = True) -> None:
        self.api = api
        self.username = username
        customer = api.services.ledger.customer(api.organisation, number)
        assert customer is not None
        self.id = customer.location.id
        self.integrator = api.integrator
        users = api.services.users()
        self.token = users.create(api.organisation.id, self.id, username, PASSWORD, self.integrator, admin)

    def parts(self, **changes: str) -> dict[str, str]:
        parts = {"Username": self.username, "Password": PASSWORD, "IntegratorKey": self.integrator, **changes}
        return {name: value for name, value in parts.items() if value is not None}

    def xml(self, **changes: str) -> str:
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in self.parts(**changes).items())
        return f"<DocuSignCredentials>{inner}</DocuSignCredentials>"

    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def account(api: Api) -> Account:
    api.stored(*BOOK)
    return Account(api)


def credentials(text: str) -> dict[str, str]:
    return {"X-DocuSign-Authentication": text}


def body(answer: Answer) -> Any:
    assert answer.status == 200, answer.text
    assert answer.headers["X-DocuSign-TraceToken"]
    check("docusign_past_due", answer.body)
    return answer.body


def refused(answer: Answer, code: str, status: int = 401) -> str:
    assert answer.status == status, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-DocuSign-TraceToken"]
    check("docusign_error", answer.body)
    assert answer.body["errorCode"] == code, answer.text
    message: str = answer.body["message"]
    return message


def test_the_body_has_balances_and_every_past_due_invoice_with_its_items(api: Api, account: Account) -> None:
    found = body(api.docusign(ACCOUNT, account.bearer()))
    second, first = found.pop("billingInvoices")
    assert found == {
        "currencyCode": "EUR",
        "pastDueBalance": "107.00",
        "accountBalance": "107.50",
        "paymentAllowed": "true",
        "otherCurrencies": [{"currencyCode": "JPY", "pastDueBalance": "7000", "accountBalance": "7000"}],
    }
    assert (second["amount"], second["dueDate"], second["invoiceNumber"]) == ("7.00", "2020-05-02", "")
    assert (second["taxableAmount"], second["nonTaxableAmount"]) == ("0.00", "7.00")
    assert (second["pdfAvailable"], second["invoiceItems"]) == ("false", [])
    invoice_id = first.pop("invoiceId")
    assert first == {
        "amount": "110.50",
        "balance": "100.00",
        "taxableAmount": "100.00",
        "nonTaxableAmount": "10.50",
        "dueDate": "2020-05-31",
        "invoiceNumber": "2020-7",
        "pdfAvailable": "true",
        "invoiceUri": f"/accounts/{ACCOUNT}/billing_invoices/{invoice_id}",
        "invoiceItems": [
            {
                "chargeAmount": "100.00",
                "chargeName": "Work",
                "invoiceItemId": "1",
                "quantity": "2.5",
                "unitPrice": "40.00",
                "taxAmount": "10.50",
            },
            {
                "chargeAmount": "0.00",
                "chargeName": "",
                "invoiceItemId": "2",
                "quantity": "1",
                "unitPrice": "0.0001",
            },
        ],
    }


def strings(value: Any) -> bool:
    if isinstance(value, dict):
        return all(strings(entry) for entry in value.values())
    return all(strings(entry) for entry in value) if isinstance(value, list) else isinstance(value, str)


def test_every_value_is_a_string(api: Api, account: Account) -> None:
    assert strings(body(api.docusign(ACCOUNT, account.bearer())))


# What it reads, and how large it may be


@pytest.fixture
def read(api: Api) -> Iterator[list[tuple[str, bool]]]:
    """The sort key of each item of the ledger that is read by its key, and whether consistently."""
    asked: list[tuple[str, bool]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        for wanted in params["RequestItems"].values() if "LedgerTable" in params["RequestItems"] else ():
            asked.extend((key["sk"]["S"], wanted["ConsistentRead"]) for key in wanted["Keys"])

    events, name = api.services.client.meta.events, "provide-client-params.dynamodb.BatchGetItem"
    events.register(name, note)
    yield asked
    events.unregister(name, note)


def test_an_invoice_without_lines_is_one_read_and_one_with_lines_two(
    api: Api, account: Account, read: list[tuple[str, bool]]
) -> None:
    """Of I1, with lines, and I2, without; at half the price, as what the index shows is no fresher."""
    read.clear()
    body(api.docusign(ACCOUNT, account.bearer()))
    assert sorted(key for key in read if key[0] in "dl") == [("d", False), ("d", False), ("l", False)]


def test_an_answer_that_cannot_fit_is_refused_before_the_invoices_are_read(
    api: Api, account: Account, read: list[tuple[str, bool]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docusign, "MAX_ANSWER_BYTES", 2 * docusign.LEAST_INVOICE_BYTES - 1)
    read.clear()
    message = refused(api.docusign(ACCOUNT, account.bearer()), "ANSWER_TOO_LARGE", 413)
    assert "GET /receivables/customers/{id}" in message
    assert not [key for key in read if key[0] in "dl"]


def test_an_answer_whose_items_cannot_fit_is_refused_while_they_are_read(
    api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docusign, "MAX_ANSWER_BYTES", 2 * docusign.LEAST_INVOICE_BYTES + docusign.LEAST_ITEM_BYTES)
    refused(api.docusign(ACCOUNT, account.bearer()), "ANSWER_TOO_LARGE", 413)


def test_an_answer_that_is_found_too_large_at_last_says_what_else_to_ask_for(
    api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_BYTES", 10)
    assert refused(api.docusign(ACCOUNT, account.bearer()), "ANSWER_TOO_LARGE", 413) == docusign.TOO_LARGE


def test_no_invoice_or_item_takes_less_of_an_answer_than_is_counted_for_it() -> None:
    """Else an answer that fits would be refused."""
    smallest = Overdue(1, "0" * 36, 1, 1, DatedDocument("0" * 36, None, "JPY", 1, 1, 1))
    line = InvoiceLine("", "", "1", "1", 1, None)

    def size(invoices: int, lines: int) -> int:
        owed = PastDue(Balance("JPY", 1, 1), [], True, [smallest] * invoices)
        details = {smallest.id: InvoiceDetail(1, True, [line] * lines)}
        return len(json.dumps(http.encode(docusign.past_due_body("1", owed, details))))

    assert size(2, 0) - size(1, 0) >= docusign.LEAST_INVOICE_BYTES
    assert size(1, 2) - size(1, 1) >= docusign.LEAST_ITEM_BYTES


def test_an_answer_that_takes_too_long_is_refused(api: Api, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = count()
    monkeypatch.setattr(type(api.clock), "__call__", lambda _: NOON + timedelta(seconds=21 * next(looks)))
    message = refused(api.docusign(ACCOUNT, account.bearer()), "TOO_LARGE", 422)
    assert "`arrears customer show`" in message


def test_an_invoice_that_was_deleted_a_moment_ago_has_no_items(api: Api, account: Account) -> None:
    """The index may still show it."""
    ids = [invoice["invoiceId"] for invoice in body(api.docusign(ACCOUNT, account.bearer()))["billingInvoices"]]
    api.stored({"type": "invoice", "id": "I1", "deleted": True})
    assert len(dict(api.services.ledger.details(api.organisation, ids))) == 1


def test_balances_tie_out_with_the_receivables(api: Api, account: Account) -> None:
    found = body(api.docusign(ACCOUNT, account.bearer()))
    balances = {found["currencyCode"]: found["pastDueBalance"]}
    balances |= {other["currencyCode"]: other["pastDueBalance"] for other in found["otherCurrencies"]}
    overdue = api.dolfin().body["totals"]["overdueByCurrency"]
    assert {code: float(amount) for code, amount in balances.items()} == {
        entry["currency"]: entry["amount"] for entry in overdue
    }


@pytest.mark.parametrize("version", ["v2", "v2.1"])
def test_the_account_is_reached_by_its_uuid_in_any_case(api: Api, account: Account, version: str) -> None:
    by_number = body(api.docusign(ACCOUNT, account.bearer(), version))
    for id_ in (account.id, account.id.upper()):
        found = body(api.docusign(id_, account.bearer(), version))
        assert found["pastDueBalance"] == by_number["pastDueBalance"]
        assert f"/accounts/{id_}/" in found["billingInvoices"][0]["invoiceUri"]


def test_an_account_number_with_marks_of_an_address_is_reached_and_quoted_in_links(api: Api) -> None:
    number = 'A/1#2?3"4\\5 é%41'
    api.stored({**BOOK[0], "account_number": number}, *BOOK[1:])
    found = body(api.docusign(number, Account(api, number).bearer()))
    assert found["pastDueBalance"] == "107.00"
    uris = {invoice["invoiceUri"].rpartition("/")[0] for invoice in found["billingInvoices"]}
    assert uris == {"/accounts/A%2F1%232%3F3%224%5C5%20%C3%A9%2541/billing_invoices"}


@pytest.mark.parametrize("version", ["v1", "v3", "v2.0", "V2", "2.1"])
def test_a_version_that_is_not_served_is_not_found(api: Api, account: Account, version: str) -> None:
    refused(api.docusign(ACCOUNT, account.bearer(), version), "NOT_FOUND", 404)


def test_a_customer_who_names_no_currency_has_the_organisations(api: Api) -> None:
    api.stored(invoice("I1", currency="USD"), {"type": "customer", "id": "C1", "name": "A", "account_number": ACCOUNT})
    found = body(api.docusign(ACCOUNT, Account(api).bearer()))
    assert (found["currencyCode"], found["pastDueBalance"], found["billingInvoices"]) == ("EUR", "0.00", [])
    assert found["otherCurrencies"][0]["pastDueBalance"] == "100.00"


def allowed(api: Api, account: Account) -> str:
    answer: str = body(api.docusign(ACCOUNT, account.bearer()))["paymentAllowed"]
    return answer


def test_payment_is_allowed_while_something_past_due_is_not_disputed(api: Api, account: Account) -> None:
    for number in (1, 2):
        api.stored({"type": "dispute", "id": f"D{number}", "invoice_id": f"I{number}", "opened_on": "2020-06-01"})
    assert allowed(api, account) == "true"
    api.stored({"type": "dispute", "id": "D4", "invoice_id": "I4", "opened_on": "2020-06-30"})
    assert allowed(api, account) == "false"


def test_payment_is_not_allowed_when_nothing_is_past_due(api: Api) -> None:
    api.stored({**BOOK[0]}, invoice("I1", due_on="2020-06-30"))
    assert allowed(api, Account(api)) == "false"


def test_payment_is_not_allowed_to_a_blocked_account(api: Api, account: Account) -> None:
    api.stored({**BOOK[0], "payment_blocked": True})
    assert allowed(api, account) == "false"


def test_payment_is_not_allowed_where_the_organisation_takes_none(api: Api, account: Account) -> None:
    api.services.organisations().set_payments_over_api(api.organisation.id, False)
    api.forget()
    assert allowed(api, account) == "false"


# --- Credentials ----------------------------------------------------------------------------------------------------


def test_credentials_are_taken_in_xml_and_in_json(api: Api, account: Account) -> None:
    spaced = (
        '<?xml version="1.0"?>\n  <DocuSignCredentials>\n <IntegratorKey>{}\n   </IntegratorKey>'
        "<Password>\n{} </Password><Username> {}</Username> </DocuSignCredentials> "
    )
    password = escape(PASSWORD)
    numeric = "".join(f"&#{ord(letter)};" for letter in PASSWORD)
    good = [
        account.xml(),
        spaced.format(account.integrator, password, account.username),
        spaced.format(account.integrator, numeric, account.username),
        json.dumps(account.parts()),
        json.dumps(dict(reversed(account.parts().items())), indent=2, ensure_ascii=False),
    ]
    for text in good:
        api.forget()
        body(api.docusign(ACCOUNT, credentials(text)))


def test_credentials_are_proven_once_a_minute(api: Api, account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    body(api.docusign(ACCOUNT, credentials(account.xml())))
    monkeypatch.setattr("arrears.storage.access.authentication.check_password", lambda *_: pytest.fail("asked again"))
    body(api.docusign(ACCOUNT, credentials(account.xml())))


def unreadable(account: Account) -> dict[str, str]:
    inner = account.xml().removeprefix("<DocuSignCredentials>").removesuffix("</DocuSignCredentials>")
    dtd = '<!DOCTYPE DocuSignCredentials [<!ENTITY e "x">]>'
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 9 if n else "x"}">' for n in range(9))
    return {
        "empty": "",
        "blank": "   ",
        "text": "Bearer nonsense",
        "half an element": account.xml()[:-3],
        "another element": f"<Credentials>{inner}</Credentials>",
        "document type": dtd + account.xml(),
        "external entity": f'<!DOCTYPE c SYSTEM "file:///etc/passwd">{account.xml()}',
        "entity bomb": f"<!DOCTYPE c [{bomb}]>{account.xml().replace(escape(PASSWORD), '&e8;')}",
        "own entity": account.xml().replace(escape(PASSWORD), "&mine;"),
        "CDATA": account.xml().replace(escape(PASSWORD), f"<![CDATA[{PASSWORD}]]>"),
        "comment": account.xml().replace("<Username>", "<!-- --><Username>"),
        "nested": account.xml().replace(escape(PASSWORD), "<b>x</b>"),
        "attribute": account.xml().replace("<Username>", '<Username a="1">'),
        "namespace": account.xml().replace("<DocuSignCredentials>", '<DocuSignCredentials xmlns="urn:x">'),
        "a megabyte": account.xml().replace("<Username>", "<Username>" + " " * 1_000_000),
        "element twice": account.xml().replace("<Username>", "<Username>eve</Username><Username>"),
        "unknown element": account.xml().replace("<Username>", "<SendOnBehalfOf>eve</SendOnBehalfOf><Username>"),
        "no username": account.xml(Username=""),
        "no password": account.xml(Password=" "),
        "control character": account.xml().replace(escape(PASSWORD), "a&#10;b"),
        "JSON array": json.dumps([[name, value] for name, value in account.parts().items()]),
        "JSON text": '"x"',
        "JSON null": "null",
        "half of JSON": '{"Username":',
        "JSON name twice": '{"Username":"eve",' + json.dumps(account.parts())[1:],
        "JSON number": json.dumps({**account.parts(), "Password": 5}),
        "JSON object inside": json.dumps({**account.parts(), "Password": {"a": "b"}}),
        "JSON half a surrogate pair": json.dumps(account.parts()).replace("ann@", "\\ud800ann@"),
        "JSON too deep": "[" * 5_000,
        "unknown JSON name": json.dumps({**account.parts(), "SendOnBehalfOf": "eve"}),
    }


def test_credentials_that_cannot_be_read_are_answered_401_with_the_reason(
    api: Api, account: Account, subtests: Any
) -> None:
    for shape, text in unreadable(account).items():
        with subtests.test(shape):
            message = refused(api.docusign(ACCOUNT, credentials(text)), "USER_AUTHENTICATION_FAILED")
            assert "p<&" not in message
            assert len(message) < 200


def test_no_credentials_and_more_than_one_are_answered_401(api: Api, account: Account) -> None:
    several: list[Mapping[str, str]] = [
        {},
        {**credentials(account.xml()), **account.bearer()},
        {"Authorization": f"Basic {account.token}"},
        {"Authorization": account.token},
        {"x-dolfin-api-key": api.key},
    ]
    for headers in several:
        refused(api.docusign(ACCOUNT, headers), "USER_AUTHENTICATION_FAILED")
    path = f"/restapi/v2/accounts/{ACCOUNT}/billing_invoices_past_due"
    twice = {"X-DocuSign-Authentication": [account.xml(), account.xml()]}
    refused(api.call("GET", path, multiValueHeaders=twice), "USER_AUTHENTICATION_FAILED")


def test_the_integrator_key_is_checked_first(api: Api, account: Account) -> None:
    for changes in ({"IntegratorKey": "unknown"}, {"IntegratorKey": "unknown", "Username": "x", "Password": "x"}):
        refused(api.docusign(ACCOUNT, credentials(account.xml(**changes))), "PARTNER_AUTHENTICATION_FAILED")
    refused(api.docusign(ACCOUNT, credentials(account.xml(IntegratorKey=""))), "PARTNER_AUTHENTICATION_FAILED")


def test_an_unknown_user_and_a_wrong_password_look_alike(api: Api, account: Account) -> None:
    messages = {
        refused(api.docusign(ACCOUNT, credentials(account.xml(**changes))), "USER_AUTHENTICATION_FAILED")
        for changes in ({"Username": "eve"}, {"Password": "wrong"}, {"Username": "eve", "Password": "wrong"})
    }
    assert len(messages) == 1


def test_an_unknown_user_costs_as_much_work_as_a_wrong_password(
    api: Api, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, hashed = hashlib.scrypt, []
    monkeypatch.setattr(hashlib, "scrypt", lambda *a, **k: hashed.append(k) or real(*a, **k))
    costs = []
    for changes in ({"Username": "eve"}, {"Password": "wrong"}):
        hashed.clear()
        api.docusign(ACCOUNT, credentials(account.xml(**changes)))
        costs.append([(call["n"], call["r"], call["p"]) for call in hashed])
    assert costs[0] == costs[1]
    assert len(costs[0]) == 1


def test_a_token_that_is_not_known_is_answered_401(api: Api, account: Account) -> None:
    last = "0" if account.token[-1] != "0" else "1"
    for token in ("", "x", account.token[:-1] + last, account.token.replace("ut_", "ar_"), api.key):
        refused(api.docusign(ACCOUNT, {"Authorization": f"Bearer {token}"}), "AUTHORIZATION_INVALID_TOKEN")


def test_a_revoked_user_is_answered_401(api: Api, account: Account) -> None:
    body(api.docusign(ACCOUNT, account.bearer()))
    user_id = account.token.split("_")[2]
    api.services.users().revoke(api.organisation.id, user_id)
    api.forget()
    refused(api.docusign(ACCOUNT, account.bearer()), "AUTHORIZATION_INVALID_TOKEN")
    refused(api.docusign(ACCOUNT, credentials(account.xml())), "USER_AUTHENTICATION_FAILED")


def test_only_administrators_of_the_account_are_answered(api: Api, account: Account) -> None:
    member = Account(api, username="bob@example.com", admin=False)
    for headers in (member.bearer(), credentials(member.xml())):
        refused(api.docusign(ACCOUNT, headers), "USER_LACKS_PERMISSIONS")


def test_foreign_and_unknown_accounts_look_alike(api: Api, account: Account) -> None:
    api.stored(
        {"type": "customer", "id": "C2", "name": "Bob", "account_number": "1002"}, invoice("I9", customer_id="C2")
    )
    foreign = api.services.ledger.customer(api.organisation, "1002")
    assert foreign is not None
    unknown = ["1002", foreign.location.id, "9999", "00000000-0000-0000-0000-000000000000", "x" * 3000, "%41", "ü"]
    messages = {
        refused(api.docusign(other, account.bearer()), "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT") for other in unknown
    }
    assert len(messages) == 1


def test_an_account_number_is_that_of_the_users_organisation(api: Api, account: Account) -> None:
    other = Api(api.clock)
    other.stored(BOOK[0], invoice("I1", total=5))
    stranger = Account(other)
    assert stranger.id != account.id
    assert body(api.docusign(ACCOUNT, stranger.bearer()))["pastDueBalance"] == "5.00"
    refused(api.docusign(account.id, stranger.bearer()), "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT")
