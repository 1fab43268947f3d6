"""What a robots.txt allows, case by case: the verdicts of the public conformance table.

Rules, URLs and verdicts are those of robots_test.cc, one `Case` for each file in it; `name` is its
test's. `agent` is the crawler, URLs are below `http://foo.bar` unless they are whole.
Source: github.com/google/robotstxt, robots_test.cc (Apache-2.0).

Left out, as none of them is in RFC 9309: that `index.html` in a rule stands for its folder (one
verdict of GoogleOnly_IndexHTMLisDirectory), that a line is cut after 16,664 bytes
(GoogleOnly_LineTooLong; a URL here has at most 8,000 characters), and a crawler that calls itself
by two words (GoogleOnly_AcceptUserAgentUpToFirstSpace; `is_product_token` refuses such a name).
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    name: str
    rules: str
    allowed: str = ""
    refused: str = ""
    agent: str = "FooBot"


def _file(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


FOO = "user-agent: FooBot"
GROUPS = _file(
    "allow: /foo/bar/", "",
    FOO, "disallow: /", "allow: /x/",
    "user-agent: BarBot", "disallow: /", "allow: /y/", "", "", "allow: /w/",
    "user-agent: BazBot", "",
    FOO, "allow: /z/", "disallow: /",
)  # fmt: skip
SITEMAP_BETWEEN = _file(
    "User-agent: BarBot", "Sitemap: https://foo.bar/sitemap", "User-agent: *", "Disallow: /"
)
UNKNOWN_BETWEEN = _file(
    "User-agent: FooBot", "Invalid-Unknown-Line: unknown", "User-agent: *", "Disallow: /"
)
OPEN_TO_OTHERS = _file("user-agent: *", "allow: /", FOO, "disallow: /")
ONLY_NAMED = _file(
    FOO, "allow: /", "user-agent: BarBot", "disallow: /", "user-agent: BazBot", "disallow: /"
)
ONLY_PHP = _file(FOO, "disallow: /", "allow: /*.php$")
FISH = "/fish /fish.html /fish/salmon.html /fishheads /fishheads/yummy.html /fish.html?id=anything"

CASES = [
    Case("ID_LineSyntax_Line", _file(FOO, "disallow: /"), refused="/x/y"),
    Case("ID_LineSyntax_Line", _file("foo: FooBot", "bar: /"), allowed="/x/y"),
    Case("ID_LineSyntax_Line", _file("user-agent FooBot", "disallow /"), refused="/x/y"),
    Case("ID_LineSyntax_Groups", GROUPS, "/x/b /z/d", "/y/c /foo/bar/"),
    Case("ID_LineSyntax_Groups", GROUPS, "/y/c /w/a", "/z/d /foo/bar/", "BarBot"),
    Case("ID_LineSyntax_Groups", GROUPS, "/z/d", "/foo/bar/", "BazBot"),
    *(
        Case("ID_LineSyntax_Groups_OtherRules", rules, refused="/", agent=agent)
        for rules in (SITEMAP_BETWEEN, UNKNOWN_BETWEEN)
        for agent in ("FooBot", "BarBot")
    ),
    *(
        Case("ID_REPLineNamesCaseInsensitive", _file(*lines), "/x/y", "/a/b")
        for lines in (
            ("USER-AGENT: FooBot", "ALLOW: /x/", "DISALLOW: /"),
            ("user-agent: FooBot", "allow: /x/", "disallow: /"),
            ("uSeR-aGeNt: FooBot", "AlLoW: /x/", "dIsAlLoW: /"),
        )
    ),
    *(
        Case(
            "ID_UserAgentValueCaseInsensitive",
            _file(f"User-Agent: {name}", "Allow: /x/", "Disallow: /"),
            "/x/y",
            "/a/b",
            agent,
        )
        for name in ("FOO BAR", "foo bar", "FoO bAr")
        for agent in ("Foo", "foo")
    ),
    Case(
        "GoogleOnly_AcceptUserAgentUpToFirstSpace",
        _file("User-Agent: *", "Disallow: /", "User-Agent: Foo Bar", "Allow: /x/", "Disallow: /"),
        allowed="/x/y",
        agent="Foo",
    ),
    Case("ID_GlobalGroups_Secondary", "", allowed="/x/y"),
    Case("ID_GlobalGroups_Secondary", OPEN_TO_OTHERS, refused="/x/y"),
    Case("ID_GlobalGroups_Secondary", OPEN_TO_OTHERS, allowed="/x/y", agent="BarBot"),
    Case("ID_GlobalGroups_Secondary", ONLY_NAMED, allowed="/x/y", agent="QuxBot"),
    Case("ID_AllowDisallow_Value_CaseSensitive", _file(FOO, "disallow: /x/"), refused="/x/y"),
    Case("ID_AllowDisallow_Value_CaseSensitive", _file(FOO, "disallow: /X/"), allowed="/x/y"),
    Case(
        "ID_LongestMatch",
        _file(FOO, "disallow: /x/page.html", "allow: /x/"),
        refused="/x/page.html",
    ),
    Case(
        "ID_LongestMatch", _file(FOO, "allow: /x/page.html", "disallow: /x/"), "/x/page.html", "/x/"
    ),
    Case("ID_LongestMatch", _file(FOO, "disallow: ", "allow: "), "/x/page.html"),
    Case("ID_LongestMatch", _file(FOO, "disallow: /", "allow: /"), "/x/page.html"),
    Case("ID_LongestMatch", _file(FOO, "disallow: /x", "allow: /x/"), "/x/", "/x"),
    Case(
        "ID_LongestMatch",
        _file(FOO, "disallow: /x/page.html", "allow: /x/page.html"),
        "/x/page.html",
    ),
    Case("ID_LongestMatch", _file(FOO, "allow: /page", "disallow: /*.html"), "/page", "/page.html"),
    Case(
        "ID_LongestMatch",
        _file(FOO, "allow: /x/page.", "disallow: /*.html"),
        "/x/page.html",
        "/x/y.html",
    ),
    Case(
        "ID_LongestMatch",
        _file("User-agent: *", "Disallow: /x/", "User-agent: FooBot", "Disallow: /y/"),
        "/x/page",
        "/y/page",
    ),
    Case(
        "ID_Encoding",
        _file(FOO, "Disallow: /", "Allow: /foo/bar?qux=taz&baz=http://foo.bar?tar&par"),
        "/foo/bar?qux=taz&baz=http://foo.bar?tar&par",
    ),
    *(
        Case(
            "ID_Encoding",
            _file(FOO, "Disallow: /", f"Allow: /foo/bar/{name}"),
            "/foo/bar/%E3%83%84",
            "/foo/bar/ツ",
        )
        for name in ("ツ", "%E3%83%84")
    ),
    Case(
        "ID_Encoding",
        _file(FOO, "Disallow: /", "Allow: /foo/bar/%62%61%7A"),
        "/foo/bar/%62%61%7A",
        "/foo/bar/baz",
    ),
    Case(
        "ID_SpecialCharacters",
        _file(FOO, "Disallow: /foo/bar/quz", "Allow: /foo/*/qux"),
        "/foo/quz /foo//quz /foo/bax/quz",
        "/foo/bar/quz",
    ),
    Case(
        "ID_SpecialCharacters",
        _file(FOO, "Disallow: /foo/bar$", "Allow: /foo/bar/qux"),
        "/foo/bar/qux /foo/bar/ /foo/bar/baz",
        "/foo/bar",
    ),
    Case(
        "ID_SpecialCharacters",
        _file(FOO, "# Disallow: /", "Disallow: /foo/quz#qux", "Allow: /"),
        "/foo/bar",
        "/foo/quz",
    ),
    Case("GoogleOnly_SystemTest", _file("user-agent: FooBot", "disallow: /"), refused="/"),
    Case("GoogleOnly_SystemTest", _file("user-agent: FooBot", "disallow: /"), "/", agent=""),
    Case("GoogleOnly_SystemTest", "", "/"),
    Case("GoogleOnly_SystemTest", "", "/", agent=""),
    Case(
        "GoogleOnly_IndexHTMLisDirectory",
        _file("User-Agent: *", "Allow: /allowed-slash/index.html", "Disallow: /"),
        "/allowed-slash/index.html",
        "/allowed-slash/index.htm /anyother-url",
    ),
    Case(
        "GoogleOnly_DocumentationChecks",
        _file(FOO, "disallow: /", "allow: /fish"),
        FISH,
        "/bar /Fish.asp /catfish /?id=fish",
    ),
    Case(
        "GoogleOnly_DocumentationChecks",
        _file(FOO, "disallow: /", "allow: /fish*"),
        FISH,
        "/bar /Fish.bar /catfish /?id=fish",
    ),
    Case(
        "GoogleOnly_DocumentationChecks",
        _file(FOO, "disallow: /", "allow: /fish/"),
        "/fish/ /fish/salmon /fish/?salmon /fish/salmon.html /fish/?id=anything",
        "/bar /fish /fish.html /Fish/Salmon.html",
    ),
    Case(
        "GoogleOnly_DocumentationChecks",
        _file(FOO, "disallow: /", "allow: /*.php"),
        "/filename.php /folder/filename.php /folder/filename.php?parameters"
        " //folder/any.php.file.html /filename.php/ /index?f=filename.php/",
        "/bar /php/ /index?php /windows.PHP",
    ),
    Case(
        "GoogleOnly_DocumentationChecks",
        ONLY_PHP,
        "/filename.php /folder/filename.php",
        "/bar /filename.php?parameters /filename.php/ /filename.php5 /php/ /filename?php"
        " /aaaphpaaa //windows.PHP",
    ),
    Case(
        "GoogleOnly_DocumentationChecks",
        _file(FOO, "disallow: /", "allow: /fish*.php"),
        "/fish.php /fishheads/catfish.php?parameters",
        "/bar /Fish.PHP",
    ),
    Case("GoogleOnly_DocumentationChecks", _file(FOO, "allow: /p", "disallow: /"), "/page"),
    Case(
        "GoogleOnly_DocumentationChecks",
        _file(FOO, "allow: /folder", "disallow: /folder"),
        "/folder/page",
    ),
    Case(
        "GoogleOnly_DocumentationChecks",
        _file(FOO, "allow: /page", "disallow: /*.htm"),
        refused="/page.htm",
    ),
    Case(
        "GoogleOnly_DocumentationChecks",
        _file(FOO, "allow: /$", "disallow: /"),
        "/",
        "/page.html",
    ),
]

# ID_VerifyValidUserAgentsToObey
VALID_NAMES = ["Foobot", "Foobot-Bar", "Foo_Bar"]
INVALID_NAMES = ["", "ツ", "Foobot*", " Foobot ", "Foobot/2.1", "Foobot Bar"]

# ID_LinesNumbersAreCountedCorrectly: four lines are understood, the last is the sixth
_SIX = ["User-Agent: foo", "Allow: /some/path", "User-Agent: bar", "", "", "Disallow: /"]
SIX_LINES = [
    *("".join(line + end for line in _SIX).encode() for end in ("\n", "\r\n", "\r")),
    "\n".join(_SIX).encode(),
    b"User-Agent: foo\nAllow: /some/path\r\nUser-Agent: bar\n\r\n\nDisallow: /",
]

# ID_UTF8ByteOrderMarkIsSkipped: the file, lines understood, lines not understood
_TWO = b"User-Agent: foo\nAllow: /AnyValue\n"
MARKS = [
    (b"\xef\xbb\xbf" + _TWO, 2, 0),
    (b"\xef\xbb" + _TWO, 2, 0),
    (b"\xef" + _TWO, 2, 0),
    (b"\xef\x11\xbf" + _TWO, 1, 1),
    (b"User-Agent: foo\n\xef\xbb\xbfAllow: /AnyValue\n", 1, 1),
]

# ID_NonStandardLineExample_Sitemap: at the end or at the start of a file
SITEMAP = "http://foo.bar/sitemap.xml"
_GROUPS = "User-Agent: foo\nAllow: /some/path\nUser-Agent: bar\n\n\n"
WITH_SITEMAP = [f"{_GROUPS}Sitemap: {SITEMAP}\n", f"Sitemap: {SITEMAP}\n{_GROUPS}"]
