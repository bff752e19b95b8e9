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
