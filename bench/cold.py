"""Cold starts: from the start of a process to its first answer, under the runtime client and the emulator of Lambda.

Everything is as in Lambda: the built function, the layer's bytecode, the interpreter without the checkout's packages.
DynamoDB and a queue are a server in this process that answers at once, so that what is measured is the function.
"""

import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench import here
from bench.book import Bulk, open_papers, organisation_of, party_id, services_of
from bench.server import served
from bench.table import Tables
from local_stack.sam import BUILD, build, building

ROUNDS = 15
READING = (
    "ReceivablesOverdue",
    "PayablesOverdue",
    "ReceivablesSimulation",
    "PayablesSimulation",
    "ReceivablesAging",
    "PayablesAging",
    "Customers",
    "Suppliers",
    "OverdueBalance",
    "InvoiceCollection",
    "BillingInvoicesPastDue",
    "ReceivablesHistory",
    "PayablesHistory",
    "Escalations",
    "LedgerChanges",
)
FLOOR = '''"""The least that a function on DynamoDB does."""

import boto3

client = boto3.client("dynamodb")


def handler(event, context):
    """Reads one item."""
    client.get_item(TableName="LedgerTable", Key={"pk": {"S": "-"}, "sk": {"S": "-"}})
    return {"statusCode": 200, "body": "{}"}
'''


@dataclass(frozen=True, slots=True)
class Start:
    """Medians of a function's first answers. cpu_ms: processor time of the function's process."""

    function: str
    wall_ms: float
    cpu_ms: float


def measured(say: Callable[[str], None]) -> dict[str, Start]:
    """Every function's cold start, and the floor's under "floor"; they take turns, so all see the same machine."""
    with building(), tempfile.TemporaryDirectory() as temporary:
        build()
        room = _Room(Path(temporary))
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in room.events}
        with served(room.table) as endpoint:
            for number in range(ROUNDS + 1):
                say(f"cold starts, round {number} of {ROUNDS}")
                for name, event in room.events.items():
                    times = _first_answer(room.folder_of(name), room.clients, event, endpoint)
                    if number:  # The first round reads everything from disk.
                        taken[name].append(times)
    return {
        name: Start(name, *(statistics.median(column) for column in zip(*times, strict=True)))
        for name, times in taken.items()
    }


class _Room:
    """A small book, an event for each function, and what the emulator needs beside the build."""

    def __init__(self, folder: Path) -> None:
        here.set_environment()
        self.table = Tables()
        organisation, key = organisation_of(self.table)
        today = organisation.today(here.now())
        for kind in ("invoice", "bill"):
            Bulk(self.table, organisation, kind, 10, today).add(open_papers(kind, 50, today))
        self.clients = folder / "runtime"
        self.clients.mkdir()
        for name in ("awslambdaric", "snapshot_restore_py", "simplejson", "runtime_client"):
            _copy_module(name, self.clients)
        self._floor = folder / "floor"
        self._floor.mkdir()
        (self._floor / "app.py").write_text(FLOOR)
        users = services_of(self.table).users()
        integrator = users.create_integrator_key(organisation.id)
        token = users.create(organisation.id, party_id("invoice", 0), "bench", "-" * 12, integrator, admin=True)
        self.events = {"floor": {}, **_events(key), "BillingInvoicesPastDue": _past_due(token)}

    def folder_of(self, name: str) -> Path:
        """Where a function's code is."""
        return self._floor if name == "floor" else BUILD / f"{name}Function"


def _copy_module(name: str, target: Path) -> None:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise LookupError(name)
    if spec.submodule_search_locations:
        shutil.copytree(Path(spec.origin).parent, target / name)
    else:
        shutil.copy(spec.origin, target)


