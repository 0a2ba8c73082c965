"""The local stack as a person uses it: started, stopped, restarted, and refused with a reason."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from arrears_cli.deployment import Deployment, administrator
from arrears_cli.output import Failed
from local_stack.emulator import Emulator
from local_stack.local import STACK_NAME, LocalStack
from stack.conftest import free_port


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    """An emulator with no data, that nobody else uses."""
    made = Emulator(LocalStack(tmp_path, port=0).emulator.python, tmp_path, free_port())
    yield made
    made.wipe()


def test_data_outlives_a_restart_and_not_a_wipe(emulator: Emulator) -> None:
    table = {
        "TableName": "kept",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    }
    client = administrator().client("dynamodb", endpoint_url=emulator.endpoint_url)
    assert emulator.start()
    assert not emulator.start(), "it was running already"
    client.create_table(**table)
    client.put_item(TableName="kept", Item={"pk": {"S": "1"}})
    assert emulator.stop()
    assert not emulator.stop(), "it was stopped already"
    emulator.start()
    assert client.scan(TableName="kept")["Items"] == [{"pk": {"S": "1"}}]
    emulator.wipe()
    emulator.start()
    assert client.list_tables()["TableNames"] == []


def test_a_taken_port_is_refused_with_the_way_out(emulator: Emulator) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", emulator.port))
        other.listen()
        with pytest.raises(Failed, match=f"Port {emulator.port} is taken.*ARREARS_PORT"):
            emulator.start()


def test_it_listens_on_loopback_only(emulator: Emulator) -> None:
    emulator.start()
    with socket.create_connection(("127.0.0.1", emulator.port)):
        pass
    # Every address of 127/8 is this machine's; only what listens on all interfaces answers on the others.
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", emulator.port), timeout=5)


def test_a_process_that_came_to_have_its_id_is_left_alone(emulator: Emulator) -> None:
    (emulator.home / "ministack.pid").write_text(f"1 {emulator.port}")
    assert not emulator.stop()


def test_up_again_changes_nothing(stack: Deployment) -> None:
    cloudformation = administrator().client("cloudformation", endpoint_url=stack.endpoint_url)

    def updated() -> object:
        [described] = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"]
        return described.get("LastUpdatedTime", described["CreationTime"])

    before = updated()
    assert stack.endpoint_url is not None
    again = LocalStack(Path(os.environ["TEST_RUN"]), int(stack.endpoint_url.rpartition(":")[2])).up()
    assert again == stack
    assert updated() == before
