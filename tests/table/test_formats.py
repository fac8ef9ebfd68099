"""The asserted formats of JSON Schema, where the official suite (tests/schema) does not look."""

import calendar
import datetime
import ipaddress
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routewright.table.formats import FORMATS, is_date, is_date_time, is_ipv4, is_ipv6, is_regex, is_uuid

CASES: dict[str, tuple[list[str], list[str]]] = {
    "date": (
        ["2026-11-22", "2000-02-29", "0000-02-29", "9999-12-31"],
        [
            "2026-11-31",
            "1900-02-29",
            "2026-00-01",
            "2026-13-01",
            "2026-01-00",
            "20261122",
            "2026-W47-7",
            "2026-11-22\n",
        ],
    ),
    "time": (
        ["00:00:00Z", "23:59:60z", "22:59:60-01:00", "01:29:60+01:30", "12:00:00.123456789+23:59"],
        [
            "24:00:00Z",
            "12:60:00Z",
            "12:00:61Z",
            "12:00:60Z",
            "12:00:00",
            "12:00:00+24:00",
            "12:00:00+01:60",
            "12:00:00,5Z",
        ],
    ),
    "date-time": (
        ["2026-11-22T21:35:00Z", "2026-11-22t21:35:00.5+01:00", "2016-12-31T23:59:60Z", "2017-01-01T00:59:60+01:00"],
        [
            *("2026-11-22 21:35:00Z", "2026-11-22T21:35Z", "2016-12-30T23:59:60Z", "2017-01-02T00:59:60+01:00"),
            *("2016-12-31T22:59:60Z", "2016-12-31T23:59:60+01:00", "2026-02-29T00:00:00Z", "2026-11-22T21:35:00٣Z"),
        ],
    ),
    "duration": (
        ["P1Y2M3DT4H5M6S", "P2W", "PT0S", "P1M", "P3DT1H", "PT36H"],
        ["P", "P1YT", "P1Y2D", "PT1H2S", "P1W2D", "1Y", "P1.5Y", "p1y", "P1S", "PT", "-P1D", "P1D\n"],
    ),
    "email": (
        [
            *("a@b", "joe.bloggs@example.com", '"joe \\" bloggs"@example.com', '""@example.com', "te~st+1@example.com"),
            *("a@[127.0.0.1]", "a@[IPv6:::1]", "a@[x-y:z]", "a" * 64 + "@example.com", "a@b--c.d"),
        ],
        [
            *("", "a", "@b", "a@", ".a@b", "a.@b", "a..b@c", "a@-b", "a@b-", "a@b.", "a@b..c", "a@b@c", "a b@c", "é@b"),
            *("a@[127.0.0.300]", "a@[IPv6:x]", "a@[", "a@[]", '"a"b@c', '"\n"@b', "a" * 65 + "@b", "a@b\n", "a@b_c"),
            *("a@" + "b" * 64, "a@" + "b." * 127 + "bc", "<a@b>"),
        ],
    ),
    "hostname": (
        [
            *("a", "A-1.example", "1.2.3.4", "xn--bcher-kva.example", "r3---sn.example", "a" * 63),
            ".".join(["a" * 63] * 3 + ["a" * 61]),
        ],
        [
            *("", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "é", "a" * 64, ".".join(["a" * 63] * 4), "a\n", "a b"),
            *("xn--", "xn--X", "xn--a-ecp.ru", "Xn--x", "a.xn--99999999"),
        ],
    ),
    "ipv4": (
        ["0.0.0.0", "255.255.255.255"],
        ["1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4\n", "١.2.3.4", "0x1.2.3.4"],
    ),
    "ipv6": (
        ["::", "::1", "1::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "FE80::1", "1:2:3:4:5:6:7::"],
        [
            "",
            ":",
            ":::",
            "1",
            "::1%eth0",
            "fe80::1%1",
            "::1/64",
            "1:2:3:4:5:6:7:8:9",
            "::12345",
            "::1.2.3.04",
            "1::2::3",
            "[::1]",
            "::1\n",
        ],
    ),
    "uri": (
        [
            *(
                "http://example.com",
                "urn:isbn:0451450523",
                "mailto:a@b",
                "x:",
                "x:/",
                "x://",
                "x:///a",
                "x:a?b?c/d#e?f/g",
            ),
            *("http://a:b@[::1]:80/c;d=e", "http://[v1.a:b]/", "http://%41/%zz"[:-4], "tel:+1-816-555-1212"),
        ],
        [
            *(
                "",
                "a",
                "//a",
                "/a",
                "?a",
                "#a",
                "1x:a",
                "é:a",
                "x:é",
                "x: a",
                "x:%",
                "x:%4",
                "x:%zz",
                "x:a#b#c",
                "x:\\",
            ),
            *(
                "http://[::1",
                "http://[::1%25eth0]/",
                "http://a:b",
                "http://[v1.]/",
                "http://[1.2.3.4]/",
                "http://a@b@c",
                "x:a\n",
            ),
            *("x:[", "x:<a>", 'x:"', "x:^", "x:`", "x:{a}", "x:|"),
        ],
    ),
    "uuid": (
        [
            "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
            "2EB8AA08-AA98-11EA-B4AA-73B441D16380",
            "0" * 8 + "-0000" * 3 + "-" + "0" * 12,
        ],
        [
            "2eb8aa08aa9811eab4aa73b441d16380",
            "{2eb8aa08-aa98-11ea-b4aa-73b441d16380}",
            "2eb8aa08-aa98-11ea-b4aa-73b441d1638g",
            "",
        ],
    ),
    "regex": (
        [
            *(
                "",
                "a",
                "(?<a>b)\\k<a>",
                "\\k<a>(?<a>b)",
                "\\1(a)",
                "[a-z\\d]",
                "\\p{L}\\p{Script=Greek}",
                "a{2,1000000}",
            ),
            *(
                "(?:(?=a)(?!b)(?<=c)(?<!d))",
                "[\\ud83d\\ude00-\\u{1f601}]",
                "(?<\\u0061>b)\\k<a>",
                "[^]",
                "[]",
                "a{010,10}",
                "(" * 2000 + ")" * 2000,
            ),
        ],
        [
            *(
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                "*",
                "a**",
                "(?=a)*",
                "^*",
                "\\",
                "\\a",
                "\\Z",
                "\\-",
                "[b-a]",
                "[\\d-a]",
                "(?<a>)(?<a>)",
            ),
            *(
                "\\1",
                "(a)\\2",
                "\\k<a>",
                "\\k",
                "a{2,1}",
                "a{,1}",
                "(?<1>a)",
                "(?<>a)",
                "(?i)a",
                "\\p{Foo}",
                "\\p{Script=Foo}",
                "\\p{Any=L}",
            ),
            *(
                "\\u{110000}",
                "\\u12",
                "\\x1",
                "\\01",
                "\\c1",
                "(?",
                "(?a)",
                "[\\B]",
                "[\\1]",
                "a{99999999999999999999,9999999999999999999}",
            ),
        ],
    ),
}


def test_every_format_has_its_cases() -> None:
    assert set(CASES) == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_takes_what_its_standard_allows_and_nothing_else(name: str) -> None:
    right, wrong = CASES[name]
    assert [text for text in right if not FORMATS[name](text)] == []
    assert [text for text in wrong if FORMATS[name](text)] == []


@given(text=st.text(max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_told(text: str) -> None:
    assert {type(check(text)) for check in FORMATS.values()} == {bool}


@given(year=st.integers(0, 9999), month=st.integers(0, 14), day=st.integers(0, 33))
@settings(max_examples=500, deadline=None)
def test_a_date_is_one_of_the_calendar(year: int, month: int, day: int) -> None:
    real = 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year or 2000, month)[1]
    assert is_date(f"{year:04}-{month:02}-{day:02}") is real


@given(moment=st.datetimes(timezones=st.timezones() | st.just(datetime.UTC)))
@settings(max_examples=300, deadline=None)
def test_every_moment_of_python_is_a_date_time(moment: datetime.datetime) -> None:
    offset = moment.utcoffset() or datetime.timedelta(0)
    whole = moment.replace(
        tzinfo=datetime.timezone(datetime.timedelta(minutes=offset // datetime.timedelta(minutes=1)))
    )
    assert is_date_time(whole.isoformat())


@given(address=st.ip_addresses())
@settings(max_examples=300, deadline=None)
def test_every_address_of_python_is_one(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    check = is_ipv4 if address.version == 4 else is_ipv6
    assert check(str(address))
    assert check(address.exploded)


@given(value=st.uuids())
def test_every_uuid_of_python_is_one(value: uuid.UUID) -> None:
    assert is_uuid(str(value))
    assert is_uuid(str(value).upper())


@given(text=st.text(alphabet="ab(){}[]?:=!<>|*+,-\\dkup19^$.", max_size=12))
@settings(max_examples=500, deadline=None)
def test_a_group_round_a_regular_expression_is_one_too(text: str) -> None:
    if is_regex(text):
        assert is_regex(f"(?:{text})*|x")
