"""http as the clients see it that everybody has: curl, and Python's http.client."""
import http.client
import json
import os
import re
import unittest

import answers
from server import HELLO, TIMEOUT, Server, listener, tried

MORPHEUS = {"result": "Follow the white rabbit. 🐰"}
LARGE = 5 << 20
VERY_LARGE = 50 << 20
FILES = """
[[handler]]
name = "files"
builtin = "file"
options = { root = "FOLDER" }
"""


class Curl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        tried.skip_unless_found("curl")
        cls.server = Server(listener("127.0.0.1:0") + listener("127.0.0.1:0", max_content=1000) + FILES, pool=2)
        cls.addClassCleanup(cls.server.close)
        cls.large = cls.server.path / "large"
        cls.large.write_bytes(os.urandom(LARGE))

    def curl(self, *arguments):
        """What it prints, as bytes."""
        got = self.server.path / "got"
        got.unlink(missing_ok=True)
        self.said = tried.output_of("curl", "-sS", "--max-time", TIMEOUT, "-o", got, *arguments)
        return got.read_bytes() if got.exists() else b""

    def code_of(self, *arguments):
        self.curl("-w", "%{http_code}", *arguments)
        return int(self.said)

    def test_get_with_a_query(self):
        self.assertEqual(json.loads(self.curl(self.server.url("/h/search?value=morpheus"))), MORPHEUS)

    def test_get_with_a_query_that_curl_encodes(self):
        answer = self.curl("--get", "--data-urlencode", "value=🐶 & Co", self.server.url("/h/search"))
        self.assertEqual(json.loads(answer), {"result": "No match for '🐶 & Co'."})

    def test_json_by_d_and_its_wrong_content_type(self):
        request = '{"action": "search", "value": "morpheus"}'
        self.assertEqual(json.loads(self.curl("-d", request, self.server.url("/h/search"))), MORPHEUS)

    def test_the_type_of_json_is_what_http_calls_it(self):
        self.curl("-w", "%{content_type}", "--json", '{"action": "search", "value": "ring"}',
                  self.server.url("/h/search"))
        self.assertEqual(self.said, "application/json; charset=utf-8")

    def test_data_binary_comes_back_as_it_went(self):
        (self.server.path / "bytes").write_bytes(bytes(range(256)))
        answer = self.curl("--data-binary", f"@{self.server.path}/bytes", self.server.url("/h/echo"))
        self.assertEqual(answer, bytes(range(256)))

    def test_a_form_with_a_file_is_opaque_bytes(self):
        answer = self.curl("-F", "name=value", "-F", f"file=@{self.large}", self.server.url("/h/echo"))
        boundary = answer.split(b"\r\n", 1)[0]
        self.assertRegex(boundary, b"^--+[0-9a-f]+$")
        self.assertTrue(answer.endswith(boundary + b"--\r\n"))
        self.assertIn(self.large.read_bytes(), answer)

    def test_five_megabytes_with_length(self):
        answer = self.curl("-H", "Expect:", "--data-binary", f"@{self.large}", self.server.url("/h/echo"))
        self.assertTrue(answer == self.large.read_bytes())

    def test_five_megabytes_in_chunks(self):
        answer = self.curl("-H", "Transfer-Encoding: chunked", "-H", "Expect:", "--data-binary", f"@{self.large}",
                           self.server.url("/h/echo"))
        self.assertTrue(answer == self.large.read_bytes())

    def curl_is_told_to_continue(self, *arguments):
        log = self.server.path / "headers"
        answer = self.curl("-v", "--stderr", log, "-H", "Expect: 100-continue", "--expect100-timeout", TIMEOUT - 5,
                           "--data-binary", f"@{self.large}", *arguments, self.server.url("/h/echo"))
        self.assertTrue(answer == self.large.read_bytes())
        self.assertEqual(re.findall(r"^< HTTP/1.1 (\d+)", log.read_text(), re.M), ["100", "200"])

    def test_it_is_told_to_continue(self):
        self.curl_is_told_to_continue()

    def test_it_is_told_to_continue_with_chunks(self):
        self.curl_is_told_to_continue("-H", "Transfer-Encoding: chunked")

    def test_it_is_told_at_once_that_its_content_is_too_large(self):
        """The server says so without waiting for the content, and curl does not send it."""
        url = self.server.url("/h/echo", number=1)
        self.curl("-w", "%{http_code} %{size_upload}", "-H", "Expect: 100-continue", "--expect100-timeout", TIMEOUT - 5,
                  "--data-binary", f"@{self.large}", url)
        self.assertEqual(self.said, "413 0")

    def test_content_that_is_too_large_is_answered_while_it_comes(self):
        for more in ([], ["-H", "Transfer-Encoding: chunked"]):
            with self.subTest(more=more):
                code = self.code_of("-H", "Expect:", *more, "--data-binary", f"@{self.large}",
                                    self.server.url("/h/echo", number=1))
                self.assertEqual(code, 413)

    def test_head(self):
        head = self.curl("-I", self.server.url("/hello")).decode()
        self.assertTrue(head.startswith("HTTP/1.1 200 OK\r\n"))
        self.assertIn(f"\r\nContent-Length: {len(HELLO)}\r\n", head)

    def test_http_1_0(self):
        self.assertEqual(self.curl("-0", self.server.url("/hello")), HELLO)
        self.assertEqual(self.curl("-0", "-d", "abc", self.server.url("/h/echo")), b"abc")

    def test_several_urls_are_one_connection(self):
        urls = [part for url in ("/hello", "/h/search?value=ring", "/nothing", "/hello", "/h/binary?a=b")
                for part in ("-o", "/dev/null", self.server.url(url))]
        said = tried.output_of("curl", "-sS", "--http1.1", "-w", "%{num_connects} %{http_code}\n", *urls)
        self.assertEqual(said, "1 200\n0 200\n0 404\n0 200\n0 200\n")

    def test_an_upgrade_to_http_2_is_not_taken(self):
        self.assertEqual(self.curl("--http2", "-w", "%{http_version}", self.server.url("/hello")), HELLO)
        self.assertEqual(self.said, "1.1")

    def test_codes(self):
        for code, arguments in ((404, ["/nothing"]), (405, ["-X", "DELETE", "/hello"]), (405, ["-T", "/dev/null", "/hello"]),
                                (501, ["-X", "BREW", "/hello"]), (204, ["-X", "OPTIONS", "/hello"]),
                                (415, ["-H", "Content-Encoding: gzip", "-d", "x", "/h/echo"]),
                                (400, ["/h/search?a=1&a=2"]), (400, ["-d", "no json", "/h/search"])):
            with self.subTest(arguments=arguments):
                self.assertEqual(self.code_of(*arguments[:-1], self.server.url(arguments[-1])), code)

    def test_a_file_of_fifty_megabytes(self):
        content = os.urandom(1 << 20) * (VERY_LARGE >> 20)
        (self.server.path / "very_large").write_bytes(content)
        self.addCleanup((self.server.path / "very_large").unlink)
        self.assertTrue(self.curl("-d", "very_large", self.server.url("/h/files")) == content)

    def test_a_name_of_its_own_for_a_request_comes_back(self):
        head = self.curl("-D", "-", "-H", "X-Request-Id: mine", self.server.url("/hello"))
        self.assertEqual(head, HELLO)
        self.assertIn("\nX-Request-Id: mine\n", self.said)


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(listener("127.0.0.1:0"), pool=2)
        cls.addClassCleanup(cls.server.close)

    def setUp(self):
        self.client = http.client.HTTPConnection("127.0.0.1", self.server.ports[0], timeout=TIMEOUT)
        self.addCleanup(self.client.close)

    def ask(self, method, path, content=None, **more):
        self.client.request(method, path, content, **more)
        answer = self.client.getresponse()
        return answer.status, answer.read()

    def test_a_thousand_requests_are_one_connection(self):
        self.client.connect()
        socket = self.client.sock
        for number in range(500):
            content = b"%d" % number
            self.assertEqual(self.ask("POST", "/h/echo", content), (200, content))
            self.assertEqual(self.ask("GET", "/hello"), (200, HELLO))
        self.assertIs(self.client.sock, socket)

    def test_an_iterable_is_sent_in_chunks(self):
        pieces = [os.urandom(size) for size in (1, 10, 1000, 100_000, 1 << 20)]
        self.assertEqual(self.ask("POST", "/h/echo", iter(pieces), encode_chunked=True), (200, b"".join(pieces)))
        self.assertEqual(self.ask("POST", "/h/echo", iter([b"a", b"b"])), (200, b"ab"))
        self.assertEqual(self.ask("POST", "/h/echo", iter([])), (200, b""))

    def test_errors_leave_the_connection_as_it_is(self):
        self.client.connect()
        socket = self.client.sock
        for method, path, content, status in (("GET", "/nothing", None, 404), ("POST", "/nothing", b"x" * 100_000, 404),
                                              ("PUT", "/hello", b"x" * 100_000, 405), ("HEAD", "/nothing", None, 404),
                                              ("POST", "/h/search", b"no json", 400), ("OPTIONS", "*", None, 204)):
            with self.subTest(method=method, path=path):
                got, said = self.ask(method, path, content)
                self.assertEqual(got, status)
                self.assertEqual(bool(said), method not in ("HEAD", "OPTIONS"))
                self.assertIs(self.client.sock, socket)
        self.assertEqual(self.ask("GET", "/hello"), (200, HELLO))

    def test_head_says_what_get_gives(self):
        fields = {}
        for method in ("GET", "HEAD"):
            self.client.request(method, "/hello")
            answer = self.client.getresponse()
            answer.read()
            fields[method] = {name: value for name, value in answer.getheaders() if name != "Date"}
        self.assertEqual(fields["GET"], fields["HEAD"])

    def test_pipelined_requests_are_answered_in_their_order(self):
        """Some by the worker, some by the pool, which does not answer in order; more than may be in flight."""
        def request(number):
            if number % 3 == 0:
                return b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n", HELLO
            content = b"%d" % number
            return b"POST /h/echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content), content
        all_of_them = [request(number) for number in range(1000)]
        with self.server.connect() as client:
            client.sendall(b"".join(sent for sent, _ in all_of_them))
            reader = answers.Reader(client)
            for _, content in all_of_them:
                answer = reader.next()
                self.assertEqual((answer.status, answer.content), (200, content))


if __name__ == "__main__":
    tried.main()
