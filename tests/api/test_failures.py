"""What no endpoint answers, and what fails inside one: always in the error format of the API that was asked."""

import json
from io import StringIO
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from api.conftest import Answer, Api, check, invoice
from arrears.api import errors

DOCUSIGN = "/restapi/v2.1/accounts/1001/billing_invoices_past_due"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
KNOWN = {
    "/receivables/overdue": ("GET", "problem"),
    "/payables/overdue": ("GET", "problem"),
    "/receivables/overdue/simulation": ("POST", "problem"),
    "/payables/overdue/simulation": ("POST", "problem"),
    "/receivables/aging": ("GET", "problem"),
    "/payables/aging": ("GET", "problem"),
    "/receivables/customers/C1": ("GET", "problem"),
    "/payables/suppliers/S1/statement": ("GET", "problem"),
    "/ledger/records": ("POST", "problem"),
    "/analytics/overdue_balance": ("GET", "lago_error"),
    "/api/v1/analytics/invoice_collection": ("GET", "lago_error"),
    DOCUSIGN: ("GET", "docusign_error"),
}
UNKNOWN = {
    "/": "problem",
    "/nothing": "problem",
    "/receivables": "problem",
    "/receivables/overdue/more": "problem",
    "/receivables/customers": "problem",
    "/receivables/customers/C1/more": "problem",
    "/analyticsx": "problem",
    "/analytics/mrr": "lago_error",
    "/api/v1": "lago_error",
    "/api/v1/customers/1": "lago_error",
    "/restapi": "docusign_error",
    "/restapi/v2.1/accounts/1001/billing_invoices": "docusign_error",
}


def in_shape(answer: Answer, shape: str, status: int) -> None:
    assert answer.status == status, answer.text
    check(shape, answer.body)
    assert ("X-DocuSign-TraceToken" in answer.headers) == (shape == "docusign_error")
    assert answer.headers["Content-Type"].startswith(
        "application/problem" if shape == "problem" else "application/json"
    )
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("path", UNKNOWN)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_an_unknown_address_is_404_in_the_error_format_of_its_api(api: Api, path: str, method: str) -> None:
    in_shape(api.call(method, path), UNKNOWN[path], 404)


@pytest.mark.parametrize(
    ("path", "method"), [(p, m) for p, (allowed, _) in KNOWN.items() for m in METHODS if m != allowed]
)
def test_a_method_that_an_address_does_not_take_is_405_and_the_right_one_is_named(
    api: Api, path: str, method: str
) -> None:
    allowed, shape = KNOWN[path]
    answer = api.call(method, path)
    in_shape(answer, shape, 405)
    assert answer.headers["Allow"] == allowed


def throttle(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "secret table name"}}, "Query")


def cancelled(*codes: str) -> ClientError:
    response: Any = {
        "Error": {"Code": "TransactionCanceledException", "Message": "secret"},
        "CancellationReasons": [{"Code": code} for code in codes],
    }
    return ClientError(response, "TransactWriteItems")


FAULTS = {
    "throttled": (throttle("ProvisionedThroughputExceededException"), 429, True),
    "throttled otherwise": (throttle("ThrottlingException"), 429, True),
    "out of requests": (throttle("RequestLimitExceeded"), 429, True),
    "conflict": (cancelled("None", "TransactionConflict"), 503, True),
    "conflict and throttled": (cancelled("ThrottlingError", "TransactionConflict"), 503, True),
    "their failure": (throttle("InternalServerError"), 503, True),
    "no connection": (ConnectTimeoutError(endpoint_url="http://secret"), 503, True),
    "no answer": (ReadTimeoutError(endpoint_url="http://secret"), 503, True),
    "no permission": (throttle("AccessDeniedException"), 500, False),
    "a condition nobody foresaw": (cancelled("ConditionalCheckFailed"), 500, False),
    "a mistake of ours": (RuntimeError("secret"), 500, False),
}


def asked(api: Api, contract: str) -> Answer:
    if contract == "lago_error":
        return api.lago("invoice_collection")
    if contract == "docusign_error":
        return api.call("GET", DOCUSIGN, {"Authorization": "Bearer ut_" + "0" * 32 + "_" + "0" * 32 + "_" + "0" * 48})
    return api.dolfin() if contract == "problem" else api.record(invoice("I1"))


@pytest.mark.parametrize("contract", ["problem", "lago_error", "docusign_error", "records"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_table_is_answered_as_what_it_means_in_every_api(
    api: Api,
    contract: str,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
    log: StringIO,
    capsys: pytest.CaptureFixture[str],
) -> None:
    error, status, again = FAULTS[fault]

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(api.services.client, "batch_get_item", fail)
    answer = asked(api, contract)
    in_shape(answer, "problem" if contract == "records" else contract, status)
    assert ("Retry-After" in answer.headers) == again
    assert "secret" not in answer.text
    request_id = answer.headers.get("X-Correlation-Id") or answer.headers["X-DocuSign-TraceToken"]
    logged = [json.loads(line) for line in log.getvalue().splitlines()]
    if status == 500:
        [entry] = [entry for entry in logged if entry.get("level") == "ERROR"]
        assert entry["correlation_id"] == request_id
        assert entry["exception_name"] == type(error).__name__
    [metric] = [line for line in capsys.readouterr().out.splitlines() if "CloudWatchMetrics" in line]
    assert '"Arrears"' in metric


def test_the_log_holds_no_credentials(api: Api, log: StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    api.stored({"type": "customer", "id": "C1", "name": "A", "account_number": "1001"}, invoice("I1"))
    customer = api.services.ledger.customer(api.organisation, "1001")
    assert customer is not None
    token = api.services.users().create(
        api.organisation.id, customer.location.id, "ann", "password-1234", api.integrator, True
    )
    credentials = {"Username": "ann", "Password": "password-1234", "IntegratorKey": api.integrator}
    api.docusign("1001", {"X-DocuSign-Authentication": json.dumps(credentials)})
    api.docusign("1001", {"Authorization": f"Bearer {token}"})
    api.dolfin(key=api.key[:-1] + "x")
    api.lago("overdue_balance")
    written = log.getvalue() + "".join(capsys.readouterr())
    assert written.count('"answered"') == 5
    for secret in (api.key, token, "password-1234", api.integrator, api.organisation.cursor_secret, "1001"):
        assert secret not in written


def test_every_kind_of_error_has_one_code_and_a_status_of_errors() -> None:
    assert len({kind.code for kind in errors.KINDS}) == len(errors.KINDS)
    assert all(400 <= kind.status < 600 for kind in errors.KINDS)
