"""The mappings that come with the product, on exports of the kinds they are for."""

import csv
import io
import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest

from arrears.imports.errors import FileRefused
from arrears.ledger.days import parse_day
from arrears.ledger.ledger_side import Side
from arrears.ledger.on_account import unapplied_at
from arrears.ledger.organisation import Organisation
from arrears.rendering.overdue import aging_bodies, overdue_bodies
from arrears.reports.aging import Report, overdue_report
from support.files import MemoryFile, outcomes, records, sample, samples, text_file
from support.memory_ledger import MemoryLedger

TODAY = parse_day("2022-01-01")


def ledger(written: list[dict[str, Any]], currency: str = "USD") -> MemoryLedger:
    organisation = Organisation("6a4e7bd0-7a3c-4a12-8d0c-3f4bba6f0c11", "Books", currency, "UTC", 1, "00")
    kept = MemoryLedger(organisation)
    found = {result.result for result in kept.record(written, TODAY)}
    assert found <= {"created", "updated", "unchanged", "stale", "pending"}
    return kept


def report(kept: MemoryLedger, day: str, side: Side = Side.RECEIVABLE) -> Report:
    at = parse_day(day)
    return overdue_report(kept.accounts(side, at, TODAY), at, kept.organisation)


def overdue(kept: MemoryLedger, day: str, side: Side = Side.RECEIVABLE) -> dict[str, Any]:
    found = report(kept, day, side)
    return {total["currency"]: total["amount"] for total in overdue_bodies(found.aging)}