def _events(key: str) -> dict[str, dict[str, Any]]:
    """A sample request for each function that answers one, or that takes a message."""
    reading = {
        "ReceivablesOverdue": "/receivables/overdue",
        "PayablesOverdue": "/payables/overdue",
        "ReceivablesAging": "/receivables/aging",
        "PayablesAging": "/payables/aging",
        "OverdueBalance": "/analytics/overdue_balance",
        "InvoiceCollection": "/analytics/invoice_collection",
        "ReceivablesHistory": "/receivables/overdue/history",
        "PayablesHistory": "/payables/history",
        "Escalations": "/escalations",
        "LedgerChanges": "/ledger/changes",
        "Documentation": "/openapi.json",
        "Fallback": "/nowhere",
    }
    events = {name: here.event(path, key) for name, path in reading.items()}
    customer = {"type": "customer", "id": "A-1", "name": "A"}
    events["Customers"] = _of_party("/receivables/customers/{id}", key, party_id("invoice", 0))
    events["Suppliers"] = _of_party("/payables/suppliers/{id}", key, party_id("bill", 0))
    events["LedgerRecords"] = here.event("/ledger/records", key, body={"records": [customer]})
    for side in ("Receivables", "Payables"):
        path = f"/{side.lower()}/overdue/simulation"
        events[f"{side}Simulation"] = here.event(path, key, body={"policy": {"grace_days": 3}})
    events["CloseWorker"] = {"Records": []}
    events["DailyRun"] = {}
    events["ImportDrop"] = {"Records": []}
    return events


def _of_party(path: str, key: str, party: str) -> dict[str, Any]:
    return {**here.event(path, key), "pathParameters": {"id": party}}


def _past_due(token: str) -> dict[str, Any]:
    """A request of a customer's user; the token goes the way of any bearer token."""
    event = here.event("/restapi/{apiVersion}/accounts/{accountId}/billing_invoices_past_due", token)
    return {**event, "pathParameters": {"apiVersion": "v2.1", "accountId": party_id("invoice", 0)}}


def _first_answer(code: Path, clients: Path, event: dict[str, Any], endpoint: str) -> tuple[float, float]:
    """Milliseconds from the first request, which starts the process, to its answer; and its processor time."""
    python = Path(sys.base_prefix) / "bin" / "python3.13"
    port, runtime_port = _free_port(), _free_port()
    addresses = ["--runtime-interface-emulator-address", f"127.0.0.1:{port}"]
    addresses += ["--runtime-api-address", f"127.0.0.1:{runtime_port}"]
    path = [code, BUILD / "ArrearsLayer" / "python", clients]
    environment = {
        **here.ENVIRONMENT,
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONNOUSERSITE": "1",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "LAMBDA_TASK_ROOT": str(code),
        "CLOSE_QUEUE_URL": f"{endpoint}/queue",
        "IMPORT_QUEUE_URL": f"{endpoint}/queue",
    }
    command = [_emulator(), *addresses, python, "-m", "awslambdaric", "app.handler"]
    nowhere = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=code, env=environment, stdout=nowhere, stderr=nowhere) as emulator:
        try:
            _await_port(port)
            started = time.perf_counter()
            answer = _post(port, event)
            took = time.perf_counter() - started
            cpu = _processor_ms(emulator.pid)
        finally:
            emulator.terminate()
    if not _is_answer(answer):
        raise AssertionError(f"{code.name}: {answer[:500]}")
    return took * 1000, cpu


def _is_answer(answer: bytes) -> bool:
    told = json.loads(answer)
    return told.get("statusCode", 200) in (200, 404) and "errorType" not in told


def _emulator() -> Path:
    spec = find_spec("samcli")
    if spec is None or spec.origin is None:
        raise LookupError("samcli")
    machine = "arm64" if os.uname().machine in ("aarch64", "arm64") else "x86_64"
    return Path(spec.origin).parent / "local" / "rapid" / f"aws-lambda-rie-{machine}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_port(port: int) -> None:
    for _ in range(400):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(port)


def _post(port: int, event: dict[str, Any]) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/2015-03-31/functions/function/invocations", json.dumps(event))
    return connection.getresponse().read()


def _processor_ms(parent: int) -> float:
    """Processor time so far of the one child of the emulator."""
    starters = Path(f"/proc/{parent}/task").iterdir()
    [child] = [child for starter in starters for child in (starter / "children").read_text().split()]
    tasks = Path(f"/proc/{child}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e6
