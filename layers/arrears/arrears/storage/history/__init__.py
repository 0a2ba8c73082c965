"""The history table: snapshots of closed months, escalations, and how far each organisation is processed."""
