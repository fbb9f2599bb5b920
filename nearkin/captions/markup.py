"""Removes what programs wrote into a text for other programs: tags, entities, markdown, escapes.

No pattern takes more than linear time, whatever the text.
"""

import html
import re

HIDDEN = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|\Z)|<!--.*?(?:-->|\Z)", re.IGNORECASE | re.DOTALL)
"""What a browser does not show; it reaches to the end of the text where nothing closes it."""

_REST = r"(?:\s+/?|/|\s[^<>=]*=[^<>]*)?>"
IN_LINE = re.compile(
    r"</?(?:a|abbr|b|big|cite|code|em|font|i|mark|q|s|small|span|strong|sub|sup|tt|u)" + _REST, re.IGNORECASE
)
TAG = re.compile(r"</?[A-Za-z][^\s<>]*" + _REST + r"|<![A-Za-z][^<>]*>|<\|[^<>|]*\|>")
"""A tag, or a control token of a language model; not `fins <5 cm` nor `length <b and> c`."""

ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
ESCAPED_AGAIN = re.compile(r"&(?:(?:amp|#0{0,3}38|#x0{0,3}26);)+", re.IGNORECASE)

MARKDOWN = (
    (re.compile(r"^#{1,6} +"), ""),
    (re.compile(r"```\w*|`"), ""),
    (re.compile(r"!?\[([^][]{1,300})\]\([^()\s]{1,300}\)"), r"\1"),
    (re.compile(r"(?<![\w*_])(\*{1,3}|_{1,3})(?=[^\s*_])([^*_]{1,300})(?<=\S)\1(?![\w*_])"), r"\2"),
)

ESCAPE = re.compile(r"""(?:\\u[0-9a-fA-F]{4})+|\\x[0-9a-fA-F]{2}|\\[nr"'/\\]|\\t(?!ext|imes|ilde|au|heta)""")
WINDOWS_PATH = re.compile(r"\s*(?:[A-Za-z]:\\|\\\\)")
ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


def strip_markup(text: str) -> str:
    """The text without tags and markdown, and with the characters that entities stand for.

    >>> strip_markup("<p>A <i>Papilio</i> &amp;amp; its **host**, fins &lt; 5 cm</p>")
    'A Papilio & its host, fins < 5 cm'
    """
    if "<" in text:
        text, *rest = TAG.split(IN_LINE.sub("", HIDDEN.sub("<br>", text)))
        if rest:
            text = " ".join(part for part in (part.strip(" ") for part in (text, *rest)) if part)
    if "&" in text:
        text = ENTITY.sub(lambda match: html.unescape(match[0]), ESCAPED_AGAIN.sub("&amp;", text))
    for pattern, replacement in MARKDOWN:
        text = pattern.sub(replacement, text)
    return text


def unescape_code(text: str) -> str:
    r"""The text with the characters that escapes of program code stand for.

    >>> unescape_code(r"A bird\u2019s\nnest")
    'A bird’s\nnest'
    """
    if "\\" not in text or " " not in text or WINDOWS_PATH.match(text):
        return text
    return ESCAPE.sub(_unescape_match, text)


def _unescape_match(match: re.Match[str]) -> str:
    escape = match[0]
    if escape[1] == "u":  # a pair of them may be one character
        units = bytes.fromhex(escape.replace("\\u", ""))
        return units.decode("utf-16-be", errors="replace")
    if escape[1] == "x":
        return chr(int(escape[2:], 16))
    return ESCAPED.get(escape[1], escape[1])
