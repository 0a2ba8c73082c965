"""The schedule: complete days worked through, months closed, escalations recorded and sent."""
