"""POST /payables/overdue/simulation: which suppliers another policy would treat otherwise."""

from arrears.api import dolfin, routes
from arrears.api.http import Body, Page, Request
from arrears.api.simulation import SimulationBody, SimulationQuery
from arrears.ledger.caller import Scope
from arrears.ledger.ledger_side import Side
from arrears.ledger.time_limit import TimeLimit
from arrears.reports.aging import overdue_report, with_accounts
from arrears.reports.book_reading import BookReading
from arrears.reports.payables import supplier_row
from arrears.reports.policy_preview import preview_policy
from arrears.runtime import lambda_handler, services

SIDE = Side.PAYABLE

endpoint = dolfin.endpoint()


@endpoint.post(routes.PAYABLES_SIMULATION)
def simulate_payables(request: Request) -> Body | Page:
    """Rows whose urgency or action would be another under the policy in the body; nothing is written."""
    authentication, clock = services().authentication, services().clock
    caller = dolfin.read_caller(request, authentication.authenticate, Scope.READ_PAYABLES)
    body = SimulationBody.read(request)
    known_at = dolfin.read_known_at(body.asked, caller.organisation, clock())
    limit = TimeLimit(clock, "arrears policy preview --side payables")
    then = services().reading(caller.organisation, known_at, limit)
    query = SimulationQuery.read(body, then.organisation, then.today)
    day = query.report.day
    reading = BookReading(then.ledger, then.organisation, SIDE, day, then.today, limit.around)
    report = overdue_report(reading.accounts(), day, then.organisation)
    rows = limit.around(with_accounts(report.rows, reading.judgeable))
    preview = preview_policy(report, rows, query.proposed, supplier_row, lambda row: row.urgency)
    return query.answer(preview, SIDE)


handler = lambda_handler(endpoint)
