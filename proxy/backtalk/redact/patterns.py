"""What personal data and secrets look like: expressions in RE2's syntax, and checks of what they match.

In: a match. Out: the parts of it that hold: a card number's check digit is right, an address can be one. The one rule:
an expression may match too much, its check says what stays; both are bounded, since texts are written by strangers.
"""

import ipaddress
import re
from collections.abc import Callable
from typing import Final, NamedTuple

Part = tuple[int, int]
"""From which character of a match to before which."""


class Pattern(NamedTuple):
    """One kind of data. `parts` says which parts of a match hold, `same` under which form two values are one."""

    kind: str
    expression: str
    parts: Callable[[str], list[Part]] = lambda match: [(0, len(match))]
    same: Callable[[str], str] = str


_CARD_DIGITS: Final = range(13, 20)
_IBAN_CHARS: Final = range(15, 35)
_PHONE_DIGITS: Final = range(8, 16)
_DOUBLED: Final = str.maketrans("0123456789", "0246813579")
"""Twice a digit, its own digits added up."""
_GROUPS: Final = re.compile(r"[0-9]+")
_GROUP_ENDS: Final = re.compile(r"[A-Za-z0-9](?![A-Za-z0-9])")
_ASSIGNED: Final = re.compile(r"""(?s)(?:[^:=]*[:=]\s*["']?|bearer\s+|basic\s+)(.+)""", re.IGNORECASE)
_KNOWN: Final = (
    r"\b[srp]k[-_][A-Za-z0-9_\-]{16,}",  # OpenAI, Anthropic, Stripe, our own virtual keys
    r"\bA(?:KI|SI)A[0-9A-Z]{16}\b",  # AWS
    r"\b(?:gh[opsur]_|github_pat_|glpat-|hf_|npm_|pypi-|dop_v1_|shpat_)[A-Za-z0-9_\-]{16,}",
    r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}",  # Slack
    r"\bAIza[0-9A-Za-z_\-]{35}",  # Google
    r"\bSG\.[A-Za-z0-9_\-]{16,}\.[A-Za-z0-9_\-]{16,}",  # SendGrid
    r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*",  # JSON Web Tokens (RFC 7519)
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s]*(?:-----END [A-Z ]*PRIVATE KEY-----)?",
)
_GIVEN: Final = (
    r"\b(?i:bearer|basic) +[A-Za-z0-9._~+/=\-]{16,}",
    (
        r"(?i:password|passwd|\bpwd|secret|api[_\- ]?key|access[_\-]?key|access[_\-]?token|auth[_\-]?token)"
        r"""["']?\s*[:=]\s*["']?[^\s"',;\[{][^\s"',;]{5,}"""
    ),
)


def _after_its_name(match: str) -> list[Part]:
    """A value without the word before it that says that it is secret."""
    found = _ASSIGNED.match(match) if match[0] != "-" else None
    return [found.span(1) if found else (0, len(match))]


def _cards(match: str) -> list[Part]:
    """Each card number among groups of digits, the longest first."""
    groups = [group.span() for group in _GROUPS.finditer(match)]
    found, first = list[Part](), 0
    while first < len(groups):
        last = next((last for last in reversed(_ends(groups, first)) if _is_card(match, groups, first, last)), None)
        if last is not None:
            found.append((groups[first][0], groups[last][1]))
        first = first + 1 if last is None else last + 1
    return found


def _ends(groups: list[Part], first: int) -> list[int]:
    """With which groups a number may end that begins with this one, by its length."""
    ends, digits = list[int](), 0
    for last in range(first, len(groups)):
        digits += groups[last][1] - groups[last][0]
        if digits > _CARD_DIGITS[-1]:
            break
        if digits in _CARD_DIGITS:
            ends.append(last)
    return ends


def _is_card(match: str, groups: list[Part], first: int, last: int) -> bool:
    """Whether the check digit is right (Luhn's, ISO/IEC 7812-1)."""
    digits = "".join([match[start:end] for start, end in groups[first : last + 1]])
    total = sum(map(int, digits[-1::-2] + digits[-2::-2].translate(_DOUBLED)))
    return total % 10 == 0 and digits.count(digits[0]) < len(digits)


def _ibans(match: str) -> list[Part]:
    """The longest beginning whose check digits are right (ISO 13616): words may follow a number."""
    for end in reversed([found.end() for found in _GROUP_ENDS.finditer(match)]):
        plain = match[:end].replace(" ", "").upper()
        if len(plain) in _IBAN_CHARS and int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1:
            return [(0, end)]
    return []


def _addresses(match: str) -> list[Part]:
    """An address of version 6; with no digit it is more likely a name of C++."""
    text = match[:-1] if match.endswith(":") and not match.endswith("::") else match
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return []
    return [(0, len(text))] if "." in text or any(map(str.isdigit, text)) else []


def _numbers(match: str) -> list[Part]:
    """A number that somebody can be called by (ITU-T E.164: at most 15 digits)."""
    return [(0, len(match))] if len(_digits(match)) in _PHONE_DIGITS else []


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _compact(text: str) -> str:
    return text.replace(" ", "").upper()


BUILT_IN: Final = {
    pattern.kind: pattern
    for pattern in (
        Pattern("secret", "|".join(_KNOWN + _GIVEN + (r"://[^\s/:@]+:[^\s/@]+@",)), _after_its_name),
        Pattern(
            "email",
            r"[\pL\pN._%+\-]+(?:@|%40)[\pL\pN\-]+(?:\.[\pL\pN\-]+)*\.\pL\pL+",
            same=str.casefold,
        ),
        Pattern("iban", r"(?i:\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b)", _ibans, _compact),
        Pattern(
            "card",
            r"\b[0-9]{13,19}\b|\b[0-9]{4}(?:[ \-][0-9]{4}){3,20}(?:[ \-][0-9]{3})?\b"
            r"|\b[0-9]{4}[ \-][0-9]{6}[ \-][0-9]{4,5}\b",
            _cards,
            _digits,
        ),
        Pattern(
            "ip",
            r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|\b[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}",
            _addresses,
            str.casefold,
        ),
        Pattern(
            "phone",
            r"\+[0-9]{1,3}[ .\-/]?(?:\([0-9]{1,5}\)[ .\-/]?)?[0-9](?:[ .\-/]?[0-9]){5,13}\b"
            r"|\b00[1-9](?:[ .\-/]?[0-9]){8,14}\b"
            r"|\(?\b0[0-9]{1,5}\)?[ /\-][0-9]{2,}(?:[ \-]?[0-9]{2,}){0,4}\b"
            r"|(?:\([0-9]{3}\) ?|\b[0-9]{3}[\-. ])[0-9]{3}[\-. ][0-9]{4}\b",
            _numbers,
            _digits,
        ),
    )
}
"""The built-in patterns by kind."""
