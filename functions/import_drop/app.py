"""Imports files dropped into the import bucket, and hands over to itself before its time is over."""

import json
from typing import Any

from aws_lambda_powertools import Logger

from arrears.imports.dropped_files import Importer, Job, jobs
from arrears.imports.import_run import counted, patiently, validate_only
from arrears.metrics import measure_records
from arrears.runtime import services

logger = Logger(service="arrears")
SPARE_MS = 180_000
"""A batch, waiting for a busy ledger included, must fit into what is left when the time is looked at."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Takes an SQS event, and answers which messages have to come again."""
    failed = []
    for message in event["Records"]:
        try:
            for job in jobs(json.loads(message["body"]), services().clock()):
                take(job, context)
        except Exception:
            logger.exception("A dropped file could not be imported", message_id=message["messageId"])
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def take(job: Job, context: Any) -> None:
    """Imports one file as far as the time goes."""
    try:
        organisation = services().organisations().get(job.organisation_id)
        write = counted(services().writing(organisation), measure_records)
    except ValueError:
        organisation, write = None, validate_only
    importer = Importer(
        services().import_bucket(), services().clock, lambda: context.get_remaining_time_in_millis() < SPARE_MS
    )
    outcome = importer.take(job, organisation, patiently(write, waited))
    logger.info("Took a dropped file", organisation_id=job.organisation_id, outcome=outcome)


def waited(why: str, seconds: int) -> None:
    """Logs that the ledger is busy."""
    logger.warning("Waiting for the ledger", reason=why, seconds=seconds)
