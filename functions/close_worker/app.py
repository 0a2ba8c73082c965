"""Works through the complete days of the organisations in a batch of queue messages."""

import json
from typing import Any

from aws_lambda_powertools import Logger

from arrears.close.escalation_writer import OutOfTime
from arrears.metrics import measure
from arrears.runtime import queue_handler, services

logger = Logger(service="arrears")
SPARE_MS = 60_000
"""Work stops so long before the function's time is over, and goes on with a message of its own."""


def work_through(body: str, context: Any) -> None:
    """Works through one organisation's days, as far as the time goes."""
    now = services().clock()
    organisation = services().organisations().get(json.loads(body)["organisationId"])
    organisation = services().reading(organisation, now).organisation

    def out_of_time() -> bool:
        return bool(context.get_remaining_time_in_millis() < SPARE_MS)

    closing = services().closing(out_of_time)
    try:
        closed = closing.close(organisation, now)
    except OutOfTime:
        services().close_queue().put([organisation.id])
        return
    logger.info(
        "Worked through an organisation's days",
        organisation_id=organisation.id,
        months=closed.months,
        payables_months=closed.payables_months,
        escalations=closed.escalations,
        sent=closed.sent,
    )
    for tier, entered in closed.entered.items():
        measure("Escalations", entered, tier=tier)
    removed = services().log_retention(out_of_time).apply(organisation, services().clock())
    if removed.items:
        logger.info("Removed old changes", organisation_id=organisation.id, items=removed.items)
    if not (closed.finished and removed.finished):
        services().close_queue().put([organisation.id])


handler = queue_handler(work_through, "An organisation could not be worked through")
