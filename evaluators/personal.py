"""Personal data in texts: patterns with validation, a library for telephone numbers, and names by list and context.

Every finding is a span with a type and a confidence. Reasons count types and never repeat what was found.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice

from evaluators.disguise import Folded, fold
from evaluators.logistic import ARTEFACTS

_RANK = {name: place for place, name in enumerate(("secret", "email", "url", "iban", "credit_card", "us_ssn", "ip_address", "mac_address", "crypto_address", "us_driver_license", "passport", "date_of_birth", "phone", "street_address", "organization", "person", "location", "age", "date", "nrp", "title"))}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """One piece of personal data: characters [start, end) of the text."""

    start: int
    end: int
    type: str
    confidence: float


def find(text: str) -> list[Found]:
    """All that is found, of all types, in order; of overlapping findings the one of the surer type stays."""
    folded = fold(text, latin=False)
    found = [one for finder in _FINDERS for one in finder(folded.text)]
    kept: list[Found] = []
    taken = bytearray(len(folded.text) + 1)
    for one in sorted(found, key=lambda one: (_RANK[one.type], one.start - one.end)):
        if not any(taken[one.start : one.end]):
            taken[one.start : one.end] = b"\x01" * (one.end - one.start)
            kept.append(one)
    return [_original(folded, one) for one in sorted(kept, key=lambda one: one.start)]


def _original(folded: Folded, one: Found) -> Found:
    start, end = folded.original(one.start, one.end)
    return Found(start, end, one.type, one.confidence)


# What has a form of its own. All repeats are bounded, so that no text takes more than linear time.

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+%'-]{1,64}@(?:[\w-]{1,63}\.){1,6}[A-Za-z]{2,24}(?![\w-]|:[\w.~-]{1,100}/)")
_URL = re.compile(
    r"\b(?:https?|ftp)://[^\s<>\"'\])}]{3,2000}|\bwww\.[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?:/[^\s<>\"'\])}]{0,2000})?|(?<![@\w.-])(?:[A-Za-z][\w-]{1,62}\.){1,4}(?:com|org|net|edu|gov|io|co|info|biz|dev|app|ai|[a-z]{2}\.[a-z]{2})(?:/[^\s<>\"'\])}]{0,2000})?(?![\w@-])"
)
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){11,18}(?![\d-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ -]?[A-Z0-9]{2,4}){2,8}\b")
_SSN = re.compile(r"(?<![\d-])(\d{3})([- ])(\d{2})\2(\d{4})(?![\d-])")
_BARE_SSN = re.compile(r"\b(?:ssn|social security)\b[^\n]{0,30}?(?<!\d)(\d{9})(?!\d)", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.]*\d)(?!\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_MAC = re.compile(r"(?<![\w:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])")
_BITCOIN = re.compile(r"\b(?:bc1[02-9ac-hj-np-z]{11,71}|[13][1-9A-HJ-NP-Za-km-z]{25,34})\b")
_ETHER = re.compile(r"\b0x[0-9a-fA-F]{40}\b")
_SECRET = re.compile(
    r"\b(?:sk-[A-Za-z0-9_-]{20,200}|(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36,255}|xox[abprs]-[A-Za-z0-9-]{10,200}|AIza[0-9A-Za-z_-]{35}"
    r"|eyJ[A-Za-z0-9_-]{10,1000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,1000}|glpat-[A-Za-z0-9_-]{20,40}|hf_[A-Za-z0-9]{30,50}|(?:rk|sk|pk)_(?:live|test)_[A-Za-z0-9]{16,100})"
    r"|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
)
_PASSWORD = re.compile(
    r"\b(?:password|passwd|pwd|passcode)\b\s{0,3}(?:is|:|=)\s{0,3}[\"']?(?P<it>[^\s\"',;]{4,60})", re.IGNORECASE
)
_LICENSE = re.compile(
    r"\bdriv(?:er|ing)(?:'?s)?\W{0,2}licen[cs]e\b[^\n]{0,40}?(?<![\w-])(?P<it>(?=[A-Z0-9-]{0,19}\d)[A-Z0-9][A-Z0-9-]{4,18}[A-Z0-9])(?![\w-])",
    re.IGNORECASE,
)
_LICENSE_BEFORE = re.compile(
    r"(?<![\w-])(?P<it>[A-Z]{0,2}\d[A-Z0-9-]{4,17})(?![\w-])[^\n\d]{0,30}\bdriv(?:er|ing)(?:'?s)? licen[cs]e",
    re.IGNORECASE,
)
_PASSPORT = re.compile(r"\bpassport\b[^\n]{0,30}?(?<!\w)(?P<it>[A-Z]{0,2}\d{6,9})(?!\w)", re.IGNORECASE)
_CREDIT_LENGTHS = {"4": {13, 16, 19}, "5": {16}, "2": {15, 16}, "6": set(range(13, 20)), "3": {14, 15, 16}, "1": {15}}
_IBAN_LENGTHS = {"AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22, "BR": 29, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20, "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18, "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27, "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LC": 32, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24, "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SC": 31, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20}  # fmt: skip


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of ISO/IEC 7812."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_valid(iban: str) -> bool:
    """Whether the length is that of its country and the check digits are right (ISO 13616: modulo 97)."""
    if _IBAN_LENGTHS.get(iban[:2]) != len(iban):
        return False
    return int("".join(str(int(one, 36)) for one in iban[4:] + iban[:4])) % 97 == 1


def _formed(text: str) -> Iterator[Found]:
    yield from (Found(*one.span(), "email", 0.99) for one in _EMAIL.finditer(text) if not _login(text, one.start()))
    for pattern, kind, confidence in (
        (_SECRET, "secret", 0.99),
        (_MAC, "mac_address", 0.95),
        (_ETHER, "crypto_address", 0.95),
    ):
        yield from (Found(*one.span(), kind, confidence) for one in pattern.finditer(text))
    for one in _URL.finditer(text):
        shown = one.group().rstrip(".,;:!?")
        yield Found(one.start(), one.start() + len(shown), "url", 0.9)
    for pattern, kind in (
        (_PASSWORD, "secret"),
        (_LICENSE, "us_driver_license"),
        (_LICENSE_BEFORE, "us_driver_license"),
        (_PASSPORT, "passport"),
    ):
        yield from (Found(*one.span("it"), kind, 0.8) for one in pattern.finditer(text))
    yield from (Found(*one.span(), "crypto_address", 0.9) for one in _BITCOIN.finditer(text) if _bitcoin(one.group()))


def _login(text: str, start: int) -> bool:
    """Whether what stands here is the user of an address, before its host."""
    return _AUTHORITY.search(text[max(start - _LONGEST_LOGIN, 0) : start]) is not None


_LONGEST_LOGIN = 100
_AUTHORITY = re.compile(r"://[^\s/?#]*$")


def _numbered(text: str) -> Iterator[Found]:
    for one in _CARD.finditer(text):
        digits = re.sub(r"\D", "", one.group())
        if len(digits) in _CREDIT_LENGTHS.get(digits[0], ()) and luhn(digits) and len(set(digits)) > 1:
            yield Found(*one.span(), "credit_card", 0.97)
    for one in _IBAN.finditer(text):
        if end := _iban_end(one.group()):
            yield Found(one.start(), one.start() + end, "iban", 0.99)
    for one in _SSN.finditer(text):
        area, group, serial = one.group(1, 3, 4)
        if area not in {"000", "666"} and area < "900" and group != "00" and serial != "0000":
            yield Found(*one.span(), "us_ssn", 0.9)
    yield from (Found(*one.span(1), "us_ssn", 0.8) for one in _BARE_SSN.finditer(text))
    for pattern in (_IPV4, _IPV6):
        for one in pattern.finditer(text):
            if _address(one.group()) and "version" not in text[max(one.start() - 10, 0) : one.start()].lower():
                yield Found(*one.span(), "ip_address", 0.9)


def _iban_end(shown: str) -> int:
    """Where a valid IBAN at the start of the text ends; 0: there is none."""
    length = _IBAN_LENGTHS.get(shown[:2], 0)
    letters = [place for place, one in enumerate(shown) if one not in " -"]
    if not length or len(letters) < length:
        return 0
    end = letters[length - 1] + 1
    return end if iban_valid(re.sub(r"[ -]", "", shown[:end])) else 0


def _bitcoin(shown: str) -> bool:
    return shown.startswith("bc1") or (
        any(map(str.isdigit, shown[1:])) and any(map(str.isupper, shown)) and any(map(str.islower, shown))
    )


def _address(shown: str) -> bool:
    try:
        known = ipaddress.ip_address(shown)
    except ValueError:
        return False
    return not known.is_unspecified and shown != "::"


# Telephone numbers.

_PHONE = re.compile(
    r"(?<![\w.,/+-])(?<!\d )(?:\+|00)?\(?\d(?:[ ().\-/]{0,3}\d){5,14}(?:\s?(?:x|ext\.?|#)\s?\d{1,6})?(?![\w-]|[.,]\d)"
)
_CALL = re.compile(
    r"\b(?:phone|tel|telephone|mobile|cell|cellular|fax|call|number|no|contact|reach|text|sms|whatsapp|dial|registered|hotline|ring)\b",
    re.IGNORECASE,
)
_MOST_PHONES = 500  # each may be asked of every region
_REGIONS = ("US", "GB", "DE", "FR", "IN", "AU", "ES", "IT", "NL", "SE", "CH", "AT", "PL", "BR", "MX")


def _phones(text: str) -> Iterator[Found]:
    for one in islice(_PHONE.finditer(text), _MOST_PHONES):
        shown = one.group()
        digits = sum(map(str.isdigit, shown))
        before = text[max(one.start() - 50, 0) : one.start()]
        cued = _CALL.search(before) is not None
        if not 7 <= digits <= 15 or _NO_PHONE.match(shown) or _OTHER_NUMBER.search(before):
            continue
        if not cued and (shown.isdigit() or _DECIMALS.fullmatch(shown)):
            continue
        if not cued and (digits < 9 or _STREET_AFTER.match(text, one.end())):
            continue
        known = _valid_phone(shown)
        if known or (cued and len(re.findall(r"[ ().\-/]", shown)) > 0):
            yield Found(*one.span(), "phone", 0.95 if known and cued else 0.75 if known else 0.55)
        elif re.fullmatch(r"\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}", shown):
            yield Found(*one.span(), "phone", 0.6)


_STREET_AFTER = re.compile(r" [^\W\d_a-z][^\W\d_]")
_NO_PHONE = re.compile(
    r"(?:\d{3}-\d{2}-\d{4}|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{4}-\d{4}|(?:\d{1,3}\.){3}\d{1,3}|\d{1,2}\.\d+)$"
    r"|\d{3}-\d{2}-\d{4}-|(?:19|20)\d{2}-\d{2}-\d{2} |\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)\d{2} "
)
_DECIMALS = re.compile(r"\d+\.\d+(?: {1,3}\d+\.\d+)*")
_OTHER_NUMBER = re.compile(
    r"\b(?:order|invoice|ticket|account|tracking|serial|reference|ref|receipt|booking|policy|parcel|isbn|sku)"
    r"(?: (?:number|no|num|id|code))?(?: (?:is|was))?[.:# ]{0,3}$",
    re.IGNORECASE,
)


@lru_cache(4_096)
def _valid_phone(shown: str) -> bool:
    """Whether the number can be dialled: of any country with a plus, else of one of the usual ones."""
    import phonenumbers  # its tables load by country, when first asked  # noqa: PLC0415 - not every text has a number

    for region in (None,) if shown.startswith("+") else _REGIONS:
        try:
            if phonenumbers.is_valid_number(phonenumbers.parse(shown, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


# Dates and ages.

_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_CLOCK = r"[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2})?"  # of ISO 8601, behind a date
_DATE = re.compile(
    rf"(?<![\w/-])(?:\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:\d{{4}}|\d{{2}})|\d{{4}}[/.-]\d{{1,2}}[/.-]\d{{1,2}}(?:{_CLOCK})?|{_MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}|\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH}\.?,? \d{{4}}|{_MONTH},? \d{{4}}|{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?)(?![\w/-])",
    re.IGNORECASE,
)
_YEAR = re.compile(
    r"(?<=\b(?:in) )(?:19|20)\d{2}\b|(?<=\b(?:since) )(?:19|20)\d{2}\b|(?<=\b(?:until) )(?:19|20)\d{2}\b"
)
_DAY = re.compile(r"\b(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)s?\b")
_BIRTH = re.compile(r"\b(?:born|birth|birthday|birthdate|dob|d\.o\.b)\b", re.IGNORECASE)
_AGE = re.compile(
    r"\b(?:age|aged|ages)\s?(?:of|is|:)?\s?(?P<a>\d{1,3})\b|(?<![\w.-])(?P<b>\d{1,3})[ -]?(?:years?|yrs?|y/o|yo)\b[ -]?(?:old|of age)?"
    r"|\b(?:turn(?:s|ed|ing)?|i'm|i am|he is|she is|he's|she's)\s(?P<c>\d{1,3})\b(?! ?(?:%|percent|minutes|hours|days|km|miles|feet|cm|kg|of|in|times|years?|st|nd|th))",
    re.IGNORECASE,
)


def _times(text: str) -> Iterator[Found]:
    for one in _DATE.finditer(text):
        near = text[max(one.start() - 40, 0) : one.start()]
        if not _possible(one.group()):
            continue
        born = _BIRTH.search(near) is not None
        yield Found(*one.span(), "date_of_birth" if born else "date", 0.9 if born else 0.7)
    yield from (Found(*one.span(), "date", 0.5) for pattern in (_YEAR, _DAY) for one in pattern.finditer(text))
    for one in _AGE.finditer(text):
        name = one.lastgroup or "a"
        old = "old" in one.group().lower() or "age" in one.group().lower() or name == "c"
        if old and 0 < int(one.group(name)) < 120:
            yield Found(*one.span(name), "age", 0.8)


def _possible(shown: str) -> bool:
    """Whether a date in digits can be one, in either order of day and month."""
    parts = re.split(r"[/.-]", re.sub(f"{_CLOCK}$", "", shown, flags=re.IGNORECASE))
    if len(parts) != 3 or not all(map(str.isdigit, parts)):
        return True
    year, one, two = (parts[0], parts[1], parts[2]) if len(parts[0]) == 4 else (parts[2], parts[0], parts[1])
    full = int(year) + (2000 if len(year) == 2 else 0)
    return any(_calendar(full, month, day) for month, day in ((int(one), int(two)), (int(two), int(one))))


def _calendar(year: int, month: int, day: int) -> bool:
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True


# Names of people and places, addresses.

_CAP = r"[^\W\d_a-z][\w'’.-]{0,30}"
_STREET = (
    r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|drive|dr|lane|ln|court|ct|place|pl|square|sq|terrace|ter|way|parkway|pkwy|circle|cir|highway|hwy|trail|"
    r"crescent|close|row|alley|plaza|loop|walk|grove|hill|heights|ridge|park|streets|mews|gate|quay|esplanade)"
)
_HOUSE = re.compile(
    rf"(?<![\w.-])(?:\d{{1,6}} ){{0,2}}\d{{1,6}}[A-Za-z]?(?:-\d{{1,5}})?,? (?:[NSEW]\.? )?(?:[^\W\d_][\w'’.-]{{0,30}} ){{1,5}}?{_STREET}\b\.?(?P<rest>[^\n]{{0,40}})",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"\b(?:rua|rue|calle|via|viale|piazza|plaza|avenida|av\.|boulevard|ul\.|ulica|ulice|strada|carrer|rruga|chemin|jalan|ulitsa|rúa|caminho|travessa|praça|corso|largo|al\.|os\.|pl\.)[ ](?:[\w'’.-]{1,30} ){0,4}[\w'’.-]{1,30},? \d{1,5}\b"
    r"|(?<![\w])[^\W\d_][\w'’-]{1,30}(?:stra(?:ß|ss)e|str\.|weg|gasse|platz|allee|gatan|gata|vägen|vej|gade|veien|katu|tie|tänav|laan|straat|plein|dijk|kade|utca|út|ulica|utja)\b \d{1,5}\b",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"\b(?:Suite|Apt\.?|Apartment|Unit|Flat|Ste\.?|Floor|Room) ?#?\d{1,5}[A-Za-z]?\b|\b(?:PSC|Unit|CMR) \d{1,5},? Box \d{1,5}\b|\bP\.? ?O\.? Box \d{1,6}\b|\bUS[NC][SG]? [A-Z]\w{1,20}\n(?:FPO|APO|DPO)\b"
)
_POSTAL = re.compile(
    r"\b(?:[A-Z]{2}|APO [A-Z]{2}|DPO [A-Z]{2}|FPO [A-Z]{2}),? \d{5}(?:-\d{4})?\b|\b[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}\b"
)
_LIVES = re.compile(
    r"\b(?:address(?: is|:)?|(?:live[sd]?|living|resid(?:es?|ing)|located|meet(?: me| you)?|moved|move|ship(?:ped)?|deliver(?:ed)?|return|send(?: it)?|side|house|home|based) (?:\w{1,8} ){0,3}?(?:at|to|of|on|is))[\s:]{1,3}"
    r"(?P<it>(?:[^\W\d_][\w'’.-]{0,30} ){1,4}\d{1,5}[A-Za-z]?\b|\d{1,6} (?:[^\W_][\w'’.-]{0,30} ?){1,4}\d{0,5}\b)",
)


def _addresses(text: str) -> Iterator[Found]:
    for one in _HOUSE.finditer(text):
        yield Found(one.start(), _address_end(text, one.start("rest")), "street_address", 0.85)
    for one in _FOREIGN.finditer(text):
        yield Found(one.start(), _address_end(text, one.end()), "street_address", 0.75)
    for one in _UNIT.finditer(text):
        yield Found(one.start(), _address_end(text, one.end()), "street_address", 0.6)
    for one in _LIVES.finditer(text):
        if any(map(str.isdigit, one["it"])) and any(map(str.isupper, one["it"])):
            yield Found(
                one.start("it"), _address_end(text, one.start("it") + len(one["it"].rstrip())), "street_address", 0.6
            )


_MORE = re.compile(
    r"(?:[ ,.]{1,2}|,?\s{0,2}\n ?,? ?)(?:(?:Suite|Apt\.?|Apartment|Unit|Flat|Ste\.?|Box) ?#?\d{1,5}[A-Za-z]?|[A-Z]{2},? \d{5}(?:-\d{4})?|\d{5}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}|[^\W\d_a-z][\w'’.-]{1,30}(?: [^\W\d_][\w'’.-]{1,30}){0,3},? (?:[A-Z]{2},? )?\d{4,6}|[^\W\d_a-z][\w'’-]{2,30}(?: [^\W\d_a-z][\w'’-]{1,30}){0,2}(?=,? ?\n)|(?:[A-Z]{2}|\d{2})(?=\n)|nan \d{5}"
    r"|(?<=, )[^\W\d_a-z][\w'’.-]{1,30}(?: [^\W\d_][\w'’-]{1,30}){0,2}(?=[.,\n]|$)|(?<=\n)[ ]?[^\W\d_a-z][\w'’-]{1,30}(?: [^\W\d_a-z][\w'’-]{1,30}){0,2}(?: \d{4,6})?(?=[.,\n]|$))"
)


def _address_end(text: str, end: int) -> int:
    """Flats, towns, states and post codes that go on after a street, at most six."""
    for _ in range(6):
        more = _MORE.match(text, end)
        if more is None:
            return end
        end = more.end()
    return end


_TITLED = re.compile(r"\b(?P<title>Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam|Rev)\b\.?(?= [^\W\d_a-z])")
_ORG = re.compile(
    rf"(?:{_CAP} ){{0,3}}{_CAP}(?:, {_CAP}){{0,2}} (?:and |& )?(?:Inc|LLC|Ltd|Limited|Corp|Corporation|Company|Co|GmbH|PLC|plc|AG|SA|Group|Holdings|Technologies|Partners|Associates|Industries|Solutions|Systems|Bank|University|Institute|Foundation|Orchestra|Investments|Ventures|Labs|Consulting|Sons)\b\.?"
    rf"|\b(?:University|Bank|Institute|Ministry|Department) of {_CAP}(?: {_CAP}){{0,2}}"
    rf"|\b[^\W\d_a-z][a-z]{{2,20}}-[^\W\d_a-z][a-z]{{2,20}}\b|\b{_CAP}, {_CAP} and {_CAP}(?= (?:is|are|was|has|Inc|LLC))"
)
_NAME_WORD = re.compile(r"[^\W\d_](?:[\w'’-]{0,30}\w)?")
_CUE = re.compile(
    r"(?:\b(?:name(?:'s| is|d)?:?|i'm|i am|this is|dear|hi|hello|hey|thanks|regards|sincerely|called|call|signed|by|contact|says?|said|asked|told|met|meet|with|to|from|ask|tell|add|between|and|not|but|for|owner:?|mother|father|sister|brother|wife|husband|son|daughter|friend|cousin|uncle|aunt|boss|colleague|grandfather|grandmother|singer|author|artist|actor|actress|president|commenter|professor|doctor)|[\"“>:]|,)[,:\s]{0,3}$",
    re.IGNORECASE,
)
_PLACE_CUE = re.compile(
    r"\b(?:in|from|to|near|at|of|visit|visiting|leaving|towards|around|outside|city|town|village|country|moved to|living in)\s$",
    re.IGNORECASE,
)
_SAY_AFTER = re.compile(
    r"^(?:'s\b|’s\b|,? (?:is|was|said|says|asked|has|had|did|told|lives?|works?|wrote|went|got|came|likes?|loves?|listed|began|can|could|will|would|points?|and [^\W\d_a-z]|who)\b|:)"
)


@cache
def _names() -> tuple[frozenset[str], frozenset[str], frozenset[str], frozenset[str]]:
    """First names, last names, places (lower case), everyday words."""
    told = json.loads((ARTEFACTS / "names.json").read_text("utf-8"))
    words = json.loads((ARTEFACTS / "vocabulary.json").read_text("utf-8"))
    first, last = frozenset(told["first"]), frozenset(told["last"])
    everyday = frozenset(word for word in (*words["counts"], *words["real"]) if word not in first and word not in last)
    return first, last, frozenset(place.lower() for place in told["places"]), everyday | _MORE_WORDS


_MORE_WORDS = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august september october november december god internet english ok iban ssn atm cc pin tv pc ai id faq ceo usa uk".split()
)
_PLACES_LONGEST = 4


def _people(text: str) -> Iterator[Found]:
    for title in _TITLED.finditer(text):
        yield Found(title.start(), title.end() + (text[title.end() : title.end() + 1] == "."), "title", 0.8)
    yield from (Found(*one.span(), "organization", 0.6) for one in _ORG.finditer(text))
    words = list(_NAME_WORD.finditer(text))
    place = 0
    while place < len(words):
        run = _run(text, words, place)
        if not run:
            place += 1
            continue
        yield from _named(text, words[place : place + run])
        place += run


def _run(text: str, words: list[re.Match[str]], place: int) -> int:
    """How many words from here are capitalised and stand together; initials and particles may stand between."""
    if not words[place].group()[0].isupper():
        return 0
    count = 1
    while place + count < len(words) and count < 5:
        word, gap = words[place + count].group(), text[words[place + count - 1].end() : words[place + count].start()]
        initial = len(words[place + count - 1].group()) == 1
        if gap != " " and not (initial and gap in {". ", "."}):
            break
        if not word[0].isupper() and word not in {
            "van",
            "von",
            "de",
            "der",
            "den",
            "da",
            "di",
            "del",
            "la",
            "le",
            "bin",
            "al",
            "ibn",
        }:
            break
        count += 1
    while count > 1 and not words[place + count - 1].group()[0].isupper():
        count -= 1
    return count


def _named(text: str, run: list[re.Match[str]]) -> Iterator[Found]:
    """What a run of capitalised words names: places of the list, then a person, by name list, cue or strangeness."""
    first, last, places, everyday = _names()
    low = [one.group().lower() for one in run]
    at = 0
    while at < len(run):
        size = next(
            (n for n in range(min(_PLACES_LONGEST, len(run) - at), 0, -1) if " ".join(low[at : at + n]) in places), 0
        )
        if size:
            yield Found(run[at].start(), run[at + size - 1].end(), "location", 0.8)
            at += size
            continue
        end = at
        while end < len(run) and " ".join(low[end : end + 1]) not in places:
            end += 1
        yield from _person(text, run[at:end], low[at:end], first, last, everyday)
        at = max(end, at + 1)


def _person(  # noqa: C901, PLR0917 - one decision, in order of sureness
    text: str,
    run: list[re.Match[str]],
    low: list[str],
    first: frozenset[str],
    last: frozenset[str],
    everyday: frozenset[str],
) -> Iterator[Found]:
    while run and (low[0] in everyday or low[0] in _TITLES or low[0].split("'")[0] in everyday) and low[0] not in first:
        run, low = run[1:], low[1:]
    while run and low[-1] in everyday and low[-1] not in last and low[-1] not in {"ii", "iii", "iv"}:
        run, low = run[:-1], low[:-1]
    if not run or (len(run) == 1 and len(low[0]) < 3):
        return
    start, end = run[0].start(), run[-1].end()
    if low[-1].endswith(("'s", "’s")):
        end -= 2
    before, after = text[max(start - 25, 0) : start], text[end : end + 25]
    listed = low[0].split("'")[0] in first
    strange = sum(one.split("'")[0] not in everyday and len(one) > 1 for one in low)
    upper = all(one.group().isupper() for one in run if len(one.group()) > 1)
    titled = _TITLED_BEFORE.search(before) is not None
    if titled:
        yield Found(start, end, "person", 0.95)
    elif upper and len(run) <= 3 and not listed:
        if _PLACE_CUE.search(before) and strange:
            yield Found(start, end, "location", 0.5)
    elif listed:
        yield Found(start, end, "person", 0.9 if len(run) > 1 else 0.75)
    elif len(run) > 1 and strange >= 1 and not _PLACE_CUE.search(before):
        yield Found(start, end, "person", 0.65)
    elif strange and len(run) == 1:
        yield from _single(start, end, before, after, low[0] in last)
    elif strange and _PLACE_CUE.search(before):
        yield Found(start, end, "location", 0.5)


def _single(start: int, end: int, before: str, after: str, known: bool) -> Iterator[Found]:
    if _PLACE_CUE.search(before) and not re.search(r"\b(?:to|from|of)\s$", before):
        yield Found(start, end, "location", 0.5)
    elif known or _SAY_AFTER.search(after) or _CUE.search(before):
        yield Found(start, end, "person", 0.55)


_TITLES = frozenset("mr mrs ms miss mx dr prof sir madam rev".split())
_TITLED_BEFORE = re.compile(r"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Madam|Rev)\.? $")


@cache
def _peoples() -> frozenset[str]:
    """Nationalities and religions, in one word each."""
    told = json.loads((ARTEFACTS / "abuse_words.json").read_text("utf-8"))["groups"]
    kinds = ("nationality", "muslims", "jews", "christians", "other religions")
    return frozenset(one.split()[-1] for kind in kinds for one in told[kind])


def _origins(text: str) -> Iterator[Found]:
    known = _peoples()
    yield from (Found(*one.span(), "nrp", 0.7) for one in _NAME_WORD.finditer(text) if one.group().lower() in known)


_FINDERS: tuple[Callable[[str], Iterator[Found]], ...] = (
    _formed,
    _numbered,
    _phones,
    _times,
    _addresses,
    _people,
    _origins,
)
