"""The official clients of the documented APIs, as they are, against the deployed stack."""

import json
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import docusign_esign
import pytest
from docusign_esign.client.api_exception import ApiException
from lago_python_client.client import Client as LagoClient
from lago_python_client.exceptions import LagoApiError

from arrears.runtime import Services
from arrears_cli.deployment import Deployment
from stack.conftest import Tenant
from template import ROOT

NUMBER = "1001"
TODAY = datetime.now(UTC).date()
LAST_MONTH = TODAY.replace(day=1) - timedelta(days=1)


WARM = ("analytics/overdue_balance", "analytics/invoice_collection", "nowhere")


@pytest.fixture(autouse=True, scope="module")
def warm(stack: Deployment) -> None:
    """Lago's client gives up after five seconds, which the emulator may need to start a function on a busy machine."""
    account = "restapi/v2.1/accounts/1/billing_invoices_past_due"
    for path in (*WARM, account):
        with suppress(urllib.error.HTTPError):
            urllib.request.urlopen(f"{stack.base_url}/{path}", timeout=60)


def month(day: date) -> str:
    return day.strftime("%Y-%m-01T00:00:00.000Z")


def book() -> list[dict[str, Any]]:
    late = {"customer_id": "C1", "issued_on": str(LAST_MONTH - timedelta(days=40)), "due_on": str(LAST_MONTH)}
    return [
        {"type": "customer", "id": "C1", "name": "Ann", "account_number": NUMBER, "external_id": "crm-1"},
        {"type": "customer", "id": "C2", "name": "Bob", "account_number": "1002"},
        {"type": "invoice", "id": "I1", **late, "currency": "GBP", "total": "120.50", "number": "A-1"},
        {"type": "invoice", "id": "I2", **late, "currency": "USD", "total": "7"},
        {"type": "invoice", "id": "I3", **late, "currency": "GBP", "total": "1", "customer_id": "C2"},
        {"type": "payment", "id": "P1", "invoice_id": "I1", "amount": "20.50", "paid_on": str(LAST_MONTH)},
    ]


@pytest.fixture
def owed(services: Services, tenant: Tenant) -> Tenant:
    """A tenant with two customers who owe since last month."""
    organisation = services.organisations().get(tenant.organisation_id)
    results = services.recorder().record(organisation, book(), services.clock())
    assert {result.result for result in results} == {"created"}
    return tenant


# --- Lago -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def lago(stack: Deployment, owed: Tenant) -> LagoClient:
    return _lago(stack, owed.api_key)


def _lago(stack: Deployment, key: str) -> LagoClient:
    # Without the slash the client would put its /api/v1 in the place of the stage.
    return LagoClient(api_key=key, api_url=stack.base_url + "/")


def balances(client: LagoClient, **options: Any) -> list[tuple[str, str, int]]:
    found = client.overdue_balances.find_all(options)["overdue_balances"]
    return [(row.month, row.currency, row.amount_cents) for row in found]


def test_lago_s_client_reads_overdue_balances(lago: LagoClient) -> None:
    assert balances(lago) == [(month(LAST_MONTH), "GBP", 10100), (month(LAST_MONTH), "USD", 700)]
    assert balances(lago, currency="USD") == [(month(LAST_MONTH), "USD", 700)]
    assert balances(lago, months=1) == []
    assert len(balances(lago, months=2)) == 2
    assert balances(lago, external_customer_id="crm-1", currency="gbp") == [(month(LAST_MONTH), "GBP", 10000)]
    assert balances(lago, external_customer_id="nobody") == []
    page = lago.overdue_balances.find_all({"page": 2, "per_page": 1})
    assert (len(page["overdue_balances"]), page["meta"]["current_page"], page["meta"]["next_page"]) == (1, 2, 3)


def test_lago_s_client_reads_invoice_collections(lago: LagoClient) -> None:
    found = lago.invoice_collections.find_all({})["invoice_collections"]
    issued = month(LAST_MONTH - timedelta(days=40))
    counted = [row for row in found if row.invoices_count]
    assert [(row.month, row.payment_status, row.currency, row.invoices_count, row.amount_cents) for row in counted] == [
        (issued, "pending", "GBP", 2, 12150),
        (issued, "pending", "USD", 1, 700),
    ]
    assert [row.month for row in found] == sorted(row.month for row in found)
    assert (found[-1].month, found[-1].payment_status, found[-1].currency) == (month(TODAY), None, None)
    dollars = lago.invoice_collections.find_all({"currency": "USD", "months": 12})["invoice_collections"]
    assert [row.amount_cents for row in dollars] == [700]
    [current] = lago.invoice_collections.find_all({"months": 1})["invoice_collections"]
    assert current.month == month(TODAY)


def failed(ask: Callable[[], object]) -> LagoApiError:
    with pytest.raises(LagoApiError) as caught:
        ask()
    return caught.value


def test_lago_s_client_reads_errors(stack: Deployment, owed: Tenant, lago: LagoClient, services: Services) -> None:
    error = failed(lambda: lago.overdue_balances.find_all({"months": "x", "currency": "XXX"}))
    assert error.status_code == 422
    assert error.response["error_details"] == {"currency": ["value_is_invalid"], "months": ["value_is_invalid"]}
    error = failed(lambda: _lago(stack, "nonsense").invoice_collections.find_all({}))
    assert (error.status_code, error.response) == (401, {"status": 401, "error": "Unauthorized"})
    error = failed(lambda: lago.mrrs.find_all({}))
    assert (error.status_code, error.response["code"]) == (404, "not_found")
    other = services.organisations().create("No analytics", "UTC", "USD")
    services.organisations().set_features(other.id, [])
    error = failed(lambda: _lago(stack, services.api_keys().create(other.id)).overdue_balances.find_all({}))
    assert (error.status_code, error.response["code"]) == (403, "feature_unavailable")


