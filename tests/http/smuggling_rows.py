"""Requests that two readers might understand differently, and those beside them that must be understood: for each,
what is sent, the status of the answer, and whether the connection goes on after it. The listener takes 8 KiB of head
and 100000 bytes of content."""
from typing import NamedTuple, Optional

CLOSES, GOES_ON = False, True
MAX_HEADER, MAX_CONTENT = 8 << 10, 100_000


class Row(NamedTuple):
    name: str
    request: bytes
    status: int
    goes_on: bool
    content: Optional[bytes] = None  # of the answer, where it says what the server has read
    is_head: bool = False            # the answer has no content
    one_of_many: bool = False        # alike: not cut at every point


def lines(*all_lines, content=b""):
    return b"".join(line + b"\r\n" for line in all_lines) + b"\r\n" + content


def get(*fields, target=b"/hello", version=b"HTTP/1.1", method=b"GET", host=b"Host: a"):
    return lines(b"%s %s %s" % (method, target, version), host, *fields)


def post(*fields, content=b"", version=b"HTTP/1.1"):
    return lines(b"POST /h/echo " + version, b"Host: a", *fields, content=content)


def chunked(content, *fields):
    return post(b"Transfer-Encoding: chunked", *fields, content=content)


HELLO = b"5\r\nhello\r\n0\r\n\r\n"  # in chunks


def length_and_coding():
    length, coding = b"Content-Length: 15", b"Transfer-Encoding: chunked"
    for version in (b"HTTP/1.1", b"HTTP/1.0"):
        name = version[-3:].decode()
        yield Row(f"length_then_coding_{name}", post(length, coding, content=HELLO, version=version), 400, CLOSES)
        yield Row(f"coding_then_length_{name}", post(coding, length, content=HELLO, version=version), 400, CLOSES)
    yield Row("length_0_and_coding", post(b"Content-Length: 0", coding, content=HELLO), 400, CLOSES)
    yield Row("coding_alone_1.0", post(coding, content=HELLO, version=b"HTTP/1.0"), 400, CLOSES)
    yield Row("coding_and_length_of_a_get", get(coding, length), 400, CLOSES)


def lengths():
    def row(name, value, status=400, goes_on=CLOSES, content=b"hello", answer=None):
        return Row(f"length_{name}", post(b"Content-Length:" + value, content=content), status, goes_on, answer)
    yield row("right", b" 5", 200, GOES_ON, answer=b"hello")
    yield row("without_space", b"5", 200, GOES_ON, answer=b"hello")
    yield row("with_spaces_around", b" \t 5 \t ", 200, GOES_ON, answer=b"hello")
    yield row("with_zeros", b" 0000000000000000000000005", 200, GOES_ON, answer=b"hello")
    yield row("0", b" 0", 200, GOES_ON, content=b"", answer=b"")
    for name, value in {
            "plus": b" +5", "minus": b" -5", "minus_0": b" -0", "with_space_within": b" 5 0", "list": b" 5, 5",
            "list_without_space": b" 5,5", "list_that_differs": b" 5, 6", "list_with_comma_alone": b" 5,",
            "hexadecimal": b" 0x5", "with_letter": b" 5a", "empty": b"", "blank": b" ", "fraction": b" 5.0",
            "exponent": b" 5e0", "parameter": b" 5;a", "quoted": b' "5"', "with_nul": b" 5\x00", "nul_first": b" \x005",
            "vertical_tab": b" \x0b5", "form_feed": b" 5\x0c", "not_ascii": b" \xb2", "underscore": b" 5_0",
            "over_64_bits": b" 18446744073709551616", "far_over_64_bits": b" " + b"9" * 60}.items():
        yield row(name, value)
    for name, value in {"over_the_limit": b" 100001", "of_63_bits": b" 9223372036854775807",
                        "of_64_bits": b" 18446744073709551615"}.items():
        yield row(name, value, 413)
    five, six = b"Content-Length: 5", b"Content-Length: 6"
    yield Row("length_twice", post(five, five, content=b"hello"), 400, CLOSES)
    yield Row("length_twice_in_another_case", post(five, b"content-length: 5", content=b"hello"), 400, CLOSES)
    yield Row("lengths_that_differ", post(five, six, content=b"hello!"), 400, CLOSES)
    yield Row("length_and_empty_length", post(five, b"Content-Length:", content=b"hello"), 400, CLOSES)
    yield Row("length_0_twice_of_a_get", get(b"Content-Length: 0", b"Content-Length: 0"), 400, CLOSES)
    yield Row("length_with_space_before_colon", post(b"Content-Length : 5", content=b"hello"), 400, CLOSES)
    yield Row("length_with_underscore_is_another_field", post(b"Content_Length: 5"), 200, GOES_ON, b"")
    yield Row("no_length_is_no_content", post(), 200, GOES_ON, b"")
    yield Row("no_length_1.0", post(version=b"HTTP/1.0"), 411, CLOSES)
    yield Row("get_with_content", get(b"Content-Length: 5") + b"hello", 400, CLOSES)
    yield Row("get_with_length_0", get(b"Content-Length: 0"), 200, GOES_ON)
    yield Row("get_with_chunks", get(b"Transfer-Encoding: chunked") + HELLO, 400, CLOSES)
    yield Row("head_with_content", get(b"Content-Length: 5", method=b"HEAD") + b"hello", 400, CLOSES, is_head=True)
    yield Row("empty_line_behind_a_content", post(five, content=b"hello\r\n"), 200, GOES_ON, b"hello")


