"""Requests that nobody has thought of: those of the table with bytes changed, put in and taken out. Nobody knows what
the answers must be, but they must not depend on how the bytes arrive, and no process may end by them."""
import os
import random
import re
import socket
import unittest

from conversation import Conversation, hold
from server import Server, listener, tried
from smuggling_rows import all_rows

REQUESTS = int(os.environ.get("WINDLASS_FUZZ_REQUESTS", "2000"))
SEED = int(os.environ.get("WINDLASS_FUZZ_SEED", "9112"))
BEHIND = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n" * 2
TOKENS = [b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"\0", b":", b";", b",", b'"', b"\\", b"0", b"5", b"f",
          b"%", b"\x0b", b"\x80", b"a" * 50, b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: b\r\n",
          b"HTTP/1.0", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b';a="b"',
          b"HEAD ", b"POST "]


def changed(source, request):
    """With one to three changes."""
    for _ in range(source.randint(1, 3)):
        at = source.randrange(len(request) + 1)
        taken = source.choice([0, 0, 1, 1, 2, 10])
        put = source.choice([b"", bytes([source.randrange(256)]), source.choice(TOKENS), request[at:at + 20]])
        request = request[:at] + put + request[at + taken:]
    return request


def pieces_of(source, request):
    """Cut at one to ten points."""
    cuts = sorted(source.sample(range(1, len(request)), min(source.randint(1, 10), len(request) - 1)))
    return [request[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(request)])]


def without_words(said):
    """Answers without what is different each time, or depends on how the bytes came: who has sent the content already
    is not told to go on with it, and the sentence that explains an error may have a number in it."""
    said = said.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    said = re.sub(rb"\r\nDate: [^\r]*", b"", said)
    said = re.sub(rb'"detail": ".*?"\}', b"", said)
    return re.sub(rb"(problem\+json\r\nContent-Length: )\d+", rb"\1", said)


class AnyCut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A client that has sent all, and says so, needs no timeout to see whether anything more comes.
        # No head comes near its limit: which of two faults is found first may depend on how the bytes come.
        cls.server = Server(listener("unix:FOLDER/http.sock", max_content=10_000, half_close="answer"))
        cls.addClassCleanup(cls.server.close)

    def test_gives_the_same_answers(self):
        source = random.Random(SEED)
        originals = [row.request for row in all_rows() if len(row.request) < 2000]
        requests = [changed(source, source.choice(originals)) + BEHIND for _ in range(REQUESTS)]
        before = self.server.status()["processes"]
        plans = [pieces for request in requests for pieces in ([request], pieces_of(source, request))]
        talks = (Conversation(self.server.connect_unix(), pieces) for pieces in plans)
        said = []
        for talk in hold(self.server.connect_unix, talks):
            try:
                talk.client.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has ended
            talk.receive_until(lambda: False)
            talk.client.close()
            said.append(without_words(talk.said))
        different = [f"{pieces}\nwhole:  {whole!r}\npieces: {cut!r}"
                     for pieces, whole, cut in zip(plans[1::2], said[::2], said[1::2]) if whole != cut]
        self.assertFalse(different, f"{len(different)} with seed {SEED}:\n" + "\n\n".join(different[:10]))
        self.assertEqual([process["pid"] for process in before],
                         [process["pid"] for process in self.server.status()["processes"]])


if __name__ == "__main__":
    tried.main()
