"""What a run says when it has to stop."""


class OutOfTime(Exception):
    """The time allowed is over; what is written stays, and the next run goes on from there."""
