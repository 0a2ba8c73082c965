"""What tests of the ledger share: books in memory, a table that is as strict as DynamoDB, faults."""
