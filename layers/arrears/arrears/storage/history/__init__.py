"""The history table: snapshots of closed months, escalations, and how far the schedule has come."""
