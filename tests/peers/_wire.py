"""What the tests against real peers share: a network namespace, a TAP between Strata and the kernel, and servers.

A test runs in a network namespace of its own, which dies with its last process, so that nothing is left behind even
when the test is killed; so do the processes that it starts. Strata holds one end of tap0 at 10.9.0.2, the kernel has
the other at 10.9.0.1. A peer or a permission that is missing ends the test with status 77.

    with Wire() as wire:
        wire.serve(wire.folder)
        wire.run("curl", "--fail", "http://10.9.0.2/file")
"""

import ctypes
import fcntl
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.environ.get("STRATA_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("STRATA_BUILD") or os.path.join(ROOT, "build")
STRATA = os.environ.get("STRATA") or os.path.join(BUILD, "strata")

OURS = "10.9.0.2"
KERNEL = "10.9.0.1"
LENGTH = 24
TAP = "tap0"

MIB = 1 << 20
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(77)


def fail(reason):
    print(f"FAILED: {reason}")
    sys.exit(1)


def check(holds, what):
    if not holds:
        fail(what)
    print(f"ok: {what}")


def need(*commands):
    """Ends the test with 77 when a program is missing."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for command in commands:
        if not shutil.which(command):
            skip(f"{command} is not installed (scripts/setup test installs it)")


def until(question, what, seconds=10):
    """Asks again and again until the answer is true; gives it back."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            fail(f"{what} took more than {seconds} s")
        time.sleep(0.01)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(MIB):
            digest.update(block)
    return digest.hexdigest()


def write_noise(path, size):
    """A file in which no block is like another and none begins where another did; the same every time."""
    noise = random.Random(size).randbytes(MIB) * 2
    with open(path, "wb") as file:
        left = size
        number = 0
        while left > 0:
            shift = number * 4099 % MIB
            block = number.to_bytes(8, "big") + noise[shift:shift + MIB - 8]
            file.write(block[:left])
            left -= MIB
            number += 1


def shared_file(mib):
    """The path and SHA-256 of a file that all tests share; made by the first that needs it."""
    folder = os.path.join(BUILD, "peers")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"{mib}MiB.bin")
    with open(os.path.join(folder, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        note = path + ".sha256"
        if not os.path.exists(note):
            write_noise(path, mib * MIB)
            with open(note, "w", encoding="ascii") as file:
                file.write(sha256(path))
        with open(note, encoding="ascii") as file:
            return path, file.read()


def _die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Wire:
    def __init__(self):
        if not os.access(STRATA, os.X_OK):
            fail(f"{STRATA} is not built")
        need("ip")
        if not os.path.exists("/dev/net/tun"):
            skip("no /dev/net/tun")
        if LIBC.unshare(CLONE_NEWNET) != 0:
            skip(f"a network namespace of its own needs root ({os.strerror(ctypes.get_errno())})")
        self.folder = tempfile.mkdtemp(prefix="strata-peer-")
        os.chmod(self.folder, 0o755)
        self.logs = os.path.join(self.folder, ".logs")
        os.mkdir(self.logs)
        self.processes = []
        self.number = 0

    def __enter__(self):
        self.run("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, kind, error, trace):
        for process in reversed(self.processes):
            self.stop(process)
        if kind:
            self.show_logs()
        shutil.rmtree(self.folder, ignore_errors=True)

    def show_logs(self):
        """What the servers said, when something went wrong."""
        for name in sorted(os.listdir(self.logs)):
            with open(os.path.join(self.logs, name), encoding="utf-8", errors="replace") as file:
                text = file.read()
            if text and kind_of_log(name):
                print(f"-- {name}\n{text[-4000:]}")

    def run(self, *command, timeout=60, ok=(0,)):
        """Runs a program to its end; its output. Anything but an `ok` status fails the test."""
        done = subprocess.run(command, timeout=timeout, text=True, errors="replace", stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, preexec_fn=_die_with_parent, check=False)
        if done.returncode not in ok:
            fail(f"{' '.join(command)[:300]}: status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def start(self, *command, stdout=None):
        """Starts a server, or a client beside others; ended with the test."""
        self.number += 1
        name = f"{self.number:03}-{os.path.basename(command[0])}.log"
        with open(os.path.join(self.logs, name), "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                                       preexec_fn=_die_with_parent)
        process.log = os.path.join(self.logs, name)
        self.processes.append(process)
        return process

    def stop(self, process, how=signal.SIGTERM):
        """Ends a process by its pid and waits for it; its status."""
        if process.poll() is None:
            process.send_signal(how)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.processes:
            self.processes.remove(process)
        return process.returncode

    def alive(self, process):
        if process.poll() is not None:
            self.show_logs()
            fail(f"{process.args[0]} ended with status {process.returncode}")
        return True

    # ---- the TAP ----

    def strata(self, *arguments, address=OURS):
        """Starts the tool on tap0 and gives the kernel's end its address. `address` None: none of Strata's own."""
        where = ["--tap", TAP]
        if address:
            where += ["--address", f"{address}/{LENGTH}"]
        process = self.start(STRATA, *arguments, *where)
        self.tap_up(process)
        return process

    def tap_up(self, process, address=KERNEL):
        """Waits for the interface that `process` makes, and sets up the kernel's end."""
        until(lambda: self.alive(process) and tap_exists(), "making the TAP")
        if address:
            self.run("ip", "address", "add", f"{address}/{LENGTH}", "dev", TAP)
        self.run("ip", "link", "set", TAP, "up")

    def serve(self, *options, address=OURS, port=80):
        """`strata serve ...`, until it answers."""
        process = self.strata("serve", *options, address=address)
        if address:
            self.wait_tcp(process, address, port)
        return process

    def wait_tcp(self, process, address, port):
        """Until a connection is taken."""
        def answers():
            self.alive(process)
            with socket.socket() as probe:
                probe.settimeout(1)
                return probe.connect_ex((address, port)) == 0
        until(answers, f"{address}:{port} did not answer, which")

    # ---- what many tests do ----

    def curl_sha256(self, url):
        """Fetches through a pipe; SHA-256 and size."""
        process = self.start("curl", "--silent", "--show-error", "--fail", "--max-time", "60", url,
                             stdout=subprocess.PIPE)
        digest = hashlib.sha256()
        size = 0
        while block := process.stdout.read(MIB):
            digest.update(block)
            size += len(block)
        process.wait()
        if process.returncode != 0:
            self.show_logs()
            fail(f"curl {url}: status {process.returncode} after {size} bytes")
        return digest.hexdigest(), size


def kind_of_log(name):
    """Clients that were asked a thousand times say nothing of interest."""
    return not name.endswith("-curl.log") or int(name[:3]) < 10


def tap_exists():
    with open("/proc/self/net/dev", encoding="ascii") as file:
        return any(line.strip().startswith(TAP + ":") for line in file)


def rate(what, size, began):
    seconds = time.monotonic() - began
    print(f"{what}: {size / MIB:.0f} MiB in {seconds:.2f} s, {size * 8 / seconds / 1e9:.2f} Gbit/s")
