"""The console's files, asked over HTTP."""

import asyncio
import re
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette

from backtalk.console import pages

FOLDER = Path(pages.__file__).parent / "page"
FILES = sorted(path.name for path in FOLDER.iterdir())


def get(path: str, **headers: str) -> httpx2.Response:
    """The answer to one request."""

    async def ask() -> httpx2.Response:
        transport = httpx2.ASGITransport(Starlette(routes=pages.routes()))
        async with httpx2.AsyncClient(transport=transport, base_url="http://admin") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_under_a_strict_policy(name: str) -> None:
    """No other script, no frame, no referrer; unchanged files are not sent again."""
    path = "/" if name == "index.html" else f"/console/{name}"
    found = get(path)
    assert found.content == (FOLDER / name).read_bytes()
    assert found.headers["content-type"].split(";")[0] == pages.TYPES[Path(name).suffix]
    assert "script-src 'self'" in found.headers["content-security-policy"]
    assert "unsafe" not in found.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in found.headers["content-security-policy"]
    assert get(path, **{"if-none-match": found.headers["etag"]}).status_code == 304


def test_whatever_a_file_names_is_a_file() -> None:
    """Nothing is loaded from anywhere else, and nothing that is not there."""
    named = {name for path in FOLDER.iterdir() for name in re.findall(r'"(/console/[^"]+)"', path.read_text("utf-8"))}
    assert named == {f"/console/{name}" for name in FILES} - {"/console/index.html"}
    assert not any("http:" in text or "https:" in text for text in _texts())


def test_text_never_becomes_markup() -> None:
    """An answer of a model is text; nothing of the page parses a string as HTML or as code."""
    forbidden = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "style=")
    assert [word for word in forbidden for text in _texts() if word in text] == []


def _texts() -> list[str]:
    return [path.read_text("utf-8") for path in FOLDER.iterdir() if path.suffix in (".js", ".html")]