def table(*rows: dict[str, str]) -> MemoryFile:
    columns = dict.fromkeys(name for row in rows for name in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text_file(text.getvalue())


# --- Xero -------------------------------------------------------------------------------------------------------------


def test_xero_gives_the_figures_of_an_independent_calculation() -> None:
    facts = json.loads(sample("xero", "facts-2020-06-30.json").content)
    kept = ledger(records(sample("xero", "xero_invoice_data.csv"), "xero"), "GBP")
    found = report(kept, "2020-06-30")
    buckets = {"not_yet_due": "current", "1-30": "d1To30", "31-60": "d31To60", "61-90": "d61To90", "90+": "d90Plus"}
    expected = [
        {
            "currency": currency,
            "buckets": {
                ours: {"amount": float(known["amount"][theirs]), "count": known["count"][theirs]}
                for theirs, ours in buckets.items()
            },
        }
        for currency, known in facts["by_currency"].items()
    ]
    assert [{name: entry[name] for name in ("currency", "buckets")} for entry in aging_bodies(found.aging)] == expected
    assert found.party_count == facts["distinct_overdue_customers"]


SCREEN = {
    "ContactName": "Jellyfish", "InvoiceNumber": "INV-1", "InvoiceDate": "11/06/2020", "DueDate": "25/06/2020",
    "Total": "1580.9400", "InvoiceAmountPaid": "80.9400", "InvoiceAmountDue": "1500.0000", "Description": "lamb",
    "Currency": "ZAR", "Type": "Sales invoice", "Sent": "Sent", "Status": "Awaiting Payment",
}  # fmt: skip


def test_xero_screens_are_read_with_a_row_for_each_line() -> None:
    bill = {"ContactName": "Pests", "InvoiceNumber": "16083", "Type": "Bill", "Total": "90.00"}
    file = table(
        SCREEN,
        {**SCREEN, "Description": "chicken"},
        {**SCREEN, **bill, "InvoiceAmountPaid": "0.00", "InvoiceAmountDue": "90.00"},
        {**SCREEN, **bill, "InvoiceNumber": "16084", "InvoiceAmountPaid": "90.00", "Status": "Paid"},
        {**SCREEN, "InvoiceNumber": "INV-2", "Status": "Voided", "InvoiceAmountPaid": "0"},
    )
    kept = ledger(records(file, "xero-screens", dates=("D/M/YYYY",)), "ZAR")
    assert overdue(kept, "2020-06-25") == {}
    assert overdue(kept, "2020-06-26") == {"ZAR": 1500}
    assert overdue(kept, "2020-06-26", Side.PAYABLE) == {"ZAR": 90}


def on_account(kept: MemoryLedger, side: Side) -> dict[str, dict[str, int]]:
    """The money on account at the end of June 2020, by party, in minor units."""
    day = parse_day("2020-06-30")
    found = {
        account.name: unapplied_at(account, documents, day) for account, documents in kept.accounts(side, day, day)
    }
    return {name: amounts for name, amounts in found.items() if amounts}


def screens(*names: str) -> list[dict[str, Any]]:
    files = [sample("xero", f"screen-{name}.csv") for name in names]
    return [record for file in files for record in records(file, "xero-screens", dates=("D/M/YYYY",))]


def test_what_is_left_of_xero_s_credit_notes_and_overpayments_is_on_account_of_the_contact() -> None:
    kept = ledger(screens("sales", "bills", "contacts"), "ZAR")
    assert on_account(kept, Side.RECEIVABLE) == {
        "Jellyfish Grill": {"ZAR": 200_00},
        "Mountain View Lodge": {"ZAR": 75_50},
    }
    assert on_account(kept, Side.PAYABLE) == {"Karoo Packaging": {"ZAR": 40_00}, "City Water": {"ZAR": 200_00}}
    assert (overdue(kept, "2020-06-30"), overdue(kept, "2020-06-30", Side.PAYABLE)) == ({"ZAR": 1500}, {"ZAR": 90})
    read = outcomes(sample("xero", "screen-sales.csv"), "xero-screens", dates=("D/M/YYYY",))
    assert [found.skipped for found in read if found.skipped] == ["it is not approved yet"]


def test_a_later_file_of_xero_s_screens_takes_back_what_has_been_applied_or_voided_since() -> None:
    kept = ledger(screens("sales", "contacts"), "ZAR")
    note = {**SCREEN, "ContactName": "Jellyfish Grill", "InvoiceNumber": "CN-7", "InvoiceDate": "15/06/2020",
            "DueDate": "", "Total": "-230.0000", "InvoiceAmountPaid": "-230.0000", "InvoiceAmountDue": "0.0000",
            "Type": "Sales credit note", "Status": "Paid"}  # fmt: skip
    paid = {**note, "ContactName": "Mountain View Lodge", "InvoiceNumber": "", "InvoiceDate": "18/06/2020",
            "Total": "-75.5000", "InvoiceAmountPaid": "0", "InvoiceAmountDue": "-75.5000",
            "Type": "Sales overpayment", "Status": "Voided"}  # fmt: skip
    kept.record(records(table(note, paid), "xero-screens", dates=("D/M/YYYY",)), TODAY)
    assert on_account(kept, Side.RECEIVABLE) == {}


def test_xero_screens_ask_for_the_form_of_dates() -> None:
    with pytest.raises(FileRefused, match=r"--dates D/M/YYYY"):
        outcomes(table(SCREEN), "xero-screens")


@pytest.mark.parametrize("column", ["*ContactName", "ContactName"])
def test_xero_screens_have_contacts(column: str) -> None:
    contact = {column: "Jellyfish", "AccountNumber": "J-1", "EmailAddress": "", "FirstName": "", "LastName": ""}
    assert records(table(contact), "xero-screens") == [
        {"type": "customer", "id": "Jellyfish", "name": "Jellyfish", "account_number": "J-1"},
        {"type": "supplier", "id": "Jellyfish", "name": "Jellyfish"},
    ]


def test_xero_contacts_have_the_address_to_which_letters_go() -> None:
    made = screens("contacts")
    emails = {record["id"]: record.get("email") for record in made if record["type"] == "customer"}
    assert emails == {"Jellyfish Grill": "pay@jellyfish.example", "Mountain View Lodge": None, "City Water": None}


def test_xero_contacts_give_the_names() -> None:
    kept = ledger(
        records(sample("xero", "xero_invoice_data.csv"), "xero")
        + records(sample("xero", "xero_contact_data.csv"), "xero")
    )
    [row] = report(kept, "2020-06-30").rows
    assert row.account.name == "KDUB1kRgevBwTB5rxhBUxw=="


XERO = {
    "invoice_id": "i1", "contact_id": "c1", "date": "2020-01-01", "due_date": "2020-02-01", "type": "ACCREC",
    "status": "AUTHORISED", "total": "100", "amount_paid": "0", "amount_credited": "0", "currency_code": "EUR",
    "updated_date_utc": "2020-03-05 10:00:00 UTC", "fully_paid_on_date": "", "invoice_number": "INV-1",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        ({}, {"EUR": 100}, {"EUR": 100}),
        ({"status": "PAID", "amount_paid": "100", "fully_paid_on_date": "2020-03-01"}, {"EUR": 100}, {}),
        (
            {"status": "PAID", "amount_paid": "60", "amount_credited": "40", "fully_paid_on_date": "2020-03-01"},
            {"EUR": 100},
            {},
        ),
        ({"amount_paid": "30", "amount_credited": "10"}, {"EUR": 100}, {"EUR": 60}),
        ({"status": "DRAFT"}, {}, {}),
        ({"status": "SUBMITTED"}, {}, {}),
        ({"status": "VOIDED"}, {}, {}),
        ({"status": "DELETED"}, {}, {}),
    ],
)
def test_xero_s_status_decides_whether_a_document_is_owed(
    changes: dict[str, str], before: dict[str, int], after: dict[str, int]
) -> None:
    invoice = {**XERO, **changes}
    bill = {**invoice, "invoice_id": "b1", "type": "ACCPAY"}
    kept = ledger(records(table(invoice, bill), "xero"))
    for side in Side:
        assert overdue(kept, "2020-02-15", side) == before
        assert overdue(kept, "2020-03-10", side) == after


