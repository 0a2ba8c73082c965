"""`knownAt`: every endpoint answers as it did at a past moment, whatever has been recorded or changed since."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest

from api.conftest import NOON, Answer, Api, check, invoice
from arrears.close.run import Closing
from arrears.ledger.known_at import instant_text
from oracle.generate import as_it_happened, random_book
from support.books import arrivals

HEADER = "X-Arrears-Known-At"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ACCOUNT = "1001"
BOOK = [
    {
        "type": "customer",
        "id": "C1",
        "name": "Ann",
        "account_number": ACCOUNT,
        "external_id": "ann",
        "currency": "EUR",
        "credit_limit": {"EUR": "500"},
    },
    invoice("I1", number="2020-1"),
    invoice("I2", total="40.25", due_on="2020-03-31", issued_on="2020-03-01"),
    invoice("I3", customer_id="C2", customer_name="Bob", currency="JPY", total="7000", due_on="2020-06-01"),
    invoice("I4", customer_id="C3", customer_name="Cy", total="60", due_on="2020-07-20"),
    {"type": "payment", "id": "P2", "invoice_id": "I2", "amount": "40.25", "paid_on": "2020-06-20"},
    {"type": "payment", "id": "A1", "customer_id": "C3", "currency": "EUR", "amount": "15", "paid_on": "2020-06-02"},
    {"type": "promise", "id": "W1", "customer_id": "C1", "currency": "EUR", "made_on": "2020-06-10"}
    | {"promised_on": "2020-06-20"},
    {"type": "bill", "id": "B1", "supplier_id": "S1", "supplier_name": "Mill", "currency": "EUR", "total": "80"}
    | {"state": "Approved", "issued_on": "2020-03-01", "due_on": "2020-05-31"},
    {"type": "bill", "id": "B2", "supplier_id": "S1", "currency": "EUR", "total": "20", "state": "NeedsApproval"}
    | {"issued_on": "2020-05-01", "due_on": "2020-06-15"},
]
CHANGES: list[list[dict[str, Any]]] = [
    # late, and changed
    [
        {"type": "payment", "id": "P1", "invoice_id": "I1", "amount": "30", "paid_on": "2020-05-30"},
        invoice("I3", customer_id="C2", customer_name="Bob", currency="JPY", total="9000", due_on="2020-06-01"),
        {**BOOK[0], "name": "Anna", "external_id": "anna"},
        {"type": "allocation", "id": "L1", "payment_id": "A1", "invoice_id": "I4", "amount": "10"}
        | {"applied_on": "2020-06-03"},
        {**BOOK[8], "state": "Scheduled", "state_on": "2020-06-29", "scheduled_payment_on": "2020-07-02"},
        {**BOOK[9], "state": "Approved", "state_on": "2020-06-20"},
    ],
    # deleted, moved to another customer, settled, and new
    [
        {"type": "invoice", "id": "I3", "deleted": True},
        invoice("I1", number="2020-1", customer_id="C3", customer_name="Cy"),
        {"type": "payment", "id": "P2", "deleted": True},
        {"type": "reminder", "id": "R1", "customer_id": "C1", "sent_at": "2020-06-30T08:00:00Z"},
        {"type": "dispute", "id": "D1", "invoice_id": "I2", "opened_on": "2020-06-29", "amount": "5"},
        invoice("I9", customer_id="C9", customer_name="New", total="1", due_on="2020-02-01", issued_on="2020-01-01"),
        {"type": "payment", "id": "P8", "bill_id": "B1", "amount": "80", "paid_on": "2020-06-30"},
        {**BOOK[0], "name": "Anna", "account_number": "2002", "external_id": "anna"},
    ],
]

DOLFIN = [
    "/receivables/overdue",
    "/receivables/overdue?include=invoices&sort=amount",
    "/receivables/overdue?asOf=2020-06-15",
    "/receivables/overdue?asOf=2020-09-01",
    "/receivables/overdue?customerId=C1",
    "/receivables/overdue?limit=1",
    "/payables/overdue?include=bills",
    "/payables/overdue?limit=1",
    "/receivables/aging",
    "/receivables/aging?limit=1",
    "/receivables/aging?by=document",
    "/payables/aging",
    "/payables/aging?by=document&asOf=2020-06-10",
    "/receivables/customers/C1",
    "/receivables/customers/C3?limit=1",
    "/receivables/customers/C9",
    "/receivables/customers/C1/statement?from=2020-01-01",
    "/receivables/customers/C1/statement?kind=open_item",
    "/receivables/customers/C3/statement",
    "/payables/suppliers/S1",
    "/payables/suppliers/S1/statement?from=2020-01-01",
    "/receivables/overdue/history",
    "/payables/history",
    "/escalations",
    "/escalations?tier=gentle",
]
LAGO = [
    "/analytics/overdue_balance",
    "/analytics/overdue_balance?page=1&per_page=1",
    "/analytics/overdue_balance?external_customer_id=ann",
    "/analytics/overdue_balance?external_customer_id=anna",
    "/analytics/invoice_collection",
    "/api/v1/analytics/invoice_collection?months=4",
]
PAST_DUE = f"/restapi/v2.1/accounts/{ACCOUNT}/billing_invoices_past_due"


class Asking:
    """Asks every endpoint."""

    def __init__(self, api: Api, key: str, user: str | None = None, more: list[str] | None = None) -> None:
        self.api = api
        self.key = key
        self.user = user
        self.paths = [*DOLFIN, *LAGO, *(more or [])]

    def one(self, path: str, **query: str) -> Answer:
        url = urlsplit(path)
        token = self.user if url.path == PAST_DUE else self.key
        return self.api.call("GET", url.path, {"Authorization": f"Bearer {token}"}, dict(parse_qsl(url.query)) | query)

    def every(self, known_at: str | None = None) -> dict[str, tuple[int, Any]]:
        """What each endpoint answers, cursors and the ids of requests apart; the header is checked."""
        asked = {} if known_at is None else {"knownAt": known_at}
        found: dict[str, tuple[int, Any]] = {}
        for path in [*self.paths, *([PAST_DUE] if self.user else [])]:
            answer = self.one(path, **asked)
            if answer.status == 200:
                assert answer.headers.get(HEADER) == known_at
            body = {name: value for name, value in answer.body.items() if name not in ("instance", "nextCursor")}
            found[path] = answer.status, {**body, "more": answer.body.get("nextCursor") is not None}
            if path in DOLFIN and answer.status == 200:
                as_csv = self.one(path, **asked, format="csv")
                assert as_csv.headers.get(HEADER) == known_at
                found[f"{path} as CSV"] = as_csv.status, as_csv.text
        return found


def close(api: Api, now: datetime) -> None:
    """A run of the schedule."""
    services = api.services
    organisation = services.organisations().get(api.organisation.id)
    Closing(services.ledger, services.history(), services.recorder(), None).close(organisation, now)


@pytest.fixture
def asking(api: Api) -> Asking:
    """A book, an hour after its records."""
    api.stored(*BOOK)
    api.clock.now += HOUR
    customer = api.services.ledger.customer(api.organisation, ACCOUNT)
    assert customer is not None
    users = api.services.users()
    user = users.create(api.organisation.id, customer.location.id, "ann", "a long password", api.integrator, True)
    return Asking(api, api.key, user)


def tell_apart(found: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    return [path for path in expected if found[path] != expected[path]]


def test_every_answer_of_a_past_moment_is_the_one_that_was_given_then(api: Api, asking: Asking) -> None:
    """Records that came late, changed, moved and were deleted in between; a policy; a daily run."""
    then = {instant_text(api.clock.now): asking.every()}
    for number, changes in enumerate(CHANGES):
        api.clock.now += DAY
        api.stored(*changes)
        api.clock.now += HOUR
        then[instant_text(api.clock.now)] = asking.every()
        api.clock.now += DAY
        api.services.organisations().set_policy(api.organisation.id, {"firm_from_days": 20 + number})
        api.forget()
        api.clock.now += HOUR
        then[instant_text(api.clock.now)] = asking.every()
        close(api, api.clock.now + HOUR)
        api.clock.now += 2 * HOUR
        then[instant_text(api.clock.now)] = asking.every()
    assert len({str(answers) for answers in then.values()}) == len(then)
    for moment, expected in then.items():
        found = asking.every(moment)
        assert tell_apart(found, expected) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_random_book_is_answered_as_it_was_known(api: Api, seed: int) -> None:
    rng = Random(seed)
    book = as_it_happened(random_book(seed, 14), rng)
    days = list(arrivals(book))
    api.clock.now = days[0][0] - DAY
    terms = book.organisation
    api.organisation = api.services.organisations().create("Random", terms.timezone, terms.currency)
    api.key = api.services.api_keys().create(api.organisation.id)
    parties = sorted({str(one["customer_id"]) for _, some in days for one in some if one.get("customer_id")})
    pages = [f"/receivables/customers/{quote(party, safe='')}" for party in parties[:3]]
    asking = Asking(api, api.key, more=[*pages, *(f"{page}/statement" for page in pages)])
    kept = sorted(rng.sample(range(len(days)), min(4, len(days))))
    then = {}
    for number, (moment, some) in enumerate(days):
        api.clock.now = moment
        api.record(*some)
        if rng.random() < 0.2:
            close(api, moment + HOUR)
        if rng.random() < 0.2:
            api.services.organisations().set_policy(api.organisation.id, {"cooldown_days": rng.randint(1, 20)})
            api.forget()
        api.clock.now = moment + 2 * HOUR
        if number in kept:
            then[instant_text(api.clock.now)] = asking.every()
    for known_at, expected in then.items():
        assert tell_apart(asking.every(known_at), expected) == []


def test_now_is_answered_like_no_moment_but_for_the_header(api: Api, asking: Asking) -> None:
    api.stored(*CHANGES[0])
    api.clock.now += HOUR
    assert asking.every(instant_text(api.clock.now)) == asking.every()


def test_a_date_is_its_end_in_the_zone_of_the_organisation_and_today_is_now(api: Api, asking: Asking) -> None:
    before = api.dolfin().body
    api.clock.now = datetime.fromisoformat("2020-06-30T21:59:59.999999+00:00")
    late = api.dolfin().body
    assert late == before
    api.clock.now += HOUR
    api.stored(invoice("I8", total="8"))
    api.clock.now += HOUR
    june = api.dolfin(knownAt="2020-06-30")
    assert (june.body, june.headers[HEADER]) == (before, "2020-06-30T21:59:59.999999Z")
    today = api.dolfin(knownAt="2020-07-01")
    assert (today.body, today.headers[HEADER]) == (api.dolfin().body, instant_text(api.clock.now))
    assert today.body != before


@pytest.mark.parametrize("form", ["2020-06-30T15:00:00+02:00", "2020-06-30 13:00:00z", "2020-06-30T13:00:00.0000009Z"])
def test_a_moment_is_taken_in_every_form_of_rfc_3339(api: Api, asking: Asking, form: str) -> None:
    assert api.dolfin(knownAt=form).headers[HEADER] == "2020-06-30T13:00:00.000000Z"


def test_a_day_after_that_of_the_moment_is_as_it_was_foreseen_then(api: Api, asking: Asking) -> None:
    foreseen = api.dolfin(asOf="2020-08-01").body
    moment = instant_text(api.clock.now)
    api.stored(*CHANGES[0], *CHANGES[1])
    api.clock.now += 60 * DAY
    assert api.dolfin(asOf="2020-08-01", knownAt=moment).body == foreseen
    assert api.dolfin(knownAt=moment).body["asOf"] == "2020-06-30"


BAD: list[tuple[str, Callable[[Api], str]]] = [
    ("the future", lambda api: instant_text(api.clock.now + timedelta(microseconds=1))),
    ("a day to come", lambda _: "2020-07-01"),
    ("before the first moment", lambda _: instant_text(NOON - timedelta(microseconds=1))),
    ("a day before", lambda _: "2020-06-29"),
    ("no moment", lambda _: "yesterday"),
    ("no offset", lambda _: "2020-06-30T13:00:00"),
    ("nothing", lambda _: ""),
    ("no day", lambda _: "2020-02-30"),
]


@pytest.mark.parametrize("bad", [bad for _, bad in BAD], ids=[name for name, _ in BAD])
def test_a_moment_that_cannot_be_used_is_refused_by_each_api_in_its_own_way(
    api: Api, asking: Asking, bad: Callable[[Api], str]
) -> None:
    text = bad(api)
    for path in DOLFIN:
        answer = asking.one(path, knownAt=text)
        assert answer.status == 400, path
        check("problem", answer.body)
        assert (answer.body["code"], answer.body["parameter"]) == ("invalid_parameter", "knownAt")
        assert HEADER not in answer.headers
    for path in LAGO:
        answer = asking.one(path, knownAt=text)
        check("lago_error", answer.body)
        assert (answer.status, answer.body["error_details"]) == (422, {"knownAt": ["value_is_invalid"]})
    answer = asking.one(PAST_DUE, knownAt=text)
    assert (answer.status, answer.body["errorCode"]) == (400, "INVALID_REQUEST_PARAMETER")


def test_a_moment_before_the_first_one_names_it(api: Api, asking: Asking) -> None:
    first = instant_text(NOON)
    early = api.dolfin(knownAt="2020-06-29")
    assert early.body["firstMoment"] == first
    assert api.dolfin(knownAt=first).body["customers"] == []
    assert "firstMoment" not in api.dolfin(knownAt="2031-01-01").body


def test_a_repeated_moment_is_refused(api: Api, asking: Asking) -> None:
    answer = api.dolfin(knownAt=["2020-06-30", "2020-06-30"])
    assert (answer.status, answer.body["code"]) == (400, "invalid_parameter")


PAGED = [
    ("/receivables/overdue", "customers", {}),
    ("/receivables/overdue", "customers", {"sort": "amount"}),
    ("/receivables/aging", "customers", {}),
    ("/receivables/aging", "documents", {"by": "document"}),
    ("/receivables/customers/C1", "openInvoices", {}),
    ("/payables/overdue", "suppliers", {}),
    ("/escalations", "escalations", {}),
]


@pytest.mark.parametrize(("path", "rows", "query"), PAGED)
def test_a_cursor_goes_on_with_its_moment_and_with_no_other(
    api: Api, path: str, rows: str, query: dict[str, str]
) -> None:
    late = {"issued_on": "2020-01-01", "due_on": "2020-05-01"}
    bills = [
        {"type": "bill", "id": f"B{number}", "supplier_id": f"S{number}", "currency": "EUR", "total": "80"}
        | {"state": "Approved", **late}
        for number in range(3)
    ]
    api.stored(*BOOK, invoice("I7", total="7"), invoice("I8", customer_id="C2", total="8", **late), *bills)
    close(api, NOON + HOUR)
    api.clock.now += 2 * HOUR
    whole = api.dolfin(path, **query).body[rows]
    moment = instant_text(api.clock.now)
    api.clock.now += HOUR
    api.stored(*CHANGES[0], *CHANGES[1])
    api.services.organisations().set_policy(api.organisation.id, {"firm_from_days": 20})
    api.forget()
    close(api, NOON + 2 * DAY)
    api.clock.now += 3 * DAY
    page = api.dolfin(path, **query, limit="1", knownAt=moment)
    found, cursor = page.body[rows], page.body["nextCursor"]
    assert cursor is not None
    day = moment[:10]
    for other in ({"knownAt": "2020-06-30T13:30:00Z"}, {"knownAt": "2020-07-01"}):
        answer = api.dolfin(path, **query, limit="1", cursor=cursor, **other)
        assert (answer.status, answer.body["code"]) == (400, "invalid_cursor")
    for same in ({}, {"knownAt": moment}, {"knownAt": moment.replace("Z", "+00:00")}, {"knownAt": day}):
        following = api.dolfin(path, **query, limit="1", cursor=cursor, **same)
        assert (following.status, following.headers[HEADER]) == (200, moment)
    while cursor is not None:
        following = api.dolfin(path, limit="1", cursor=cursor)
        assert following.headers[HEADER] == moment
        found += following.body[rows]
        cursor = following.body["nextCursor"]
    assert found == whole
    present = api.dolfin(path, **query, limit="1").body["nextCursor"]
    answer = api.dolfin(path, **query, limit="1", cursor=present, knownAt=moment)
    assert (answer.status, answer.body["code"]) == (400, "invalid_cursor")


def test_pages_of_today_belong_together_though_now_moves_on(api: Api, asking: Asking) -> None:
    first = api.dolfin("/receivables/aging", limit="1", knownAt="2020-06-30")
    api.clock.now += HOUR
    api.stored(*CHANGES[1])
    api.clock.now += HOUR
    cursor = first.body["nextCursor"]
    second = api.dolfin("/receivables/aging", limit="1", knownAt="2020-06-30", cursor=cursor)
    assert second.headers[HEADER] == first.headers[HEADER] == "2020-06-30T13:00:00.000000Z"
    assert second.body["totals"] == first.body["totals"]


def test_escalations_since_a_later_moment_are_none(api: Api, asking: Asking) -> None:
    moment = instant_text(api.clock.now)
    close(api, NOON + 2 * HOUR)
    api.clock.now += 3 * HOUR
    assert api.dolfin("/escalations").body["escalations"] != []
    assert api.dolfin("/escalations", knownAt=moment).body["escalations"] == []
    assert api.dolfin("/escalations", since="2020-07-01", knownAt=moment).body["escalations"] == []


def test_scopes_and_features_are_those_of_the_present(api: Api, asking: Asking) -> None:
    moment = instant_text(api.clock.now)
    api.clock.now += HOUR
    api.services.organisations().set_features(api.organisation.id, [])
    api.forget()
    answer = asking.one("/analytics/overdue_balance", knownAt=moment)
    assert (answer.status, answer.body["code"]) == (403, "feature_unavailable")
    limited = api.services.api_keys().create(api.organisation.id, ["payables:read"])
    assert api.dolfin(key=limited, knownAt=moment).status == 403


def test_an_account_is_addressed_by_its_number_of_that_moment(api: Api, asking: Asking) -> None:
    moment = instant_text(api.clock.now)
    api.stored({**BOOK[0], "account_number": "2002"})
    api.clock.now += HOUR
    assert asking.one(PAST_DUE).status == 401
    assert asking.one(PAST_DUE, knownAt=moment).status == 200


def test_a_book_whose_changes_are_not_kept_yet_says_so(api: Api, asking: Asking) -> None:
    table, client = api.services.settings.access_table, api.services.client
    client.update_item(
        TableName=table,
        Key={"pk": {"S": f"O#{api.organisation.id}"}, "sk": {"S": "ORGANISATION"}},
        UpdateExpression="REMOVE known_from",
    )
    api.forget()
    answer = api.dolfin(knownAt="2020-06-30")
    assert (answer.status, answer.body["code"]) == (400, "invalid_parameter")
    assert "not kept yet" in answer.body["detail"]
    assert "firstMoment" not in answer.body
