"""The manual pages say what the programs say."""
import re
import tempfile
import unittest

import manual

README = manual.SOURCE / "README.md"
PROGRAMS = sorted(manual.PAGE_OF)


def readme_signals():
    """Each signal of the table in the README with the windlassctl command beside it."""
    rows = re.findall(r"^\| ([A-Z0-9, ]+) \|.*\| (?:`(\S+).*`|-) \|$", README.read_text(), re.MULTILINE)
    return {f"SIG{name}": command for names, command in rows for name in names.split(", ")}


def kill_reasons():
    """What the master writes down before it kills a process."""
    sources = "".join(path.read_text() for path in sorted((manual.SOURCE / "master").glob("*.cc")))
    calls = re.findall(r"\bKill(?:Running)?\(([^;{]*)[;{]", sources)
    return {text for call in calls for text in re.findall(r'"([^"]+)"', call)}


def used_options(text):
    """(program, option) for each option on a line of a page, after a program of ours."""
    for line in text.replace("\\\\\n", " ").replace("\\e\n", " ").splitlines():
        for program, rest in re.findall(r"\b(windlass(?:d|ctl|-bench)?)(?![\w.@:-])([^|&;]*)", line):
            for option in re.findall(r"(?<=\s)--([a-z][a-z-]*)", rest):
                yield program, option


def used_commands(text):
    for line in text.splitlines():
        yield from re.findall(r"(?:^[$#] |[|&] |\.Ql )(windlassctl|windlass) (?:--\S+ )*([a-z-]+)", line)


class ManualPages(unittest.TestCase):
    def test_each_option_of_help_has_one_item_and_no_other_has(self):
        for program in PROGRAMS:
            with self.subTest(program):
                self.assertEqual(sorted(manual.documented_options(manual.PAGE_OF[program])),
                                 sorted(manual.options_of(program)))

    def test_each_command_of_help_has_an_item_and_no_other_has(self):
        for program in ["windlass", "windlassctl"]:
            text = manual.page(manual.PAGE_OF[program])
            described = text[:text.index(".Sh STATUS")] if program == "windlassctl" else text
            with self.subTest(program):
                self.assertEqual(sorted(re.findall(r"^\.It Cm ([a-z-]+)", described, re.MULTILINE)),
                                 sorted(manual.commands_of(program)))

    def test_options_of_a_command_stand_beside_it_as_in_help(self):
        text = manual.page("windlassctl.8")
        for command, rest in manual.commands_of("windlassctl").items():
            item = re.search(rf"^\.It Cm {command}\b(.*)$", text, re.MULTILINE).group(1)
            with self.subTest(command):
                self.assertEqual(set(re.findall(r"Fl -([a-z-]+)", item)), set(re.findall(r"--([a-z-]+)", rest)))

    def test_options_in_text_and_examples_exist(self):
        for path in sorted(manual.PAGES.glob("*.[0-9]")):
            used = set(used_options(path.read_text()))
            for program, option in used:
                with self.subTest(page=path.name, program=program):
                    self.assertIn(option, manual.options_of(program))

    def test_commands_in_text_and_examples_exist(self):
        seen = 0
        for path in sorted(manual.PAGES.glob("*.[0-9]")):
            for program, command in used_commands(path.read_text()):
                seen += 1
                with self.subTest(page=path.name):
                    self.assertIn(command, manual.commands_of(program))
        self.assertGreater(seen, 30)

    def test_exit_statuses_are_those_of_help(self):
        for program in PROGRAMS:
            text = manual.section(manual.page(manual.PAGE_OF[program]), "EXIT STATUS")
            with self.subTest(program):
                self.assertEqual(set(re.findall(r"^\.It (\d+)$", text, re.MULTILINE)),
                                 manual.exit_statuses(manual.help_of(program)))

    def test_exit_statuses_are_those_of_the_readme(self):
        said = manual.exit_statuses(README.read_text().partition("## Operating")[2])
        self.assertEqual(said, manual.exit_statuses(manual.help_of("windlassctl")))

    def test_signals_and_their_commands_are_those_of_the_readme(self):
        text = manual.section(manual.page("windlassd.8"), "SIGNALS")
        items = dict(re.findall(r"^\.It Dv (SIG\w+)\n(.*?)(?=^\.It|^\.El)", text, re.MULTILINE | re.DOTALL))
        signals = readme_signals()
        self.assertEqual(sorted(items), sorted(signals))
        for signal, command in signals.items():
            with self.subTest(signal):
                self.assertIn(command and f".Ql windlassctl {command}" if signal != "SIGHUP" else "Reload",
                              items[signal])

    def test_each_reason_for_a_kill_is_explained(self):
        reasons = kill_reasons()
        self.assertGreater(len(reasons), 3)
        causes = manual.section(manual.page("windlassd.8"), "WHEN A PROCESS DIES")
        for reason in reasons:
            with self.subTest(reason):
                self.assertRegex(causes, rf"(?m)^\.It Li was killed by SIGKILL \(Killed\): {re.escape(reason)}$")

    def test_what_is_referred_to_is_there(self):
        for path in sorted(manual.PAGES.glob("*.[0-9]")):
            text = path.read_text()
            for name, number in re.findall(r"^\.Xr (windlass\S*) (\d)", text, re.MULTILINE):
                self.assertTrue((manual.PAGES / f"{name}.{number}").exists(), f"{path.name}: {name}({number})")

    def test_mandoc_has_nothing_to_complain_about(self):
        manual.skip_unless_found(self, "mandoc")
        for path in sorted(manual.PAGES.glob("*.[0-9]")):
            said = manual.run("mandoc", "-T", "lint", "-W", "warning", path)
            self.assertEqual((said.stdout + said.stderr, said.returncode), ("", 0))

    def test_man_has_nothing_to_complain_about(self):
        manual.skip_unless_found(self, "man", "groff")
        with tempfile.TemporaryDirectory() as home:  # where man would keep a cache
            for path in sorted(manual.PAGES.glob("*.[0-9]")):
                said = manual.run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path,
                                  env={"PATH": "/usr/bin:/bin", "HOME": home, "LC_ALL": "C.UTF-8", "MANWIDTH": "80"})
                self.assertEqual((said.stderr, said.returncode), ("", 0), path.name)


if __name__ == "__main__":
    manual.main()
