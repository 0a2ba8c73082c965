"""What an import says no to: a whole file, or one of its rows."""


class FileRefused(Exception):
    """A file, or a mapping, that cannot be taken as it is; the message says why and what to do."""


class RowRejected(Exception):
    """A row that makes no record. about: the column or field at fault, None for the whole row. reason: a sentence."""

    def __init__(self, about: str | None, reason: str) -> None:
        super().__init__(reason)
        self.about = about
        self.reason = reason
