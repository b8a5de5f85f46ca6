"""Whether and how strongly the app should ask for feedback on an answer: drawn by a keyed hash, with known probability.

In: a request, before anything is known of its answer. Out: `Ask`, or None where it is no moment to ask. The one rule:
the draw depends on nothing but the secret and the place in the conversation, so each replica draws the same, a
regenerated answer is asked about as the first one was, and what an earlier place drew can be told from the history that
is sent again. So no conversation is asked twice, as far as its history tells, and no state is kept.
"""

import hashlib
from typing import Any, Final

import msgspec

from backtalk import clock
from backtalk.model.endpoints import api_of
from backtalk.model.exchange import RequestHead
from backtalk.model.frames import Ask, AskArm
from backtalk.settings.sampling import AskSettings

MOST_TURNS: Final = 64
"""A conversation with more turns of its user is not asked about: each costs a hash."""
_DAY_NS: Final = 86_400 * clock.NS_PER_S
_APIS: Final = frozenset(("chat", "completions", "messages", "ollama_chat", "ollama_generate", "responses"))
_TOLD: Final = ("user", "assistant")
"""Whose words tell a place: what the app itself says may hold the time of day."""
_NULL: Final = msgspec.Raw(b"null")
_RESULT: Final = b'"tool_result"'


class _Turn(msgspec.Struct):
    role: str | None = None
    content: msgspec.Raw = _NULL


class _Request(msgspec.Struct):
    """What places are told by; everything else is skipped unread."""

    messages: list[_Turn] | None = None
    input: list[_Turn] | str | None = None
    prompt: msgspec.Raw = _NULL
    user: msgspec.Raw = _NULL
    previous_response_id: Any = None
    conversation: Any = None


_decoder: Final[msgspec.json.Decoder[_Request]] = msgspec.json.Decoder(_Request)


class Asking:
    """Draws for all calls of a process."""

    def __init__(self, settings: AskSettings, secret: bytes, session_header: str) -> None:
        self._inline, self._prominent = settings.inline_share, settings.prominent_share
        self._policy = f"inline={self._inline:g},prominent={self._prominent:g}"
        self._secret = secret
        self._session_header = session_header.lower().encode("latin-1")

    def draw(self, tenant: str, head: RequestHead, body: bytes) -> Ask | None:
        """The arm of a call; None in the midst of a task, after an ask, and where the history is not in the request."""
        if api_of(head.path) not in _APIS:
            return None
        try:
            request = _decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        turns = _turns(request)
        if not turns or not _is_users(turns[-1]) or sum(map(_is_users, turns)) > MOST_TURNS:
            return None
        *earlier, arm = self._arms(self._session(tenant, head, request), turns)
        if any(before != "none" for before in earlier):
            return None
        return Ask(arm, self._probability(arm), self._policy)

    def _session(self, tenant: str, head: RequestHead, request: _Request) -> bytes:
        """What tells conversations with the same words apart; where nothing is declared, the day does."""
        declared = head.known.get(self._session_header, b"")
        since = b"" if declared else b"%d" % (clock.now().wall_ns // _DAY_NS)
        return b"\0".join((tenant.encode(), declared, since, bytes(request.user)))

    def _arms(self, session: bytes, turns: list[_Turn]) -> list[AskArm]:
        """The arm of each place at which the user had spoken."""
        history = hashlib.blake2b(session, key=self._secret, digest_size=8, person=b"ask")
        arms: list[AskArm] = []
        for turn in turns:
            if turn.role not in _TOLD:
                continue
            history.update(b"\0" + turn.role.encode() + b"\0")
            history.update(turn.content)
            if _is_users(turn):
                arms.append(self._arm(int.from_bytes(history.digest()) / 2**64))
        return arms

    def _arm(self, drawn: float) -> AskArm:
        if drawn < self._prominent:
            return "prominent"
        return "inline" if drawn < self._prominent + self._inline else "none"

    def _probability(self, arm: AskArm) -> float:
        given: dict[AskArm, float] = {"inline": self._inline, "prominent": self._prominent}
        return given.get(arm, 1 - (self._inline + self._prominent))


def asking(settings: AskSettings, secret: bytes, session_header: str) -> Asking | None:
    """Who draws; None while nobody is to be asked."""
    return Asking(settings, secret, session_header) if settings.enabled else None


def _turns(request: _Request) -> list[_Turn]:
    """The history as far as the request has it; none where the provider holds it."""
    if request.previous_response_id is not None or request.conversation is not None:
        return []
    if isinstance(request.input, str):
        return [_Turn("user", msgspec.Raw(request.input.encode("utf-8", "replace")))]
    listed = request.messages or request.input
    if listed is None and bytes(request.prompt) != b"null":
        return [_Turn("user", request.prompt)]
    return listed or []


def _is_users(turn: _Turn) -> bool:
    """Whether a person spoke: what a tool brought is told as the user's in Anthropic's dialect."""
    return turn.role == "user" and _RESULT not in bytes(turn.content)
