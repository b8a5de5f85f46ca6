"""A key goes to the one it was meant for."""

import urllib.error
import urllib.request

import pytest

from backtalk.direct_http import open_directly
from backtalk.testing.behaviour import Behaviour
from backtalk.testing.provider import running_provider


def test_neither_a_proxy_nor_the_target_of_a_redirect_sees_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A corporate proxy in the environment would get the admin token, a redirect could ask for it."""
    with running_provider() as elsewhere, running_provider() as provider:
        provider.default = Behaviour(status=307, headers=(("location", f"{elsewhere.url}/models"),))
        monkeypatch.setenv("http_proxy", elsewhere.url)
        headers = {"authorization": "Bearer canary"}
        request = urllib.request.Request(f"{provider.url}/models", headers=headers)  # noqa: S310 -- our own listener
        with pytest.raises(urllib.error.HTTPError, match="307"):
            open_directly(request, 5.0)

        assert len(provider.exchanges) == 1
        assert not elsewhere.exchanges
