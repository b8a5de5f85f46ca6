"""The page behind a link: what it holds, and what its form says."""

import base64
import contextlib
import hashlib
import re
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtalk.errors import RequestError
from backtalk.web.link_page import HEADERS, question, said, told


def test_the_page_loads_and_runs_nothing() -> None:
    """Its policy forbids everything but its own style, by the hash of exactly that style, and its own form."""
    policy = dict(HEADERS)[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    page = question(once="n").decode()
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert not re.search(r"<script|javascript:|\son\w+=|style=|src=|href=", page)


@given(st.text(max_size=50))
def test_nothing_that_is_shown_becomes_markup(text: str) -> None:
    """Sentences and names are escaped."""
    for page in (told(text, text), question(once=text)):
        without = page.decode("utf-8", "surrogatepass") if text.isprintable() else ""
        assert "<script" not in without
        assert page.count(b"<h1>") == 1


def test_the_wished_button_is_under_the_cursor_and_no_more() -> None:
    """A link may suggest; it cannot press."""
    assert question(once="n", wished="false").count(b" autofocus") == 1
    assert question(once="n", wished="anything").count(b" autofocus") == 0
    assert b'<button name="value"' not in question(once="n", rating=False)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"value": "true", "id": "n"}, {"kind": "rating", "value": True, "id": "n"}),
        (
            {"value": "false", "comment": " wrong\r\nyear "},
            {"kind": "rating", "value": False, "comment": "wrong\nyear"},
        ),
        ({"comment": "ок", "id": "n"}, {"kind": "comment", "value": "ок", "id": "n"}),
    ],
)
def test_a_form_says_what_was_pressed_and_written(form: dict[str, str], expected: dict[str, object]) -> None:
    """A thumb with its words, or the words alone."""
    assert said(urlencode(form).encode()) == expected


@given(st.binary(max_size=200))
def test_whatever_else_is_posted_is_refused_or_said(raw: bytes) -> None:
    """No body crashes the door, and none says anything that is no thumb and no words."""
    with contextlib.suppress(RequestError):
        assert said(raw)["kind"] in {"rating", "comment"}
