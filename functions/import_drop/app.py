"""Imports files dropped into the import bucket, and hands over to itself before its time is over."""

import json
from functools import partial
from typing import Any

from aws_lambda_powertools import Logger

from arrears.imports.dropped_files import Importer, Job, jobs
from arrears.imports.import_run import patiently, validate_only
from arrears.imports.turns import in_turn
from arrears.ledger.organisation import Organisation
from arrears.ledger.origin import Origin
from arrears.metrics import measured
from arrears.runtime import queue_handler, services

logger = Logger(service="arrears")
SPARE_MS = 180_000
"""A batch, waiting for a busy ledger included, must fit into what is left when the time is looked at."""


def import_files(body: str, context: Any) -> None:
    """Imports the files that a message names, each in its organisation's turn; of an unknown one it only reads them."""
    message = json.loads(body)
    for job in jobs(message, services().clock()):
        organisation = services().find_organisation(job.organisation_id)
        work = partial(import_file, job, organisation, context)
        if organisation is None:
            work()
        elif delay := in_turn(
            job, message.get("waits", 0), services().import_slots(), services().import_bucket(), work
        ):
            logger.info("A dropped file waits for its turn", organisation_id=organisation.id, seconds=delay)


def import_file(job: Job, organisation: Organisation | None, context: Any) -> None:
    """Imports one file as far as the time goes."""
    origin = Origin("dropped_file", job.key, job.import_id)
    write = validate_only if organisation is None else measured(services().writing(organisation, origin))
    bucket, clock = services().import_bucket(), services().clock
    importer = Importer(bucket, clock, lambda: context.get_remaining_time_in_millis() < SPARE_MS)
    outcome = importer.take(job, organisation, patiently(write, log_waiting))
    logger.info("Took a dropped file", organisation_id=job.organisation_id, outcome=outcome)


def log_waiting(why: str, seconds: int) -> None:
    """Logs that the ledger is busy."""
    logger.warning("Waiting for the ledger", reason=why, seconds=seconds)


handler = queue_handler(import_files, "A dropped file could not be imported")
