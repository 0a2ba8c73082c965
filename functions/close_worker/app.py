"""Works through the complete days of the organisations in a batch of queue messages."""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from arrears.close.escalation_writer import OutOfTime
from arrears.ledger.money import major_text
from arrears.metrics import measure
from arrears.runtime import services

logger = Logger(service="arrears")
SPARE_MS = 60_000
"""Work stops so long before the function's time is over, and goes on with a message of its own."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Takes an SQS event, and answers which messages have to come again."""
    failed = []
    for message in event["Records"]:
        try:
            work_through(json.loads(message["body"])["organisationId"], context)
        except Exception:
            logger.exception("An organisation could not be worked through", message_id=message["messageId"])
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def work_through(organisation_id: str, context: Any) -> None:
    """Works through one organisation's days, as far as the time goes."""
    organisation = services().access.organisation(organisation_id)
    closing = services().closing(lambda: context.get_remaining_time_in_millis() < SPARE_MS)
    try:
        closed = closing.close(organisation, services().clock())
    except OutOfTime:
        services().close_queue().put([organisation_id])
        return
    logger.info(
        "Worked through an organisation's days",
        organisation_id=organisation_id,
        months=closed.months,
        escalations=closed.escalations,
        sent=closed.sent,
    )
    for tier, entered in closed.entered.items():
        measure("Escalations", entered, tier=tier)
    for currency, minor in closed.overdue.items():
        measure("Overdue", float(major_text(minor, currency)), MetricUnit.NoUnit, currency=currency)
