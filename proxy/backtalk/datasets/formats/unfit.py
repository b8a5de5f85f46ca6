"""The one way to say that something makes no row, or no line of a format."""


class UnfitError(Exception):
    """This makes no row, or no line of a format; `reason` is a stable word for the manifest."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