def test_a_later_xero_export_moves_the_book_and_an_older_one_does_not() -> None:
    first = records(table(XERO), "xero")
    later = {**XERO, "status": "VOIDED", "updated_date_utc": "2020-04-01 10:00:00 UTC"}
    kept = ledger(first + records(table(later), "xero"))
    assert overdue(kept, "2020-02-15") == {}
    assert [result.result for result in kept.record(first, TODAY)] == ["stale"]


def test_the_xero_api_reads_as_records() -> None:
    invoice = {
        "Type": "ACCREC", "InvoiceID": "i1", "InvoiceNumber": "INV-1", "Status": "AUTHORISED", "CurrencyCode": "EUR",
        "Contact": {"ContactID": "c1", "Name": "Acme"}, "DateString": "2020-01-01T00:00:00",
        "Date": "/Date(1577836800000+0000)/", "DueDate": "/Date(1580515200000+0000)/", "Total": 100.00,
        "UpdatedDateUTC": "/Date(1583402400000+0000)/",
        "Payments": [{"PaymentID": "p1", "Date": "/Date(1582934400000+0000)/", "Amount": 30.00}],
        "CreditNotes": [{"CreditNoteID": "n1", "AppliedAmount": 20.00, "DateString": "2020-03-02T00:00:00"}],
        "LineItems": [{"LineItemID": "l1", "Description": "Work", "Quantity": 2.0, "UnitAmount": 50.0,
                       "LineAmount": 100.0, "TaxAmount": 1.5}],
    }  # fmt: skip
    made = records(text_file(json.dumps({"Id": "x", "Invoices": [invoice]}), "file.json"), "xero")
    assert Counter(record["type"] for record in made) == {"invoice": 1, "payment": 1, "credit": 1}
    assert made[0]["lines"] == [
        {"id": "l1", "name": "Work", "quantity": "2.0", "unit_price": "50.0", "amount": "100.0", "tax_amount": "1.5"}
    ]
    kept = ledger(made)
    assert [overdue(kept, day) for day in ("2020-02-28", "2020-02-29", "2020-03-02")] == [
        {"EUR": 100}, {"EUR": 70}, {"EUR": 50},
    ]  # fmt: skip


# --- QuickBooks -------------------------------------------------------------------------------------------------------

