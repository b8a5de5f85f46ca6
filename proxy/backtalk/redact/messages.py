"""Redacts what a call asked and was answered, field by field.

In: a tenant's request or response as it was understood. Out: the same without what the finders found. The one rule:
every field that holds words of strangers is named here; ids, names of models and tools, and numbers stay.
"""

from collections.abc import Iterable

import msgspec

from backtalk.model.chat import Citation, Media, Message, Request, Response, ToolCall
from backtalk.redact.texts import Texts


class Messages:
    """Redacts for one tenant."""

    def __init__(self, texts: Texts, tenant: str) -> None:
        self._texts = texts
        self._tenant = tenant

    def request(self, asked: Request) -> Request:
        """What was asked; the user's name is not looked at here."""
        return msgspec.structs.replace(
            asked,
            messages=self._messages(asked.messages),
            declared_session=self.maybe(asked.declared_session),
            tools_json=self._json(asked.tools_json),
            params_json=self._json(asked.params_json) or "{}",
            not_understood=self.maybe(asked.not_understood),
            prompt_name=self.maybe(asked.prompt_name),
            purpose=self.maybe(asked.purpose),
        )

    def response(self, answered: Response) -> Response:
        """What was answered; the tokens of a choice are let go of where its text changed, for they spell it."""
        choices = self._messages(answered.choices)
        logprobs = answered.logprobs
        if logprobs and choices != answered.choices:
            same = (old == new for old, new in zip(answered.choices, choices, strict=True))
            logprobs = tuple(tokens if kept else () for tokens, kept in zip(logprobs, same, strict=False))
        return msgspec.structs.replace(
            answered,
            choices=choices,
            logprobs=logprobs,
            error_message=self.maybe(answered.error_message),
            not_understood=self.maybe(answered.not_understood),
        )

    def maybe(self, text: str | None) -> str | None:
        """A text, where there is one."""
        return text if text is None else self._texts.text(self._tenant, text)

    def _json(self, text: str | None) -> str | None:
        return text if text is None else self._texts.json(self._tenant, text)

    def _messages(self, messages: Iterable[Message]) -> tuple[Message, ...]:
        return tuple(map(self._message, messages))

    def _message(self, message: Message) -> Message:
        text = self._texts.text(self._tenant, message.text)
        return msgspec.structs.replace(
            message,
            text=text,
            tool_calls=tuple(map(self._tool_call, message.tool_calls)),
            refusal=self.maybe(message.refusal),
            reasoning=self.maybe(message.reasoning),
            canonical=self._json(message.canonical),
            media=tuple(map(self._media, message.media)),
            citations=tuple(self._citation(one, moved=text != message.text) for one in message.citations),
        )

    def _tool_call(self, call: ToolCall) -> ToolCall:
        arguments = self._texts.json(self._tenant, call.arguments)
        return call if arguments == call.arguments else msgspec.structs.replace(call, arguments=arguments)

    def _media(self, media: Media) -> Media:
        return msgspec.structs.replace(media, name=self.maybe(media.name), ref=self.maybe(media.ref))

    def _citation(self, one: Citation, *, moved: bool) -> Citation:
        """A citation; where it stands in the text is not known any more once that has changed."""
        return msgspec.structs.replace(
            one,
            source=self.maybe(one.source),
            title=self.maybe(one.title),
            quoted=self.maybe(one.quoted),
            start=None if moved else one.start,
            end=None if moved else one.end,
        )
