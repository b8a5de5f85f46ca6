"""Who gives feedback, or asks for it: by a token of one answer, or by the key that the app calls with.

In: a request, and the token that its body may carry. Out: `By`. The one rule: a token goes before a key beside it,
since it may do less; and who sends nothing is let in on loopback only, where no page of another name asks.
"""

from collections.abc import Collection, Mapping
from typing import Final

from backtalk import clock
from backtalk.errors import RequestError
from backtalk.feedback.admission import Speaker
from backtalk.model.authority import check_host
from backtalk.model.feedback import FeedbackChannel
from backtalk.model.feedback_token import HEADER, PREFIX, TokenClaims, TokenReader
from backtalk.observe.tenants import CREDENTIALS
from backtalk.web.feedback_request import FeedbackRequest
from backtalk.web.feedback_taking import By
from backtalk.web.speaker import Speakers

_PREFIX: Final = PREFIX.encode()


class Authority:
    """Names whoever comes; `on_loopback` is said of the listener."""

    def __init__(
        self, speakers: Speakers, tokens: TokenReader, *, on_loopback: bool, allowed_hosts: Collection[str] = ()
    ) -> None:
        self._speakers = speakers
        self._tokens = tokens
        self._on_loopback = on_loopback
        self._hosts = frozenset(name.lower() for name in allowed_hosts)

    def giver(self, request: FeedbackRequest, token: str | None = None, channel: FeedbackChannel = "api") -> By:
        """Who gives; raises `RequestError` for a token or a key that is not to be taken."""
        claims = self._claims(request, token)
        key = request.idempotency_key
        if claims is not None:
            return By(_holder(claims, "token"), request.ids, claims, key)
        self._check_anonymous(request)
        speaker = self._speakers.of(request.fields, request.known)
        return By(speaker if channel == "api" else speaker._replace(channel=channel), request.ids, None, key)

    def follower(self, request: FeedbackRequest, token: str) -> By:
        """Who follows a link with a token in its address."""
        claims = self._tokens.read(token, clock.now().wall_ns)
        return By(_holder(claims, "link"), request.ids, claims, request.idempotency_key)

    def reader(self, request: FeedbackRequest) -> By:
        """Who asks what was said, or takes it back: who sends no key may on loopback alone."""
        by = self.giver(request)
        if by.claims is None and not self._on_loopback and _is_anonymous(request):
            message = "send the key that the app calls with, or the feedback token of the answer"
            raise RequestError(message, code="unauthorized", status=401)
        return by

    def _claims(self, request: FeedbackRequest, in_body: str | None) -> TokenClaims | None:
        given = {token for token in (in_body, *_in_head(request.known)) if token}
        if len(given) > 1:
            raise RequestError("two different feedback tokens were sent; send one", code="token_invalid", status=401)
        return self._tokens.read(given.pop(), clock.now().wall_ns) if given else None

    def _check_anonymous(self, request: FeedbackRequest) -> None:
        """A page of another site may have pointed its own name at this machine."""
        if self._on_loopback and _is_anonymous(request):
            check_host(request.known.get(b"host", b""), self._hosts)


def _in_head(known: Mapping[bytes, bytes]) -> list[str]:
    """Tokens in the fields where one may stand; a `Bearer` of another form is a key."""
    found = [known[HEADER].decode("latin-1").strip()] if HEADER in known else []
    scheme, _, bearer = known.get(b"authorization", b"").partition(b" ")
    bearer = bearer.strip()
    if bearer.startswith(_PREFIX) and scheme.lower() == b"bearer":
        found.append(bearer.decode("latin-1"))
    return found


def _is_anonymous(request: FeedbackRequest) -> bool:
    return not any(request.known.get(name) for name in CREDENTIALS)


def _holder(claims: TokenClaims, channel: FeedbackChannel) -> Speaker:
    return Speaker(claims.tenant, "end_user", channel=channel)
