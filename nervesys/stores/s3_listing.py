"""Parses the objects of ListObjectsV2 responses; botocore's own takes 60 µs an object, this one 3 µs.

It is plugged into botocore before its parser: objects in the plain form that all servers write are taken out of the
body, and botocore parses what is left (tokens, folders, errors). A body of any other form is left to botocore whole.
"""

import re
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from nervesys.stores.objects import ObjectInfo

OBJECTS = "ParsedContents"
"""Under this name the objects are in the parsed response; absent where botocore parsed them as `Contents`."""
_ENTRY = re.compile(
    r"<Contents>(?:\s*(?:"
    r"<Key>([^<]+)</Key>|<LastModified>([^<]+)</LastModified>|<ETag>([^<]*)</ETag>|<Size>([0-9]+)</Size>"
    r"|<Owner>(?:\s*<(\w+)>[^<&]*</\5>)*\s*</Owner>|<(?!Key|LastModified|ETag|Size|Owner)(\w+)>[^<&]*</\6>"
    r"))*\s*</Contents>\s*"
)
_USUAL_ENTRY = re.compile(
    r"<Contents><Key>([^<&]+)</Key><LastModified>(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)</LastModified>"
    r"<ETag>(?:&quot;|&#34;|\")([^<&\"]+)(?:&quot;|&#34;|\")</ETag><Size>([0-9]+)</Size>(?:<(\w+)>[^<&]*</\5>)?</Contents>"
)
"""The order and form in which most servers write."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")
_CONTROL = bytes({*range(0x20)} - {0x09, 0x0A})
_NO_CHARACTERS = "\ufffe".encode(), "\uffff".encode()
_UNKNOWN_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#34|#39);)")
_DECLARED = re.compile(
    r"""(?:<\?xml version=["']1\.0["'](?: encoding=["'](?i:utf-8)["'])?(?: standalone=["'][a-z]+["'])?\s*\?>)?"""
    r"""\s*<ListBucketResult[\s>]"""
)
_URL = re.compile(r"<EncodingType>\s*url\s*</EncodingType>")


def take_objects(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Handle botocore's event `before-parse` of ListObjectsV2.

    Args:
        response_dict: status and body; the objects are taken out of the body.
        customized_response_dict: what botocore adds to the parsed response.
    """
    if response_dict["status_code"] != 200:
        return
    found = split(response_dict["body"])
    if found is not None:
        response_dict["body"], customized_response_dict[OBJECTS] = found


def split(body: bytes) -> tuple[bytes, list[ObjectInfo]] | None:
    """The body without its objects, and the objects; None where it has an unusual form, or an object lacks a part."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if "<Contents" not in text or not _DECLARED.match(text) or "<!" in text or "]]>" in text or _has_control(body):
        return None
    quoted = _URL.search(text) is not None
    return _split_usual(text, quoted=quoted) or _split_any(text, quoted=quoted)


def _has_control(body: bytes) -> bool:
    """Whether there are characters that XML does not permit, or that it changes, as a carriage return."""
    return len(body.translate(None, _CONTROL)) != len(body) or any(text in body for text in _NO_CHARACTERS)


def _split_usual(text: str, *, quoted: bool) -> tuple[bytes, list[ObjectInfo]] | None:
    """The same where each object has the usual form; in few calls, for they are what takes time."""
    parts = _USUAL_ENTRY.split(text)  # text, the five groups of an object, text, and so on
    rest = "".join(parts[::6])
    if "<Contents" in rest:
        return None
    keys = parts[1::6]
    if quoted:
        keys = [unquote_plus(key) if "%" in key or "+" in key else key for key in keys]
    try:
        modified = [datetime.fromisoformat(at).timestamp() for at in parts[2::6]]
    except ValueError:  # such as the 30th of February
        return None
    return rest.encode(), [*map(ObjectInfo, keys, parts[3::6], map(int, parts[4::6]), modified)]


def _split_any(text: str, *, quoted: bool) -> tuple[bytes, list[ObjectInfo]] | None:
    """The same, object by object."""
    objects: list[ObjectInfo] = []
    rest: list[str] = []
    end, begin, scan = 0, text.find("<Contents"), _ENTRY.match
    while begin >= 0:
        rest.append(text[end:begin])
        while entry := scan(text, begin):
            info = _info(entry, quoted=quoted)
            if info is None:
                return None
            objects.append(info)
            begin = entry.end()
        end = begin
        begin = text.find("<Contents", end)
        if begin == end:  # an entry in a form that is not known
            return None
    rest.append(text[end:])
    return "".join(rest).encode(), objects


def _info(entry: re.Match[str], *, quoted: bool) -> ObjectInfo | None:
    key, at, etag, size = entry.group(1, 2, 3, 4)
    if key is None or at is None or size is None or not _TIME.fullmatch(at):
        return None
    try:
        modified = datetime.fromisoformat(at).timestamp()
    except ValueError:
        return None
    if _UNKNOWN_ENTITY.search(key) or (etag and _UNKNOWN_ENTITY.search(etag)):
        return None
    if "&" in key:
        key = _unescape(key)
    if quoted and ("%" in key or "+" in key):
        key = unquote_plus(key)
    if etag and "&" in etag:
        etag = _unescape(etag)
    etag = etag.strip('"') if etag else ""
    return ObjectInfo(key, etag or f"{modified}-{int(size)}", int(size), modified)


def _unescape(text: str) -> str:
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text


_ENTITIES = (
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", '"'),
    ("&#34;", '"'),
    ("&apos;", "'"),
    ("&#39;", "'"),
    ("&amp;", "&"),
)
