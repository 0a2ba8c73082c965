"""Random books: realistic in the large, nasty in the small.

:func:`random_book` is driven by a seed, :func:`books` by hypothesis; both run one generator. Facts gather on
the edges (0, 1, 30, 31, 60, 61, 90, 91 days, a year less or more a day) around a book's pivot day.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from hypothesis import strategies as st

from oracle.book import Book, Entry, Organisation, Policy, Record, decimals_of

PIVOTS = (date(2020, 6, 30), date(2020, 2, 29), date(2021, 2, 28), date(2023, 12, 31), date(2024, 3, 1))
ZONES = ("UTC", "Pacific/Kiritimati", "America/Los_Angeles", "Asia/Kathmandu", "Europe/Berlin")
CURRENCIES = ("USD", "USD", "USD", "EUR", "EUR", "JPY", "CLF", "KWD")
OVERDUE_DAYS = (-31, -1, 0, 0, 1, 1, 7, 8, 14, 15, 29, 30, 31, 59, 60, 61, 89, 90, 91, 92, 200, 366, 500)
TERMS = (-3, 0, 0, 7, 14, 30, 30, 45, 60, 90)
YEAR_EDGES = (364, 365, 366, 367)
DELAYS = (0, 0, 0, 0, 1, 1, 3, 10, 35, 100)
CORRECTION_DELAYS = (0, 1, 20, 45, 90)
RUN_GAPS = (0, 1, 1, 1, 1, 2, 7, 31, 70)
UNAPPROVED = ("Created", "OcrProcessing", "OcrFailed", "PendingReview", "NeedsApproval", "Rejected")
STATES = (
    *("Approved", "Approved", "Scheduled", "Scheduled", "Scheduled"),
    *("PaymentInProgress", "PaymentFailed", "Paid", "Voided", *UNAPPROVED),
)
TIMES = ("00:00:00Z", "23:59:59.75Z", "12:30:00+05:45", "09:59:59-08:00", "10:00:00+14:00")
SPELLINGS = ("Acme Ltd", "ACME LTD", " acme   ltd", "Acme\tLtd ", "Blum & Söhne", "BLUM & SÖHNE", "Zephyr")
NAMES = ("Ada", "Bolt AG", "bolt ag", "Ça va", "Delta", "Echo Sàrl", "Zoë")


@dataclass
class _Maker:
    """Holds what a book under construction knows; every draw goes through ``rng``."""

    rng: Random
    pivot: date
    order_free: bool
    records: list[Record] = field(default_factory=list)
    clock: int = 0

    def chance(self, of_a_hundred: int) -> bool:
        return self.rng.randrange(100) < of_a_hundred

    def ago(self, days: int) -> date:
        return self.pivot - timedelta(days=days)

    def near(self, other: date, spread: int = 40) -> date:
        return other + timedelta(days=self.rng.randint(-spread, spread))

    def some_day(self) -> date:
        return self.ago(self.rng.choice((*OVERDUE_DAYS, *YEAR_EDGES, -60)))

    def own_id(self, prefix: str, number: int) -> str:
        if self.chance(70):
            return f"{prefix}-{number}"
        made = uuid.UUID(int=self.rng.getrandbits(128), version=4)
        return str(made).upper() if self.chance(10) else str(made)

    def amount(self, currency: str) -> str:
        kind = self.rng.randrange(20)
        if kind == 0:
            return "0"
        if kind == 1:
            return money(self.rng.randint(2**53 - 2, 10**17), currency)
        if kind == 2:
            return money(self.rng.choice((1, 10**15 - 1, 10**15, 10**15 + 1)), currency)
        return money(self.rng.randint(1, 2_000_000), currency)

    def part_of(self, amount: str, currency: str) -> str:
        minor = int(Decimal(amount).scaleb(decimals_of(currency)))
        return money(self.rng.randint(1, max(1, minor)), currency)

    def stamp(self) -> str:
        self.clock += self.rng.randint(1, 90_000)
        moment = self.clock
        days, seconds = divmod(moment, 86_400)
        on = date(2019, 1, 1) + timedelta(days=days)
        hours, rest = divmod(seconds, 3_600)
        minutes, seconds = divmod(rest, 60)
        fraction = self.rng.choice(("", "", ".5", ".250", ".000001"))
        return f"{on}T{hours:02}:{minutes:02}:{seconds:02}{fraction}{self.rng.choice(('Z', '+00:00'))}"

    def put(self, *versions: Record) -> None:
        """Adds a record's versions, the last one meant to stay; several carry ``updated_at`` all or none."""
        several = len(versions) > 1
        stamped = (self.order_free or self.chance(75)) if several else self.chance(30)
        for version in versions:
            if stamped:
                version["updated_at"] = self.stamp()
        if several and stamped and not self.order_free and self.chance(15):
            versions[-1]["updated_at"] = versions[-2]["updated_at"]
        self.records.extend(versions)


