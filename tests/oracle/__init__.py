"""A slow, obvious second opinion on every figure that Arrears answers.

Nothing here imports the product. A :class:`~oracle.book.Book` is a plain list of records as they are posted;
every answer is worked out again from that list, from nothing, for each question.
"""

from oracle.aged_lists import not_payable, payables_aging, payables_documents, receivables_aging, receivables_documents
from oracle.book import Book, Entry, Organisation, Policy
from oracle.compare import differences
from oracle.docusign import past_due
from oracle.generate import books, random_book
from oracle.lago import invoice_collection, overdue_balance
from oracle.payables import payables_overdue
from oracle.receivables import receivables_overdue
from oracle.schedule import (
    Replay,
    Run,
    escalation_differences,
    history,
    history_differences,
    payables_history,
    replay,
)

__all__ = [
    "Book",
    "Entry",
    "Organisation",
    "Policy",
    "Replay",
    "Run",
    "books",
    "differences",
    "escalation_differences",
    "history",
    "history_differences",
    "invoice_collection",
    "not_payable",
    "overdue_balance",
    "past_due",
    "payables_aging",
    "payables_documents",
    "payables_history",
    "payables_overdue",
    "random_book",
    "receivables_aging",
    "receivables_documents",
    "receivables_overdue",
    "replay",
]
