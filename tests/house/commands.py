# ctest: timeout 600
"""Every command in every page is run: those of documents, of README files, of tables.

What a page tells a reader to type is typed here, in a folder of its own per page, in the order of the page. Some
commands are not run to their end, and each of these in its way is still held to its word:

  strata lab examples/X.yaml   with nothing that changes the run: the test example.X runs it
  make TARGET                  the target exists (make -n); what it does is run by those who call it
  ctest -R X                   there are such tests
  scripts/x --option           it exists, and knows the option
  a form (FILE, [--option])    the verb exists, and its help knows each option
  strata lab ... --real        likewise: tests/tool/real.py runs it
"""

import glob
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from _house import BUILD, ROOT, Complaints, is_sanitized, read

STRATA = os.environ.get("STRATA", os.path.join(BUILD, "strata"))
COMMAND = re.compile(r"(?:sudo )?(?:(?:build/)?strata\b|make\b|ctest |scripts/\w|tshark |curl |cmake |ip |"
                     r"packetdrill )")
# Words of a form, where a reader puts his own.
PLACEHOLDER = re.compile(r"(?:^|[ /])(?:FILE|DIR|URL|A|B|A/LEN|NAME|PATH\S*|COMMIT)(?:[ ,:]|$)|\[|\.\.\.| \| |<")
HARMLESS = {"--quiet", "-q", "-v", "--verbose", "--timeline", "--stats"}


def pages():
    found = ["README.md", "CONTRIBUTING.md"]
    found += glob.glob("docs/**/*.md", root_dir=ROOT, recursive=True)
    found += glob.glob("examples/**/README.md", root_dir=ROOT, recursive=True)
    return [p for p in sorted(found) if not p.startswith("docs/conformance")]


def commands(text):
    """What a page says to type: lines of its code, and code within its sentences. Yields (line number, command)."""
    fence = None
    text = re.sub(r"\\\n\s*", "", text)  # a command that goes on in the next line
    for number, line in enumerate(text.split("\n"), 1):
        opened = re.match(r"^\s*```(\w*)", line)
        if opened:
            fence = opened.group(1) if fence is None else None
            continue
        code = line if fence in ("", "sh", "shell", "console", "text") else \
            line[4:] if fence is None and line.startswith("    ") else None
        if code is not None:
            if COMMAND.match(code.strip()) and not code.startswith(" "):
                yield number, without_remark(code.strip())
        elif fence is None:
            for inline in re.findall(r"`([^`]+)`", line):
                if COMMAND.match(inline) and not re.match(r"(?:ip|make|curl)$", inline):
                    yield number, inline


def without_remark(line):
    """A line without what stands behind it: "# so", or words after a gap."""
    return re.split(r"\s+#|\s{2,}", line)[0].strip()


