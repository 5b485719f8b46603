# ctest: timeout 120
"""strata link: two Strata hosts, two sockets and two kernels over a cable in real time. What is asserted is bytes,
counters and which frames are lost, never how long it took."""

import contextlib
import ctypes
import hashlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

STRATA = os.environ["STRATA"]
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
FRAMES = 600
LOSS = ["--loss", "10%", "--seed", "7"]

# words, exit status, what the complaint must say
A, B = "unix:/tmp/a", "unix:/tmp/b"
WRONG = [
    ([], 2, "a cable has two ends"),
    (["--between", A], 2, "a cable has two ends"),
    (["--between", A, "--between", A], 2, "both ends are unix:/tmp/a"),
    (["--between", "a", "--between", "b", "--between", "c"], 2, "not 'c' besides"),
    (["--between"], 2, "--between needs a value"),
    (["--bogus"], 2, "no option '--bogus'"),
    (["word"], 2, "no option 'word'"),
    (["--loss", "1"], 2, "1 is not a share such as 3%"),
    (["--loss", "101%"], 2, "101% is too large"),
    (["--rate", "fast"], 2, "fast is not a rate such as 64kbit"),
    (["--rate", "0mbit"], 2, "too large, too small"),
    (["--delay", "20"], 2, "20 is not a time such as 250us"),
    (["--jitter", "-1ms"], 2, "-1ms is not a time"),
    (["--limit", "0"], 2, "whole number from 1"),
    (["--gemodel", "1%"], 2, "two or three shares"),
    (["--gemodel", "1%:2%:3%:4%"], 2, "two or three shares"),
    (["--reorder-delay", "0"], 2, "expected a time"),
    (["--seed", "0"], 2, "whole number from 1"),
    (["--duration", "0"], 2, "--duration takes a time such as 90s"),
    (["--between", A, "--between", B, "--a-to-b", "lost=1%"], 2, "--a-to-b: there is no 'lost'"),
    (["--between", A, "--between", B, "--b-to-a", "loss"], 2, "WORD=VALUE"),
    (["--between", A, "--between", B, "--b-to-a", "loss=x"], 2, "x is not a share"),
    (["--between", A, "--between", B, "--reorder", "5%"], 2, "reorder without a delay"),
    (["--between", "unix:", "--between", B], 2, "unix: needs the path"),
    (["--between", "unix:/nonexistent/a", "--between", B], 1, "cannot listen at /nonexistent/a: No such"),
    (["--between", "unix:" + "x" * 108, "--between", B], 1, "at most 107 characters"),
    (["--between", "unix:/dev/null", "--between", B], 1, "/dev/null is there and is no socket"),
]
# The other end of the socket: verbs that connect.
OURS = ["--address", "10.9.0.2/24"]
WRONG_UNIX = [
    (["ping", "10.9.0.1", "--unix", "/nonexistent"], 2, "needs an address"),
    (["ping", "10.9.0.1", "--unix"], 2, "--unix needs a value"),
    (["ping", "10.9.0.1", "--unix", "a", "--tap", "b"], 2, "a host has one wire: --unix a, or --tap?"),
    (["ping", "10.9.0.1", "--unix", "/nonexistent/s", *OURS], 1, "there is no socket /nonexistent/s"),
    (["ping", "10.9.0.1", "--unix", "x" * 108, *OURS], 1, "at most 107 characters"),
    (["ping", "10.9.0.1", "--unix", "/dev/null", *OURS], 1, "nobody listens at /dev/null"),
    (["capture", "--unix", "/nonexistent/s"], 1, "there is no socket /nonexistent/s"),
]


def check(holds, what):
    if not holds:
        print(f"FAILED: {what}")
        sys.exit(1)
    print(f"ok: {what}", flush=True)


