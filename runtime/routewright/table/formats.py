"""The formats of JSON Schema 2020-12 that are asserted, each as a function of a text.

Strategy: a regular expression for the grammar, in which every choice is settled by the next character (what has been
taken is never given back: ``*+``), then the few rules that no grammar says. All are linear in the length of the text,
and none lets pass what only Python allows (digits of other scripts, scopes of addresses, a line's end at the end).
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv6Address

from routewright.table.expressions import is_regex

_DATE = r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
_TIME = r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
_date = re.compile(_DATE).fullmatch
_time = re.compile(_TIME).fullmatch
_date_time = re.compile(f"{_DATE}[Tt]{_TIME}").fullmatch

_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY = 24 * 60
_LAST_MINUTE = _DAY - 1

_CLOCK = "T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)"
_CALENDAR = "(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)"
_duration = re.compile(f"P(?:{_CALENDAR}(?:{_CLOCK})?|{_CLOCK}|[0-9]+W)").fullmatch

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_mailbox = re.compile(
    rf'({_ATOM}(?:\.{_ATOM})*|"(?:[ !#-\[\]-~]++|\\[ -~])*+")@(?:({_LABEL}(?:\.{_LABEL})*)|\[([^\[\]\\]*)\])'
).fullmatch
_tagged_literal = re.compile(r"[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+").fullmatch
_domain = re.compile(rf"{_LABEL}(?:\.{_LABEL})*").fullmatch

_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ipv4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}").fullmatch
_ipv6 = re.compile("[0-9A-Fa-f:.]{2,45}").fullmatch
_uuid = re.compile("[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}").fullmatch

_NAME = r"A-Za-z0-9._~!$&'()*+,;=\-"
_ESCAPED = "%[0-9A-Fa-f]{2}"
_uri = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:(?://([^/?#]*))?"
    + "".join(
        f"{opening}(?:[{_NAME}:@/{more}]++|{_ESCAPED})*+{closing}"
        for opening, more, closing in (("", "", ""), (r"(?:\?", "?", ")?"), ("(?:#", "?", ")?"))
    )
).fullmatch
_authority = re.compile(
    rf"(?:(?:[{_NAME}:]++|{_ESCAPED})*+@)?(?:\[([^\[\]]*)\]|(?:[{_NAME}]++|{_ESCAPED})*+)(?::[0-9]*)?"
).fullmatch
_future_address = re.compile(rf"[vV][0-9A-Fa-f]+\.[{_NAME}:]+").fullmatch


def is_date(text: str) -> bool:
    """RFC 3339 ``full-date``: ``2026-11-22``."""
    found = _date(text)
    return found is not None and _is_day(found[1], found[2], found[3])


def is_time(text: str) -> bool:
    """RFC 3339 ``full-time``: ``21:35:00.5+01:00``, with a leap second only where UTC is at 23:59:60."""
    found = _time(text)
    return found is not None and _is_clock(*found.groups()) is not None


def is_date_time(text: str) -> bool:
    """RFC 3339 ``date-time``: ``2026-11-22T21:35:00Z``, with a leap second only at the end of a month of UTC."""
    found = _date_time(text)
    if found is None or not _is_day(found[1], found[2], found[3]):
        return False
    days = _is_clock(*found.groups()[3:])
    if days is None or found[6] != "60":
        return days is not None
    # a clock that is ahead of UTC shows UTC's last day of the month as the first of the next
    return int(found[3]) == (1 if days else _last_day(int(found[1]), int(found[2])))


def _is_day(year: str, month: str, day: str) -> bool:
    return 1 <= int(month) <= 12 and 1 <= int(day) <= _last_day(int(year), int(month))


def _last_day(year: int, month: int) -> int:
    leap = month == 2 and year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return _DAYS[month] + leap


def _is_clock(hour: str, minute: str, second: str, sign: str, hours: str, minutes: str) -> int | None:
    """How many days this clock is ahead of UTC's if it is a leap second there, or ``None`` if it is no time."""
    if hour > "23" or minute > "59" or second > "60" or (sign and (hours > "23" or minutes > "59")):
        return None
    if second != "60":
        return 0
    offset = int(f"{sign}{int(hours) * 60 + int(minutes)}") if sign else 0
    days, utc = divmod(int(hour) * 60 + int(minute) - offset, _DAY)
    return -days if utc == _LAST_MINUTE else None


def is_duration(text: str) -> bool:
    """RFC 3339 appendix A: ``P1Y2M3DT4H5M6S`` or ``P2W``; no unit between two others may be left out."""
    return _duration(text) is not None


def is_email(text: str) -> bool:
    """RFC 5321 ``Mailbox``: a dotted or quoted local part of 64 characters at most, a domain or an address literal."""
    found = _mailbox(text)
    if found is None or len(found[1]) > 64:
        return False
    if found[2] is not None:
        return len(found[2]) <= 255 and all(len(label) <= 63 for label in found[2].split("."))
    literal = found[3]
    if literal[:5].lower() == "ipv6:":
        return is_ipv6(literal[5:])
    return is_ipv4(literal) or _tagged_literal(literal) is not None


def is_hostname(text: str) -> bool:
    """RFC 1123 host name of 253 characters at most; a label that begins with ``xn--`` is an A-label of RFC 5890."""
    if len(text) > 253 or _domain(text) is None:
        return False
    return all(len(label) <= 63 and (label[:4].lower() != "xn--" or _is_a_label(label)) for label in text.split("."))


def _is_a_label(label: str) -> bool:
    import idna

    try:
        idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return False
    return True


def is_ipv4(text: str) -> bool:
    """RFC 2673 ``dotted-quad`` without leading zeros."""
    return _ipv4(text) is not None


def is_ipv6(text: str) -> bool:
    """RFC 4291 section 2.2 in any of its three forms, without a scope."""
    if _ipv6(text) is None:
        return False
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def is_uri(text: str) -> bool:
    """RFC 3986 ``URI``: with a scheme, in ASCII."""
    found = _uri(text)
    if found is None:
        return False
    if found[1] is None:
        return True
    authority = _authority(found[1])
    if authority is None:
        return False
    address = authority[1]
    return address is None or is_ipv6(address) or _future_address(address) is not None


def is_uuid(text: str) -> bool:
    """RFC 4122: 8-4-4-4-12 hexadecimal digits."""
    return _uuid(text) is not None


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date": is_date,
    "date-time": is_date_time,
    "duration": is_duration,
    "email": is_email,
    "hostname": is_hostname,
    "ipv4": is_ipv4,
    "ipv6": is_ipv6,
    "regex": is_regex,
    "time": is_time,
    "uri": is_uri,
    "uuid": is_uuid,
}
"""Each asserted format of JSON Schema by its name."""