QUICKBOOKS = {
    "bill_data.csv": {"made": 9, "skipped": 6},
    "bill_linked_txn_data.csv": {"skipped": 12},
    "bill_payment_data.csv": {"skipped": 12},
    "bill_payment_line_data.csv": {"made": 17},
    "credit_memo_data.csv": {"skipped": 12},
    "customer_data.csv": {"made": 5},
    "invoice_data.csv": {"made": 5, "skipped": 11},
    "invoice_line_data.csv": {"skipped": 22},
    "invoice_linked_txn_data.csv": {"skipped": 14},
    "payment_data.csv": {"skipped": 12},
    # The sample's lines name payments that it does not have.
    "payment_line_data.csv": {"made": 1, "rejected": 11},
    "vendor_credit_data.csv": {"skipped": 4},
    "vendor_data.csv": {"made": 10},
}


def test_quickbooks_files_are_known_by_their_columns() -> None:
    files = samples("quickbooks")
    found = {
        file.name: Counter(
            "rejected" if outcome.rejected else "skipped" if outcome.skipped else "made"
            for outcome in outcomes(file, "quickbooks", companions=files)
        )
        for file in files
    }
    assert found == QUICKBOOKS


def quickbooks(*files: MemoryFile) -> MemoryLedger:
    return ledger([record for file in files for record in records(file, "quickbooks", companions=files)])


def test_quickbooks_payment_lines_take_their_day_from_the_payment() -> None:
    invoices = table(
        {"id": "1", "customer_id": "C", "total_amount": "100", "transaction_date": "2020-01-01",
         "due_date": "2020-02-01", "currency_id": "", "doc_number": "1001", "updated_at": "2020-03-01 1:02:03"},
    )  # fmt: skip
    payments = table(
        {"id": "7", "customer_id": "C", "total_amount": "30", "unapplied_amount": "0",
         "transaction_date": "2020-03-01"},
        {"id": "8", "customer_id": "C", "total_amount": "0", "unapplied_amount": "0",
         "transaction_date": "2020-03-05"},
        {"id": "9", "customer_id": "C", "total_amount": "9", "unapplied_amount": "0",
         "transaction_date": "2020-03-05", "_fivetran_deleted": "TRUE"},
    )  # fmt: skip
    lines = table(
        {"payment_id": "7", "index": "0", "amount": "30", "invoice_id": "1", "credit_memo_id": ""},
        {"payment_id": "8", "index": "0", "amount": "50", "invoice_id": "1", "credit_memo_id": ""},
        {"payment_id": "8", "index": "1", "amount": "50", "invoice_id": "", "credit_memo_id": "M"},
        {"payment_id": "9", "index": "0", "amount": "9", "invoice_id": "1", "credit_memo_id": ""},
    )
    kept = quickbooks(invoices, payments, lines)
    assert [overdue(kept, day) for day in ("2020-02-28", "2020-03-01", "2020-03-05")] == [
        {"USD": 100}, {"USD": 70}, {"USD": 20},
    ]  # fmt: skip


def test_a_quickbooks_line_without_its_payment_says_which_file_is_missing() -> None:
    lines = table({"payment_id": "7", "index": "0", "amount": "30", "invoice_id": "1"})
    [found] = outcomes(lines, "quickbooks")
    assert found.rejected == ("payment_id", "names '7', which is not in the payments; import that file with this one")


def test_a_quickbooks_bill_without_balance_is_not_paid_again() -> None:
    bill = {"id": "1", "vendor_id": "V", "total_amount": "100", "transaction_date": "2020-01-01", "currency_id": "USD",
            "due_date": "2020-02-01", "balance": "100", "updated_at": "2020-01-01 0:00:00"}  # fmt: skip
    paid = {**bill, "id": "2", "balance": "0", "updated_at": "2020-03-01 9:00:00"}
    kept = quickbooks(table(bill, paid))
    assert overdue(kept, "2020-02-15", Side.PAYABLE) == {"USD": 200}
    assert overdue(kept, "2020-03-01", Side.PAYABLE) == {"USD": 100}


