"""What goes wrong, and how each layer says so.

- `ledger/` and `storage/` raise `ArrearsError`: a stable code and a sentence that says what to change. They know no
  HTTP; where waiting helps, the error says for how many seconds.
- `api/` raises the same for what is wrong with a request, with codes of its own. `arrears.api.errors` gives every code
  its HTTP status and title, and each contract has an error format that makes a body of it.
- A record that is not taken is no error of its batch but a result, `rejected`, with its reason (`ledger.recording`).
- `imports/` raise `FileRefused` for a file that cannot be read at all; a row that cannot be is an outcome.
- The command raises `Failed` for what a person can correct. It prints `Failed`, `ArrearsError` and `FileRefused` in one
  line.
- Every other exception is a fault of ours: it is logged, and answered as `internal_error` with no more than its id.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

UNAUTHORISED = "unauthorised"
UNKNOWN_INTEGRATOR = "unknown_integrator"
UNKNOWN_USER = "unknown_user"
INVALID_TOKEN = "invalid_token"  # noqa: S105
FORBIDDEN = "forbidden"
THROTTLED = "throttled"
RATE_LIMITED = "rate_limited"
UNAVAILABLE = "unavailable"
TOO_LARGE = "too_large"


NO_MEMBERS: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True)
class ArrearsError(Exception):
    """What was asked cannot be done.

    code: stable, the same in every contract. detail: one sentence that says what to change. field: the parameter or
    field it is about, if one is. retry_after: seconds after which asking again can help. members: what else an answer
    says of it, by name, where its format has room.
    """

    code: str
    detail: str
    field: str | None = None
    retry_after: int | None = None
    members: Mapping[str, Any] = NO_MEMBERS

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"
