"""Imports files dropped into the import bucket, and hands over to itself before its time is over."""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict
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
FIRST_DELAY_SECONDS = 20
LONGEST_DELAY_SECONDS = 900
"""SQS delays a message no longer."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Takes an SQS event, and answers which messages have to come again."""
    failed = []
    for message in event["Records"]:
        try:
            body = json.loads(message["body"])
            for job in jobs(body, services().clock()):
                take_in_turn(job, context, body.get("waits", 0))
        except Exception:
            logger.exception("A dropped file could not be imported", message_id=message["messageId"])
            failed.append({"itemIdentifier": message["messageId"]})
    return {"batchItemFailures": failed}


def take_in_turn(job: Job, context: Any, waits: int) -> None:
    """Imports a file, or queues it for later while as many of its organisation are being imported as may be.

    waits: how often it was queued for later. Each time it waits longer, so that ten thousand files of one organisation
    leave the function to the others.
    """
    organisation = find_organisation(job.organisation_id)
    if organisation is None:
        take(job, None, context)
        return
    slots = services().import_slots()
    slot = slots.take(organisation.id)
    if slot is None:
        longest = min(LONGEST_DELAY_SECONDS, FIRST_DELAY_SECONDS * 2**waits)
        delay = random.randint(longest // 2, longest)  # noqa: S311
        services().drops().hand_over({"job": asdict(job), "waits": waits + 1}, delay)
        logger.info("A dropped file waits for its turn", organisation_id=organisation.id, seconds=delay)
        return
    try:
        take(job, organisation, context)
    finally:
        slots.release(slot)


def take(job: Job, organisation: Organisation | None, context: Any) -> None:
    """Imports one file as far as the time goes."""
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
        return services().access.organisation(id_)
    except ValueError:
        return None