def test_the_quickbooks_api_reads_as_records() -> None:
    answers = [
        {"QueryResponse": {"Invoice": [
            {"Id": "1", "CustomerRef": {"value": "C", "name": "Acme"}, "TotalAmt": 100.5, "TxnDate": "2020-01-01",
             "DueDate": "2020-02-01", "CurrencyRef": {"value": "EUR"}, "Balance": 60.5,
             "MetaData": {"LastUpdatedTime": "2020-03-01T09:00:00-08:00"}}]}},
        {"QueryResponse": {"Payment": [
            {"Id": "7", "CustomerRef": {"value": "C"}, "TotalAmt": 40, "UnappliedAmt": 0, "TxnDate": "2020-03-01",
             "Line": [{"Amount": 40, "LinkedTxn": [{"TxnId": "1", "TxnType": "Invoice"}]}]}]}},
        {"QueryResponse": {"Bill": [
            {"Id": "1", "VendorRef": {"value": "V", "name": "Sup"}, "TotalAmt": 10, "TxnDate": "2020-01-01",
             "Balance": 10, "DueDate": "2020-02-01"}]}},
        {"QueryResponse": {"Customer": [{"Id": "C", "DisplayName": "Acme Ltd", "FullyQualifiedName": "Acme Ltd"}]}},
        {"QueryResponse": {"Vendor": [{"Id": "V", "DisplayName": "Supplies", "Vendor1099": False}]}},
    ]  # fmt: skip
    together = text_file("\n".join(map(json.dumps, answers)), "answers.ndjson")
    made = records(together, "quickbooks")
    one_by_one = [r for a in answers for r in records(text_file(json.dumps(a, indent=1), "a.json"), "quickbooks")]
    assert made == one_by_one
    kept = ledger(made)
    assert overdue(kept, "2020-03-01") == {"EUR": 60.5}
    assert overdue(kept, "2020-03-01", Side.PAYABLE) == {"USD": 10}


# --- Sage Intacct -----------------------------------------------------------------------------------------------------


def test_sage_bills_are_paid_reversed_and_left_out() -> None:
    found = outcomes(sample("sage-intacct", "sage_intacct__ap_bill.csv"), "sage-intacct")
    assert Counter("skipped" if outcome.skipped else "made" for outcome in found) == {"made": 8, "skipped": 2}
    kept = ledger([made.record for outcome in found for made in outcome.made])
    # The bills of 372 due 2020-03-06 and of 108 due 2020-04-09, both paid on 2020-06-17.
    assert overdue(kept, "2020-06-16", Side.PAYABLE) == {"USD": 480}
    assert overdue(kept, "2020-06-17", Side.PAYABLE) == {}
    # The bill of 558 due 2021-04-06, reversed on 2021-08-01, and that of 10, reversed on 2021-09-01.
    assert overdue(kept, "2021-07-31", Side.PAYABLE) == {"USD": 568}
    assert overdue(kept, "2021-08-01", Side.PAYABLE) == {"USD": 10}
    assert overdue(kept, "2021-09-01", Side.PAYABLE) == {}


def test_deleted_sage_invoices_do_not_count_and_others_do() -> None:
    file = sample("sage-intacct", "sage_intacct__ar_invoice.csv")
    assert overdue(ledger(records(file, "sage-intacct")), "2021-06-01") == {}
    kept_rows = MemoryFile(file.name, file.content.replace(b",TRUE,2022", b",FALSE,2022"))
    kept = ledger(records(kept_rows, "sage-intacct"))
    # All but those due on 2021-06-16 and of no value.
    expected = 20399.09 + 7797 + 4598.4 + 14476.8 + 3912 + 2880 + 8769.6 + 50
    assert overdue(kept, "2021-06-01") == {"USD": pytest.approx(expected, abs=1e-9)}