def codings():
    def row(name, *fields):
        return Row(f"coding_{name}", post(*fields, content=HELLO), 400, CLOSES)
    te = b"Transfer-Encoding: "
    for name, value in {"in_capitals": b"CHUNKED", "with_spaces": b" \tchunked\t "}.items():
        yield Row(f"coding_{name}", post(te + value, content=HELLO), 200, GOES_ON, b"hello")
    for name, value in {
            "twice_in_a_list": b"chunked, chunked", "before_it": b"gzip, chunked", "after_it": b"chunked, gzip",
            "identity": b"identity", "identity_after": b"chunked, identity", "identity_before": b"identity, chunked",
            "unknown": b"cow", "misspelt": b"xchunked", "too_long": b"chunkedx", "too_short": b"chunke",
            "with_parameter": b"chunked;q=1", "with_empty_parameter": b"chunked;", "vertical_tab": b"\x0bchunked",
            "form_feed": b"chunked\x0c", "nul": b"\x00chunked", "nul_behind": b"chunked\x00", "empty": b"",
            "quoted": b'"chunked"', "comma_first": b",chunked", "comma_last": b"chunked,", "split": b"chu nked",
            "not_ascii": b"\xffchunked", "kelvin": "chun\u212aed".encode(), "colon": b": chunked"}.items():
        yield row(name, te + value)
    yield row("in_two_fields", te + b"chunked", te + b"chunked")
    yield row("in_two_fields_with_identity", te + b"identity", te + b"chunked")
    yield row("and_unknown_field", te + b"chunked", te + b"x")
    yield row("with_space_before_colon", b"Transfer-Encoding : chunked")
    yield row("with_tab_before_colon", b"Transfer-Encoding\t: chunked")
    yield row("with_nul_in_name", b"Transfer\x00-Encoding: chunked")
    yield row("in_a_continued_line", b"Transfer-Encoding:", b" chunked")
    yield row("after_a_bare_cr", b"X: y\rTransfer-Encoding: chunked")
    yield row("after_a_bare_lf", b"X: y\nTransfer-Encoding: chunked")
    yield Row("coding_with_underscore_is_another_field", post(b"Transfer_Encoding: chunked"), 200, GOES_ON, b"")


def good_chunks():
    def row(name, content, answer=b"hello"):
        return Row(f"chunks_{name}", chunked(content), 200, GOES_ON, answer)
    yield row("of_one", HELLO)
    yield row("of_none", b"0\r\n\r\n", b"")
    yield row("of_several", b"1\r\nh\r\n1\r\ne\r\n3\r\nllo\r\n0\r\n\r\n")
    yield row("with_zeros", b"0000000000000005\r\nhello\r\n000\r\n\r\n")
    yield row("in_capital_hexadecimal", b"A\r\nhellohello\r\n0\r\n\r\n", b"hellohello")
    yield row("in_small_hexadecimal", b"a\r\nhellohello\r\n0\r\n\r\n", b"hellohello")
    yield row("with_extension", b"5;a\r\nhello\r\n0;b=c\r\n\r\n")
    yield row("with_quoted_extension", b'5;a="b;\\"c"\r\nhello\r\n0\r\n\r\n')
    yield row("with_trailers", b"5\r\nhello\r\n0\r\nX: y\r\nZ:\r\n\r\n")
    yield row("that_look_like_chunks", b"6\r\n0\r\n\r\nX\r\n0\r\n\r\n", b"0\r\n\r\nX")
    # Trailers are dropped: they change nothing of the message (RFC 9110 section 6.5).
    yield row("with_trailer_that_closes", b"5\r\nhello\r\n0\r\nConnection: close\r\n\r\n")
    yield row("with_trailer_host", b"5\r\nhello\r\n0\r\nHost: b\r\n\r\n")
    yield Row("chunks_with_a_get_behind", chunked(b"5\r\nhello\r\n0\r\n\r\n\r\n"), 200, GOES_ON, b"hello")


