"""The schedule: it processes complete days, closes months, and records and sends escalations."""