def test_a_partly_paid_sage_invoice_has_its_payment() -> None:
    invoice = {"recordno": "1", "customerid": "C", "state": "Partially Paid", "totalentered": "100", "totalpaid": "40",
               "whencreated": "2020-01-01", "whendue": "2020-02-01", "currency": "EUR", "_fivetran_deleted": "FALSE",
               "whenmodified": "2020-03-01 10:00:00", "whenpaid": ""}  # fmt: skip
    kept = ledger(records(table(invoice), "sage-intacct"))
    assert [overdue(kept, day) for day in ("2020-02-29", "2020-03-01")] == [{"EUR": 100}, {"EUR": 60}]


# --- Stripe -----------------------------------------------------------------------------------------------------------

STRIPE = {
    "id": "in_1", "Amount Due": "100.00", "Currency": "usd", "Customer": "cus_1", "Date (UTC)": "2020-01-01 22:00",
    "Due Date (UTC)": "2020-02-01 22:00", "Number": "A-1", "Total": "100.00", "Amount Paid": "0.00", "Status": "open",
    "Customer Name": "Acme",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "before", "after"),
    [
        ({}, {"USD": 100}, {"USD": 100}),
        ({"Amount Paid": "25.00", "Paid At (UTC)": "2020-03-01 10:00"}, {"USD": 100}, {"USD": 75}),
        ({"Status": "paid", "Amount Paid": "90.00", "Paid At (UTC)": "2020-03-01 10:00"}, {"USD": 100}, {}),
        ({"Status": "paid", "Amount Paid": "100.00"}, {}, {}),
        ({"Status": "draft"}, {}, {}),
        ({"Status": "void"}, {}, {}),
        ({"Status": "void", "Voided At (UTC)": "2020-03-01 10:00"}, {"USD": 100}, {}),
        ({"Status": "uncollectible", "Marked Uncollectible At (UTC)": "2020-03-01 10:00"}, {"USD": 100}, {}),
    ],
)
def test_a_stripe_export_reads_as_records(
    changes: dict[str, str], before: dict[str, int], after: dict[str, int]
) -> None:
    kept = ledger(records(table({**STRIPE, **changes}), "stripe"))
    assert [overdue(kept, day) for day in ("2020-02-15", "2020-03-02")] == [before, after]


def test_stripe_moments_are_days_of_the_organisation() -> None:
    [invoice] = records(table(STRIPE), "stripe", timezone="Asia/Tokyo")
    assert (invoice["issued_on"], invoice["due_on"]) == ("2020-01-02", "2020-02-02")


def stripe_invoice(**changes: Any) -> dict[str, Any]:
    invoice = {
        "object": "invoice", "id": "in_1", "customer": "cus_1", "customer_name": "Acme", "currency": "usd",
        "created": 1577880000, "due_date": 1580558400, "total": 10000, "amount_due": 10000, "amount_paid": 0,
        "amount_remaining": 10000, "status": "open", "number": "A-1", "invoice_pdf": "https://pay.example/1.pdf",
        "status_transitions": {"finalized_at": 1577880000, "paid_at": None, "voided_at": None,
                               "marked_uncollectible_at": None},
    }  # fmt: skip
    return {**invoice, **changes}


def test_lists_and_events_of_the_stripe_api_read_as_records() -> None:
    paid = stripe_invoice(status="paid", amount_paid=10000, amount_remaining=0)
    paid["status_transitions"] = {"finalized_at": 1577880000, "paid_at": 1583020800}
    listed = text_file(json.dumps({"object": "list", "data": [paid]}), "list.json")
    event = {"id": "evt_1", "type": "invoice.paid", "created": 1583020800, "data": {"object": paid}}
    events = text_file(json.dumps(event) + "\n" + json.dumps(event) + "\n", "events.ndjson")
    made = records(listed, "stripe")
    assert records(events, "stripe") == made * 2
    kept = ledger(made)
    assert [overdue(kept, day) for day in ("2020-02-29", "2020-03-01")] == [{"USD": 100}, {}]


