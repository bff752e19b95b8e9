"""What answers say beside their content: dates, names of requests, types, when to come again, what is wrong."""
import contextlib
import email.utils
import http.client
import json
import time
import unittest

import answers
from server import HELLO, TIMEOUT, Server, listener, tried

JOB_MS = 100


class Answers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(listener("127.0.0.1:0"))
        cls.addClassCleanup(cls.server.close)

    def ask(self, method, path, content=b"", *fields):
        length = b"Content-Length: %d\r\n" % len(content) if content else b""
        with self.server.connect() as client:
            client.sendall(b"%s %s HTTP/1.1\r\nHost: a\r\n%s" % (method, path, length)
                           + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + content)
            return answers.Reader(client).next(has_content=method != b"HEAD")

    def test_the_date_is_now_and_written_as_http_wants_it(self):
        for _ in range(2):
            said = self.ask(b"GET", b"/hello").fields["date"]
            then = email.utils.parsedate_to_datetime(said).timestamp()
            self.assertLess(abs(time.time() - then), 5)
            self.assertEqual(said, email.utils.formatdate(then, usegmt=True))

    def test_the_name_of_a_request_comes_back_also_with_errors(self):
        for method, path, content in ((b"GET", b"/hello", b""), (b"GET", b"/nothing", b""), (b"PUT", b"/hello", b"x"),
                                      (b"POST", b"/h/echo", b"x"), (b"POST", b"/h/search", b"no json"),
                                      (b"POST", b"/h/echo", b"x" * 100_000), (b"OPTIONS", b"*", b"")):
            with self.subTest(method=method, path=path):
                answer = self.ask(method, path, content, b"X-Request-Id: mine: 1")
                self.assertEqual(answer.fields["x-request-id"], "mine: 1")

    def test_a_trace_parent_comes_back_when_there_is_no_other_name(self):
        trace = b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        self.assertEqual(self.ask(b"GET", b"/hello", b"", trace).fields["traceparent"], trace[13:].decode())
        both = self.ask(b"GET", b"/hello", b"", trace, b"X-Request-Id: a").fields
        self.assertEqual(both["x-request-id"], "a")

    def test_types_come_back_as_http_calls_them(self):
        for sent, expected in (("application/json", "application/json; charset=utf-8"),
                               ("text/html; charset=latin1", "text/html; charset=latin1"),
                               ('text/plain;charset="utf-8"', "text/plain; charset=utf-8"),
                               ("image/png", "image/png"), ("", "application/octet-stream"),
                               ("multipart/form-data; boundary=x", "multipart/form-data")):
            with self.subTest(sent=sent):
                fields = [b"Content-Type: " + sent.encode()] if sent else []
                answer = self.ask(b"POST", b"/h/echo", b'"x"', *fields)
                self.assertEqual((answer.fields["content-type"], answer.content), (expected, b'"x"'))

    def test_a_type_cannot_bring_a_field_of_its_own(self):
        for sent in (b"text/plain\tx", b"text/\xffx", b"a/b; charset=\xe9", b"a/b; charset=x y", b"/;;;=", b";" * 100):
            with self.subTest(sent=sent):
                answer = self.ask(b"POST", b"/h/echo", b"x", b"Content-Type: " + sent)
                self.assertEqual(answer.status, 200)
                self.assertEqual(set(answer.fields), {"date", "content-type", "content-length"})

    def test_head_is_get_without_the_content_also_from_the_pool(self):
        for path in (b"/hello", b"/h/search?value=ring", b"/h/echo?a=b", b"/nothing", b"/h/search?a=1&a=2"):
            with self.subTest(path=path):
                head, get = self.ask(b"HEAD", path), self.ask(b"GET", path)
                for answer in (head, get):
                    answer.fields.pop("date")
                self.assertEqual(head[:2], get[:2])
                self.assertEqual(int(get.fields["content-length"]), len(get.content))

    def test_a_deadline_that_passes_is_504(self):
        answer = self.burn(b"X-Deadline-Ms: 30")
        self.assertEqual((answer.status, json.loads(answer.content)["code"]), (504, "deadline_exceeded"))

    def test_what_a_handler_refuses_is_a_problem_in_its_words(self):
        for path, content, words in ((b"/h/search", b'{"value": "ring"}', "Error: invalid action 'None'."),
                                     (b"/h/search", b'{"action": 5}', "Error: invalid action '5'."),
                                     (b"/h/burn", b"{}", "ms must be an integer from 0 to 86400000")):
            with self.subTest(path=path, content=content):
                answer = self.ask(b"POST", path, content)
                self.assertEqual((answer.status, answer.fields["content-type"]), (400, "application/problem+json"))
                said = json.loads(answer.content)
                self.assertEqual((said["code"], said["detail"]), ("invalid_argument", words))

    def burn(self, *fields):
        content = json.dumps({"action": "burn", "ms": JOB_MS}).encode()
        return self.ask(b"POST", b"/h/burn", content, b"Content-Type: application/json", *fields)

    def test_a_deadline_that_is_none_is_400_and_the_connection_goes_on(self):
        for value in (b"0", b"-1", b"+5", b"abc", b"", b"1e3", b"5 5", b"0x10", b"86400001", b"99999999999999999999"):
            with self.subTest(value=value):
                answer = self.ask(b"POST", b"/h/echo", b"x", b"X-Deadline-Ms: " + value)
                self.assertEqual(answer.status, 400)
                self.assertNotIn("connection", answer.fields)

    def test_queries_are_json_for_handlers(self):
        for query, expected in ((b"a=b", {"a": "b"}), (b"a=%22%7D&b", {"a": '"}', "b": ""}),
                                (b"a+b=c+d", {"a b": "c d"}), (b"&&a=b&", {"a": "b"}),
                                (b"%F0%9F%90%B6=1", {"🐶": "1"}), (b"a=b=c", {"a": "b=c"}),
                                (b"", {}), (b"a=/?:@", {"a": "/?:@"})):
            with self.subTest(query=query):
                answer = self.ask(b"GET", b"/h/echo?" + query)
                self.assertEqual(json.loads(answer.content), {"action": "echo", **expected})
        for query in (b"a=1&a=2", b"a=%", b"a=%00", b"a=%zz", b"%ff=1", b"action=x", b"%61ction=x"):
            with self.subTest(query=query):
                self.assertEqual(self.ask(b"GET", b"/h/echo?" + query).status, 400)


