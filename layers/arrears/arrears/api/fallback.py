"""Answers for unknown addresses and methods, in the error format of the API that the address belongs to."""

import re
from typing import NoReturn

from arrears.api import docusign, lago, problem, routes
from arrears.api.errors import NOT_FOUND, MethodNotAllowed
from arrears.api.http import Endpoint, ErrorFormat, Request
from arrears.ledger.errors import ArrearsError

_ERROR_FORMATS = (
    ("/analytics", lago.ERROR_FORMAT),
    (routes.LAGO_PREFIX, lago.ERROR_FORMAT),
    ("/restapi", docusign.ERROR_FORMAT),
)
_ADDRESSES = [(re.compile(re.sub("<.*?>", "[^/]+", path) + "/*"), method) for path, method in routes.METHODS.items()]


def endpoint() -> Endpoint:
    """An endpoint that answers everything with an error."""
    endpoint_of_errors = Endpoint(_error_format)
    endpoint_of_errors.otherwise(_nothing_there)
    return endpoint_of_errors


def _error_format(request: Request) -> ErrorFormat:
    for prefix, error_format in _ERROR_FORMATS:
        if request.path == prefix or request.path.startswith(f"{prefix}/"):
            return error_format
    return problem.ERROR_FORMAT


def _nothing_there(request: Request) -> NoReturn:
    for address, method in _ADDRESSES:
        if address.fullmatch(request.path):
            raise MethodNotAllowed(method, request.method)
    raise ArrearsError(NOT_FOUND, "There is no such address.")
