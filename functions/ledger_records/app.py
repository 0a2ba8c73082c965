"""POST /ledger/records: what the caller's books say now, record by record."""

from typing import Any

from aws_lambda_powertools import Logger

from arrears.api import dolfin, routes
from arrears.api.http import Request
from arrears.api.record_batch import IMPORT_ID, read_batch, read_import_id
from arrears.ledger.caller import Scope
from arrears.ledger.origin import Origin
from arrears.metrics import measure_records
from arrears.runtime import lambda_handler, services

logger = Logger(service="arrears")
endpoint = dolfin.endpoint()


@endpoint.post(routes.LEDGER_RECORDS)
def record(request: Request) -> dict[str, Any]:
    """Records a batch; one result per record, in order."""
    caller = dolfin.read_caller(request, services().authentication.authenticate, Scope.WRITE_LEDGER)
    dolfin.check_parameters(request, (IMPORT_ID,))
    import_id = read_import_id(request, services().clock())
    records = read_batch(request)
    # Before anything is written: a batch that fails half-way has an author too.
    logger.info("Writing records", organisation_id=caller.organisation.id, key_id=caller.key_id, records=len(records))
    origin = Origin("key", caller.key_id, import_id)
    results = services().recorder().record(caller.organisation, records, services().clock(), origin)
    measure_records(result.result for result in results)
    return {"results": [result.to_json() for result in results]}


handler = lambda_handler(endpoint)
