# ctest: timeout 120
"""strata lab --real: a simulated network met by Strata hosts over Unix sockets, and by this machine's kernel over a TAP
in a namespace of its own. How long something takes is asserted from below only: the network's delay is there."""

import ctypes
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

STRATA = os.environ["STRATA"]
SOURCE = os.path.abspath(os.environ.get("STRATA_SOURCE", "."))
MACHINE = os.path.join(SOURCE, "examples/real/machine.yaml")
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
# 20 ms there and back. A world that was a little behind its clock when the question came answers that much sooner.
LEAST_MS = 40 / 2
WIRE = ["--address", "10.0.1.1/24", "--gateway", "10.0.1.254"]

# nodes, links, words after the file, what the complaint must say; the exit status is 2
TWO = "a: {kind: outside, device: 'unix:x'}, b: {kind: outside, device: 'unix:x'}"
WRONG = [
    ("a: {kind: outside, device: 'unix:x'}, b: {}", "{endpoints: [a, b]}", [],
     "a is outside, at unix:x: with --real"),
    (TWO, "{endpoints: [a, b]}", ["--real"], "a and b are both unix:x"),
    ("a: {kind: outside}, b: {}", "{endpoints: [a, b]}", ["--real"], "a is outside, but where?"),
    ("a: {device: 'tap:t'}, b: {}", "{endpoints: [a, b]}", ["--real"], "a device belongs to a node of kind outside"),
    ("a: {kind: outside, device: 'tap:t', dhcp: true}, b: {}", "{endpoints: [a, b]}", [],
     "what is outside has no dhcp"),
    ("a: {kind: outside, device: 'unix:x'}, b: {}, c: {}", "{endpoints: [a, b]}, {endpoints: [a, c]}", ["--real"],
     "a is outside and has one port: eth1"),
    ("a: {kind: outside, device: 'unix:x'}, b: {}", "{endpoints: [a, b], link: ip}", [], "no ports of link type ip"),
    ("a: {kind: outside, device: 'unix:'}, b: {}", "{endpoints: [a, b]}", ["--real"], '"unix:" is no device'),
    ("a: {}, b: {}", "{endpoints: [a, b]}", ["--real", "--live"], "--real and --live do not go together"),
]


def check(holds, what):
    if not holds:
        print(f"FAILED: {what}")
        sys.exit(1)
    print(f"ok: {what}", flush=True)


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=60, check=False, preexec_fn=die_with_parent)


class Lab:
    """A world in real time, until it is ended."""

    def __init__(self, device, *words):
        command = [STRATA, "lab", MACHINE, "--real", "--set", "machine=real", "--set", f"device={device}",
                   *words]
        self.process = subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=die_with_parent)
        said = [self.process.stderr.readline() for _ in range(2)]
        check(said == [f"machine is {device}\n", "in real time; Ctrl-C ends it\n"], f"the lab meets {device}")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        out, errors = self.process.communicate(timeout=60)
        check(self.process.returncode == 0, f"Ctrl-C ends it well ({self.process.returncode}: {errors})")
        check("real time: at most" in out, "it says how far behind the machine's clock it was")
        return out


def least_time(text, pattern):
    times = [float(value) for value in re.findall(pattern, text)]
    return min(times) if times else 0


def mistakes(folder):
    path = os.path.join(folder, "wrong.yaml")
    os.chdir(folder)
    for nodes, links, words, said in WRONG:
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"nodes: {{{nodes}}}\nlinks: [{links}]\n")
        result = run(STRATA, "lab", path, *words)
        check(result.returncode == 2 and said in result.stdout, f"said: {said} ({result.returncode}: {result.stdout})")


def over_a_socket(folder):
    path, large = os.path.join(folder, "machine.sock"), os.path.join(folder, "large.bin")
    wire = ["--unix", path, *WIRE]
    lab = Lab(f"unix:{path}", "--pcap", os.path.join(folder, "real.pcapng"))
    result = run(STRATA, "ping", "10.0.2.1", "--count", "3", *wire)
    check(least_time(result.stdout, r"time=([\d.]+)") >= LEAST_MS,
          f"a Strata host pings a simulated one, the cable's time away: {result.stdout}")
    result = run(STRATA, "fetch", "http://10.0.2.1/large.bin", "-o", large, *wire)
    with open(large, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    check(result.returncode == 0 and os.path.getsize(large) == 1 << 20, "and fetches a file")
    # Nobody lets the world run for a while: its clock goes on later, no more than a moment behind.
    lab.process.send_signal(signal.SIGSTOP)
    time.sleep(0.4)
    lab.process.send_signal(signal.SIGCONT)
    result = run(STRATA, "ping", "10.0.2.1", "--count", "1", *wire)
    check(result.returncode == 0, "it answers after it was stopped for a while")
    out = lab.end()
    check("machine > server" in out and "ICMP echo request" in out, "the timeline shows what comes from outside")
    check("the world's clock was set back by" in out, "what it could not make up for is told")
    check(not os.path.exists(path), "no socket is left behind")
    check(os.path.getsize(os.path.join(folder, "real.pcapng")) > 1 << 20, "the capture is written")
    return digest


def over_a_tap(folder, digest):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not all(shutil.which(word) for word in ("ip", "ping", "curl")) or not os.path.exists("/dev/net/tun"):
        return print("left out: ip, ping, curl or /dev/net/tun is missing")
    if LIBC.unshare(CLONE_NEWNET) != 0:
        return print("left out: a network namespace of its own needs root")
    lab = Lab("tap:lab0")
    for words in ("link set lo up", "link set lab0 up", "address add 10.0.1.1/24 dev lab0",
                  "route add 10.0.2.0/24 via 10.0.1.254"):
        check(run("ip", *words.split()).returncode == 0, f"ip {words}")
    result = run("ping", "-c", "3", "-W", "20", "10.0.2.1")
    check(least_time(result.stdout, r"time=([\d.]+)") >= LEAST_MS,
          f"the kernel pings a simulated host, the cable's time away: {result.stdout}")
    path = os.path.join(folder, "curl.bin")
    result = run("curl", "-sSf", "-m", "50", "-o", path, "http://10.0.2.1/large.bin")
    with open(path, "rb") as file:
        check(result.returncode == 0 and hashlib.sha256(file.read()).hexdigest() == digest,
              f"curl fetches the same bytes {result.stdout}")
    check("behind the machine's clock" in lab.end(), "the end")
    return None


def main():
    with tempfile.TemporaryDirectory() as folder:
        mistakes(folder)
        digest = over_a_socket(folder)
        over_a_tap(folder, digest)


main()
