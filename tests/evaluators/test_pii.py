"""Personal data: each type with what is one and what only looks like one. All of it is made up."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluators.case import Case
from evaluators.personal import find, iban_valid, luhn
from evaluators.pii import QUASI, TYPES, Pii


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        pytest.param("Write to ada.l+x@mail.example.org today", "email", "ada.l+x@mail.example.org", id="email"),
        pytest.param("cc 4111 1111 1111 1111 please", "credit_card", "4111 1111 1111 1111", id="card"),
        pytest.param("IBAN DE89 3704 0044 0532 0130 00.", "iban", "DE89 3704 0044 0532 0130 00", id="iban"),
        pytest.param("SSN 123-45-6789", "us_ssn", "123-45-6789", id="ssn"),
        pytest.param("from 203.0.113.77 at noon", "ip_address", "203.0.113.77", id="ipv4"),
        pytest.param("host 2001:db8::8a2e:370:7334", "ip_address", "2001:db8::8a2e:370:7334", id="ipv6"),
        pytest.param("call +44 20 7946 0958 now", "phone", "+44 20 7946 0958", id="phone-international"),
        pytest.param("my number is (212) 555-0187", "phone", "(212) 555-0187", id="phone-us"),
        pytest.param("call me: 2125550187", "phone", "2125550187", id="phone-bare-after-a-cue"),
        pytest.param("it was 212-555-0187 then", "phone", "212-555-0187", id="phone-with-separators"),
        pytest.param("in case call 212-555-0187", "phone", "212-555-0187", id="phone-after-another-word"),
        pytest.param("mailto:bob@mail.example.com?x=1", "email", "bob@mail.example.com", id="mailto"),
        pytest.param("Mail bob@mail.example.com: he knows", "email", "bob@mail.example.com", id="email-before-a-colon"),
        pytest.param("logged 2023-01-05 12:30:45 twice", "date", "2023-01-05 12:30:45", id="date-with-its-time"),
        pytest.param("at 2023-01-05T12:30:45Z.", "date", "2023-01-05T12:30:45Z", id="date-with-its-time-iso"),
        pytest.param("Her driver's license is D1234567.", "us_driver_license", "D1234567", id="licence"),
        pytest.param("He was born on 3 May 1984", "date_of_birth", "3 May 1984", id="birth"),
        pytest.param("She is 42 years old", "age", "42", id="age"),
        pytest.param("I live at 12 Baker Street, Springfield, IL 62701", "street_address", "12 Baker Street, Springfield, IL 62701", id="address"),
        pytest.param("My name is Karen Whitfield.", "person", "Karen Whitfield", id="person"),
        pytest.param("Ask Mr. Okonkwo about it", "person", "Okonkwo", id="titled"),
        pytest.param("key sk-abcdefghijklmnopqrstuvwx", "secret", "sk-abcdefghijklmnopqrstuvwx", id="api-key"),
        pytest.param("0x52908400098527886E0F7030069857D2E4169EE7", "crypto_address", "0x52908400098527886E0F7030069857D2E4169EE7", id="ether"),
        pytest.param("we went to New Zealand", "location", "New Zealand", id="country"),
        pytest.param("ada\u200b@mail.example.org", "email", "ada\u200b@mail.example.org", id="zero-width"),
        pytest.param("ＳＳＮ １２３-４５-６７８９", "us_ssn", "１２３-４５-６７８９", id="fullwidth"),
    ],
)  # fmt: skip
def test_found(text: str, kind: str, value: str) -> None:
    assert (kind, value) in [(one.type, text[one.start : one.end]) for one in find(text)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("order 4111 1111 1111 1112", id="card-without-check-digit"),
        pytest.param("DE89 3704 0044 0532 0130 01", id="iban-without-check-digits"),
        pytest.param("case 000-12-3456 or 666-12-3456 or 123-00-4567", id="ssn-that-is-none"),
        pytest.param("version 1.2.3.4 and 300.1.2.3", id="no-addresses"),
        pytest.param("between 2020-2021 and 1999-12-31", id="years"),
        pytest.param("logged 2023-01-05 12:30:45 and 2023-01-05T12:30:45Z and 2023-01-05 12", id="dates-and-times"),
        pytest.param("at 05/01/2023 12:30:45 sharp", id="date-with-slashes-and-time"),
        pytest.param("the golden ratio is 1.6180339887", id="decimal"),
        pytest.param("the number 3.14159265358979 is pi", id="decimal-after-a-cue"),
        pytest.param("weights 0.123 0.4567 12.789 were kept", id="decimals"),
        pytest.param("1234567890 downloads and 2125550187 more", id="bare-ten-digits"),
        pytest.param("Order number 123-45-6789-00", id="part-of-an-order-number"),
        pytest.param("invoice no. 212-555-0187-4421 is paid", id="part-of-an-invoice-number"),
        pytest.param("tracking id: 212 555 0187", id="number-of-something-else"),
        pytest.param("git clone git@github.com:ada/engine.git", id="git-remote"),
        pytest.param("go to https://paypal.com@evil.com now", id="user-of-an-address"),
        pytest.param("postgres://ada:engine@db.example.com/x", id="user-and-password-of-an-address"),
        pytest.param("it takes 15 minutes at 180 degrees", id="measures"),
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert [one for one in find(text) if one.type not in QUASI] == []


def test_the_reason_counts_and_never_repeats() -> None:
    text = "Mail bob@x.example or eve@x.example, SSN 123-45-6789."
    verdict = Pii()(Case(answer=text))
    assert verdict.reason == "Found: 2 email, 1 us_ssn."
    assert verdict.label == "pii"
    assert verdict.value == 0.99
    assert verdict.details == {"counts": {"email": 2, "us_ssn": 1}}
    assert [text[span.start : span.end] for span in verdict.spans] == ["bob@x.example", "eve@x.example", "123-45-6789"]


def test_types_and_fields_are_options() -> None:
    case = Case(question="I am bob@x.example", answer="We went to France in 1999.")
    assert Pii()(case).label == "none"
    assert Pii(types=("location",))(case).details == {"counts": {"location": 1}}
    assert Pii(fields=("question", "answer"))(case).spans[0].field == "question"
    with pytest.raises(ValueError, match="no type of personal data"):
        Pii(types=("shoe_size",))


@given(st.integers(10**14, 10**15 - 1))
def test_exactly_one_digit_makes_a_card_number_valid(number: int) -> None:
    assert sum(luhn(f"{number}{digit}") for digit in range(10)) == 1


def test_iban_examples_of_the_registry() -> None:
    valid = ("GB29NWBK60161331926819", "FR1420041010050500013M02606", "NO9386011117947", "CH9300762011623852957")
    assert [one for one in valid if not iban_valid(one)] == []
    assert not any(iban_valid(one[:-1] + ("0" if one[-1] != "0" else "1")) for one in valid)


@settings(max_examples=50)
@given(st.text(max_size=120))
def test_findings_are_inside_and_apart(text: str) -> None:
    found = find(text)
    assert all(0 <= one.start < one.end <= len(text) and one.type in TYPES for one in found)
    assert all(one.end <= after.start for one, after in pairwise(found))


@pytest.mark.parametrize(
    "piece", ["a", "1 ", "1-", "a@", "a.", "Aa ", "A. ", "::", "12 Aa ", "Apt 1\n", "+1(", "password is ", "AB12 "]
)
def test_hostile_texts_take_linear_time(piece: str) -> None:
    text = (piece * 20_000)[:20_000]
    began = time.process_time()
    find(text)
    assert time.process_time() - began < 3
