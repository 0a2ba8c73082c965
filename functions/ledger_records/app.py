"""POST /ledger/records: what the caller's books say now, record by record."""

from typing import Any

from arrears.faces import dolfin, routes
from arrears.faces.http import Request
from arrears.faces.records import read_batch
from arrears.ledger.caller import Scope
from arrears.measures import measure_records
from arrears.runtime import lambda_handler, services

endpoint = dolfin.endpoint()


@endpoint.post(routes.LEDGER_RECORDS)
def record(request: Request) -> dict[str, Any]:
    """Records a batch; one result per record, in order."""
    caller = dolfin.read_caller(request, services().access.authenticate, Scope.WRITE_LEDGER)
    dolfin.check_parameters(request, ())
    records = read_batch(request)
    results = services().recorder().record(caller.organisation, records, services().clock())
    measure_records(result.result for result in results)
    return {"results": [result.to_json() for result in results]}


handler = lambda_handler(endpoint)
