"""Reading feedback on the public listener: asked of the admin process, within what the asker may see.

In: a request and who asks. Out: the admin process's document. The one rule: the tenant is that of the credential,
whatever the query says; a token sees what it gave itself.
"""

import re
from typing import Final
from urllib.parse import parse_qsl

from backtalk.errors import RequestError
from backtalk.feedback.token_scope import check_own
from backtalk.model.feedback_token import TokenClaims
from backtalk.web.admin_link import AdminLink
from backtalk.web.feedback_request import JSON, Answer, FeedbackRequest
from backtalk.web.feedback_taking import By

PARAMETERS: Final = ("trace_id", "feedback_id", "session_id", "response_id", "limit")
"""What can be asked for; exactly one of the keys, and a limit."""
_KEYS: Final = PARAMETERS[:-1]
_FEEDBACK_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_MOST_PARAMETERS: Final = 8
_MOST_CHARS: Final = 256


class FeedbackReads:
    """Answers GET."""

    def __init__(self, admin: AdminLink, *, secret: bytes) -> None:
        self._admin = admin
        self._secret = secret

    async def find(self, request: FeedbackRequest, by: By) -> Answer:
        """`GET /v1/feedback`: what was said, by `trace_id`, `feedback_id`, `session_id` or `response_id`."""
        asked = _asked(request.query)
        if by.claims is not None:
            self._confine(asked, by.claims)
        told = await self._admin.get("/v1/feedback", **asked, tenant=by.speaker.tenant)
        return Answer(told.status, told.body, [JSON])

    async def one(self, feedback_id: str, by: By) -> Answer:
        """`GET /v1/feedback/{feedback_id}`: one feedback and what became of it."""
        check_id(feedback_id)
        if by.claims is not None:
            check_own(self._secret, by.claims, feedback_id)
        told = await self._admin.get(f"/v1/feedback/{feedback_id}", tenant=by.speaker.tenant)
        return Answer(told.status, told.body, [JSON])

    def _confine(self, asked: dict[str, str], claims: TokenClaims) -> None:
        if "feedback_id" not in asked:
            message = "a token reads what it gave, by feedback_id; send the app's key for more"
            raise RequestError(message, code="token_scope", status=403, param=next(iter(asked)))
        check_own(self._secret, claims, asked["feedback_id"])


def check_id(feedback_id: str) -> None:
    """Raise `RequestError` where a text is no id of a feedback."""
    if not _FEEDBACK_ID.fullmatch(feedback_id):
        message = "a feedback_id is 32 lower-case hex digits, as POST /v1/feedback answers it"
        raise RequestError(message, code="bad_feedback_id", param="feedback_id")


def _asked(query: str) -> dict[str, str]:
    """The parameters, checked; the admin process looks closer at their values."""
    try:
        pairs = parse_qsl(query, max_num_fields=_MOST_PARAMETERS, errors="strict")
    except ValueError as error:
        raise RequestError("the query cannot be read", code="bad_parameter") from error
    asked = dict(pairs)
    unknown = next((name for name in asked if name not in PARAMETERS), None)
    if unknown is not None or len(asked) < len(pairs):
        said = "a parameter stands twice" if unknown is None else f"unknown parameter {unknown[:40]!r}"
        raise RequestError(f"{said}; known are {', '.join(PARAMETERS)}, each once", code="unknown_parameter")
    keys = [name for name in _KEYS if name in asked]
    if len(keys) != 1:
        raise RequestError(f"ask by exactly one of {', '.join(_KEYS)}", code="bad_parameter", param="trace_id")
    if len(asked[keys[0]]) > _MOST_CHARS:
        raise RequestError(f"{keys[0]} has at most {_MOST_CHARS} characters", code="bad_parameter", param=keys[0])
    if keys == ["feedback_id"]:
        check_id(asked["feedback_id"])
    return asked
