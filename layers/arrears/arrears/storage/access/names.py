"""Names that people choose."""

MAX_NAME_LENGTH = 200


def check_name(text: str, what: str) -> None:
    """Raises ValueError for text that no name may be. what: the subject of the message."""
    if not text.strip() or text != text.strip() or len(text) > MAX_NAME_LENGTH or not text.isprintable():
        raise ValueError(f"{what} must be 1 to {MAX_NAME_LENGTH} printable characters, without spaces around it")
