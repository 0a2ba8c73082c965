"""Rows, months and escalations in the JSON form in which they are published.

The form has four users, and so a package of its own: the API answers in it, the command prints it with `--json`,
escalations are sent as events in it, and the month close stores rows and escalations in it. They are stored as they
were published, so that the same answer can be given again after the reports' types have changed. So a member is never
removed and its meaning never changes. A new member is missing in what was stored before it.
"""
