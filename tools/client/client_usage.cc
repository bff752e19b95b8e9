#include "tools/client/client_options.h"

namespace windlass {

absl::string_view ClientUsage() {
  return R"(usage: windlass [OPTION]... COMMAND ADDRESS [ARGUMENT]...
       windlass run --library=LIBRARY [OPTION]... FILE

Speaks every protocol of windlassd from the shell, and runs handlers without a server.

message protocol
  search ADDRESS VALUE     look VALUE up; prints the result
  binary ADDRESS VALUE     send bytes of a type of their own; prints the bytes of the answer
  send   ADDRESS FILE      send FILE (- is standard input); prints the content of the answer
    --handler=NAME           route by name
    --content-type=TYPE      default binary/custom-client-binary-type
    --content-encoding=ENC   default utf-8 for text/..., else binary
    --header=KEY=VALUE       one more header key, a string (repeatable)
    --deadline-ms=N          answer or error within N ms
    --request-id=ID          to be echoed by the server
  image  ADDRESS IN OUT    send the picture IN to the handler image; OUT gets what it makes (- is standard
                           output); its ending says the format (png, jpg, ppm, pgm), else that of IN
    --op=OP                  grayscale, invert, blur, resize, thumbnail, rotate or flip
    --radius=N               of blur, 1 to 128
    --width=N                of resize
    --height=N
    --size=N                 of thumbnail: of the longer side
    --degrees=N              of rotate: 90, 180 or 270, clockwise
    --direction=D            of flip: horizontal or vertical
    --format=FORMAT          png, jpeg, ppm or pgm, whatever OUT's ending is
    --quality=N              of JPEG, 1 to 100
    --handler=NAME           these three as for send; default of the first: image
    --deadline-ms=N
    --request-id=ID
  infer  ADDRESS FILE      send FILE (- is standard input) to the handler infer: rows of numbers as JSON, or as
                           float32 of this machine; prints what the network makes of them, in the same form
    --handler=NAME           these three as for send; default of the first: infer
    --deadline-ms=N
    --request-id=ID
other protocols
  echo   ADDRESS TEXT      send TEXT to an echo listener; prints what comes back
  multi  ADDRESS CONNECTIONS [MESSAGE]...
                           many echo connections at once, from one selector loop
  line   ADDRESS           send the lines of standard input; prints the answers
  length ADDRESS FILE      send FILE after its length; prints the answer
    --no-half-close          line, length: do not shut down the write side after the last request
                             (for listeners with half_close = "cancel")
for authors of handlers: one handler on one payload, in this process
  run    FILE              run a handler on FILE (- is standard input); prints the content of the answer
    --library=LIBRARY        the shared library: a path, or a name in the folder of plug-ins
    --builtin=NAME           a built-in handler instead
    --handler=NAME           the handler of the library, where it has several
    --option=KEY=VALUE       an option of the handler: a TOML value, else a string (repeatable)
    --content-type=TYPE      these three as for send
    --content-encoding=ENC
    --header=KEY=VALUE
    --deadline=DURATION      what the handler is told, as in 5s; default: none
    --processes=N            the same, of how many processes there are: what splits jobs for so many
                             is run part by part; default: 1

options (not of run)
  --json           a machine readable result on standard output
  --show-wire      the bytes both ways, readable, on standard error
  --timeout=10s    of the whole operation (line: of an answer); 0 = no limit. Where --deadline-ms is
                   longer, the default is that and 5 s
  --help, --version  of run, too

ADDRESS is HOST:PORT, [IPV6]:PORT, :PORT (this machine) or unix:/PATH.
Exit code: 0 answered, 1 error answer, 2 usage, 3 connection, 4 timeout.
)";
}

}  // namespace windlass
