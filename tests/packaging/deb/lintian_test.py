"""lintian has nothing to say about the packages that is not overridden with a reason."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import tried  # noqa: E402


class Lintian(unittest.TestCase):
    def test_finds_no_error_and_no_warning(self):
        packages = list(tried.PACKAGES.glob(f"*_{tried.project_version()}_*.deb"))
        self.assertEqual(len(packages), 3)
        said = tried.run("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0", *packages)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)


if __name__ == "__main__":
    tried.skip_unless_found("lintian")
    tried.main()
