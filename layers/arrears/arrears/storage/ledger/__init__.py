"""The ledger table: what is read of it, what is recorded in it, and how both are stored."""
