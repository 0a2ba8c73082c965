"""Arrears: overdue receivables and payables from one ledger."""
