"""RFC 9112 read slowly and strictly: where one request ends and the next begins. What is not right to the letter is
Malformed, so that whoever takes more than this may read something else than somebody in front of it."""
import re
from typing import NamedTuple

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# Bytes beyond ASCII in a target are wrong, but nobody can take them for an end of anything.
REQUEST_LINE = re.compile(rb"(%s) ([!-~\x80-\xff]+) HTTP/1\.([01])" % TOKEN)
FIELD = re.compile(rb"(%s):[ \t]*([\t -~\x80-\xff]*)" % TOKEN)
QUOTED = rb'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]+)((?:[ \t]*;[ \t]*%s(?:[ \t]*=[ \t]*(?:%s|%s))?)*)" % (TOKEN, TOKEN, QUOTED))
MAX_EMPTY_LINES = 2


class Malformed(Exception):
    """Nobody can say where the next request begins."""


class Incomplete(Exception):
    """There may be more to come."""


class Request(NamedTuple):
    method: bytes
    target: bytes
    content: bytes


def cut_line(data):
    line, found, rest = data.partition(b"\r\n")
    if not found:
        raise Incomplete
    if b"\r" in line or b"\n" in line:
        raise Malformed(line)
    return line, rest


def cut_fields(data):
    """[(name in lower case, value)], through the empty line."""
    fields = []
    while True:
        line, data = cut_line(data)
        if not line:
            return fields, data
        field = FIELD.fullmatch(line)
        if not field:
            raise Malformed(line)
        fields.append((field.group(1).lower(), field.group(2).strip(b" \t")))


def cut_chunks(data):
    content = b""
    while True:
        line, data = cut_line(data)
        chunk = CHUNK_LINE.fullmatch(line)
        if not chunk:
            raise Malformed(line)
        size = int(chunk.group(1), 16)
        if size == 0:
            return content, cut_fields(data)[1]
        if len(data) >= size and not b"\r\n".startswith(data[size:size + 2]):
            raise Malformed("a chunk without its end")
        if len(data) < size + 2:
            raise Incomplete
        content, data = content + data[:size], data[size + 2:]


def cut_request(data):
    """(request, rest) of bytes that are not empty."""
    for _ in range(MAX_EMPTY_LINES):
        data = data.removeprefix(b"\r\n")
    if not data:
        raise Incomplete
    line, data = cut_line(data)
    start = REQUEST_LINE.fullmatch(line)
    if not start:
        raise Malformed(line)
    method, target, minor = start.groups()
    fields, data = cut_fields(data)
    named = {name: [value for other, value in fields if other == name] for name, _ in fields}
    hosts, lengths, codings = (named.get(name, []) for name in (b"host", b"content-length", b"transfer-encoding"))
    if len(hosts) > 1 or (minor == b"1" and not hosts) or len(lengths) + len(codings) > 1:
        raise Malformed(fields)
    if codings:
        if codings[0].lower() != b"chunked" or minor == b"0":
            raise Malformed(codings)
        content, data = cut_chunks(data)
        return Request(method, target, content), data
    if lengths and not re.fullmatch(rb"[0-9]+", lengths[0]):
        raise Malformed(lengths)
    size = int(lengths[0]) if lengths else 0
    if len(data) < size:
        raise Incomplete
    return Request(method, target, data[:size]), data[size:]
