"""Rows, months and escalations in the JSON form in which they are published.

The form has four users, which is why it is a room of its own and no part of any of them: the API answers it, the
command prints it with `--json`, escalations are sent as events in it, and the month close keeps rows and escalations
in it. They are kept as they were published, and not as rows of the reports, so that what was answered then can be
answered again whatever becomes of the reports' types. So a member is never taken out or given another meaning; one that
is added is missing in what was kept before.
"""
