"""Imports files dropped into the import bucket, and hands over to itself before its time is over."""

import json
from typing import Any

from aws_lambda_powertools import Logger

from arrears.imports.dropped_files import Importer, Job, jobs
from arrears.imports.import_run import patiently, validate_only
from arrears.metrics import measured
from arrears.runtime import queue_handler, services

logger = Logger(service="arrears")
SPARE_MS = 180_000
"""A batch, waiting for a busy ledger included, must fit into what is left when the time is looked at."""


def import_files(body: str, context: Any) -> None:
    """Imports the files that a message names."""
    for job in jobs(json.loads(body), services().clock()):
        import_file(job, context)


def import_file(job: Job, context: Any) -> None:
    """Imports one file as far as the time goes; for an organisation that does not exist, it only reads it."""
    organisation = services().find_organisation(job.organisation_id)
    write = validate_only if organisation is None else measured(services().writing(organisation))

    def waiting(why: str, seconds: int) -> None:
        logger.warning("Waiting for the ledger", reason=why, seconds=seconds)

    importer = Importer(
        services().import_bucket(), services().clock, lambda: context.get_remaining_time_in_millis() < SPARE_MS
    )
    outcome = importer.take(job, organisation, patiently(write, waiting))
    logger.info("Took a dropped file", organisation_id=job.organisation_id, outcome=outcome)


handler = queue_handler(import_files, "A dropped file could not be imported")
