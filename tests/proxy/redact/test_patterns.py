"""What the built-in patterns find, and what they leave alone."""

import pytest

from backtalk.redact.finding import Patterns
from backtalk.redact.patterns import BUILT_IN

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIa\n-----END RSA PRIVATE KEY-----"


def found(kind: str, text: str) -> list[str]:
    """The parts of a text that one pattern takes out."""
    return [text[one.start : one.end] for one in Patterns([BUILT_IN[kind]]).find(text)]


@pytest.mark.parametrize(
    ("kind", "text", "taken"),
    [
        ("email", "To Alice.B+x@Mail.Example.com.", ["Alice.B+x@Mail.Example.com"]),
        ("email", "müller@münchen.de, 日本tanaka@例え.jp", ["müller@münchen.de", "日本tanaka@例え.jp"]),
        ("email", "?to=a%40b.de&x", ["a%40b.de"]),
        ("card", "12 4111 1111 1111 1111, cvc 123", ["4111 1111 1111 1111"]),
        ("card", "1234 5678 4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        ("card", "378282246310005 3782-822463-10005", ["378282246310005", "3782-822463-10005"]),
        ("iban", "DE89 3704 0044 0532 0130 00 bank", ["DE89 3704 0044 0532 0130 00"]),
        ("iban", "gb82west12345698765432", ["gb82west12345698765432"]),
        ("ip", "from 192.168.1.17:8080 or 2001:db8::1.", ["192.168.1.17", "2001:db8::1"]),
        ("phone", "+49 171 1234567, 030 1234567", ["+49 171 1234567", "030 1234567"]),
        ("phone", "(555) 123-4567 0049301234567", ["(555) 123-4567", "0049301234567"]),
        ("secret", "sk-proj-abcdefghijklmnop1234", ["sk-proj-abcdefghijklmnop1234"]),
        ("secret", "AKIAIOSFODNN7EXAMPLE ghp_abcdefghijklmnop", ["AKIAIOSFODNN7EXAMPLE", "ghp_abcdefghijklmnop"]),
        ("secret", 'api_key="abcdef123", Password: hunter22!', ["abcdef123", "hunter22!"]),
        ("secret", "Authorization: Bearer abcdefghijklmnopqrst", ["abcdefghijklmnopqrst"]),
        ("secret", f"{PEM} x", [PEM]),
    ],
)  # fmt: skip
def test_a_pattern_takes_the_value_and_no_more(kind: str, text: str, taken: list[str]) -> None:
    """Words around it stay, so that a reader still knows what stood there."""
    assert found(kind, text) == taken


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "user@localhost, @alice, a @ b.de"),
        ("card", "4111 1111 1111 1112, 0000000000000000, 20261126143000"),
        ("card", "trace 0af7651916cd43dd8448eb211c80319c"),
        ("iban", "DE89 3704 0044 0532 0130 01, AB12 CDEF GHIJ KLMN"),
        ("ip", "at 12:30:45, std::vector, a::b, 999.1.1.1, 3.14"),
        ("phone", "2026-11-26, 10 000 000, 0.5 1234, 12:30, 4bf92f3577b34da6"),
        ("secret", "the password is not told; a secret; task-force-of-the-year"),
    ],
)
def test_what_only_looks_like_it_stays(kind: str, text: str) -> None:
    """Dates, sizes, ids, names of C++, and numbers whose check digits are wrong."""
    assert found(kind, text) == []
