# ctest: timeout 120
"""The C program in README.md compiles against the installed package, by pkg-config and by CMake, and runs."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from _house import BUILD, read

CMAKE = """cmake_minimum_required(VERSION 3.20)
project(user LANGUAGES C)
find_package(Strata 0.1 REQUIRED)
add_executable(user_shared user.c)
target_link_libraries(user_shared Strata::strata)
add_executable(user_static user.c)
target_link_libraries(user_static Strata::strata_static)
"""


def run(*command, **options):
    print("+", " ".join(command), flush=True)
    return subprocess.run(command, check=True, **options)


def main():
    programs = re.findall(r"```c\n(.*?)```", read("README.md"), re.S)
    programs = [p for p in programs if "int main" in p]
    if not programs:
        print("README.md has no C program with a main to try")
        sys.exit(1)
    with tempfile.TemporaryDirectory() as folder:
        prefix = os.path.join(folder, "usr")
        run("cmake", "--install", BUILD, "--prefix", prefix, stdout=subprocess.DEVNULL)
        found = [where for where, _, leaves in os.walk(prefix) if "strata.pc" in leaves]
        environment = dict(os.environ, PKG_CONFIG_PATH=found[0])
        library = os.path.dirname(found[0])

        def flags(*options):
            return subprocess.run(["pkg-config", *options, "strata"], env=environment, check=True, text=True,
                                  stdout=subprocess.PIPE).stdout.split()

        assert flags("--modversion") == ["0.1.0"], flags("--modversion")
        for number, program in enumerate(programs):
            lines = len(program.splitlines())
            if number == 0 and lines > 32:
                print(f"the program in README.md has {lines} lines; it promises 30")
                sys.exit(1)
            source = os.path.join(folder, "user.c")
            with open(source, "w", encoding="utf-8") as file:
                file.write(program)
            warn = ["-std=c17", "-Wall", "-Wextra", "-Werror"]
            shared, static = os.path.join(folder, "shared"), os.path.join(folder, "static")
            run("cc", *warn, source, "-o", shared, *flags("--cflags", "--libs"))
            run("cc", *warn, source, "-o", static, *flags("--cflags"), os.path.join(library, "libstrata.a"),
                "-lpthread")
            run(shared, env=dict(os.environ, LD_LIBRARY_PATH=library), timeout=20)
            run(static, timeout=20)
            with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="utf-8") as file:
                file.write(CMAKE)
            tree = os.path.join(folder, "tree")
            shutil.rmtree(tree, ignore_errors=True)
            run("cmake", "-S", folder, "-B", tree, f"-DCMAKE_PREFIX_PATH={prefix}", stdout=subprocess.DEVNULL)
            run("cmake", "--build", tree, stdout=subprocess.DEVNULL)
            run(os.path.join(tree, "user_shared"), timeout=20)
            run(os.path.join(tree, "user_static"), timeout=20)
    print(f"{len(programs)} programs compiled four ways and ran")


main()