def test_stripe_counts_in_its_own_minor_units() -> None:
    file = text_file("[" + json.dumps(stripe_invoice(currency="isk", total=500000)) + "]", "list.json")
    assert records(file, "stripe")[0]["total"] == "5000.00"
    file = text_file("[" + json.dumps(stripe_invoice(currency="jpy", total=5000)) + "]", "list.json")
    assert records(file, "stripe")[0]["total"] == "5000"


# --- Lago -------------------------------------------------------------------------------------------------------------

LAGO = {
    "lago_id": "1a901a90-1a90-1a90-1a90-1a901a901a90", "sequential_id": "2", "issuing_date": "2020-01-01",
    "customer_lago_id": "2b901a90-1a90-1a90-1a90-1a901a901a90", "customer_external_id": "ext-1",
    "customer_name": "Acme", "invoice_number": "LAG-1", "invoice_type": "subscription", "payment_status": "pending",
    "status": "finalized", "file_url": "", "currency": "EUR", "total_amount_cents": "10000",
    "payment_due_date": "2020-02-01", "payment_dispute_lost_at": "", "payment_overdue": "true",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "amount"),
    [
        ({}, {"EUR": 100}),
        ({"payment_status": "failed"}, {"EUR": 100}),
        ({"payment_status": "succeeded"}, {}),
        ({"status": "draft"}, {}),
        ({"status": "voided"}, {}),
        ({"status": "generating"}, {}),
        ({"payment_dispute_lost_at": "2020-02-10T00:00:00Z"}, {"EUR": 100}),
    ],
)
def test_a_lago_export_reads_as_records(changes: dict[str, str], amount: dict[str, int]) -> None:
    made = records(table({**LAGO, **changes}), "lago")
    assert made[0] == {
        "type": "customer", "id": LAGO["customer_lago_id"], "name": "Acme", "external_id": "ext-1",
    }  # fmt: skip
    assert overdue(ledger(made), "2020-02-15") == amount


def test_lago_webhooks_follow_an_invoice() -> None:
    invoice: dict[str, Any] = {
        "lago_id": LAGO["lago_id"], "number": "LAG-1", "issuing_date": "2020-01-01", "payment_due_date": "2020-02-01",
        "status": "finalized", "payment_status": "pending", "currency": "EUR", "total_amount_cents": 12000,
        "file_url": "https://files.example/1.pdf", "updated_at": "2020-01-01T10:00:00Z",
        "customer": {"lago_id": LAGO["customer_lago_id"], "external_id": "ext-1", "name": "Acme", "currency": "EUR"},
        "fees": [{"lago_id": "f1", "item": {"type": "charge", "code": "calls", "name": "Calls"}, "units": "10.0",
                  "precise_unit_amount": "10.0", "amount_cents": 10000, "taxes_amount_cents": 2000}],
    }  # fmt: skip
    paid = {**invoice, "payment_status": "succeeded", "updated_at": "2020-03-01T10:00:00Z"}
    bodies = [
        {"webhook_type": "invoice.created", "object_type": "invoice", "invoice": invoice},
        {"webhook_type": "invoice.payment_status_updated", "object_type": "invoice", "invoice": paid},
    ]
    made = records(text_file("\n".join(map(json.dumps, bodies)), "webhooks.ndjson"), "lago")
    assert made[1]["lines"] == [
        {
            "id": "f1",
            "name": "Calls",
            "quantity": "10.0",
            "unit_price": "10.0",
            "amount": "100.00",
            "tax_amount": "20.00",
        }
    ]
    assert made[1]["pdf_available"] is True
    for order in (made, made[::-1]):
        kept = ledger(order)
        assert [overdue(kept, day) for day in ("2020-02-29", "2020-03-01")] == [{"EUR": 120}, {}]


def test_an_id_does_not_depend_on_when_it_is_imported() -> None:
    first = records(sample("xero", "xero_invoice_data.csv"), "xero")
    kept = ledger(first)
    assert {result.result for result in kept.record(first, TODAY + 400)} == {"unchanged"}
    assert len({(record["type"], record["id"]) for record in first}) == len(first)
    assert datetime.fromisoformat(first[0]["updated_at"]).tzinfo == UTC
