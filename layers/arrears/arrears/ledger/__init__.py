"""The book: money, days, documents as dated facts, and their state as of any day. Pure: no AWS, no clock."""
