"""The forms of REDIS_URL: one server, a primary that sentinels name, or a cluster.

    redis://[user:password@]host[:6379][/db]                  one server; rediss:// with TLS
    unix:///path/of/the.sock                                  one server on this machine
    redis+sentinel://[user:password@]host[:26379],host/service[/db]
    redis+cluster://[user:password@]host[:6379],host          some of its nodes; they name the others

In: text. Out: a `RedisAddress` whose every server has a URL that redis-py understands, options included. The one
rule: a URL that nobody could connect to is refused here, at the start, in words that repeat no password.
"""

import re
from typing import Final, Literal, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

Kind = Literal["server", "sentinel", "cluster"]
"""How the server that holds a key is found: it is the one, sentinels name it, or the cluster's nodes do."""

FORMS: Final = (
    "redis://host[:port][/db], unix:///path, redis+sentinel://host[:port][,host]/service[/db] or "
    "redis+cluster://host[:port][,host]; rediss for TLS"
)
_KINDS: Final[dict[str, Kind]] = {
    "redis": "server",
    "rediss": "server",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}
_PORTS: Final[dict[Kind, int]] = {"server": 6379, "sentinel": 26379, "cluster": 6379}
_TLS: Final = {"ssl_cert_reqs", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_check_hostname"}
"""Options for `rediss`, with redis-py's names."""
_SENTINELS: Final = ("sentinel_username", "sentinel_password")
_HOST: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?")


class RedisAddress(NamedTuple):
    """Where Redis is to be found."""

    kind: Kind
    seeds: tuple[str, ...]
    """The URLs of the servers that are asked first: the server itself, sentinels, or nodes of the cluster."""
    service: str = ""
    """The name by which sentinels know the primary."""
    scheme: str = "redis"
    user: str = ""
    """User and password as they stand in the URL, with the @."""
    rest: str = ""
    """Database and options of a server that is found."""

    def server(self, host: str, port: int) -> str:
        """The URL of a server that was found."""
        return f"{self.scheme}://{self.user}{_bracketed(host)}:{port}{self.rest}"


def parse_redis_url(url: str) -> RedisAddress:
    """Read a REDIS_URL; raises `ValueError` where it has none of the forms."""
    scheme, _, rest = url.partition("://")
    if scheme == "unix" and rest.rpartition("@")[2].startswith("/"):
        _parts(rest, scheme)
        return RedisAddress("server", (url,))
    kind = _KINDS.get(scheme)
    if kind is None:
        raise ValueError(f"must be like {FORMS}")
    netloc, path, query = _parts(rest, scheme)
    user, at, hosts = netloc.rpartition("@")
    servers = [_host(one, _PORTS[kind]) for one in hosts.split(",")]
    if kind == "server" and len(servers) > 1:
        raise ValueError("names several servers: begin it with redis+cluster:// or redis+sentinel://")
    service, db = _service(path) if kind == "sentinel" else ("", path)
    _check_db(kind, db)
    plain = RedisAddress(kind, (), service, scheme.partition("+")[0], user + at, db + _query(query, _SENTINELS))
    asked = plain._replace(user=_sentinel_user(query), rest=_query(query, _SENTINELS)) if kind == "sentinel" else plain
    return plain._replace(seeds=tuple(asked.server(*server) for server in servers))


def _parts(rest: str, scheme: str) -> tuple[str, str, str]:
    """Hosts, path and query; what stands before an @ may contain anything but /, ? and #."""
    if "#" in rest:
        raise ValueError("must have no #; in a password write %23")
    parts = urlsplit(f"//{rest}".replace("[", "%5B").replace("]", "%5D"))
    _check_options(parts.query, scheme)
    return parts.netloc.replace("%5B", "[").replace("%5D", "]"), parts.path.rstrip("/"), parts.query


def _check_options(query: str, scheme: str) -> None:
    allowed = {"db"}
    if scheme.startswith("rediss"):
        allowed |= _TLS
    if scheme.endswith("sentinel"):
        allowed |= {*_SENTINELS}
    options = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(options.keys() - allowed)
    if unknown:
        raise ValueError(f"must have no option {unknown[0]}; known are {', '.join(sorted(allowed))}")
    if not options.get("db", "0").isascii() or not options.get("db", "0").isdigit():
        raise ValueError("must have a number as its db")
    if options.get("ssl_cert_reqs", "none") not in {"none", "optional", "required"}:
        raise ValueError("must have none, optional or required as its ssl_cert_reqs")


def _host(text: str, port: int) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None or not 0 < int(found["port"] or port) < 1 << 16:
        raise ValueError(
            "must name each server as host or host:port, with commas between; in a password write %40 for @, %2F for /"
        )
    return found["host"], int(found["port"] or port)


def _service(path: str) -> tuple[str, str]:
    name, slash, db = path.removeprefix("/").partition("/")
    if not name:
        raise ValueError("must name the service that the sentinels watch: redis+sentinel://host:26379/service")
    return name, slash + db


def _check_db(kind: Kind, path: str) -> None:
    if not re.fullmatch(r"(/\d{1,5})?", path):
        raise ValueError("must end in a database's number, if in anything: /0")
    if kind == "cluster" and path not in ("", "/0"):
        raise ValueError("must not name a database: a cluster has one, 0")


def _query(query: str, left_out: tuple[str, ...]) -> str:
    kept = [(name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in left_out]
    return f"?{urlencode(kept)}" if kept else ""


def _sentinel_user(query: str) -> str:
    """What sentinels are told of who asks; the primary's user is not theirs."""
    asked = dict(parse_qsl(query))
    user, password = (quote(asked.get(name, ""), safe="") for name in _SENTINELS)
    return f"{user}:{password}@" if password else ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
