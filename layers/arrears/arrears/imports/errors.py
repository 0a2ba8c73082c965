"""Why an import refuses a whole file, or rejects one of its rows."""

MAX_MESSAGE_CHARACTERS = 1_000
"""What a file holds is quoted in messages, and may be a megabyte; results must fit into one message of a queue."""


def shortened(message: str) -> str:
    """The message, its middle left out where it is too long."""
    if len(message) <= MAX_MESSAGE_CHARACTERS:
        return message
    half = MAX_MESSAGE_CHARACTERS // 2
    return f"{message[:half]} ... {message[-half:]}"


class FileRefused(Exception):
    """A file, or a mapping, that cannot be taken as it is; the message says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(shortened(message))


class RowRejected(Exception):
    """A row that makes no record. about: the column or field at fault, None for the whole row. reason: a sentence."""

    def __init__(self, about: str | None, reason: str) -> None:
        self.about = None if about is None else shortened(about)
        self.reason = shortened(reason)
        super().__init__(self.reason)