def bad_chunks():
    def row(name, content):
        return Row(f"bad_chunk_{name}", chunked(content), 400, CLOSES)
    rest = b"hello\r\n0\r\n\r\n"
    for name, size in {
            "size_empty": b"", "size_plus": b"+5", "size_minus": b"-5", "size_0x": b"0x5", "size_letter": b"g",
            "size_then_letter": b"5g", "space_before_size": b" 5", "tab_before_size": b"\t5", "size_underscore": b"5_",
            "space_after_size": b"5 ", "tab_after_size": b"5\t", "size_of_two": b"5 5", "size_comma": b"5,5",
            "size_quoted": b'"5"', "size_fraction": b"5.0", "size_nul": b"5\x00", "nul_size": b"\x005",
            "size_h": b"5h", "size_not_ascii": b"\xb5", "size_vertical_tab": b"5\x0b",
            "size_over_64_bits": b"10000000000000005", "size_far_over_64_bits": b"f" * 40,
            "extension_unnamed": b"5;", "extension_without_name": b"5;=a", "extension_unquoted": b'5;a="b',
            "extension_of_two_words": b"5;a=b c", "extension_bare_cr": b"5;a\rb", "extension_nul": b"5;a\x00",
            "extension_in_brackets": b"5;(a)", "size_then_cr": b"5\r"}.items():
        yield row(name, size + b"\r\n" + rest)
    yield row("size_line_lf", b"5\n" + rest)
    yield row("size_line_cr", b"5\r" + rest)
    yield row("extension_lf", b"5;a\n" + rest)
    yield row("extension_with_lf_in_quotes", b'5;a="\n"\r\n' + rest)
    yield row("no_end", b"5\r\nhello0\r\n\r\n")
    yield row("end_lf", b"5\r\nhello\n0\r\n\r\n")
    yield row("end_cr", b"5\r\nhello\r0\r\n\r\n")
    yield row("end_cr_cr_lf", b"5\r\nhello\r\r\n0\r\n\r\n")
    yield row("end_lf_cr", b"5\r\nhello\n\r0\r\n\r\n")
    yield row("too_long", b"5\r\nhello!\r\n0\r\n\r\n")
    yield row("too_short", b"5\r\nhell\r\n0\r\n\r\n")
    yield row("end_twice", b"5\r\nhello\r\n\r\n0\r\n\r\n")
    yield row("last_lf", b"5\r\nhello\r\n0\n\r\n")
    yield row("last_cr", b"5\r\nhello\r\n0\r\r\n\r\n")
    yield row("last_minus", b"5\r\nhello\r\n-0\r\n\r\n")
    yield row("last_space", b"5\r\nhello\r\n0 \r\n\r\n")
    yield row("last_then_text", b"5\r\nhello\r\n0\r\nx\r\n\r\n")
    yield row("last_then_lf", b"5\r\nhello\r\n0\r\n\n\r\n\r\n")
    for name, trailer in {
            "without_colon": b"X", "without_name": b": y", "space_before_colon": b"X : y", "nul": b"X: \x00",
            "control_in_name": b"X\x01: y", "bare_cr": b"X: y\rZ: a", "bare_lf": b"X: y\nZ: a",
            "space_first": b" X: y", "delete": b"X: \x7f", "request_line": b"GET /smuggled HTTP/1.1"}.items():
        yield row(f"trailer_{name}", b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n")
    # What nobody may have in a trailer changes nothing either, but is a sign of somebody who tries.
    yield row("trailer_length", b"5\r\nhello\r\n0\r\nContent-Length: 5\r\n\r\n")
    yield row("trailer_coding", b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n")


def large_chunks():
    rest = b"\r\nhello\r\n0\r\n\r\n"
    yield Row("chunk_of_64_bits", chunked(b"ffffffffffffffff" + rest), 413, CLOSES)
    yield Row("chunk_of_63_bits", chunked(b"7fffffffffffffff" + rest), 413, CLOSES)
    yield Row("chunk_over_the_limit", chunked(b"%x\r\n" % (MAX_CONTENT + 1) + b"a" * 100), 413, CLOSES)
    yield Row("chunks_over_the_limit_in_all", chunked(b"c350\r\n" + b"a" * 50_000 + b"\r\nc351\r\n"), 413, CLOSES)
    yield Row("one_long_extension", chunked(b"5;" + b"a" * 9000 + rest), 400, CLOSES)
    yield Row("one_endless_extension", chunked(b"5;" + b"a" * 50_000), 400, CLOSES)
    yield Row("many_small_extensions", chunked(b"1;ext=value\r\na\r\n" * 2000 + b"0\r\n\r\n"), 400, CLOSES)
    yield Row("extensions_in_limits", chunked(b"1;ext=value\r\na\r\n" * 500 + b"0\r\n\r\n"), 200, GOES_ON, b"a" * 500)
    yield Row("long_trailers", chunked(b"0\r\n" + b"X: y\r\n" * 3000 + b"\r\n"), 400, CLOSES)
    yield Row("one_long_trailer", chunked(b"0\r\nX: " + b"y" * 20_000 + b"\r\n\r\n"), 400, CLOSES)
    yield Row("size_with_too_many_digits", chunked(b"0" * 9000 + b"5" + rest), 400, CLOSES)


def message_lines():
    def row(name, request):
        return Row(name, request, 400, CLOSES)
    host = b"Host: a\r\n"
    yield row("bare_lf_all_over", b"GET /hello HTTP/1.1\nHost: a\n\n")
    yield row("bare_lf_behind_the_request_line", b"GET /hello HTTP/1.1\n" + host + b"\r\n")
    yield row("bare_lf_behind_a_field", b"GET /hello HTTP/1.1\r\nHost: a\n\r\n")
    yield row("bare_lf_at_the_end", b"GET /hello HTTP/1.1\r\n" + host + b"\n")
    yield row("bare_lf_in_the_target", b"GET /hel\nlo HTTP/1.1\r\n" + host + b"\r\n")
    yield row("bare_cr_in_the_target", b"GET /hel\rlo HTTP/1.1\r\n" + host + b"\r\n")
    yield row("bare_cr_behind_the_method", b"GET\r/hello HTTP/1.1\r\n" + host + b"\r\n")
    yield row("bare_cr_behind_the_request_line", b"GET /hello HTTP/1.1\r" + host + b"\r\n")
    yield row("two_cr_behind_the_request_line", b"GET /hello HTTP/1.1\r\r\n" + host + b"\r\n")
    yield row("bare_cr_in_a_value", get(b"X: y\rz"))
    yield row("bare_cr_before_a_value", get(b"X:\ry"))
    yield row("bare_cr_at_the_end_of_a_value", get(b"X: y\r"))
    yield row("bare_cr_in_a_name", get(b"X\rY: z"))
    yield row("bare_cr_at_the_end", b"GET /hello HTTP/1.1\r\n" + host + b"\r\r\n")
    yield row("cr_alone_for_the_empty_line", b"GET /hello HTTP/1.1\r\n" + host + b"\rGET / HTTP/1.1\r\n\r\n")
    yield row("continued_with_space", get(b"X: y", b" z"))
    yield row("continued_with_tab", get(b"X: y", b"\tz"))
    yield row("continued_with_nothing", get(b"X: y", b" "))
    yield row("continued_host", lines(b"GET /hello HTTP/1.1", b"Host:", b" a"))
    yield row("continued_request_line", lines(b"GET /hello HTTP/1.1", b" Host: a", b"Host: b"))
    yield row("continued_request_line_by_tab", lines(b"GET /hello HTTP/1.1", b"\tHost: a", b"Host: b"))
    yield row("space_before_the_request_line", b" " + get())
    yield row("tab_before_the_request_line", b"\t" + get())
    yield row("space_before_colon", get(b"X : y"))
    yield row("tab_before_colon", get(b"X\t: y"))
    yield row("space_in_a_name", get(b"X Y: z"))
    yield row("no_colon", get(b"X"))
    yield row("no_name", get(b": y"))
    yield row("lf_before_the_request", b"\n" + get())
    yield row("cr_before_the_request", b"\r" + get())
    yield row("three_empty_lines_before_the_request", b"\r\n\r\n\r\n" + get())
    yield Row("one_empty_line_before_the_request", b"\r\n" + get(), 200, GOES_ON)
    yield Row("tab_in_a_value", get(b"X: y\tz"), 200, GOES_ON)
    yield Row("empty_value", get(b"X:"), 200, GOES_ON)
    yield Row("value_of_latin_1", get(b"X: caf\xe9"), 200, GOES_ON)


def request_lines():
    def row(name, line, status=400, goes_on=CLOSES):
        return Row(name, lines(line, b"Host: a"), status, goes_on)
    yield Row("http_0.9", b"GET /hello\r\n\r\n", 400, CLOSES)
    yield Row("http_0.9_alone", b"GET /hello\r\n", 400, CLOSES)
    yield Row("http_2_preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, CLOSES)
    yield row("version_0.9", b"GET /hello HTTP/0.9", 505)
    yield row("version_2.0", b"GET /hello HTTP/2.0", 505)
    yield row("version_3.0", b"GET /hello HTTP/3.0", 505)
    # RFC 9110 section 2.5 has servers take them for the highest minor version that they know; the parser cannot, and
    # nobody sends them.
    yield row("version_1.2", b"GET /hello HTTP/1.2", 505)
    yield row("version_1.9", b"GET /hello HTTP/1.9", 505)
    for name, version in {"in_small_letters": b"http/1.1", "mixed": b"Http/1.1", "without_minor": b"HTTP/1",
                          "two_digits": b"HTTP/1.10", "zero_first": b"HTTP/01.1", "comma": b"HTTP/1,1",
                          "space": b"HTTP/ 1.1", "of_another": b"ICY/1.1", "empty": b"", "only": b"HTTP/",
                          "sign": b"HTTP/+1.1", "space_behind": b"HTTP/1.1 ", "tab_behind": b"HTTP/1.1\t",
                          "text_behind": b"HTTP/1.1 x", "letter": b"HTTP/1.x", "of_h2": b"HTTP/2",
                          "twice": b"HTTP/1.1 HTTP/1.1"}.items():
        yield row(f"version_{name}", b"GET /hello " + version)
    yield row("no_version", b"GET /hello")
    yield row("method_alone", b"GET")
    yield row("two_spaces_behind_the_method", b"GET  /hello HTTP/1.1")
    yield row("two_spaces_behind_the_target", b"GET /hello  HTTP/1.1")
    yield row("tab_behind_the_method", b"GET\t/hello HTTP/1.1")
    yield row("tab_behind_the_target", b"GET /hello\tHTTP/1.1")
    yield row("space_in_the_target", b"GET /hel lo HTTP/1.1")
    yield row("no_method", b" /hello HTTP/1.1")
    yield row("no_target", b"GET  HTTP/1.1")
    yield row("no_target_at_all", b"GET HTTP/1.1")
    yield row("method_unknown", b"BREW /hello HTTP/1.1", 501)
    yield row("method_in_small_letters", b"get /hello HTTP/1.1", 501)
    yield row("method_that_begins_right", b"GETS /hello HTTP/1.1", 501)
    for method in (b"PUT", b"DELETE", b"PATCH", b"TRACE"):
        yield row(f"method_{method.decode()}", method + b" /hello HTTP/1.1", 405, GOES_ON)
    yield row("method_CONNECT", b"CONNECT a:80 HTTP/1.1", 405, GOES_ON)
    yield Row("method_PUT_with_content", get(b"Content-Length: 5", method=b"PUT") + b"hello", 405, GOES_ON)
    yield Row("method_PUT_with_chunks", get(b"Transfer-Encoding: chunked", method=b"PUT") + HELLO, 405, CLOSES)
    yield Row("method_HEAD", get(method=b"HEAD"), 200, GOES_ON, is_head=True)
    yield Row("method_OPTIONS_of_all", get(method=b"OPTIONS", target=b"*"), 204, GOES_ON)
    yield Row("method_OPTIONS_of_one", get(method=b"OPTIONS"), 204, GOES_ON)
    yield Row("method_OPTIONS_with_content", get(b"Content-Length: 5", method=b"OPTIONS") + b"hello", 204, GOES_ON)
    yield Row("unknown_path", get(target=b"/nothing"), 404, GOES_ON)
    yield Row("unknown_path_with_content", lines(b"POST /nothing HTTP/1.1", b"Host: a", b"Content-Length: 5",
                                                 content=b"hello"), 404, GOES_ON)
    yield Row("unknown_path_with_chunks", lines(b"POST /nothing HTTP/1.1", b"Host: a", b"Transfer-Encoding: chunked",
                                                content=HELLO), 404, CLOSES)


def every_byte():
    """Each byte that must not be where it is."""
    controls = [*range(0x20), 0x7f]
    for byte in [*controls, *b' "(),/;<=>?@[\\]{}', 0x80, 0xff]:
        if byte != 0x0a:
            yield Row(f"name_with_{byte:02x}", get(b"X%cY: z" % byte), 400, CLOSES, one_of_many=True)
    for byte in controls:
        if byte not in (0x09, 0x0a):
            yield Row(f"value_with_{byte:02x}", get(b"X: y%cz" % byte), 400, CLOSES, one_of_many=True)
            yield Row(f"value_that_begins_with_{byte:02x}", get(b"X: %cz" % byte), 400, CLOSES, one_of_many=True)
        if byte != 0x0a:
            yield Row(f"target_with_{byte:02x}", get(target=b"/hel%clo" % byte), 400, CLOSES, one_of_many=True)
    for byte in [*controls, *b'"(),/:;<=>?@[\\]{}', 0x80, 0xff]:
        if byte != 0x0a:
            yield Row(f"method_with_{byte:02x}", get(method=b"G%cT" % byte), 400, CLOSES, one_of_many=True)
    # The end of these is known.
    for byte in [*b'"#<>\\^`{|}', 0x80, 0xc3, 0xff]:
        yield Row(f"target_with_{byte:02x}", get(target=b"/hel%clo" % byte), 400, GOES_ON, one_of_many=True)


def hosts():
    def row(name, value, status=400, goes_on=CLOSES):
        return Row(f"host_{name}", get(host=b"Host:" + value), status, goes_on)
    for name, value in {"empty": b"", "name": b" example.org", "port": b" a:80", "empty_port": b" a:",
                        "address": b" 127.0.0.1:80", "address_6": b" [::1]:80", "address_6_alone": b" [::1]",
                        "escaped": b" a%2db", "underscore": b" a_b"}.items():
        yield row(name, value, 200, GOES_ON)
    for name, value in {
            "path": b" a/b", "space": b" a b", "at": b" u@a", "url": b" http://a/", "query": b" a?b", "fragment": b" a#b",
            "backslash": b" a\\b", "not_ascii": b" \xe9", "list": b" a, b", "tab": b" a\tb", "quoted": b' "a"',
            "port_that_is_none": b" a:b", "two_ports": b" a:80:80", "port_with_sign": b" a:-1",
            "half_address_6": b" [::1", "address_6_unbracketed": b" ::1", "bracket_within": b" a[b]",
            "bad_escape": b" a%zz", "half_escape": b" a%2", "port_behind_nothing_but_text": b" [::1]x"}.items():
        yield row(name, value)
    yield Row("no_host", lines(b"GET /hello HTTP/1.1"), 400, CLOSES)
    yield Row("no_host_with_absolute_target", lines(b"GET http://a/hello HTTP/1.1"), 400, CLOSES)
    yield Row("no_host_1.0", lines(b"GET /hello HTTP/1.0"), 200, CLOSES)
    yield Row("host_twice", get(b"Host: a"), 400, CLOSES)
    yield Row("host_twice_1.0", get(b"Host: a", version=b"HTTP/1.0"), 400, CLOSES)
    yield Row("hosts_that_differ", get(b"hOST: b"), 400, CLOSES)
    yield Row("host_with_space_before_colon", get(host=b"Host : a"), 400, CLOSES)


def targets():
    def row(name, target, status, goes_on=GOES_ON):
        return Row(f"target_{name}", get(target=target), status, goes_on)
    for name, target in {"query": b"/hello?a=b&c", "empty_query": b"/hello?", "escaped": b"/%68ell%6F",
                         "absolute": b"http://a/hello", "absolute_of_another_host": b"http://b/hello",
                         "absolute_with_port": b"http://a:80/hello", "absolute_in_capitals": b"HTTP://a/hello"}.items():
        yield row(name, target, 200)
    for name, target in {
            "asterisk_of_a_get": b"*", "authority": b"a:80", "no_slash": b"hello", "absolute_without_host": b"http:///hello",
            "absolute_with_port_alone": b"http://:80/hello", "absolute_with_user": b"http://u@a/hello",
            "other_scheme": b"ftp://a/hello", "scheme_alone": b"http:", "one_slash": b"http:/hello",
            "bad_escape": b"/hel%zzlo", "half_escape": b"/hello%4", "escaped_nul": b"/hello%00"}.items():
        yield row(name, target, 400)
    yield row("absolute_without_path", b"http://a", 404)
    yield row("two_slashes", b"//hello", 404)
    yield row("dots", b"/x/../hello", 404)
    yield row("in_other_case", b"/HELLO", 404)


def limits():
    yield Row("line_too_long", get(target=b"/" + b"a" * 9000), 414, CLOSES)
    yield Row("line_without_end", b"GET /" + b"a" * 9000, 414, CLOSES)
    yield Row("method_without_end", b"A" * 9000, 414, CLOSES)
    yield Row("head_too_large", get(b"X: " + b"a" * 9000), 431, CLOSES)
    yield Row("head_too_large_by_many", get(*[b"X%d: %s" % (i, b"a" * 100) for i in range(100)]), 431, CLOSES)
    yield Row("head_without_end", get(b"X: " + b"a" * 9000)[:-4], 431, CLOSES)
    yield Row("too_many_fields", get(*[b"X: y"] * 200), 431, CLOSES)
    yield Row("content_at_the_limit", post(b"Content-Length: 100000", content=b"a" * 100_000), 200, GOES_ON, b"a" * 100_000)
    yield Row("content_over_the_limit", post(b"Content-Length: 100001", content=b"a" * 100_001), 413, CLOSES)


def expectations():
    five = b"Content-Length: 5"
    yield Row("expect_continue", post(five, b"Expect: 100-continue", content=b"hello"), 200, GOES_ON, b"hello")
    yield Row("expect_continue_in_capitals", post(five, b"Expect: 100-CONTINUE", content=b"hello"), 200, GOES_ON, b"hello")
    yield Row("expect_continue_with_chunks", chunked(HELLO, b"Expect: 100-continue"), 200, GOES_ON, b"hello")
    yield Row("expect_continue_of_a_get", get(b"Expect: 100-continue"), 200, GOES_ON)
    yield Row("expect_something", post(five, b"Expect: a-miracle", content=b"hello"), 417, CLOSES)
    yield Row("expect_two_things", post(five, b"Expect: 100-continue, x", content=b"hello"), 417, CLOSES)
    yield Row("expect_1.0", post(five, b"Expect: 100-continue", content=b"hello", version=b"HTTP/1.0"), 200, CLOSES, b"hello")


def persistence():
    for name, field in {"close": b"Connection: close", "close_in_capitals": b"CONNECTION: CLOSE",
                        "close_in_a_list": b"Connection: x, close", "close_and_keep_alive": b"Connection: close, keep-alive",
                        "keep_alive_and_close": b"Connection: keep-alive, close"}.items():
        yield Row(f"connection_{name}", get(field), 200, CLOSES)
    yield Row("connection_unknown", get(b"Connection: x"), 200, GOES_ON)
    yield Row("connection_upgrade", get(b"Connection: Upgrade", b"Upgrade: websocket"), 200, GOES_ON)
    yield Row("connection_upgrade_h2c", get(b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c",
                                            b"HTTP2-Settings: AAMAAABk"), 200, GOES_ON)
    yield Row("connection_1.0", get(version=b"HTTP/1.0"), 200, CLOSES)
    yield Row("connection_keep_alive_1.0", get(b"Connection: keep-alive", version=b"HTTP/1.0"), 200, GOES_ON)
    yield Row("connection_close_of_an_error", get(b"Connection: close", target=b"/nothing"), 404, CLOSES)
    yield Row("connection_close_with_content", post(b"Connection: close", b"Content-Length: 5", content=b"hello"), 200,
              CLOSES, b"hello")


def all_rows():
    groups = (length_and_coding, lengths, codings, good_chunks, bad_chunks, large_chunks, message_lines, request_lines,
              every_byte, hosts, targets, limits, expectations, persistence)
    rows = [row for group in groups for row in group()]
    names = [row.name for row in rows]
    doubled = {name for name in names if names.count(name) > 1}
    assert not doubled, doubled
    return rows
