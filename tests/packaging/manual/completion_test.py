"""The completion in bash offers what the programs take."""
import os
import pathlib
import pty
import re
import select
import tempfile
import time
import unittest

import manual

# Calls the function that `complete` has registered for the command, as readline would.
SCRIPT = """
source "$1"
_windlass_run=$3
COMP_LINE=$2 COMP_POINT=${#2} COMPREPLY=()
registered=$(complete -p "${2%% *}")
registered=${registered#*-F }
"${registered%% *}"
printf '%s\\n' "${COMPREPLY[@]}"
"""
PATH = f"{manual.BUILD}:/usr/bin:/bin"


def offered(line, run="/run"):
    done = manual.run("bash", "--norc", "-c", SCRIPT, "bash", manual.COMPLETION, line, run,
                      env={"PATH": PATH, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.split()


def options_in(words):
    return sorted(word.removeprefix("--").removesuffix("=") for word in words if word.startswith("--"))


def valued_options(program):
    """Those that the help shows with a value."""
    return set(re.findall(r"^ +--([a-z-]+)=", manual.help_of(program), re.MULTILINE))


class Terminal:
    """An interactive bash that has the completion, at the other end of a terminal."""

    def __enter__(self):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            settings = {"PATH": PATH, "LC_ALL": "C.UTF-8", "TERM": "dumb", "PS1": "> ", "HISTFILE": "/dev/null"}
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], settings)
        self.type(f"source {manual.COMPLETION}; bind 'set bell-style none'; echo rea''dy\n")
        self.read_until("ready\r\n> ")
        return self

    def __exit__(self, *_):
        os.close(self.fd)  # bash is hung up
        os.waitpid(self.pid, 0)

    def type(self, text):
        os.write(self.fd, text.encode())

    def read_until(self, text):
        """What has come, as soon as it ends with this; or what came in ten seconds."""
        seen, deadline = "", time.monotonic() + 10
        while not seen.endswith(text) and time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.1)[0]:
                seen += os.read(self.fd, 4096).decode()
        return seen


class Completion(unittest.TestCase):
    def test_each_option_and_command_of_help_is_offered_and_no_other(self):
        for program in sorted(manual.PAGE_OF):
            words = offered(f"{program} ")
            has_commands = program in ("windlass", "windlassctl")
            with self.subTest(program):
                self.assertEqual(options_in(words), sorted(manual.options_of(program)))
                self.assertEqual(sorted(word for word in words if not word.startswith("--")),
                                 sorted(manual.commands_of(program)) if has_commands else [])

    def test_options_that_take_a_value_end_with_an_equals_sign(self):
        for program in sorted(manual.PAGE_OF):
            words = offered(f"{program} --")
            with self.subTest(program):
                self.assertEqual({word[2:-1] for word in words if word.endswith("=")}, valued_options(program))

    def test_a_command_of_windlassctl_gets_its_own_options(self):
        common = options_in(offered("windlassctl version --"))
        for command, rest in manual.commands_of("windlassctl").items():
            with self.subTest(command):
                own = set(re.findall(r"--([a-z-]+)", rest))
                self.assertEqual(options_in(offered(f"windlassctl {command} --")), sorted(own | set(common)))

    def test_a_command_of_windlass_gets_its_own_options(self):
        own = {}
        for command, options in re.findall(r"^  ([a-z]+) .*\n((?:    .*\n)*)", manual.help_of("windlass"), re.MULTILINE):
            own[command] = set(re.findall(r"^    --([a-z-]+)", options, re.MULTILINE))
        own["line"] = own["length"]
        common = {"json", "show-wire", "timeout", "help", "version"}
        self.assertEqual(set().union(common, *own.values()), manual.options_of("windlass"))
        for command in manual.commands_of("windlass"):
            with self.subTest(command):
                expected = own[command] | (common if command != "run" else {"help", "version"})
                self.assertEqual(set(options_in(offered(f"windlass {command} -"))), expected)

    def test_log_levels_and_sizes_are_those_of_help(self):
        commands = manual.commands_of("windlassctl")
        levels = commands["log-level"].split()[0].split("|")
        self.assertEqual([word for word in offered("windlassctl log-level ") if word[0] != "-"], levels)
        sizes = re.findall(r"\[(\w+(?:=|\.))(?:N|NAME=N)", commands["scale"])
        self.assertEqual([word for word in offered("windlassctl scale ") if word[0] != "-"], sizes)

    def test_protocols_and_handlers_are_those_of_the_configuration(self):
        protocols = [f"{name}://" for name in manual.choices_of("listener.protocol")]
        self.assertEqual(offered("windlassd --listen "), protocols)
        self.assertEqual(offered("windlass-bench --target="), protocols)
        self.assertEqual(offered("windlass send :1 FILE --handler="), manual.choices_of("handler.builtin"))
        self.assertEqual(offered("windlass run --builtin="), manual.choices_of("handler.builtin"))
        self.assertEqual(offered("windlass-bench --handler "), manual.choices_of("handler.builtin"))

    def test_keys_to_set_are_those_that_a_command_line_can_set(self):
        plain = [f"{name}=" for name in manual.key_names() if not name.startswith(("listener.", "handler."))]
        self.assertEqual(sorted(offered("windlassd --set ")), sorted(plain))
        self.assertEqual(offered("windlassd --set=log.l"), ["log.level="])

    def test_instances_that_run_are_offered(self):
        with tempfile.TemporaryDirectory() as run:
            self.assertEqual(offered("windlassctl --instance=", run), [])
            for name in ["windlass", "windlass-images", "windlass-text", "other"]:
                (pathlib.Path(run) / name).mkdir()
            self.assertEqual(offered("windlassctl --instance=", run), ["images", "text"])
            self.assertEqual(offered("windlassctl status --instance t", run), ["text"])

    def test_files_are_offered_where_a_file_is_meant(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "windlass.toml"
            file.touch()
            for line in ["windlassd --config=", "windlassd --config ", "windlassctl --control=",
                         "windlass send 127.0.0.1:1 ", "windlass run ", "windlass run --library=",
                         "windlass length 127.0.0.1:1 ", "windlass echo unix:",
                         "windlassd --listen=line://unix:", "windlass-bench --target message://unix:"]:
                with self.subTest(line):
                    self.assertEqual(offered(f"{line}{folder}/w"), [str(file)])

    def test_a_word_that_bash_has_cut_goes_on_where_it_was_cut(self):
        self.assertEqual(offered("windlassd --listen=message:"), ["//"])
        self.assertEqual(offered("windlass search 127.0.0.1:6"), ["65432"])
        self.assertEqual(offered("windlassctl --timeout 5s sta"), ["status"])

    def test_what_readline_makes_of_it(self):
        for typed, line in [("windlassd --list\tli\t", "windlassd --listen=line://"),
                            ("windlassctl log-level w\t", "windlassctl log-level warning "),
                            ("windlassd --set=pool.queu\t", "windlassd --set=pool.queue="),
                            ("windlass search 12\t", "windlass search 127.0.0.1:65432 ")]:
            with self.subTest(typed), Terminal() as terminal:
                terminal.type(typed)
                self.assertEqual(terminal.read_until(line), line)

    def test_shellcheck_has_nothing_to_complain_about(self):
        manual.skip_unless_found(self, "shellcheck")
        checked = manual.run("shellcheck", manual.COMPLETION)
        self.assertEqual((checked.stdout, checked.returncode), ("", 0))


if __name__ == "__main__":
    manual.main()