def money(minor: int, currency: str) -> str:
    """Minor units as decimal text in major units."""
    return format(Decimal(minor).scaleb(-decimals_of(currency)), "f")


def whole(amount: str) -> str:
    """An amount that every currency can hold."""
    return str(int(Decimal(amount)) + 1)


def random_book(
    seed: int,
    size: int,
    *,
    pivot: date | None = None,
    organisation: Organisation | None = None,
    recorded_on: date | None = None,
    order_free: bool = False,
) -> Book:
    """A book of about ``size`` documents, the same for the same arguments.

    ``recorded_on`` makes every record arrive on that day instead of some days around the pivot. With
    ``order_free`` every replaced record carries an ``updated_at`` of its own and all arrive on one day, so
    that no answer depends on the order of arrival.
    """
    return build(
        Random(seed),
        size,
        pivot=pivot,
        organisation=organisation,
        recorded_on=recorded_on,
        order_free=order_free,
    )


def build(
    rng: Random,
    size: int,
    *,
    pivot: date | None = None,
    organisation: Organisation | None = None,
    recorded_on: date | None = None,
    order_free: bool = False,
) -> Book:
    """:func:`random_book` from any source of randomness."""
    maker = _Maker(rng, pivot or rng.choice(PIVOTS), order_free)
    customers = _customers(maker, 1 + size // 5)
    suppliers = _suppliers(maker, 1 + size // 8)
    bills = size // 3
    invoices = [_invoice(maker, number, customers) for number in range(size - bills)]
    for number in range(bills):
        _bill(maker, number, suppliers)
    _movers(maker, customers)
    for number in range(size // 4):
        _dispute(maker, number, invoices)
    for customer in customers:
        _promises(maker, customer)
        _reminders(maker, customer, invoices)
    _strays(maker)
    _money_on_account(maker, customers, suppliers)
    _more_disputes(maker)
    _more_promises(maker)
    _credit_limits(maker)
    _taken_back(maker)
    arrivals = _arrival_order(maker)
    days = _recording_days(maker, len(arrivals), recorded_on)
    entries = [Entry(record, on) for record, on in zip(arrivals, days, strict=True)]
    home = organisation or Organisation(timezone=rng.choice(ZONES), currency=rng.choice(("USD", "EUR", "JPY")))
    return Book(home, entries, maker.pivot)


def _customers(maker: _Maker, count: int) -> list[str]:
    ids = [maker.own_id("C", number) for number in range(count)]
    for number, own_id in enumerate(ids):
        if not maker.chance(75):
            continue
        record: Record = {"type": "customer", "id": own_id, "name": maker.rng.choice(NAMES)}
        if maker.chance(70):
            record["external_id"] = f"ext {number // 2}" if maker.chance(20) else f"ext {number}"
        if maker.chance(60):
            record["account_number"] = f"A{number:05}"
        if maker.chance(50):
            record["currency"] = maker.rng.choice(CURRENCIES)
        if maker.chance(30):
            record["payment_blocked"] = maker.chance(50)
        earlier = {"type": "customer", "id": own_id, "name": "Formerly " + record["name"]}
        maker.put(*([earlier] if maker.chance(20) else []), record)
    return ids


def _suppliers(maker: _Maker, count: int) -> list[str]:
    ids = [maker.own_id("S", number) for number in range(count)]
    for own_id in ids:
        if maker.chance(70):
            maker.put({"type": "supplier", "id": own_id, "name": maker.rng.choice(NAMES + SPELLINGS[:2])})
    return ids


def _dates(maker: _Maker) -> tuple[date, date | None]:
    due = maker.ago(maker.rng.choice(OVERDUE_DAYS))
    issued = due - timedelta(days=maker.rng.choice(TERMS))
    return issued, None if maker.chance(8) else due


def _invoice(maker: _Maker, number: int, customers: list[str]) -> Record:
    currency = maker.rng.choice(CURRENCIES)
    issued, due = _dates(maker)
    record: Record = {
        "type": "invoice",
        "id": maker.own_id("INV", number),
        "customer_id": maker.rng.choice(customers),
        "currency": currency,
        "total": maker.amount(currency),
        "issued_on": issued.isoformat(),
    }
    if due is not None:
        record["due_on"] = due.isoformat()
    _decorate_invoice(maker, record, number)
    changed = _earlier_version(maker, record, "customer_id", customers)
    maker.put(*changed, record)
    _allocate(maker, record, f"i{number}", whole_only=bool(changed))
    return record


def _decorate_invoice(maker: _Maker, record: Record, number: int) -> None:
    if maker.chance(60):
        record["number"] = f"{number:04}"
    if maker.chance(40):
        record["customer_name"] = maker.rng.choice(NAMES)
    if maker.chance(25):
        record["status"] = maker.rng.choice(("draft", "voided", "finalized", "finalized"))
        if record["status"] == "voided" and maker.chance(70):
            record["voided_on"] = maker.near(maker.pivot, 3).isoformat()
    if maker.chance(30):
        record["payment_status"] = maker.rng.choice(("pending", "failed"))
    if maker.chance(30):
        record["taxable_amount"] = maker.part_of(record["total"], record["currency"])
        if Decimal(record["taxable_amount"]) > Decimal(record["total"]):
            record["taxable_amount"] = record["total"]
    if maker.chance(30):
        record["pdf_available"] = maker.chance(60)
    if maker.chance(30):
        record["lines"] = [_line(maker, record["currency"], line) for line in range(maker.rng.randint(1, 3))]


def _line(maker: _Maker, currency: str, number: int) -> Record:
    amount = money(maker.rng.randint(0, 99_999), currency)
    quantity = maker.rng.choice(("1", "2", "2.5", "0.25"))
    return {
        "id": f"L{number}",
        "name": f"Item {number}",
        "quantity": quantity,
        "unit_price": amount,
        "amount": amount,
    }


def _earlier_version(maker: _Maker, record: Record, party: str, parties: Sequence[str]) -> list[Record]:
    """Sometimes what the document said before: another party, currency, total or due date."""
    if not maker.chance(25):
        return []
    earlier = {k: v for k, v in record.items() if k not in {"lines", "taxable_amount"}}
    kind = maker.rng.randrange(4)
    if kind == 0 and party in record:
        earlier[party] = maker.rng.choice(parties)
    elif kind == 1:
        earlier["currency"] = maker.rng.choice(CURRENCIES)
        earlier["total"] = whole("99")
    elif kind == 2:
        earlier["total"] = maker.amount(record["currency"])
    else:
        earlier["due_on"] = maker.some_day().isoformat()
    return [earlier]


def _allocate(maker: _Maker, document: Record, label: str, whole_only: bool) -> None:
    """Payments and credits in one of the ways people settle, or do not.

    ``whole_only`` keeps to amounts without decimals, which fit whatever currency the document had before.
    """
    total = document["total"]
    if whole_only:
        total = whole(total)
    paid: list[tuple[str, date]] = []
    when = _payment_day(maker, document)
    part = str(max(1, int(Decimal(total)) // 3)) if whole_only else maker.part_of(total, document["currency"])
    rest = str(Decimal(total) - Decimal(part))
    plan = maker.rng.randrange(12) if Decimal(total) > 0 else maker.rng.choice((0, 0, 9))
    if 3 <= plan < 6:
        paid = [(total, when)]
    elif 6 <= plan < 9:
        paid = [(part, when)]
        if Decimal(rest) > 0 and maker.chance(60):
            paid.append((rest, maker.near(when, 20)))
    elif plan == 9:
        paid = [(whole(total), when)]
    elif plan > 9:
        paid = [(total, when), ("-" + part, maker.near(when, 15))]
        if maker.chance(40):
            paid.append((part, maker.near(when, 30)))
    for number, (amount, on) in enumerate(paid):
        _allocation(maker, document, f"{label}.{number}", amount, on)
    if maker.chance(3) and not whole_only:
        _allocation(maker, document, f"{label}.fine", "0." + "0" * decimals_of(document["currency"]) + "5", when)


def _payment_day(maker: _Maker, document: Record) -> date:
    kind = maker.rng.randrange(6)
    due = date.fromisoformat(document.get("due_on") or document.get("issued_on") or maker.pivot.isoformat())
    if kind == 0:
        return due + timedelta(days=maker.rng.choice((-1, 0, 1)))
    if kind == 1:
        return maker.pivot + timedelta(days=maker.rng.choice((-1, 0, 1, 2)))
    if kind == 2:
        return maker.ago(maker.rng.choice(YEAR_EDGES))
    if kind == 3 and document.get("issued_on"):
        return date.fromisoformat(document["issued_on"]) - timedelta(days=maker.rng.randint(0, 9))
    return maker.near(due)


def _allocation(maker: _Maker, document: Record, label: str, amount: str, on: date) -> None:
    is_credit = not amount.startswith("-") and maker.chance(20)
    record: Record = {
        "type": "credit" if is_credit else "payment",
        "id": f"{'CR' if is_credit else 'P'}-{label}",
        f"{document['type']}_id": document["id"],
        "amount": amount,
        "credited_on" if is_credit else "paid_on": on.isoformat(),
    }
    if is_credit and maker.chance(60):
        record["kind"] = maker.rng.choice(("credit_note", "write_off"))
    if maker.chance(12):
        record["voided_on"] = (on + timedelta(days=maker.rng.choice((-1, 0, 1, 5, 30, 90)))).isoformat()
    earlier = {**record}
    if maker.chance(10) and not label.endswith("fine"):
        earlier["paid_on" if not is_credit else "credited_on"] = maker.some_day().isoformat()
        maker.put(earlier, record)
    else:
        maker.put(record)


def _movers(maker: _Maker, customers: list[str]) -> None:
    """Payments that went to one invoice first and belong to another."""
    if not maker.chance(60):
        return
    pair = []
    for number in range(2):
        issued, due = _dates(maker)
        record: Record = {
            "type": "invoice",
            "id": f"MOVE-{number}",
            "customer_id": maker.rng.choice(customers),
            "currency": maker.rng.choice(CURRENCIES),
            "total": "100",
            "issued_on": issued.isoformat(),
        }
        if due is not None:
            record["due_on"] = due.isoformat()
        maker.put(record)
        pair.append(record)
    paid_on = maker.some_day().isoformat()
    versions: list[Record] = [
        {"type": "payment", "id": "P-move", "invoice_id": to["id"], "amount": amount, "paid_on": paid_on}
        for to, amount in zip(pair, ("100", maker.rng.choice(("40", "100", "130"))), strict=True)
    ]
    maker.put(*versions)


def _bill(maker: _Maker, number: int, suppliers: list[str]) -> None:
    currency = maker.rng.choice(CURRENCIES)
    issued, due = _dates(maker)
    record: Record = {
        "type": "bill",
        "id": maker.own_id("BILL", number),
        "currency": currency,
        "total": maker.amount(currency),
    }
    if maker.chance(60):
        record["supplier_id"] = maker.rng.choice(suppliers)
    if "supplier_id" not in record or maker.chance(40):
        record["supplier_name"] = maker.rng.choice(SPELLINGS)
    if not maker.chance(12):
        record["issued_on"] = issued.isoformat()
    if due is not None:
        record["due_on"] = due.isoformat()
    if maker.chance(60):
        record["number"] = f"B{number:04}"
    changed = _earlier_version(maker, record, "supplier_id", suppliers)
    versions = [*changed, *_states(maker, record, due or maker.pivot)]
    for earlier in changed:
        _give_state(maker, earlier, due or maker.pivot)
    maker.put(*versions)
    _allocate(maker, record, f"b{number}", whole_only=bool(changed))


def _states(maker: _Maker, bill: Record, about: date) -> list[Record]:
    """One version of the bill per state it went through; days go forward, backward or coincide."""
    versions = []
    for _ in range(maker.rng.choice((1, 1, 2, 3, 5))):
        version = {**bill}
        _give_state(maker, version, about)
        versions.append(version)
    if maker.chance(60):
        with_day = sorted((v["state_on"] for v in versions if "state_on" in v), reverse=True)
        for version in versions:
            if "state_on" in version:
                version["state_on"] = with_day.pop()
    return versions


def _give_state(maker: _Maker, version: Record, about: date) -> None:
    version["state"] = "Approved" if maker.chance(25) else maker.rng.choice(STATES)
    if not maker.chance(20):
        edge = maker.chance(40)
        on = maker.pivot + timedelta(days=maker.rng.choice((-1, 0, 1))) if edge else maker.near(about)
        version["state_on"] = on.isoformat()
    if maker.chance(85 if version["state"] == "Scheduled" else 10):
        planned = maker.pivot + timedelta(days=maker.rng.choice((-20, -1, 0, 0, 1, 1, 25)))
        version["scheduled_payment_on"] = planned.isoformat()
    if maker.chance(5):
        version["voided_on"] = maker.near(maker.pivot, 3).isoformat()


def _dispute(maker: _Maker, number: int, invoices: list[Record]) -> None:
    opened = maker.near(maker.pivot, 10)
    record: Record = {
        "type": "dispute",
        "id": maker.own_id("D", number),
        "invoice_id": maker.rng.choice(invoices)["id"] if invoices else "nowhere",
        "opened_on": opened.isoformat(),
    }
    earlier = {**record}
    if maker.chance(60):
        record["resolved_on"] = (opened + timedelta(days=maker.rng.choice((0, 1, 5, 30)))).isoformat()
    if maker.chance(60):
        record["outcome"] = maker.rng.choice(("won", "lost"))
    maker.put(*([earlier] if maker.chance(30) else []), record)


def _promises(maker: _Maker, customer: str) -> None:
    for number in range(maker.rng.choice((0, 0, 1, 1, 2))):
        currency = maker.rng.choice(CURRENCIES)
        made = maker.pivot - timedelta(days=maker.rng.choice((-1, 0, 1, 10, 40)))
        until = made + timedelta(days=maker.rng.choice((0, 1, 7, 9, 30, 60)))
        record: Record = {
            "type": "promise",
            "id": f"PR-{number}-{customer}",
            "customer_id": customer,
            "currency": currency,
            "made_on": made.isoformat(),
            "promised_on": until.isoformat(),
        }
        if maker.chance(60):
            record["amount"] = money(maker.rng.choice((1, 5_000, 1_000_000, 10**17)), currency)
        maker.put(record)


def _reminders(maker: _Maker, customer: str, invoices: list[Record]) -> None:
    for number in range(maker.rng.choice((0, 1, 1, 3))):
        on = maker.pivot - timedelta(days=maker.rng.choice((-2, -1, 0, 1, 5, 6, 7, 8, 30)))
        at = maker.rng.choice(TIMES)
        record: Record = {
            "type": "reminder",
            "id": f"R-{number}-{customer}",
            "customer_id": customer,
            "sent_at": f"{on.isoformat()}T{at}",
        }
        mine = [invoice["id"] for invoice in invoices if invoice["customer_id"] == customer]
        if mine and maker.chance(40):
            record["invoice_ids"] = maker.rng.sample(mine, maker.rng.randint(1, min(2, len(mine))))
        maker.put(record)


def _strays(maker: _Maker) -> None:
    """Facts about documents and parties that never come."""
    on = maker.pivot.isoformat()
    strays: list[Record] = [
        {"type": "payment", "id": "P-stray", "invoice_id": "never came", "amount": "1.2345", "paid_on": on},
        {"type": "credit", "id": "CR-stray", "bill_id": "never came", "amount": "7", "credited_on": on},
        {"type": "dispute", "id": "D-stray", "invoice_id": "never came", "opened_on": on},
        {"type": "reminder", "id": "R-stray", "customer_id": "never came", "sent_at": f"{on}T00:00:00Z"},
    ]
    for stray in strays:
        if maker.chance(15):
            maker.put(stray)


def _latest(maker: _Maker, *types: str) -> list[Record]:
    """The last version of every record of some types."""
    return list(
        {(record["type"], record["id"]): record for record in maker.records if record["type"] in types}.values()
    )


def _money_on_account(maker: _Maker, customers: list[str], suppliers: list[str]) -> None:
    """Advances, refunds and credits of parties known and unknown, near their documents and away from them."""
    documents = _latest(maker, "invoice", "bill")
    parties = [("customer", own_id) for own_id in customers] + [("supplier", own_id) for own_id in suppliers]
    parties.append((maker.rng.choice(("customer", "supplier")), "never came"))
    sources = [_advance(maker, number, parties, documents) for number in range(len(parties) + len(documents) // 2)]
    for number in range(2 * len(sources)):
        _moved(maker, number, maker.rng.choice(sources), documents)
    if maker.chance(30):
        stray = {
            "payment_id": "P-never-came",
            "invoice_id": "INV-0",
            "amount": "1",
            "applied_on": maker.pivot.isoformat(),
        }
        maker.put({"type": "allocation", "id": "AL-stray", **stray})


def _advance(maker: _Maker, number: int, parties: Sequence[tuple[str, str]], documents: list[Record]) -> Record:
    """A payment or credit on account, mostly in a currency that its party has documents in."""
    kind, party = maker.rng.choice(parties)
    theirs = [d["currency"] for d in documents if d.get(f"{kind}_id") == party]
    currency = maker.rng.choice(theirs) if theirs and maker.chance(85) else maker.rng.choice(CURRENCIES)
    is_credit = maker.chance(30)
    on = maker.some_day()
    record: Record = {
        "type": "credit" if is_credit else "payment",
        "id": f"{'CR' if is_credit else 'P'}-account-{number}",
        f"{kind}_id": party,
        "currency": currency,
        "amount": whole(maker.amount(currency)) if maker.chance(50) else maker.amount(currency),
        "credited_on" if is_credit else "paid_on": on.isoformat(),
    }
    if maker.chance(15) and Decimal(record["amount"]) > 0:
        record["amount"] = "-" + record["amount"]
    if maker.chance(15):
        record["voided_on"] = maker.near(on, 30).isoformat()
    maker.put(*_earlier_advance(maker, record, kind, parties, documents), record)
    return record


def _earlier_advance(
    maker: _Maker, record: Record, kind: str, parties: Sequence[tuple[str, str]], documents: list[Record]
) -> list[Record]:
    """Sometimes what the money was before: another's, in another currency, or on a document."""
    if not maker.chance(25):
        return []
    earlier = {**record, "amount": whole("98")}
    change = maker.rng.randrange(3)
    if change == 0:
        earlier[f"{kind}_id"] = maker.rng.choice([own_id for of, own_id in parties if of == kind])
    elif change == 1:
        earlier["currency"] = maker.rng.choice(CURRENCIES)
    elif documents:
        document = maker.rng.choice(documents)
        earlier = {k: v for k, v in earlier.items() if k not in {"currency", f"{kind}_id"}}
        earlier[f"{document['type']}_id"] = document["id"]
    return [earlier]


def _moved(maker: _Maker, number: int, source: Record, documents: list[Record]) -> None:
    """An allocation: of part of its source, of all, of more; before, on or after the days of source and document."""
    party = next(name for name in ("customer_id", "supplier_id") if name in source)
    fitting = [d for d in documents if (d.get(party), d["currency"]) == (source[party], source["currency"])]
    targets = fitting if fitting and maker.chance(90) else documents
    if not targets:
        return
    document = maker.rng.choice(targets)
    record: Record = {
        "type": "allocation",
        "id": f"AL-{number}",
        f"{source['type']}_id": source["id"],
        f"{document['type']}_id": document["id"],
        "amount": _moved_amount(maker, source, document),
    }
    ever = {r["currency"] for r in maker.records if r["id"] in {source["id"], document["id"]} and "currency" in r}
    if document not in fitting or len(ever) > 1:
        record["amount"] = whole(record["amount"])  # fits whatever the currency was when it came
    dated = date.fromisoformat(source.get("paid_on") or source["credited_on"])
    applied = maker.rng.choice((dated, maker.near(dated, 5), maker.near(dated, 60), maker.some_day()))
    record["applied_on"] = applied.isoformat()
    if maker.chance(20):
        record["voided_on"] = maker.near(applied, 40).isoformat()
    earlier = {**record}
    if maker.chance(20):
        earlier["amount"] = whole("50")
        if maker.chance(50):
            del earlier[f"{document['type']}_id"]
            other = maker.rng.choice(documents)
            earlier[f"{other['type']}_id"] = other["id"]
    maker.put(*([earlier] if earlier != record else []), record)


def _moved_amount(maker: _Maker, source: Record, document: Record) -> str:
    amount, total = source["amount"].removeprefix("-"), document["total"]
    choice = maker.rng.randrange(6)
    if choice == 0 and document["currency"] == source["currency"] and Decimal(total) > 0:
        return str(total)
    if choice == 1:
        return whole(amount)
    if choice < 4 and Decimal(amount) > 0:
        return maker.part_of(amount, source["currency"])
    return amount if Decimal(amount) > 0 else "1"


def _more_disputes(maker: _Maker) -> None:
    """Disputes about parts and about bills; amounts without decimals fit whatever the currency was."""
    for number, document in enumerate(_latest(maker, "invoice", "bill")):
        for twice in range(maker.rng.choice((0, 0, 0, 1, 2))):
            opened = maker.near(maker.pivot, 10)
            record: Record = {
                "type": "dispute",
                "id": f"DA-{number}-{twice}",
                f"{document['type']}_id": document["id"],
                "opened_on": opened.isoformat(),
            }
            if maker.chance(75):
                record["amount"] = maker.rng.choice(("1", whole(document["total"]), "500"))
            if maker.chance(40):
                record["reason"] = maker.rng.choice(("quality", "price", ""))
            if maker.chance(50):
                record["resolved_on"] = (opened + timedelta(days=maker.rng.choice((0, 1, 5, 30)))).isoformat()
                record["outcome"] = maker.rng.choice(("won", "lost"))
            maker.put(record)


def _more_promises(maker: _Maker) -> None:
    """Token promises, instalments of one day, and new ones on top, of customers that owe."""
    owing = sorted({(invoice["customer_id"], invoice["currency"]) for invoice in _latest(maker, "invoice")})
    for customer, currency in owing:
        made = maker.pivot - timedelta(days=maker.rng.choice((0, 1, 10, 40)))
        for number in range(maker.rng.choice((0, 0, 1, 2, 3))):
            made += timedelta(days=maker.rng.choice((0, 0, 3)))
            record: Record = {
                "type": "promise",
                "id": f"PRA-{number}-{customer}-{currency}",
                "customer_id": customer,
                "currency": currency,
                "made_on": made.isoformat(),
                "promised_on": (made + timedelta(days=maker.rng.choice((0, 1, 5, 30)))).isoformat(),
            }
            if maker.chance(85):
                record["amount"] = money(maker.rng.choice((1, 5_000, 1_000_000, 10**17)), currency)
            maker.put(record)


def _credit_limits(maker: _Maker) -> None:
    """Limits in one or two currencies, in every version alike."""
    for customer in _latest(maker, "customer"):
        if maker.chance(40):
            customer["credit_limit"] = {
                currency: money(maker.rng.choice((0, 100, 500_000)), currency)
                for currency in {maker.rng.choice(CURRENCIES), maker.rng.choice(CURRENCIES)}
            }


def _taken_back(maker: _Maker) -> None:
    """Records of every type deleted, before or after they came, some sent again.

    Not bills without a day of issue: these exist from the day they were recorded on, which is no record's content.
    """
    keys = sorted({(record["type"], record["id"]) for record in maker.records})
    for kind, own_id in keys:
        if not maker.chance(12):
            continue
        versions = [record for record in maker.records if (record["type"], record["id"]) == (kind, own_id)]
        if kind == "bill" and not all(record.get("issued_on") for record in versions):
            continue
        deletion: Record = {"type": kind, "id": own_id, "deleted": True}
        if maker.order_free or maker.chance(70):
            for stamped in (*versions, deletion) if maker.chance(70) else (deletion, *versions):
                stamped["updated_at"] = maker.stamp()
        maker.records.append(deletion)
        stamped = ["updated_at" in record for record in (*versions, deletion)]
        if maker.chance(40) and (all(stamped) or not any(stamped)):
            again = {**versions[-1]}
            again.pop("updated_at", None)
            if "updated_at" in deletion:
                again["updated_at"] = maker.stamp()
            maker.records.append(again)
    if maker.chance(50):
        maker.put({"type": maker.rng.choice(("payment", "invoice", "allocation")), "id": "gone", "deleted": True})


def _arrival_order(maker: _Maker) -> list[Record]:
    arrivals = list(maker.records)
    kind = maker.rng.randrange(5)
    if kind == 0:
        arrivals.reverse()
    elif kind > 1:
        maker.rng.shuffle(arrivals)
    if maker.chance(30) and arrivals:
        again = {**maker.rng.choice(arrivals)}
        if "updated_at" in again or not maker.order_free:
            arrivals.append(again)
    return arrivals


def _recording_days(maker: _Maker, count: int, recorded_on: date | None) -> list[date]:
    first = recorded_on or maker.ago(maker.rng.choice((0, 1, 31, 120)))
    if recorded_on is not None or maker.order_free:
        return [first] * count
    step = maker.rng.choice((0, 0, 1, 40))
    return [first + timedelta(days=step * (3 * place // max(count, 1))) for place in range(count)]


def as_it_happened(book: Book, rng: Random) -> Book:
    """The same records, each arriving when its fact is news or some days to months late, so that months are closed
    on less than is known later. Versions of one record keep their order; no record arrives before its fact's day
    but those without one, which come on the first day.
    """
    dated = [fact_day(entry.record) for entry in book.entries]
    first = min((on for on in dated if on is not None), default=book.pivot)
    latest: dict[tuple[str, str], date] = {}
    entries = []
    for entry, on in zip(book.entries, dated, strict=True):
        key = (entry.record["type"], entry.record["id"])
        delay = timedelta(days=rng.choice(DELAYS if key not in latest else CORRECTION_DELAYS))
        latest[key] = max(latest.get(key, first), (on or first) + delay)
        entries.append(Entry(entry.record, latest[key], entry.terms_days))
    return replace(book, entries=sorted(entries, key=lambda entry: entry.recorded_on))


def fact_day(record: Record) -> date | None:
    """The day on which what a record says came to pass; parties and bills without an issue day have none."""
    for name in ("issued_on", "paid_on", "credited_on", "applied_on", "sent_at", "made_on", "opened_on"):
        if record.get(name):
            return date.fromisoformat(record[name][:10])
    return None


def month_starts(book: Book, months_after: int = 3) -> list[date]:
    """Days of runs that close each month in turn: the first of every month from the book's first arrival on, until
    some months after the last."""
    days = [min((entry.recorded_on for entry in book.entries), default=book.pivot)]
    last = max((entry.recorded_on for entry in book.entries), default=book.pivot)
    while days[-1] <= last + timedelta(days=31 * months_after):
        days.append((days[-1].replace(day=1) + timedelta(days=31)).replace(day=1))
    return days[1:]


def irregular_days(book: Book, rng: Random) -> list[date]:
    """Days of runs that come daily for a while, twice, or weeks to months late, over the time of the book."""
    regular = month_starts(book)
    days = [regular[0]]
    while days[-1] < regular[-1]:
        days.append(days[-1] + timedelta(days=rng.choice(RUN_GAPS)))
    return days


def random_policy(rng: Random) -> Policy:
    """A valid policy, the default one about half of the time."""
    if rng.randrange(2):
        return Policy()
    return Policy(
        firm_from=rng.choice((8, 15)),
        final_from=rng.choice((30, 31)),
        escalation_from=rng.choice((60, 61, 91)),
        medium_from=rng.choice((2, 8)),
        high_from=rng.choice((30, 31)),
        critical_from=rng.choice((60, 61)),
        cooldown_days=rng.choice((1, 7, 14)),
        grace_days=rng.choice((0, 0, 3, 30)),
        minimums={"USD": "500", "JPY": "1000"} if rng.randrange(2) else {},
        unapplied_covers=rng.choice(("oldest_first", "oldest_first", "none")),
    )


def interesting_days(book: Book) -> list[date]:
    """The days around which a book's answers change: its pivot and what lies an edge from it."""
    return [book.pivot + timedelta(days=days) for days in (-366, -61, -31, -30, -1, 0, 1, 2, 30, 31, 91)]


@st.composite
def books(
    draw: st.DrawFn, max_size: int = 14, order_free: bool = False, organisation: Organisation | None = None
) -> Book:
    """Books that hypothesis can shrink."""
    size = draw(st.integers(min_value=0, max_value=max_size))
    rng = draw(st.randoms(use_true_random=False))
    return build(rng, size, order_free=order_free, organisation=organisation)


@st.composite
def books_and_days(draw: st.DrawFn, max_size: int = 14, order_free: bool = False) -> tuple[Book, date]:
    """A book and a day worth asking about."""
    book = draw(books(max_size=max_size, order_free=order_free))
    return book, draw(st.sampled_from(interesting_days(book)))


def policies() -> st.SearchStrategy[Policy]:
    """Valid policies."""
    return st.randoms(use_true_random=False).map(random_policy)


@st.composite
def orders(draw: st.DrawFn, book: Book) -> list[int]:
    """Other orders of arrival for a book's records, for :meth:`~oracle.book.Book.reordered`."""
    return draw(st.permutations(range(len(book.entries))))