# --- DocuSign -------------------------------------------------------------------------------------------------------


@pytest.fixture
def integrator(services: Services, owed: Tenant) -> str:
    """An integrator key."""
    return services.users().create_integrator_key(owed.organisation_id)


@pytest.fixture
def user(services: Services, owed: Tenant, integrator: str) -> Callable[[str, bool], str]:
    """Make a user of an account: user(number, admin); its token."""

    def make(number: str, admin: bool) -> str:
        organisation = services.organisations().get(owed.organisation_id)
        customer = services.ledger.customer(organisation, number)
        assert customer is not None
        name = f"{number}-{admin}"
        return services.users().create(
            organisation.id, customer.location.id, name, "a long password", integrator, admin
        )

    return make


def billing(stack: Deployment, header: str, value: str) -> docusign_esign.BillingApi:
    client = docusign_esign.ApiClient(host=f"{stack.base_url}/restapi")
    client.set_default_header(header, value)
    return docusign_esign.BillingApi(client)


def test_docusign_s_client_reads_past_due_invoices(
    stack: Deployment, integrator: str, user: Callable[[str, bool], str]
) -> None:
    token = user(NUMBER, True)
    credentials = (
        f"<DocuSignCredentials><Username>{NUMBER}-True</Username><Password>a long password</Password>"
        f"<IntegratorKey>{integrator}</IntegratorKey></DocuSignCredentials>"
    )
    for header, value in (("Authorization", f"Bearer {token}"), ("X-DocuSign-Authentication", credentials)):
        summary = billing(stack, header, value).list_invoices_past_due(NUMBER)
        assert (summary.past_due_balance, summary.account_balance, summary.currency_code) == ("100.00", "100.00", "GBP")
        assert summary.payment_allowed == "true"
        [invoice] = summary.billing_invoices
        assert (invoice.amount, invoice.balance, invoice.due_date) == ("120.50", "100.00", str(LAST_MONTH))
        assert (invoice.invoice_number, invoice.invoice_items) == ("A-1", [])


@pytest.mark.parametrize(
    ("number", "admin", "code"),
    [(NUMBER, False, "USER_LACKS_PERMISSIONS"), ("1002", True, "USER_DOES_NOT_BELONG_TO_SPECIFIED_ACCOUNT")],
)
def test_docusign_s_client_reads_refusals(
    stack: Deployment, owed: Tenant, user: Callable[[str, bool], str], number: str, admin: bool, code: str
) -> None:
    api = billing(stack, "Authorization", f"Bearer {user(number, admin)}")
    with pytest.raises(ApiException) as caught:
        api.list_invoices_past_due(NUMBER)
    assert caught.value.status == 401
    assert code in str(caught.value.body)
    assert caught.value.trace_token


# --- JavaScript -----------------------------------------------------------------------------------------------------

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def javascript() -> Path:
    """The folder with the official JavaScript clients installed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not here, and the official JavaScript clients need them")
    folder = ROOT / ".local" / "node"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(NODE / "package.json", folder)
    install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--prefer-offline"]
    done = subprocess.run(install, check=False, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip("npm could not install the official JavaScript clients")
    return folder


def test_the_javascript_clients_read_the_same(
    stack: Deployment, owed: Tenant, user: Callable[[str, bool], str], javascript: Path
) -> None:
    tokens = [user(NUMBER, True), user(NUMBER, False)]
    command = ["node", str(NODE / "ask.js"), stack.base_url, owed.api_key, NUMBER, *tokens]
    done = subprocess.run(command, check=False, cwd=javascript, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    [balance] = found["balances"]["overdue_balances"]
    assert (balance["month"], balance["amount_cents"]) == (month(LAST_MONTH), 10100)
    assert [row["amount_cents"] for row in found["collections"]["invoice_collections"]] == [700]
    assert found["invalid"]["error_details"] == {"months": ["value_is_invalid"]}
    assert found["unauthorised"] == {"status": 401, "error": "Unauthorized"}
    assert (found["pastDue"]["pastDueBalance"], found["pastDue"]["paymentAllowed"]) == ("100.00", "true")
    assert found["noAdministrator"]["errorCode"] == "USER_LACKS_PERMISSIONS"


# --- Without any client ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "wanted"),
    [
        ("GET", "/", 404, '"code":"not_found"'),
        ("POST", "/receivables/overdue", 405, '"code":"method_not_allowed"'),
        ("DELETE", "/analytics/overdue_balance", 405, '"error":"Method Not Allowed"'),
        ("PUT", "/restapi/v2.1/accounts/1/billing_invoices_past_due", 405, '"errorCode":"METHOD_NOT_ALLOWED"'),
        ("GET", "/restapi/v2.1/accounts/1", 404, '"errorCode":"NOT_FOUND"'),
        ("GET", "/api/v1/customers", 404, '"error":"Not Found"'),
    ],
)
def test_what_no_endpoint_takes_is_refused_in_the_format_of_its_api(
    stack: Deployment, method: str, path: str, status: int, wanted: str
) -> None:
    request = urllib.request.Request(stack.base_url + path, method=method)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    with caught.value as error:
        assert error.code == status
        assert wanted in error.read().decode()
