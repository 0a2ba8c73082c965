"""Imports files dropped into the import bucket, and hands over to itself before its time is over."""

import json
from collections.abc import Sequence
from typing import Any

from aws_lambda_powertools import Logger

from arrears.imports.dropped_files import Importer, Job, jobs
from arrears.imports.import_run import Write, patiently, validate_only
from arrears.ledger.organisation import Organisation
from arrears.ledger.recording import Result
from arrears.metrics import measure_records
from arrears.runtime import services
from arrears.storage.import_bucket import Gone

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
    organisation = find_organisation(job.organisation_id)
    write = validate_only if organisation is None else measured(services().writing(organisation))

    def waited(why: str, seconds: int) -> None:
        logger.warning("Waiting for the ledger", reason=why, seconds=seconds)

    importer = Importer(services().drops(), services().clock, lambda: context.get_remaining_time_in_millis() < SPARE_MS)
    try:
        outcome = importer.take(job, organisation, patiently(write, waited))
    except Gone:
        outcome = "gone"
    logger.info("Took a dropped file", organisation_id=job.organisation_id, outcome=outcome)


def measured(write: Write) -> Write:
    """The same, counted."""

    def writing(records: Sequence[dict[str, Any]]) -> Sequence[Result]:
        results = write(records)
        measure_records(result.result for result in results)
        return results

    return writing


def find_organisation(id_: str) -> Organisation | None:
    """The organisation of that id, if there is one."""
    try:
        return services().organisations().get(id_)
    except ValueError:
        return None
