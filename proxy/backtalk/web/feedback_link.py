"""Feedback by a link in a mail or a chat: `/feedback/` and the token of an answer.

In: a request to such an address. Out: a page. The one rule: GET and HEAD record nothing, whoever sends them; the page's
form does, by POST.
"""

import secrets
from urllib.parse import parse_qs

from backtalk.errors import BacktalkError
from backtalk.model.endpoints import FEEDBACK_LINK
from backtalk.web.feedback_authority import Authority
from backtalk.web.feedback_request import Answer, FeedbackRequest
from backtalk.web.feedback_taking import By, Taking
from backtalk.web.link_page import HEADERS, question, said, told


class FeedbackLink:
    """Shows the page, and takes what its form says."""

    def __init__(self, taking: Taking, authority: Authority) -> None:
        self._taking = taking
        self._authority = authority

    def show(self, request: FeedbackRequest) -> Answer:
        """`GET /feedback/{token}`: a page that asks whether the answer was helpful; to look at it records nothing."""
        try:
            by = self._by(request)
        except BacktalkError as error:
            return _page(error.status, told("This link does not work", error.message))
        kinds = by.claims.kinds if by.claims else frozenset[str]()
        wished = parse_qs(request.query, max_num_fields=8).get("value", [""])[0] if len(request.query) < 200 else ""
        page = question(once=secrets.token_hex(8), wished=wished, rating="rating" in kinds, comment="comment" in kinds)
        return _page(200, page if kinds & {"rating", "comment"} else told("Nothing to ask", "This link asks nothing."))

    async def take(self, request: FeedbackRequest, body: bytes) -> Answer:
        """`POST /feedback/{token}`: what the page's form says, as a rating or a comment."""
        try:
            by = self._by(request)
            reply = await self._taking.one(said(body), by)
        except BacktalkError as error:
            return _page(error.status, told("This could not be taken", error.message))
        return _page(reply.status, told("Thank you", "Your feedback has been recorded."))

    def _by(self, request: FeedbackRequest) -> By:
        return self._authority.follower(request, request.path.removeprefix(FEEDBACK_LINK))


def _page(status: int, page: bytes) -> Answer:
    return Answer(status, page, HEADERS)
