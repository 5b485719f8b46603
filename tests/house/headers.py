"""Every header compiles alone; public ones as strict C17 and as C++17, with nothing but libc on the path."""

import os
import subprocess

from concurrent.futures import ThreadPoolExecutor

from _house import ROOT, Complaints, files

INSIDE = ["-std=gnu17", "-D_GNU_SOURCE", "-DSTRATA_CHECK=1", "-Iinclude", "-Isrc", "-I."]
WARN = ["-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only"]


def try_compile(job):
    path, compiler, flags, language = job
    # Twice, so that a missing guard shows.
    source = f'#include "{path}"\n#include "{path}"\n'
    done = subprocess.run([*compiler, *flags, *WARN, "-x", language, "-"], input=source, text=True, cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return path, language, done.returncode, done.stdout


def main():
    complaints = Complaints("headers")
    jobs = []
    public = files(("include/strata",), (".h",))
    for path in public:
        jobs.append((path, ["gcc"], ["-std=c17", "-pedantic", "-Iinclude"], "c"))
        if subprocess.run(["sh", "-c", "command -v g++"], stdout=subprocess.DEVNULL).returncode == 0:
            jobs.append((path, ["g++"], ["-std=c++17", "-Iinclude"], "c++"))
        elif os.environ.get("CI"):
            complaints.add(path, "g++ is missing: cannot try it as C++17")
    for path in files(("src", "drivers", "lab", "tool", "tests", "fuzz", "bench"), (".h",)):
        jobs.append((path, ["gcc"], INSIDE, "c"))
    with ThreadPoolExecutor(2) as pool:
        for path, language, status, output in pool.map(try_compile, jobs):
            if status:
                first = output.strip().splitlines()
                complaints.add(path, f"does not compile alone as {language}:\n    " + "\n    ".join(first[:4]))
    complaints.finish(len(jobs))


main()