def until(question, what):
    """Asks until the answer is true; a minute is not a claim about speed."""
    end = time.monotonic() + 60
    while not (answer := question()):
        if time.monotonic() > end:
            check(False, what)
        time.sleep(0.01)
    return answer


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def strata(*words):
    return subprocess.run([STRATA, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60, check=False, preexec_fn=die_with_parent)


class Link:
    """`strata link`, and its result once it is ended."""

    def __init__(self, a, b, *words, network=None):
        self.paths = [end[5:] for end in (a, b) if end.startswith("unix:")]
        self.process = subprocess.Popen([STRATA, "link", "--between", a, "--between", b, "--json", *words], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=inside(network) if network else die_with_parent)
        # It says which cable it is when both ends are open.
        check(self.process.stderr.readline() == f"a = {a}, b = {b}\n", f"link between {a} and {b}")

    def line(self):
        return json.loads(self.process.stdout.readline())

    def end(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        said = self.process.stdout.read().splitlines()
        check(self.process.wait() == 0, f"{how.name} ends link with status 0")
        check(not any(os.path.exists(path) for path in self.paths), "no socket is left behind")
        result = json.loads(said[-1])
        check(result["kind"] == "end", "link ends with its statistics")
        return result


class Plug:
    """A socket that speaks frames with their length in front, as a virtual machine would."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        self.socket.connect(path)
        self.rest = b""

    def say(self, *frames):
        self.socket.sendall(b"".join(struct.pack(">I", len(frame)) + frame for frame in frames))

    def hear(self):
        """The next frame, or None at the end."""
        while len(self.rest) < 4 or len(self.rest) < 4 + struct.unpack(">I", self.rest[:4])[0]:
            more = self.socket.recv(65536)
            if not more:
                return None
            self.rest += more
        length = 4 + struct.unpack(">I", self.rest[:4])[0]
        frame, self.rest = self.rest[4:length], self.rest[length:]
        return frame


def numbered(number):
    return struct.pack(">I", number) + hashlib.sha256(str(number).encode()).digest() * (1 + number % 40)


def balanced(way, copies=0):
    """Whatever was sent is accounted for."""
    gone = way["lost"] + way["lost_burst"] + way["lost_queue"] + way["too_long"]
    return way["sent"] + way["duplicated"] == way["delivered"] + gone + copies


def wrong_calls(expect):
    for words, status, said in [(["link", *w], s, t) for w, s, t in WRONG] + WRONG_UNIX:
        result = strata(*words)
        expect(result.returncode == status and said in result.stderr and result.stderr.count("\n") == 1,
               f"strata {' '.join(words)[:100]}: ends with {result.returncode}, says {result.stderr.strip()[:200]}")


def survivors(folder, *words):
    """Which of FRAMES numbered frames arrive, in order, and what link says of it."""
    a, b = os.path.join(folder, "a"), os.path.join(folder, "b")
    link = Link("unix:" + a, "unix:" + b, *words)
    left, right = Plug(a), Plug(b)
    # Nothing is lost in this direction; and when it has come, both are connected.
    right.say(b"back")
    check(left.hear() == b"back", "the other direction works")
    left.say(*[numbered(i) for i in range(FRAMES)])
    heard = []
    count = until(lambda: settled(link), "all frames came out")
    while len(heard) < count:
        heard.append(right.hear())
    return heard, link.end()


def so_far(link):
    link.process.send_signal(signal.SIGUSR1)
    result = link.line()
    if result["kind"] != "so far":
        check(False, "SIGUSR1 tells of the statistics so far")
    return result["a_to_b"]


def settled(link):
    way = so_far(link)
    return way["delivered"] if balanced(way) and way["sent"] == FRAMES else 0


def sockets(folder):
    lossless = ["--b-to-a", "loss=0"]
    first, result = survivors(folder, *LOSS, *lossless)
    numbers = [struct.unpack(">I", frame[:4])[0] for frame in first]
    check(all(frame == numbered(number) for frame, number in zip(first, numbers)), "frames come out as they went in")
    check(numbers == sorted(numbers), "frames keep their order")
    lost = result["a_to_b"]["lost"]
    check(20 < lost < 110 and result["a_to_b"]["unheard"] == 0, f"{lost} of {FRAMES} are lost at 10 %")
    again, _ = survivors(folder, *LOSS, "--delay", "3ms", "--jitter", "2ms", *lossless)
    check(again == first, "the same seed loses the same frames, whatever the delay")
    other, _ = survivors(folder, "--loss", "10%", "--seed", "8", *lossless)
    check(other != first, "another seed loses others")
    mixed, result = survivors(folder, *LOSS, "--delay", "50ms", "--reorder", "20%", "--duplicate", "10%",
                              "--b-to-a", "loss=0,reorder=0,duplicate=0")
    check(set(mixed) == set(first) and result["a_to_b"]["reordered"] > 0, "nor do copies and reordering change it")
    check(len(mixed) == len(first) + result["a_to_b"]["duplicated"], "each copy comes once")
    check([f for f in mixed if mixed.count(f) == 1] != [f for f in first if mixed.count(f) == 1],
          "early frames pass others")
    flipped, result = survivors(folder, "--corrupt", "50%", "--b-to-a", "corrupt=0")
    damage = [bin(int.from_bytes(f, "big") ^ int.from_bytes(numbered(i), "big")).count("1")
              for i, f in enumerate(flipped)]
    check(set(damage) == {0, 1} and sum(damage) == result["a_to_b"]["corrupted"], "one bit is flipped, and counted")
    narrow, result = survivors(folder, "--rate", "100mbit", "--limit", "10")
    way = result["a_to_b"]
    check(way["queue_most"] == 10 and way["lost_queue"] == FRAMES - len(narrow) > 0, "a queue has its limit")
    return numbers


def peers(folder):
    """Who is at the other end of a socket may leave, come again, come twice or speak something else."""
    a, b = os.path.join(folder, "a"), os.path.join(folder, "b")
    link = Link("unix:" + a, "unix:" + b)
    left, right = Plug(a), Plug(b)
    left.say(b"one")
    check(right.hear() == b"one", "the first peer is heard")
    check(Plug(b).hear() is None, "a cable has one plug at each end")
    right.socket.close()
    right = Plug(b)
    right.say(b"two")
    check(left.hear() == b"two", "the next one may come")
    second = strata("link", "--between", "unix:" + a, "--between", "unix:" + b + "2")
    check(second.returncode == 1 and f"another program listens at {a}" in second.stderr, "a path in use is told")
    left.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
    check(left.hear() is None, "who speaks something else is thrown out")
    left = Plug(a)
    left.say(b"x" * 65553)
    check(right.hear() == b"x" * 65553, "a longest frame passes")
    result = link.end(signal.SIGINT)
    check(result["a_to_b"]["delivered"] == 2 and result["b_to_a"]["delivered"] == 1, "frames are counted")

    link = Link("unix:" + a, "unix:" + b)
    client = subprocess.Popen([STRATA, "ping", "10.9.0.1", "--unix", a, "--address", "10.9.0.2/24"], text=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=die_with_parent)
    check(Plug(b).hear(), "ping asks")
    link.end()
    check(f"the other end of {a} is gone" in client.communicate(timeout=60)[1] and client.returncode == 1,
          "a verb whose cable is gone says so")


def two_hosts(folder):
    """serve and fetch, over a cable that does everything that cables do."""
    a, b = os.path.join(folder, "a"), os.path.join(folder, "b")
    content = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(16384))
    with open(os.path.join(folder, "file"), "wb") as file:
        file.write(content)
    capture = os.path.join(folder, "link.pcapng")
    link = Link("unix:" + a, "unix:" + b, "--rate", "200mbit", "--delay", "1ms", "--loss", "1%", "--duplicate", "1%",
                "--corrupt", "0.5%", "--reorder", "2%", "--pcap", capture)
    server = subprocess.Popen([STRATA, "serve", folder, "--unix", a, "--address", "10.9.0.1/24"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, preexec_fn=die_with_parent)
    server.stdout.readline()
    got = os.path.join(folder, "got")
    result = strata("fetch", "http://10.9.0.1/file", "-o", got, "--unix", b, "--address", "10.9.0.2/24")
    check(result.returncode == 0, f"fetch ends well {result.stderr}")
    with open(got, "rb") as file:
        check(file.read() == content, "every byte arrived")
    server.send_signal(signal.SIGTERM)
    server.wait()
    result = link.end()
    check(result["a_to_b"]["bytes_delivered"] > len(content) and result["a_to_b"]["lost"] > 0, "over this cable")
    frames = strata("capture", "--read", capture).stdout.splitlines()
    check(len(frames) == result["a_to_b"]["sent"] + result["b_to_a"]["sent"], "all of it is in the capture")
    check(not any("malformed" in frame for frame in frames), "and can be read")


# ---- Between kernels ---------------------------------------------------------------------------------------------

def inside(pid):
    """Enters the network of a process, in a child."""
    def enter():
        die_with_parent()
        with open(f"/proc/{pid}/ns/net", "rb") as file:
            check_os(LIBC.setns(file.fileno(), CLONE_NEWNET))
    return enter


def check_os(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), "namespace")


def ip(pid, *words):
    subprocess.run(["ip", *words], check=True, preexec_fn=inside(pid))


@contextlib.contextmanager
def network():
    """A network of its own, as the pid of a process that lives in it."""
    def enter():
        die_with_parent()
        check_os(LIBC.unshare(CLONE_NEWNET))
    process = subprocess.Popen(["sleep", "600"], preexec_fn=enter)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def interface(pid, name, address, mac, other, other_mac):
    """An interface that says nothing by itself, so that frames can be counted."""
    subprocess.run(["sh", "-c", f"echo 1 >/proc/sys/net/ipv6/conf/{name}/disable_ipv6"], check=False,
                   preexec_fn=inside(pid), stderr=subprocess.DEVNULL)
    ip(pid, "link", "set", name, "address", mac)
    ip(pid, "address", "add", address + "/24", "dev", name)
    ip(pid, "link", "set", name, "up")
    ip(pid, "neighbour", "replace", other, "lladdr", other_mac, "dev", name, "nud", "permanent")


UDP_SEND = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
for i in range(%d):
    s.sendto(i.to_bytes(4, "big"), ("10.8.0.2", 9))
print("sent")
"""
UDP_HEAR = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
s.bind(("10.8.0.2", 9))
print("ready", flush=True)
while True:
    print(int.from_bytes(s.recv(100), "big"), flush=True)
"""
TCP_SINK = """
import hashlib, socket
s = socket.create_server(("10.8.0.2", 7))
print("ready", flush=True)
c, _ = s.accept()
digest, size = hashlib.sha256(), 0
while block := c.recv(65536):
    digest.update(block)
    size += len(block)
print(size, digest.hexdigest(), flush=True)
"""
TCP_SOURCE = """
import hashlib, socket
data = b"".join(hashlib.sha256(str(i).encode()).digest() for i in range(32768))
c = socket.create_connection(("10.8.0.2", 7))
c.sendall(data)
print(len(data), hashlib.sha256(data).hexdigest(), flush=True)
"""


# A checksum that is left to hardware would be left undone: ethtool -K eth0 tx off (and with it segmentation).
CHECKSUMS_OFF = """
import array, fcntl, socket, struct
value = array.array("B", struct.pack("II", 0x17, 0))
request = struct.pack("16sP", b"eth0", value.buffer_info()[0]).ljust(40, b"\\0")
fcntl.ioctl(socket.socket(), 0x8946, request)
"""


def python(pid, program):
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, preexec_fn=inside(pid))


def datagrams(left, right, link, expected):
    """Numbered datagrams from one kernel to the other: the same are lost as between two sockets."""
    hearer = python(right, UDP_HEAR)
    hearer.stdout.readline()
    heard = []
    sender = python(left, UDP_SEND % FRAMES)
    check(sender.stdout.readline() == "sent\n" and sender.wait() == 0, "the kernel sends")
    until(lambda: settled(link), "all frames came out")
    while len(heard) < len(expected):
        heard.append(int(hearer.stdout.readline()))
    hearer.kill()
    check(heard == expected, "between two kernels the same frames are lost as between two sockets")


def bytes_across(left, right):
    sink = python(right, TCP_SINK)
    sink.stdout.readline()
    source = python(left, TCP_SOURCE)
    said = source.communicate(timeout=60)[0], sink.communicate(timeout=60)[0]
    check(said[0] == said[1] and said[0].startswith("1048576 "), "the kernels' TCP brings every byte across")


def two_kernels(expected):
    words = [*LOSS, "--delay", "1ms", "--b-to-a", "loss=0"]
    macs = "02:00:00:00:00:01", "02:00:00:00:00:02"
    with network() as here, network() as left, network() as right:
        link = Link("tap0", "tap:tap1", *words, network=here)
        ip(here, "link", "set", "tap0", "netns", str(left))
        ip(here, "link", "set", "tap1", "netns", str(right))
        interface(left, "tap0", "10.8.0.1", macs[0], "10.8.0.2", macs[1])
        interface(right, "tap1", "10.8.0.2", macs[1], "10.8.0.1", macs[0])
        datagrams(left, right, link, expected)
        bytes_across(left, right)
        result = link.end()
        check(result["a_to_b"]["bytes_delivered"] > 1 << 20, "over this cable")
    with network() as here, network() as left, network() as right:
        for name, away in (("v0", left), ("v1", right)):
            ip(here, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(away))
            ip(here, "link", "set", name, "up")
        interface(left, "eth0", "10.8.0.1", macs[0], "10.8.0.2", macs[1])
        interface(right, "eth0", "10.8.0.2", macs[1], "10.8.0.1", macs[0])
        check(all(python(pid, CHECKSUMS_OFF).wait() == 0 for pid in (left, right)), "no offloads")
        link = Link("if:v0", "if:v1", *words, network=here)
        datagrams(left, right, link, expected)
        bytes_across(left, right)
        link.end()


def main():
    failures = []

    def expect(holds, what):
        print(("ok: " if holds else "FAILED: ") + what)
        if not holds:
            failures.append(what)

    wrong_calls(expect)
    check(not failures, f"{len(failures)} wrong calls are told wrongly")
    with tempfile.TemporaryDirectory() as folder:
        numbers = sockets(folder)
        peers(folder)
        two_hosts(folder)
    if os.geteuid() != 0 or not os.path.exists("/dev/net/tun"):
        print("no root or no TAP: not tried between kernels")
        return
    two_kernels(numbers)


main()
