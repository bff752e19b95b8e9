"""What tools/packaging/Dockerfile says."""
import json
import re

import tried

DOCKERFILE = tried.SOURCE / "tools" / "packaging" / "Dockerfile"
CONFIG = tried.SOURCE / "tools" / "packaging" / "windlass.toml"


def instructions():
    """[(INSTRUCTION, arguments)], with lines that go on joined."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def entrypoint():
    """The command as a list; ValueError when it is not in the JSON form."""
    (text,) = [arguments for name, arguments in instructions() if name == "ENTRYPOINT"]
    return json.loads(text)


def check(*arguments):
    """What the server of the build says to the image's command line and these arguments."""
    program, *options = entrypoint()
    assert program == "/usr/sbin/windlassd", program
    options = [option.replace("/etc/windlass/windlass.toml", str(CONFIG)) for option in options]
    return tried.run(tried.BUILD / "windlassd", "--check", *options, *arguments)
