"""Messages become a hash chain: equal histories get equal digests, in one pass and per scope.

In: an opened call. Out: `History`, the digests and texts the session decision compares. The one rule: what an app may
change without the user noticing is left out (system and developer messages, white space, Unicode forms, the order of
keys in tool arguments), and nothing else.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from backtalk.model.chat import Message, Request, ToolCall
from backtalk.model.facts import CallOpened

if TYPE_CHECKING:
    from hashlib import blake2b as Blake2b  # noqa: N812  # typeshed names the hash object's class like its constructor

TEXT_CHARS: Final = 600
"""Longest text kept of a message; a longer one keeps its two ends."""
SHORT_ANSWER_CHARS: Final = 24
"""Below this length an answer is recognised only together with the user text before it."""
INSTRUCTION_CHARS: Final = 80
_INSTRUCTIONS: Final = frozenset({"system", "developer"})
_DIGITS: Final = re.compile(r"\d+")
_LABEL: Final = re.compile(r"^(?:[\w' -]{1,24}:)\s+")
_TAG: Final = re.compile(r"</?[A-Za-z_][\w-]{0,30}>")
_TYPED_CHARS: Final = 2
_CUT: Final = " … "
_MARKS: Final = re.compile(rb"[^\0]{31}")
"""A run of combining marks that no writing system knows (UAX #15, stream-safe text): to sort it is quadratic."""


class History(msgspec.Struct, frozen=True):
    """What a request resends, as digests within one scope. None where there is no such part."""

    scope: bytes
    whole: bytes
    """All messages: the same request again has the same."""
    frontier: bytes | None
    """Up to and including the last assistant message."""
    before: bytes | None
    """Up to the last assistant message, without it: the `whole` of the call that was answered by it."""
    answer: bytes | None
    """The last assistant message alone."""
    older_answer: bytes | None
    """The assistant message before the last one, alone."""
    said: bytes | None
    """The last user message alone, as typed."""
    asked: bytes | None
    """The user message before the last assistant message alone, as typed."""
    instructions: bytes
    """How system and developer messages begin, digits masked: for tie-breaks, never for identity."""
    user_text: str
    """The last user message, capped."""
    asked_text: str
    """The user message before the last assistant message, capped."""
    shown_text: str
    """The last assistant message, capped."""
    last_role: str
    linear: bool = False
    """Whether the provider holds the history and only adds to it, so that nobody comes back to an earlier place."""


class Hasher:
    """Keyed BLAKE2b over messages; the key is the installation's secret, for hashes of short texts can be guessed."""

    def __init__(self, secret: bytes) -> None:
        self._base = hashlib.blake2b(key=secret[:64], digest_size=16)

    def scope(self, opened: CallOpened) -> bytes:
        """Digest of tenant, end user and declared session: nothing is compared across scopes."""
        request = opened.request
        return self._digest(b"scope", opened.tenant, request.user or "", request.declared_session or "")

    def history(self, opened: CallOpened) -> History:
        """Read an opened call's messages once."""
        scope = self.scope(opened)
        spoken = [message for message in opened.request.messages if message.role not in _INSTRUCTIONS]
        held = self._held(scope, opened.request)
        chain = [held or self._start(scope)]
        for message in spoken:
            chain.append(self.extend(chain[-1], message))
        answers = [place for place, message in enumerate(spoken) if message.role == "assistant"]
        last = answers[-1] if answers else None
        older = answers[-2] if len(answers) > 1 else None
        user_text = _user_text(spoken)
        asked_text = "" if last is None else _user_text(spoken[:last])
        return History(
            scope=scope,
            whole=chain[-1],
            frontier=held if last is None else chain[last + 1],
            before=None if last is None else chain[last],
            answer=None if last is None else self._answer_at(scope, spoken, last),
            older_answer=None if older is None else self._answer_at(scope, spoken, older),
            said=self._said(scope, user_text),
            asked=self._said(scope, asked_text),
            instructions=self._instructions(opened.request.messages),
            user_text=user_text,
            asked_text=asked_text,
            shown_text="" if last is None else cap(clean(spoken[last].text)),
            last_role=spoken[-1].role if spoken else "",
            linear=opened.request.conversation is not None,
        )

    def response(self, scope: bytes, response_id: str) -> bytes:
        """Where a history goes on that the provider holds up to a response."""
        return self._digest(scope, "response", response_id)

    def conversation(self, scope: bytes, conversation_id: str) -> bytes:
        """Where a history goes on that the provider holds as a conversation."""
        return self._digest(scope, "conversation", conversation_id)

    def extend(self, link: bytes, message: Message) -> bytes:
        """The chain's next link."""
        return self._digest(link, *_parts(message))

    def answer(self, scope: bytes, message: Message, asked_text: str) -> bytes:
        """Digest of an answer alone; a short one is bound to the user text it answers, as typed."""
        parts = _parts(message)
        short = len(parts[1]) < SHORT_ANSWER_CHARS and not message.tool_calls
        return self._digest(scope, "answer", typed(asked_text).casefold() if short else "", *parts)

    def recent(self, history: History, client_hash: str, *, by_instructions: bool) -> bytes:
        """Digest of whose first turns are compared: the client's, or those under the same instructions."""
        fingerprint = history.instructions if by_instructions else b""
        return self._digest(history.scope, "recent", client_hash, fingerprint.hex())

    def name(self, *parts: str) -> str:
        """A deterministic 32-digit name, as session and signal ids are."""
        return self._digest(b"name", *parts).hex()

    def _held(self, scope: bytes, request: Request) -> bytes | None:
        if request.previous_response is not None:
            return self.response(scope, request.previous_response)
        return None if request.conversation is None else self.conversation(scope, request.conversation)

    def _said(self, scope: bytes, text: str) -> bytes | None:
        words = typed(text).casefold()
        return self._digest(scope, "said", words) if words else None

    def _start(self, scope: bytes) -> bytes:
        return self._digest(scope, "chain")

    def _answer_at(self, scope: bytes, spoken: Sequence[Message], place: int) -> bytes:
        return self.answer(scope, spoken[place], _user_text(spoken[:place]))

    def _instructions(self, messages: Sequence[Message]) -> bytes:
        texts = [message.text[: 2 * INSTRUCTION_CHARS] for message in messages if message.role in _INSTRUCTIONS]
        masked = _DIGITS.sub("0", clean(" ".join(texts)))
        return self._digest(b"instructions", masked[:INSTRUCTION_CHARS])

    def _digest(self, link: bytes, *parts: str) -> bytes:
        digest: Blake2b = self._base.copy()
        update: Callable[[bytes], None] = digest.update
        update(link)
        for part in parts:
            encoded = part.encode("utf-8", "surrogatepass")
            update(b"%d:" % len(encoded))
            update(encoded)
        return digest.digest()


def clean(text: str) -> str:
    """NFC, and white space collapsed and trimmed."""
    return " ".join(normal(text).split())


def normal(text: str) -> str:
    """NFC in linear time: a text with an endless run of marks stays as it is."""
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    return text if _MARKS.search(bytes(map(unicodedata.combining, text))) else unicodedata.normalize("NFC", text)


def cap(text: str) -> str:
    """Keep the two ends of a long text: instructions stand first, what was typed stands last."""
    if len(text) <= TEXT_CHARS:
        return text
    half = (TEXT_CHARS - len(_CUT)) // 2
    return text[:half] + _CUT + text[-half:]


def typed(text: str) -> str:
    """The part a person typed of a prompt that an app wrapped: the last line, without its label and tags.

    Lines that are only a label ("Answer:") or a tag were not typed and are passed over.
    """
    lines = _lines(text)
    if len(lines) < 2:  # one line has nothing wrapped around it
        return clean(text)
    for line in reversed(lines):
        bare = clean(_LABEL.sub("", line))
        if len(bare) >= _TYPED_CHARS and not bare.endswith(":"):
            return bare
    return clean(text)


def is_labelled(text: str) -> bool:
    """Whether an app says which part was typed ("Question: ...")."""
    lines = [line for line in _lines(text) if not line.endswith(":")]
    return len(lines) > 1 and _LABEL.match(lines[-1]) is not None


def _lines(text: str) -> list[str]:
    return [bare for line in text.splitlines() if (bare := _TAG.sub("", line).strip())]


def _user_text(spoken: Sequence[Message]) -> str:
    for message in reversed(spoken):
        if message.role == "user":
            return cap(normal(message.text).strip())
    return ""


def _parts(message: Message) -> tuple[str, ...]:
    calls = tuple(part for call in message.tool_calls for part in (call.id, call.name, _arguments(call)))
    text = clean(message.text) or clean(message.refusal or "")
    return (message.role, text, message.tool_call_id or "", *message.attachments, *calls)


def _arguments(call: ToolCall) -> str:
    try:
        return msgspec.json.encode(msgspec.json.decode(call.arguments), order="sorted").decode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return clean(call.arguments)
