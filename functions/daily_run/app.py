"""The schedule: one message per organisation whose local day has turned since it was last worked through."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit

from arrears.close.due_organisations import due_organisations
from arrears.metrics import measure
from arrears.runtime import services

logger = Logger(service="arrears")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Takes an EventBridge Scheduler event, whatever it says; answers how many organisations were queued."""
    now = services().clock()
    due = list(due_organisations(services().organisations().all(), services().history(), now))
    measure("SnapshotLag", max((one.days for one in due), default=0), MetricUnit.NoUnit)
    queued = services().close_queue().put(one.organisation_id for one in due)
    logger.info("Queued organisations to work through", queued=queued)
    return {"queued": queued}
