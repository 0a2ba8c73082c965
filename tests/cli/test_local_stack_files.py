"""What the local stack keeps on this machine is for its owner alone."""

import json
from pathlib import Path

from local_stack.local import LocalStack


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_key_and_the_token_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path / "home", port=0)
    stack.describe({"api_key": "ar_1", "user_token": "ut_1"})
    assert (mode(stack.home), mode(stack.description)) == (0o700, 0o600)
    assert [path.name for path in stack.home.iterdir()] == ["stack.json"]


def test_what_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    stack = LocalStack(tmp_path / "home", port=0)
    stack.home.mkdir(mode=0o755)
    stack.description.write_text(json.dumps({"api_key": "ar_1"}))
    stack.description.chmod(0o644)
    stack.describe({"account": "1001"})
    assert (mode(stack.home), mode(stack.description)) == (0o700, 0o600)
    assert stack.read_description() == {"api_key": "ar_1", "account": "1001"}
