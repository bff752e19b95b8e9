#include "tools/ctl/ctl_options.h"

namespace windlass {

absl::string_view CtlUsage() {
  return R"(usage: windlassctl [OPTION]... COMMAND [ARGUMENT]...

Shows and changes what a running windlassd does.

to look
  status [--json]          the server, its processes, its totals
  top [--interval=SECONDS] the same, live, with rates: q ends it, h shows the keys
  connections [--json]     every client connection and what it waits for
  jobs [--json]            every job that runs or waits
  deaths [--json]          the latest processes that ended, and why
  quarantine [--json] [clear ID|all]
                           payloads that are refused because they crashed processes; clear:
                           let one, or all, run again
  version                  of windlassctl and of the server
to change; these wait until it is done and say how it went
  reload [--check]         read the configuration again; --check: only say whether it is good
  scale [workers=N|+N|-N] [pool=N|+N|-N] [pool.NAME=N|+N|-N] ... [--keep]
                           how many processes there are; --keep: over the next reloads, too
  upgrade                  replace the server by the binary that is now installed
  drain                    finish what is in flight, then end
  stop                     end now
  reopen-logs              after the log file has been moved away
  kill-job ID              end the process that runs this job; its client gets an error
  log-level debug|info|warning|error

options
  --control=PATH   the server's control socket. Else the first that exists of control.sock in
                   $RUNTIME_DIRECTORY, $XDG_RUNTIME_DIR/windlass, /run/windlass, /tmp/windlass-UID
  --instance=NAME  the server of the unit windlass@NAME.service: /run/windlass-NAME/control.sock
  --timeout=5s     of the whole command; 0 = no limit. The default is 5s, but 120s for reload,
                   scale, upgrade, drain and stop. The server goes on with what it has begun.
                   For top: of each question
  --color=auto     or always, never. auto: on a terminal, and not with NO_COLOR
  --interval=1     seconds between two looks of top, from 0.1 to 3600
  --help, --version

Options may stand before and after the command. On a terminal, tables are cut to its width.
Exit code: 0 done, 1 refused or failed, 2 usage, 3 server unreachable, 4 timeout.
)";
}

}  // namespace windlass