class Reader:
    """Somebody who types what a page says."""

    def __init__(self, complaints):
        self.complaints = complaints
        self.helps, self.count, self.ran = {}, 0, set()

    def help_of(self, *words):
        if words not in self.helps:
            self.helps[words] = subprocess.run([STRATA, *words, "--help"], stdout=subprocess.PIPE, text=True,
                                               stderr=subprocess.STDOUT, check=False, timeout=60)
        return self.helps[words]

    def form(self, place, words):
        """A line of which the reader must replace a part: its verbs and options exist."""
        rest = [w for w in words if re.fullmatch(r"[a-z]+", w)]
        verbs = [w for w in rest if self.help_of().stdout.find(f"\n  {w} ") >= 0][:1] if "|" not in words else rest
        if not verbs:
            self.complaints.add(place, f"{' '.join(words)}: there is no such verb")
            return
        for verb in verbs:
            result = self.help_of(verb)
            if result.returncode != 0:
                self.complaints.add(place, f"strata {verb} --help ends with {result.returncode}")
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", " ".join(words)):
                if option not in result.stdout:
                    self.complaints.add(place, f"strata {verb} has no {option}")

    def strata(self, place, line, folder):
        words = shlex.split(line)
        while words and not words[0].endswith("strata"):
            words.pop(0)
        words = words[1:]
        if not words:
            return
        if PLACEHOLDER.search(line):
            self.form(place, words)
            return
        if words[0] in ("serve", "link", "ping", "traceroute", "dig", "fetch") or words == ["capture"]:
            self.form(place, words)  # tests/peers run these with what they need around them
            return
        if words[0] == "lab" and len(words) > 1 and set(words[2:]) <= HARMLESS and words[1].startswith("examples/"):
            if not os.path.exists(os.path.join(ROOT, words[1])):
                self.complaints.add(place, f"there is no {words[1]}")
            return
        if words in (["lab"], ["run"], ["medium", "--frames"]):
            self.form(place, words)
            return
        if words[0] == "lab" and ("--real" in words or not any(w.endswith(".yaml") for w in words)):
            self.form(place, words)
            return
        if words[0] == "run" and len(words) == 2:
            self.form(place, words[:1])  # a program that needs arguments
            return
        self.run(place, [STRATA, *words], folder, line)

    def run(self, place, words, folder, line):
        key = line if not re.search(r"--pcap|--curve|--report|--write|-o |-r |--read", line) else (folder, line)
        if key in self.ran:
            return
        self.ran.add(key)
        start = time.monotonic()
        result = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                errors="replace", timeout=200, check=False, env=dict(os.environ, NO_COLOR="1"))
        print(f"{time.monotonic() - start:6.2f} s  {place}  {line}", flush=True)
        may_fail = "--seeds" in words  # who looks for a failing run may find one
        if result.returncode not in ((0, 1) if may_fail else (0,)):
            self.complaints.add(place, f"{line} ends with {result.returncode}:\n{result.stdout[-800:]}")
        elif words[0] == "tshark" and not result.stdout.strip():
            self.complaints.add(place, f"{line} shows nothing")

    def script(self, place, line):
        words = line.split()
        path = os.path.join(ROOT, words[0])
        if not os.access(path, os.X_OK) and not path.endswith(".py"):
            self.complaints.add(place, f"{words[0]} cannot be run")
            return
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", line):
            if option not in read(words[0]):
                self.complaints.add(place, f"{words[0]} does not know {option}")

    def make(self, place, line):
        result = subprocess.run(["make", "-n", *shlex.split(line)[1:]], cwd=ROOT, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
        if result.returncode != 0:
            self.complaints.add(place, f"{line}: {result.stdout.strip()}")

    def ctest(self, place, line):
        words = [BUILD if w == "build" else w for w in shlex.split(line)]
        shown = subprocess.run([*words, "-N"], stdout=subprocess.PIPE, text=True, check=False, timeout=60).stdout
        total = re.search(r"Total Tests: (\d+)", shown)
        if not total or total.group(1) == "0":
            self.complaints.add(place, f"{line}: there is no such test")

    def cmake(self, place, line):
        for preset in re.findall(r"--preset (\w+)", line):
            if f'"name": "{preset}"' not in read("CMakePresets.json"):
                self.complaints.add(place, f"there is no preset {preset}")

    def take(self, place, line, folder):
        self.count += 1
        first = line.removeprefix("sudo ").split()[0]
        if first.endswith("strata"):
            self.strata(place, line, folder)
        elif first == "make":
            self.make(place, line)
        elif first == "ctest":
            self.ctest(place, line)
        elif first.startswith("scripts/"):
            self.script(place, line)
        elif first == "tshark":
            self.run(place, shlex.split(line), folder, line)
        elif first == "cmake":
            self.cmake(place, line)


def on_a_tap(complaints):
    """The README's server on this machine's network: in a network of its own, where we may make one."""
    lines = [line for _, line in commands(read("README.md")) if line.startswith(("sudo ", "curl "))]
    if len(lines) < 3 or not lines[0].endswith("&"):
        complaints.add("README.md", "the server on a TAP interface is told with three commands")
        return
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun") or not shutil.which("curl"):
        print("not root, or no TAP: the README's server was not tried")
        return
    server = lines[0].removeprefix("sudo ").removesuffix("&").replace("build/strata", STRATA)
    others = " && ".join(line.replace("sudo ", "") for line in lines[1:]).replace("curl ", "curl -sSf --retry 9 "
                                                                                  "--retry-all-errors --retry-delay 1 ")
    script = f"{server} >/dev/null & server=$!; for i in 1 2 3 4 5 6 7 8 9; do [ -e /sys/class/net/tap0 ] && break; " \
             f"sleep 0.3; done; {others} >/dev/null; status=$?; kill $server; wait $server; exit $status"
    process = subprocess.Popen(["unshare", "-n", "sh", "-c", script], cwd=ROOT, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    try:
        error = process.communicate(timeout=60)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        error = "no end after a minute"
    if process.returncode != 0 and "Operation not permitted" in error:
        print("no network of our own: the README's server was not tried")
    elif process.returncode != 0:
        complaints.add("README.md", f"{'; '.join(lines)}: {error}")


def main():
    complaints = Complaints("commands of pages")
    reader = Reader(complaints)
    with tempfile.TemporaryDirectory() as parent:
        for page in pages():
            folder = os.path.join(parent, page.replace("/", "_"))
            os.mkdir(folder)
            for name in ("examples", "docs", "README.md"):
                os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
            for number, line in commands(read(page)):
                reader.take(f"{page}:{number}", line, folder)
    on_a_tap(complaints)
    complaints.finish(reader.count)


if __name__ == "__main__":
    if not os.access(STRATA, os.X_OK):
        print("there is no strata command in this build")
        sys.exit(77)
    if is_sanitized():
        print("a sanitizer has nothing to say of what pages tell: the release build runs it")
    else:
        main()
