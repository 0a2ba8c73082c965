"""The ledger table: reading it, recording in it, and its keys and stored forms."""
