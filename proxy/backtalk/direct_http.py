"""Requests of the command line that carry a key: they go to where they say and nowhere else.

In: a request. Out: its answer. The one rule: no proxy of the environment and no target of a redirect sees the key.
"""

import http.client
import urllib.request


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object, **__: object) -> None:
        """Make none, so that the redirect is an `HTTPError`."""


def open_directly(request: urllib.request.Request, timeout_s: float) -> http.client.HTTPResponse:
    """Send a request; raises `urllib.error.HTTPError` for any status but 2xx."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    answer: http.client.HTTPResponse = opener.open(request, timeout=timeout_s)
    return answer
