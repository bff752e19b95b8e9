"""Reads what a server answers, byte by byte as RFC 9112 has it, and takes nothing for an answer that is none."""
import re
from typing import NamedTuple


class Answer(NamedTuple):
    status: int
    fields: dict  # by names in lower case
    content: bytes


class NoAnswer(AssertionError):
    """The bytes are no HTTP answer."""


def cut_answer(data, has_content=True):
    """(answer, rest) of the bytes; None when it is not whole yet. Interim answers (1xx) have no content."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = data[:end].decode("ascii").split("\r\n")
    start = re.fullmatch(r"HTTP/1\.1 ([1-5]\d\d) [ -~]+", lines[0])
    if not start:
        raise NoAnswer(f"{lines[0]!r} begins no answer")
    status = int(start.group(1))
    fields = {}
    for line in lines[1:]:
        field = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([!-~]+(?:[ \t]+[!-~]+)*)?", line)
        if not field or field.group(1).lower() in fields:
            raise NoAnswer(f"{line!r} is no field, or not the first of its name")
        fields[field.group(1).lower()] = field.group(2) or ""
    rest = data[end + 4:]
    if status < 200 or status == 204:
        if "content-length" in fields or "transfer-encoding" in fields:
            raise NoAnswer(f"{status} with the length of a content: {fields}")
        return Answer(status, fields, b""), rest
    if "date" not in fields:
        raise NoAnswer(f"no Date: {fields}")
    if not has_content:
        return Answer(status, fields, b""), rest
    if not fields.get("content-length", "").isdigit():
        raise NoAnswer(f"no Content-Length: {fields}")
    size = int(fields["content-length"])
    if len(rest) < size:
        return None
    return Answer(status, fields, rest[:size]), rest[size:]


class Reader:
    """Answers from a blocking socket, one after the other."""

    def __init__(self, client):
        self.client = client
        self.data = b""

    def next(self, has_content=True):
        """The next one, after interim ones."""
        pieces = [self.data]
        size = needed = len(self.data)
        while True:
            if size >= needed:
                self.data = b"".join(pieces)
                cut = cut_answer(self.data, has_content)
                if cut is not None:
                    answer, self.data = cut
                    if answer.status >= 200:
                        return answer
                    pieces, size = [self.data], len(self.data)
                    needed = size
                    if size:
                        continue
                else:
                    pieces, needed = [self.data], self.whole_size()
            piece = self.client.recv(1 << 20)
            if not piece:
                raise NoAnswer(f"closed after {b''.join(pieces)[:200]!r}")
            pieces.append(piece)
            size += len(piece)

    def whole_size(self):
        """Of the answer that has begun, as far as that is known: joining pieces before is work for nothing."""
        head = self.data.find(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: (\d+)\r\n", self.data[:head + 2] if head >= 0 else b"")
        return head + 4 + int(length.group(1)) if length else 0

    def expect_end(self):
        if self.data or (more := self.client.recv(100)):
            raise NoAnswer(f"goes on with {self.data or more!r}")


def ask(client, request):
    client.sendall(request)
    return Reader(client).next()
