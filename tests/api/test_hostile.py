"""Whatever is sent, the answer is one of the contract's: never a failure of ours, never a wait, always its shape."""

import json
import time
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from api.conftest import SCHEMAS, Answer, Api
from support.hostile import DOCUSIGN, RECORDS, Credentials, Sent, mutated

TIMES = 10_000
PARTS = 10
LONGEST_SECONDS = 5


@cache
def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((Path(SCHEMAS) / f"{name}.json").read_text()))


@pytest.fixture
def who(api: Api) -> Credentials:
    api.stored(*RECORDS)
    customer = api.services.ledger.customer(api.organisation, "1001")
    assert customer is not None
    users = api.services.users()
    token = users.create(api.organisation.id, customer.location.id, "ann", "a long password", api.integrator, True)
    login = {"Username": "ann", "Password": "a long password", "IntegratorKey": api.integrator}
    parts = "".join(f"<{name}>{value}</{name}>" for name, value in login.items())
    docusign = f"<DocuSignCredentials>{parts}</DocuSignCredentials>"
    return Credentials(api.key, token, docusign, api.organisation.id)


def send(api: Api, sent: Sent) -> Answer:
    started = time.monotonic()
    answer = api.call(
        sent.method,
        sent.path,
        {name: values[-1] for name, values in sent.headers.items()},
        dict(sent.query),
        sent.body,
        multiValueHeaders=sent.headers,
    )
    assert time.monotonic() - started < LONGEST_SECONDS, sent
    return answer


def judged(sent: Sent, answer: Answer) -> None:
    assert answer.status < 500, (sent, answer.text)
    answer.text.encode()
    if answer.status == 200:
        return
    assert not list(schema(sent.shape).iter_errors(answer.body)), (sent, answer.text)
    assert len(answer.text) < 3_000, "a refusal does not repeat what was sent"
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("part", range(PARTS))
def test_a_mutated_request_is_answered_in_the_form_of_its_contract(api: Api, who: Credentials, part: int) -> None:
    random = Random(f"hostile {part}")
    statuses: dict[int, int] = {}
    for _ in range(TIMES // PARTS):
        sent = mutated(random, who)
        answer = send(api, sent)
        judged(sent, answer)
        if sent.path == "/ledger/records" and answer.status == 200:
            assert {result["result"] for result in answer.body["results"]} <= {
                "created", "updated", "unchanged", "stale", "pending", "rejected",
            }  # fmt: skip
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
    # The mutations reach beyond the first check, and are not harmless either.
    assert {200, 400, 401} <= statuses.keys()


# --- Records that are taken must not break what is answered from them ------------------------------------------------

DAYS = st.sampled_from(
    ["0001-01-01", "0001-02-01", "2019-12-31", "2020-02-29", "2020-06-29", "2020-06-30", "2020-07-01", "9999-12-31"]
)
AMOUNTS = st.one_of(
    st.sampled_from(["0", "-0.00", "1e3", "0.01", "9" * 24, "-" + "9" * 24, "9" * 23 + ".99", 10**23, 1.005, "12", 7]),
    st.integers(-(10**6), 10**6),
)
IDS = st.sampled_from(["A", "B", "a", "é", "#", "A#B", "x" * 200, "11111111-2222-3333-4444-555555555555", "\U0001f4b8"])
TEXTS = st.one_of(st.sampled_from(["", " ", "A", "a ", "é" * 500, "\t\n\0"]), st.text(max_size=20))
MOMENTS = st.sampled_from(["0002-01-01T00:00:00Z", "2020-06-29T23:59:59.999999999+14:00", "9998-12-31T23:59:59-23:59"])
NOISE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
CURRENCIES = st.sampled_from(["EUR", "EUR", "EUR", "JPY", "CLF", "BHD", "HRK", "eur", "XXX"])


BY_NAME = {
    "currency": CURRENCIES,
    "invoice_ids": st.lists(IDS, max_size=3),
    "state": st.sampled_from(["Approved", "Scheduled", "PaymentInProgress", "PaymentFailed", "Paid", "Created"]),
    **dict.fromkeys(("total", "amount", "taxable_amount", "tax_amount", "quantity", "unit_price"), AMOUNTS),
    **dict.fromkeys(("name", "number", "external_id", "account_number", "customer_name", "supplier_name"), TEXTS),
}
BY_END = {"_on": DAYS, "_at": MOMENTS, "id": IDS}


def values_of(name: str, value: Any) -> st.SearchStrategy[Any]:
    if name == "lines":
        return st.lists(record(value[0]), max_size=3)
    by_end = next((values for end, values in BY_END.items() if name.endswith(end)), st.just(value))
    return BY_NAME.get(name, by_end)


def record(base: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A record of that type, mostly of values that may be taken; few things are missing, odd or not known."""
    required = {name: st.one_of([values_of(name, value)] * 30 + [NOISE]) for name, value in base.items()}
    whole = st.fixed_dictionaries(required)
    return st.tuples(whole, st.sets(st.sampled_from(sorted(set(base) - {"type", "id"})), max_size=3)).map(
        lambda made: {name: value for name, value in made[0].items() if name not in made[1]}
    )


BATCHES = st.lists(st.one_of([record(base) for base in RECORDS]), min_size=1, max_size=12)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(BATCHES)
def test_any_batch_of_records_is_answered_record_by_record(api: Api, batch: list[dict[str, Any]]) -> None:
    organisation = api.services.organisations().create("Hostile", "Pacific/Kiritimati", "EUR")
    key = api.services.api_keys().create(organisation.id)
    for _ in range(2):
        sent = Sent(
            "POST", "/ledger/records", "problem", {"x-dolfin-api-key": [key]}, body=json.dumps({"records": batch})
        )
        answer = send(api, sent)
        judged(sent, answer)
        assert answer.status == 200
        results = answer.body["results"]
        assert len(results) == len(batch)
    taken = [record for record, result in zip(batch, results, strict=True) if result["result"] != "rejected"]
    dolfin, bearer = {"x-dolfin-api-key": [key]}, {"Authorization": [f"Bearer {key}"]}
    for path in ("/receivables/overdue", "/payables/overdue", "/receivables/aging", "/payables/aging"):
        for day in ("0001-01-01", "2020-06-30", "9999-12-31"):
            assert_answered(api, Sent("GET", path, "problem", dolfin, {"asOf": [day]}), taken)
    policy = json.dumps({"policy": {"firm_from_days": 10, "medium_from_days": 4, "unapplied_covers": "none"}})
    for path in ("/receivables/overdue/simulation", "/payables/overdue/simulation"):
        assert_answered(api, Sent("POST", path, "problem", dolfin, body=policy), taken)
    for name in ("overdue_balance", "invoice_collection"):
        assert_answered(api, Sent("GET", f"/analytics/{name}", "lago_error", bearer), taken)
    customers = [record for record in taken if record["type"] == "customer" and record.get("account_number")]
    for record in customers:
        customer = api.services.ledger.customer(organisation, record["account_number"])
        if customer is not None:
            users = api.services.users()
            integrator = users.create_integrator_key(organisation.id)
            token = users.create(organisation.id, customer.location.id, "ann", "a long password", integrator, True)
            sent = Sent(
                "GET",
                DOCUSIGN.format(account=customer.location.id),
                "docusign_error",
                {"Authorization": [f"Bearer {token}"]},
            )
            assert_answered(api, sent, taken)


def assert_answered(api: Api, sent: Sent, taken: list[dict[str, Any]]) -> None:
    answer = send(api, sent)
    assert answer.status == 200, (answer.text, taken)
