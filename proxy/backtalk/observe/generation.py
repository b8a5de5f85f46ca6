"""Pictures, speech and transcripts: requests, answers and streams of events go in; `model.chat` values come out.

A prompt is a user message, what was made an assistant message: a text, or media by reference.
"""

from collections.abc import Iterable
from typing import Any

from backtalk.model.chat import Message, Response
from backtalk.observe.chat import MOST_CHOICES
from backtalk.observe.lenient_json import is_array, is_object
from backtalk.observe.media import without_bytes
from backtalk.observe.messages import error_of, refs_of, usage_of


def prompt_messages(fields: dict[str, Any]) -> tuple[Message, ...] | None:
    """The prompt or the text to be spoken, with the pictures sent along; no message where there is neither."""
    text = next((said for name in ("prompt", "input") if isinstance(said := fields.get(name), str)), "")
    given = {name: fields[name] for name in ("image", "images", "mask") if name in fields}
    _, media = without_bytes(given)
    return (Message(role="user", text=text, attachments=refs_of(media), media=media),) if text or media else ()


def response(fields: dict[str, Any]) -> Response:
    """Understand pictures (`data`) or a transcript (`text`)."""
    text, data = fields.get("text"), fields.get("data")
    made: tuple[Message, ...] = ()
    if isinstance(text, str):
        made = (Message(role="assistant", text=text),)
    elif is_array(data):
        made = tuple(_picture(item, fields.get("output_format")) for item in data[:MOST_CHOICES] if is_object(item))
    return _response(fields, made)


def plain(fields: dict[str, Any]) -> Response:
    """Understand any other JSON answer: the model and what was used, where it says so."""
    return _response(fields, ())


def assemble(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Put a stream of a transcript, of pictures or of speech together."""
    whole: dict[str, Any] = {}
    pieces: list[str] = []
    pictures: list[dict[str, Any]] = []
    for event in events:
        if isinstance(delta := event.get("delta"), str):
            pieces.append(delta)
        if isinstance(text := event.get("text"), str) and str(event.get("type")).endswith(".done"):
            pieces = [text]
        if "b64_json" in event and str(event.get("type")).endswith(".completed"):
            pictures.append(event)
        whole.update({key: event[key] for key in ("usage", "model", "error") if event.get(key)})
    if pictures:
        return {**whole, "data": pictures}
    return {**whole, "text": "".join(pieces)} if pieces else whole


def _picture(item: dict[str, Any], form: object) -> Message:
    kept = {name: item[name] for name in ("b64_json", "url") if isinstance(item.get(name), str)}
    _, media = without_bytes(
        {"type": "image", **kept, "media_type": f"image/{form}" if isinstance(form, str) else None}
    )
    revised = item.get("revised_prompt")
    return Message(role="assistant", text=revised if isinstance(revised, str) else "", media=media)


def _response(fields: dict[str, Any], choices: tuple[Message, ...]) -> Response:
    model = fields.get("model")
    kind, why = error_of(fields) if fields.get("error") else (None, None)
    return Response(
        model=model if isinstance(model, str) else None,
        choices=choices,
        usage=usage_of(fields.get("usage")),
        error_type=kind,
        error_message=why,
    )
