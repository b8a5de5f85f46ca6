"""The page behind a link in a mail or a chat: it asks, and its form says.

In: what may be said, or how it went. Out: HTML that needs no script and loads nothing. The one rule: to look at it says
nothing, since mail scanners and previews look at links too; only the form's POST does.
"""

import base64
import hashlib
import html
from typing import Any, Final
from urllib.parse import parse_qsl

from backtalk.errors import RequestError
from backtalk.model.exchange import Fields

FORM: Final = b"application/x-www-form-urlencoded"
_STYLE: Final = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem;color:#222;"
    "background:#fff}button{font:inherit;padding:.6rem 1.2rem;margin:0 .6rem .6rem 0;border:1px solid #888;"
    "border-radius:.4rem;background:#f4f4f4;color:#222;cursor:pointer}button:focus-visible,textarea:focus-visible{"
    "outline:3px solid #06c}label{display:block;margin:1rem 0 .3rem}textarea{font:inherit;width:100%;"
    "box-sizing:border-box}@media(prefers-color-scheme:dark){body{background:#181818;color:#eee}button,textarea{"
    "background:#333;color:#eee}}"
)
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final[Fields] = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (
        b"content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'".encode(),
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-robots-tag", b"noindex, nofollow"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
"""What every page of ours is sent with: nothing is loaded, run, framed or kept, and the token goes to nobody."""
_VALUES: Final = {"true": True, "false": False}
_BUTTONS: Final = (("true", "👍 Yes"), ("false", "👎 No"))
_MOST_FIELDS: Final = 8


def question(*, once: str, wished: str = "", rating: bool = True, comment: bool = True) -> bytes:
    """The page that asks: a form that is sent twice counts `once`; the `wished` button has the focus."""
    buttons = "".join(
        f'<button name="value" value="{value}"{" autofocus" if value == wished else ""}>{text}</button>'
        for value, text in _BUTTONS
    )
    send = buttons if rating else "<button>Send</button>"
    words = (
        '<label for="c">Anything to add?</label><textarea id="c" name="comment" rows="4" maxlength="4000"></textarea>'
    )
    form = (
        f'<form method="post" accept-charset="utf-8"><input type="hidden" name="id" value="{html.escape(once)}">'
        f"{words if comment else ''}<p>{send}</p></form>"
    )
    return _page("Was this answer helpful?", form)


def told(title: str, sentence: str) -> bytes:
    """The page that says how it went."""
    return _page(title, f"<p>{html.escape(sentence)}</p>")


def said(raw: bytes) -> dict[str, Any]:
    """The feedback that a form says, unchecked; raises `RequestError` where the body is no form of ours."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), strict_parsing=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:  # UnicodeDecodeError is one
        raise RequestError("the body is not the form of this page", code="invalid_form") from error
    form = dict(pairs)
    comment, value = form.get("comment", "").strip().replace("\r\n", "\n"), form.get("value")
    common = {"id": form["id"]} if form.get("id") else {}
    if value in _VALUES:
        return common | {"kind": "rating", "value": _VALUES[value]} | ({"comment": comment} if comment else {})
    if comment:
        return common | {"kind": "comment", "value": comment}
    raise RequestError("nothing was said: press a button or write a comment", code="invalid_form")


def _page(title: str, body: str) -> bytes:
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style><h1>{html.escape(title)}</h1>{body}</html>"
    ).encode()
