"""The access table: organisations, API keys, users, and who may do what."""
