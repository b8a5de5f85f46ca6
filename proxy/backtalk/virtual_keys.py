"""Virtual keys: credentials of our own, each with an owner and limits, in one durable file of the data directory.

In: the file. Out: a ring that finds a key by the credential that was sent. The one rule: a key itself is shown once,
when it is made, and is kept nowhere; the file has its sha256. A key is 256 random bits, so its hash tells nothing.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple, Self

import msgspec

from backtalk import clock
from backtalk.errors import RequestError, SetupError
from backtalk.settings.metrics import FeedbackSource

PREFIX: Final = "sk-bt-"
"""How every virtual key begins."""
HEADERS: Final = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
"""Where a key may stand; the first one there counts."""
FILE: Final = "keys.json"
Window = Literal["hour", "day", "month"]
"""How long a budget lasts; a month has thirty days."""
WINDOW_S: Final[Mapping[str, int]] = {"hour": 3_600, "day": 86_400, "month": 30 * 86_400}


class VirtualKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """One key as the file has it. Times are wall-clock nanoseconds; a limit of None is none."""

    id: str
    name: str
    tenant: str
    sha256: str
    created_ns: int
    expires_ns: int | None = None
    revoked_ns: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    budget_usd: float | None = None
    budget_window: Window = "day"
    models: tuple[str, ...] = ()
    """Names that it may ask for, `*` standing for anything; empty: all."""
    feedback_source: FeedbackSource | None = None
    """Who stands behind feedback that comes with it; None: as the settings say."""

    def refusal(self, now_ns: int) -> str | None:
        """Why the key is not to be taken now; None where it is."""
        if self.revoked_ns is not None:
            return "revoked"
        return "expired" if self.expires_ns is not None and now_ns >= self.expires_ns else None

    def may_ask(self, model: str | None) -> bool:
        """Whether the key may ask for a model; one that cannot be read is none that it may."""
        return not self.models or (model is not None and any(_fits(model, name) for name in self.models))

    @property
    def limited(self) -> bool:
        """Whether there is anything to count."""
        return (self.requests_per_minute, self.tokens_per_minute, self.budget_usd) != (None, None, None)


class Counts(NamedTuple):
    """What a key has used in its windows, the call that asks among the requests; dollars and tokens of ended calls."""

    requests: int = 0
    tokens: int = 0
    spent_usd: float = 0.0


class Made(NamedTuple):
    """A new key: the credential, which is shown once, and what is kept of it."""

    credential: str
    key: VirtualKey


class _Kept(msgspec.Struct):
    keys: list[VirtualKey] = []


class KeyRing:
    """The keys of a file, as one process knows them; `refresh` reads it again where it has changed."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE
        self._seen: tuple[int, int, int] | None = None
        self._by_hash: dict[str, VirtualKey] = {}
        self.refresh()

    @classmethod
    def open(cls, data_dir: Path) -> Self:
        """A ring; raises `SetupError` where there is a file that cannot be read: without keys everybody would be in."""
        ring = cls(data_dir)
        if ring._seen is None and ring._path.exists():
            raise SetupError(f"{ring._path} cannot be read as a file of keys", code="bad_data_dir")
        return ring

    def __bool__(self) -> bool:
        """Whether there is any key, revoked ones included."""
        return bool(self._by_hash)

    @property
    def keys(self) -> Sequence[VirtualKey]:
        """Every key."""
        return tuple(self._by_hash.values())

    def find(self, credential: str) -> VirtualKey | None:
        """The key of a credential, whatever its state."""
        return self._by_hash.get(digest(credential)) if credential.startswith(PREFIX) else None

    def owner(self, header: bytes) -> str | None:
        """The tenant of the key in a header's value; None where it is no key of ours."""
        key = self.find(credential(header)) if self._by_hash else None
        return None if key is None else key.tenant

    def admitted(self, header: bytes) -> str | None:
        """As `owner`; raises `RequestError` for a key of ours that is not known, or not to be taken any more."""
        sent_ = credential(header)
        if not self._by_hash or not sent_.startswith(PREFIX):
            return None
        key = self.find(sent_)
        why = "not known here" if key is None else key.refusal(clock.now().wall_ns)
        if key is None or why is not None:
            raise RequestError(f"this key is {why}", code="invalid_api_key", status=401)
        return key.tenant

    def refresh(self) -> bool:
        """Read the file where it is another one than before; a file that cannot be read changes nothing."""
        try:
            status = self._path.stat()
            seen = (status.st_mtime_ns, status.st_ino, status.st_size)
            if seen == self._seen:
                return False
            kept = _read(self._path)
        except (OSError, msgspec.MsgspecError):
            return False
        self._seen = seen
        self._by_hash = {key.sha256: key for key in kept}
        return True


def create(data_dir: Path, name: str, **limits: object) -> Made:
    """Make a key and write it down; raises `SetupError` where the name is taken or the file cannot be written."""
    chosen = f"{PREFIX}{secrets.token_urlsafe(32)}"
    with _editing(data_dir) as keys:
        if any(key.name == name and key.revoked_ns is None for key in keys):
            raise SetupError(f"there is a key {name!r} already; revoke it first", code="key_exists")
        fields = {"id": secrets.token_hex(4), "name": name, "sha256": digest(chosen), "created_ns": clock.now().wall_ns}
        key = msgspec.convert({"tenant": name, **limits, **fields}, VirtualKey)
        keys.append(key)
    return Made(chosen, key)


def revoke(data_dir: Path, named: str) -> VirtualKey:
    """Revoke the key with this id or name; raises `SetupError` where there is none."""
    with _editing(data_dir) as keys:
        for place, key in enumerate(keys):
            if named in (key.id, key.name) and key.revoked_ns is None:
                keys[place] = msgspec.structs.replace(key, revoked_ns=clock.now().wall_ns)
                return keys[place]
    raise SetupError(f"there is no key {named!r}; `backtalk keys list` names them", code="no_such_key")


def digest(credential_: str) -> str:
    """What is kept of a credential: the hash of all of it."""
    return hashlib.sha256(credential_.encode("utf-8", "replace")).hexdigest()


def credential(header: bytes) -> str:
    """The credential in a header's value."""
    scheme, _, rest = header.decode("latin-1").partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else header.decode("latin-1").strip()


def sent(known: Mapping[bytes, bytes]) -> str | None:
    """The credential of a request, by its fields; None where it brings none."""
    return next((credential(known[name]) for name in HEADERS if name in known), None)


def _fits(model: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), model, re.DOTALL) is not None


def _read(path: Path) -> list[VirtualKey]:
    return msgspec.json.decode(path.read_bytes(), type=_Kept).keys


@contextlib.contextmanager
def _editing(data_dir: Path) -> Generator[list[VirtualKey]]:
    """Change the keys alone, and write them whole: a reader sees the file before or after, never between."""
    path = data_dir / FILE
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (data_dir / f".{FILE}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = _read(path) if path.exists() else []
            yield keys
            draft = path.with_name(f".{FILE}.{os.getpid()}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(_Kept(keys)), indent=1))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            directory = os.open(data_dir, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
    except (OSError, msgspec.MsgspecError) as error:
        raise SetupError(f"cannot keep {FILE} in {data_dir}: {error}", code="bad_data_dir") from error
