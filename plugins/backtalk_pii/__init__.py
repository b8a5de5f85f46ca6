"""Takes out of texts what names a person by a form: mail addresses, numbers of cards, accounts and phones, keys.

Forms alone are looked at, so names stay. A number with check digits counts only where they are right.
"""

import re
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_SECRET: Final = re.compile(
    r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,200}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{30,255}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,200}|\beyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{8,1000}"
)
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD: Final = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])")
_IP: Final = re.compile(
    r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])|(?<![\w:])(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}\b"
)
_PHONE: Final = re.compile(
    r"(?<![\w.+])(?:\+\d{1,3}[ .-]?|0)(?:\(?\d{1,4}\)?[ ./-]?){2,6}\d{2,4}(?!\w)"
    r"|\(\d{3}\) ?\d{3}-\d{4}|(?<![\w-])\d{3}-\d{3}-\d{4}(?![\w-])"
)
_PHONE_DIGITS: Final = range(8, 16)
"""E.164 allows 15; what is shorter is a date or an amount more often than a number to call."""


class Pii:
    """Puts a word in brackets in place of what it finds."""

    name: ClassVar[str] = "pii"
    api: ClassVar[int] = 1
    version: ClassVar[str] = "1.0"

    def redact(self, text: str) -> str:
        """The text without mail addresses, numbers that name a person, and keys."""
        for word, pattern in PATTERNS.items():
            if MAY_HOLD[word](text):
                text = pattern.sub(replacing(word), text)
        return text


def replacing(word: str) -> Callable[[re.Match[str]], str]:
    """What takes a match's place: the word, or the match itself where its digits are wrong."""
    holds = _HOLDS.get(word, _always)
    return lambda match: f"[{word}]" if holds(match[0]) else match[0]


def _always(text: str) -> bool:
    return bool(text)


def _is_card(text: str) -> bool:
    digits = [int(char) for char in reversed(text) if char.isdigit()]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    plain = text.replace(" ", "")
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _is_ip(text: str) -> bool:
    return ":" in text or all(int(part) <= 255 for part in text.split("."))


def _is_phone(text: str) -> bool:
    return sum(char.isdigit() for char in text) in _PHONE_DIGITS


PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "secret": _SECRET, "email": _EMAIL, "iban": _IBAN, "card": _CARD, "ip": _IP, "phone": _PHONE,
}  # fmt: skip
"""What is looked for, in this order."""
_NUMBER: Final = re.compile(r"\d[\d ./()-]{7}")
_ADDRESS: Final = re.compile(r"[.:][0-9a-fA-F]{1,4}[.:]")


def _may_hold_number(text: str) -> bool:
    """Whether as much as a card or a phone has at least could be one number."""
    return _NUMBER.search(text) is not None


MAY_HOLD: Final[Mapping[str, Callable[[str], bool]]] = {
    "secret": _always, "email": lambda text: "@" in text, "iban": _always, "card": _may_hold_number,
    "ip": lambda text: _ADDRESS.search(text) is not None, "phone": _may_hold_number,
}  # fmt: skip
"""What a text must have for a pattern to be worth a look: most texts hold nothing, and this is ten times as fast."""
_HOLDS: Final[Mapping[str, Callable[[str], bool]]] = {
    "iban": _is_iban, "card": _is_card, "ip": _is_ip, "phone": _is_phone,
}  # fmt: skip
