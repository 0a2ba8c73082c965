"""Figures over months: overdue balance, collection, snapshots, roll-forward and escalations. Pure."""
