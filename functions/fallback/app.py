"""Every other address and method: 404 or 405 in the error format of the API that the address belongs to."""

from arrears.api import fallback

handler = fallback.endpoint().answer
