"""What is documented and what is true: pages, the shipped configuration, --help and --print-config, read by scripts."""
import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tomllib
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("WINDLASS_BUILD_DIR", SOURCE / "build"))
PAGES = SOURCE / "tools" / "man"
SHIPPED = SOURCE / "tools" / "packaging" / "windlass.toml"
COMPLETION = SOURCE / "tools" / "completion" / "windlass.bash"
PAGE_OF = {"windlassd": "windlassd.8", "windlassctl": "windlassctl.8", "windlass": "windlass.1",
           "windlass-bench": "windlass-bench.1"}
SKIP_RETURN_CODE = 77  # what ctest calls Skipped


def run(*command, **options):
    """The finished command, whatever its exit status."""
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=60, **options)


# --- What the programs say


@functools.cache
def help_of(program):
    done = run(BUILD / program, "--help")
    assert done.returncode == 0 and done.stdout, done
    return done.stdout


def options_of(program):
    """Every --option that the help names."""
    return set(re.findall(r"--([a-z][a-z-]*)", help_of(program)))


def commands_of(program):
    """Each command of the help with the rest of its line: such a line is indented by two."""
    return dict(re.findall(r"^  ([a-z][a-z-]*)(.*)$", help_of(program), re.MULTILINE))


def exit_statuses(text):
    """The numbers in a sentence as in "Exit code: 0 done, 1 refused"."""
    sentence = re.search(r"Exit codes?:(.*?)\.\s", text + "\n", re.DOTALL).group(1)
    return set(re.findall(r"(?:^|,)\s*(\d+)\b", sentence))


class Key:
    """What --print-config says of a key."""

    def __init__(self, table, name, takes):
        self.table, self.name = table, name
        self.takes, _, self.default = takes.partition("; default ")  # "": there is none

    @property
    def full_name(self):
        return f"{self.table}.{self.name}"

    def facts(self):
        """What a description has to say, too: the range, the names to choose from, the default."""
        ranges = re.findall(r"from \S+ to \S+", self.takes)
        names = re.findall(r'"[^"]+"', self.takes) if self.takes.startswith("one of") else []
        auto = ['"auto"'] if self.takes.startswith('"auto"') else []
        return ranges + names + auto + ([f"default {self.default}"] if self.default else [])


@functools.cache
def printed_config(*options):
    done = run(BUILD / "windlassd", "--print-config", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@functools.cache
def keys():
    """Every key there is. --print-config explains each before its first value, after "Takes"."""
    found, table, takes = [], "", ""
    for line in printed_config().splitlines():
        if header := re.fullmatch(r"\[+([a-z]+)\]+", line):
            table = header.group(1)
        elif line.startswith("# ") and " Takes " in line:
            takes = line.rpartition(" Takes ")[2].removesuffix(".")
        elif takes and (named := re.match(r"(?:# )?([a-z_]+) (?:=|is not set)", line)):
            found.append(Key(table, named.group(1), takes))
            takes = ""
    assert len(found) > 30, found
    return found


def key_names():
    return {key.full_name for key in keys()}


def choices_of(full_name):
    """The names that a key takes one of."""
    takes = next(key.takes for key in keys() if key.full_name == full_name)
    return re.findall(r'"([^"]+)"', takes)


# --- What the pages say


def page(name):
    return (PAGES / name).read_text()


def section(text, title, macro="Sh"):
    """The lines between a heading and the next one of its kind."""
    heading = re.compile(rf"^\.{macro} {re.escape(title)}\n(.*?)(?=^\.{macro}|^\.Sh|\Z)", re.MULTILINE | re.DOTALL)
    found = heading.search(text)
    assert found, f"no .{macro} {title}"
    return found.group(1)


def literals(text):
    """The displays of a text, as a reader sees them."""
    return [block.replace(r"\e", "\\") for block in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", text, re.M | re.S)]


def documented_options(name):
    return re.findall(r"^\.It Fl -([a-z][a-z-]*)", page(name), re.MULTILINE)


def documented_keys():
    """The text of each item of each table, by full name."""
    found = {}
    for title in re.findall(r"^\.Ss (\[.*\])$", page("windlass.toml.5"), re.MULTILINE):
        text = section(page("windlass.toml.5"), title, "Ss")
        for name, item in re.findall(r"^\.It Ic (\w+)\n(.*?)(?=^\.It|^\.El)", text, re.MULTILINE | re.DOTALL):
            found[f"{title.strip('[]')}.{name}"] = item
    return found


# --- The shipped configuration


class Line:
    """A line of the shipped file that sets a key, perhaps commented out."""

    def __init__(self, text, number, header, table):
        name, self.value = re.match(r"#?(\w+) = (.*)", text).groups()
        self.text, self.number, self.header, self.name, self.table = text, number, header, name, table
        self.is_comment = text.startswith("#")

    @property
    def full_name(self):
        return f"{self.table}.{self.name}"

    def parsed(self):
        return tomllib.loads(f"value = {self.value}")["value"]


def shipped_lines():
    found, header, table = [], 0, ""
    for number, text in enumerate(SHIPPED.read_text().splitlines()):
        if heading := re.fullmatch(r"#?\[+([a-z]+)\]+", text):
            header, table = number, heading.group(1)
        elif re.match(r"#?\w+ = ", text):
            found.append(Line(text, number, header, table))
    return found


def shipped_with(numbers):
    """The shipped file, with the lines of these numbers no comments any more."""
    lines = SHIPPED.read_text().splitlines()
    return "\n".join(line.removeprefix("#") if number in numbers else line for number, line in enumerate(lines)) + "\n"


# --- Running tests


def skip_unless_found(test, *programs):
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        test.skipTest(f"not installed: {', '.join(missing)}")


def main():
    """As unittest.main, but a run of which nothing is left but skipped tests ends as ctest wants it."""
    result = unittest.main(exit=False, argv=sys.argv).result
    if not result.testsRun:
        sys.exit("no such test")
    if not result.wasSuccessful():
        sys.exit(1)
    if len(result.skipped) == result.testsRun:
        print(f"SKIPPED: {result.skipped[0][1]}")
        sys.exit(SKIP_RETURN_CODE)
