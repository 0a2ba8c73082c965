"""The two sides of a ledger."""

from enum import StrEnum


class Side(StrEnum):
    """Receivable: what customers owe us, in invoices. Payable: what we owe suppliers, in bills."""

    RECEIVABLE = "r"
    PAYABLE = "p"
