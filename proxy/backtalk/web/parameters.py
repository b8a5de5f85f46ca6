"""Parameters of the admin listener's questions: texts come in, values or one sentence about what is wrong go out."""

from backtalk.errors import RequestError


def whole(text: str | None, name: str) -> int | None:
    """A whole number; None where the parameter was not given. Raises `RequestError` for anything else."""
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 19:
        raise RequestError(f"{name} must be a whole number, not {text[:40]!r}", code="bad_parameter", param=name)
    return int(text)
