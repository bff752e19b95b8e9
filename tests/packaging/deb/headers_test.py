"""What is built against Windlass finds its headers, by CMake and by pkg-config, and gets the right version."""
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import tried  # noqa: E402

PROGRAM = """\
#include <cstdio>
#include <windlass/version.h>
static_assert(WINDLASS_VERSION_NUMBER >= WINDLASS_VERSION_OF(0, 1, 0));
int main() { std::puts(WINDLASS_VERSION_STRING); }
"""
PROJECT = """\
cmake_minimum_required(VERSION 3.25)
project(user LANGUAGES CXX)
find_package(windlass {version} CONFIG REQUIRED)
add_executable(user user.cc)
target_link_libraries(user PRIVATE windlass::windlass)
"""


class Headers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="windlass-headers-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "user.cc").write_text(PROGRAM)

    def configure(self, version):
        (self.folder / "CMakeLists.txt").write_text(PROJECT.format(version=version))
        return tried.run("cmake", "-S", self.folder, "-B", self.folder / "build",
                         f"-DCMAKE_PREFIX_PATH={tried.INSTALLED}")

    def test_are_found_by_cmake(self):
        self.assertEqual(self.configure(tried.project_version()).returncode, 0)
        tried.output_of("cmake", "--build", self.folder / "build")
        self.assertEqual(tried.output_of(self.folder / "build" / "user").strip(), tried.project_version())

    def test_of_a_later_version_are_not_found_by_cmake(self):
        refused = self.configure("99.0")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(f"version: {tried.project_version()}", refused.stderr)  # seen, and not taken

    def test_each_compiles_alone_without_a_warning(self):
        headers = sorted((tried.INSTALLED / "include" / "windlass").glob("*.h"))
        self.assertIn("handler.h", [header.name for header in headers])
        for header in headers:
            (self.folder / "user.cc").write_text(f"#include <windlass/{header.name}>\n")
            tried.output_of("c++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                            f"-I{tried.INSTALLED}/include", self.folder / "user.cc")

    def test_are_found_by_pkg_config(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(tried.INSTALLED / "share" / "pkgconfig")}
        flags = tried.output_of("pkg-config", "--cflags", "--libs", "windlass", env=environment).split()
        tried.output_of("c++", "-std=c++20", self.folder / "user.cc", "-o", self.folder / "user", *flags)
        self.assertEqual(tried.output_of(self.folder / "user").strip(), tried.project_version())
        version = tried.output_of("pkg-config", "--modversion", "windlass", env=environment).strip()
        self.assertEqual(version, tried.project_version())


if __name__ == "__main__":
    tried.main()