class Overload(unittest.TestCase):
    def test_503_says_when_to_come_again(self):
        """One process, one job that may wait: of eight at once, some are refused, and the others answered."""
        with Server(listener("127.0.0.1:0"), queue=1) as server:
            content = json.dumps({"action": "burn", "ms": JOB_MS})
            clients = [http.client.HTTPConnection("127.0.0.1", server.ports[0], timeout=TIMEOUT) for _ in range(8)]
            with contextlib.ExitStack() as stack:
                for client in clients:
                    stack.enter_context(contextlib.closing(client))
                    client.request("POST", "/h/burn", content, {"Content-Type": "application/json"})
                said = [client.getresponse() for client in clients]
                contents = [answer.read() for answer in said]
                refused = [answer for answer in said if answer.status != 200]
                self.assertTrue(0 < len(refused) < 8, [answer.status for answer in said])
                for answer in refused:
                    self.assertEqual(answer.status, 503)
                    self.assertGreaterEqual(int(answer.getheader("Retry-After")), 1)
                    self.assertEqual(answer.getheader("Content-Type"), "application/problem+json")
                self.assertEqual(sum(b"overloaded" in content for content in contents), len(refused))
                for client in clients:  # none of the connections is lost by it
                    client.request("GET", "/hello")
                    self.assertEqual(client.getresponse().read(), HELLO)


if __name__ == "__main__":
    tried.main()
