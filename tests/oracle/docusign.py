"""What ``GET /restapi/{apiVersion}/accounts/{accountId}/billing_invoices_past_due`` must answer."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from oracle.book import Book, Document, Ledger, decimals_of, exact_minor_units, major_text, read
from oracle.figures import by_due, currencies_of
from oracle.on_account import accounts, unapplied


def past_due(book: Book, account: str, today: date) -> dict[str, Any] | None:
    """The answer for an account, by UUID or account number; ``None`` when there is no such account."""
    ledger = read(book)
    customer_id = find_account(ledger, account)
    if customer_id is None:
        return None
    customer = ledger.stored.get(("customer", customer_id), {})
    code: str = customer.get("currency") or ledger.organisation.currency
    mine = [i for i in ledger.of_kind("invoice") if i.party.id == customer_id and i.open(today)]
    money = _on_account(ledger, customer_id, today)
    owing = {*currencies_of(ledger, mine), *(other for other, amount in money.items() if amount)}
    others = [other for other in sorted(owing, key=ledger.currency_order) if other != code]
    late = [invoice for invoice in mine if invoice.overdue(today)]
    payable = any(not ledger.disputed(invoice, today) for invoice in late)
    allowed = ledger.organisation.payments_over_api and not customer.get("payment_blocked") and payable
    listed = by_due(invoice for invoice in late if invoice.currency == code)
    return {
        **_balances(mine, code, today, money),
        "paymentAllowed": _boolean(allowed),
        "billingInvoices": [_invoice(account, invoice, today) for invoice in listed],
        "otherCurrencies": [_balances(mine, other, today, money) for other in others],
    }


def find_account(ledger: Ledger, account: str) -> str | None:
    """The caller's id of the customer that an account id means."""
    known = {d.party.id for d in ledger.of_kind("invoice") if d.party.id is not None}
    known |= {record["id"] for record in ledger.records("customer")}
    for customer_id in sorted(known):
        number = ledger.stored.get(("customer", customer_id), {}).get("account_number")
        if account.lower() == ledger.outward("customer", customer_id) or (number and account == number):
            return customer_id
    return None


def _on_account(ledger: Ledger, customer_id: str, today: date) -> dict[str, int]:
    """What the customer has on account by currency."""
    mine = [account for account in accounts(ledger, "customer") if account[0].id == customer_id]
    return {account[1]: unapplied(ledger, account, today) for account in mine}


def _balances(mine: list[Document], code: str, today: date, money: dict[str, int]) -> dict[str, str]:
    inside = [invoice for invoice in mine if invoice.currency == code]
    late = [invoice for invoice in inside if invoice.overdue(today)]
    return {
        "currencyCode": code,
        "pastDueBalance": major_text(sum(invoice.outstanding(today) for invoice in late), code),
        "accountBalance": major_text(sum(i.outstanding(today) for i in inside) - money.get(code, 0), code),
    }


def _boolean(value: object) -> str:
    return "true" if value else "false"


def _invoice(account: str, invoice: Document, today: date) -> dict[str, Any]:
    code = invoice.currency
    taxable = exact_minor_units(invoice.record.get("taxable_amount") or "0", code)
    return {
        "amount": major_text(invoice.total, code),
        "balance": major_text(invoice.outstanding(today), code),
        "taxableAmount": major_text(taxable, code),
        "nonTaxableAmount": major_text(invoice.total - taxable, code),
        "dueDate": invoice.due.isoformat() if invoice.due else "",
        "invoiceId": invoice.outward,
        "invoiceNumber": invoice.number or "",
        "pdfAvailable": _boolean(invoice.record.get("pdf_available")),
        "invoiceUri": f"/accounts/{account}/billing_invoices/{invoice.outward}",
        "invoiceItems": [_item(line, code) for line in invoice.record.get("lines") or []],
    }


def _item(line: dict[str, Any], code: str) -> dict[str, str]:
    return {
        "chargeAmount": major_text(exact_minor_units(line["amount"], code), code),
        "chargeName": str(line["name"]),
        "invoiceItemId": str(line["id"]),
        "quantity": format(Decimal(str(line["quantity"])), "f"),
        "unitPrice": unit_price(line["unit_price"], code),
    }


def unit_price(price: object, code: str) -> str:
    """A price with at least the decimals of its currency, and more where it is that fine."""
    exact = Decimal(str(price))
    wanted = max(decimals_of(code), -int(exact.normalize().as_tuple().exponent))
    return f"{exact:.{wanted}f}"
