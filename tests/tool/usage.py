"""Every verb explains itself with examples; a wrong call is told in one sentence and ends with 2, a failure with 1."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time

STRATA = os.environ["STRATA"]
VERBS = ["lab", "serve", "fetch", "ping", "traceroute", "dig", "run", "link", "capture", "medium", "settings",
         "counters"]

# words, exit status, what the complaint must say
WRONG = [
    ([], 2, "usage: strata"),
    (["sever"], 2, "no verb 'sever'"),
    (["serve", "--bogus"], 2, "--bogus"),
    (["serve", "a", "b"], 2, "one folder"),
    (["serve", "--port"], 2, "--port"),
    (["serve", "--address", "10.0.0.1/24"], 2, "need --tap"),
    (["serve", "--tap", "tap0"], 2, "needs an address"),
    (["serve", "--tap"], 2, "--tap needs a value"),
    (["serve", "--dhcp-range", "10.0.0.5-10.0.0.9"], 2, "--dhcp-range needs a wire"),
    (["serve", "--tap", "a-name-too-long-for-linux", "--address", "10.0.0.1/24"], 1, "a-name-too-long-for-linux"),
    (["serve", "/nonexistent-folder", "--port", "18093"], 1, "/nonexistent-folder"),
    (["fetch"], 2, "usage"),
    (["fetch", "gopher://example.test/"], 1, "gopher"),
    (["fetch", "http://127.0.0.1:1/"], 1, "127.0.0.1"),
    (["ping"], 2, "usage"),
    (["ping", "127.0.0.1", "-c", "many"], 2, "many"),
    (["dig"], 2, "which name"),
    (["run", "no-such-program"], 2, "no program 'no-such-program'"),
    (["run", "traffic"], 2, "which host"),
    (["run", "traffic", "127.0.0.1"], 2, "how much"),
    (["run", "traffic", "127.0.0.1", "--on", "1s"], 2, "go together"),
    (["run", "traffic", "127.0.0.1", "--every", "soon"], 2, "soon"),
    (["run", "rdt-sender", "127.0.0.1", "--protocol", "4.0"], 2, "there is no protocol 4.0"),
    (["run", "rdt-sender", "127.0.0.1", "--window", "2"], 2, "stops and waits"),
    (["run", "rdt-receiver", "--protocol", "gbn", "--window", "5", "--numbers", "4"], 2, "as large as the numbers"),
    (["medium", "--access", "alhoa"], 2, "alhoa"),
    (["medium", "--frames", "0"], 2, "--frames 0"),
    (["medium", "--access", "token", "--curve", "/nonexistent/x.csv"], 1, "/nonexistent/x.csv"),
    (["settings", "--bogus"], 2, "--bogus"),
    (["lab"], 2, "which scenario"),
    (["lab", "SCENARIO", "--expanded"], 2, "strata lab check"),
    (["lab", "check", "SCENARIO", "--expanded", "--json"], 2, "go together"),
    (["lab", "/nonexistent.yaml"], 1, "/nonexistent.yaml"),
    (["lab", "SCENARIO", "--quiet", "--pcap", "/dev/full"], 1, "/dev/full: No space left on device"),
    (["lab", "SCENARIO", "--quiet", "--pcap", "/nonexistent/file"], 1, "/nonexistent/file: No such file"),
    (["lab", "SCENARIO", "--quiet", "--pcap-dir", "/dev/full"], 1, "/dev/full: Not a directory"),
    (["capture", "--read", "/nonexistent.pcapng"], 1, "/nonexistent.pcapng"),
    (["capture", "--read", "CAPTURE", "--quiet", "--write", "/dev/full"], 1,
     "/dev/full is not whole: No space left on device"),
    (["capture", "--interface", "no-such-one"], 1, "no-such-one"),
]
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCENARIO = os.path.join(ROOT, "examples", "first-steps", "echo.yaml")
CLONE_NEWNET = 0x40000000
NOBODY = 65534


def run(words, **how):
    print("+ strata", *words, flush=True)
    how.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([STRATA, *words], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=20,
                          check=False, **how)


def as_nobody():
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def wire_failures(expect):
    """What goes wrong with a TAP. As root in a network of our own; otherwise the first is all that can be tried."""
    tap = ["--tap", "tap0", "--address", "10.9.0.2/24"]
    root = os.geteuid() == 0
    try:
        result = run(["ping", "10.9.0.1", *tap], preexec_fn=as_nobody if root else None)
        expect(result.returncode == 1 and "not permitted to open TAP interface tap0" in result.stderr and
               result.stderr.count("\n") == 1, "a TAP that is not permitted is told in a sentence", result)
    except (subprocess.SubprocessError, PermissionError):
        print("nobody may not run this build: not tried without permission")
    if not root or not os.path.exists("/dev/net/tun") or ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        print("no network of our own: a TAP in use and a full disk were not tried")
        return
    first = subprocess.Popen([STRATA, "serve", ROOT, *tap, "--pcap", "/dev/full"], stdout=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 10
        while time.monotonic() < end and "tap0:" not in open("/proc/self/net/dev", encoding="ascii").read():
            time.sleep(0.01)
        result = run(["ping", "10.9.0.1", *tap])
        expect(result.returncode == 1 and "tap0 is in use" in result.stderr, "a TAP in use is told", result)
    finally:
        first.send_signal(signal.SIGTERM)
        complaint = first.communicate(timeout=20)[1]
    ended = subprocess.CompletedProcess([], first.returncode, "", complaint)
    expect(first.returncode == 1 and "the capture /dev/full is not whole: No space left on device" in complaint,
           "a capture that found the disk full is told, and a failure", ended)


def main():
    failures = 0

    def expect(condition, what, result):
        nonlocal failures
        if not condition:
            failures += 1
            print(f"FAILED: {what}: exit {result.returncode}\n--- out\n{result.stdout}\n--- err\n{result.stderr}")

    for words in [["--help"], ["--version"]] + [[verb, "--help"] for verb in VERBS]:
        result = run(words)
        expect(result.returncode == 0 and result.stdout and not result.stderr, f"strata {' '.join(words)}", result)
        if words != ["--version"]:
            expect("example" in result.stdout, f"strata {' '.join(words)} gives an example", result)
    result = run(["run", "traffic", "--help"])
    expect(result.returncode == 0 and "--poisson" in result.stdout and "--tap" in result.stdout and not result.stderr,
           "a program explains itself", result)
    scratch = tempfile.TemporaryDirectory()
    capture = os.path.join(scratch.name, "capture.pcapng")
    result = run(["lab", SCENARIO, "--quiet", "--pcap", capture])
    expect(result.returncode == 0 and os.path.getsize(capture) > 1000, "a capture is written", result)
    places = {"SCENARIO": SCENARIO, "CAPTURE": capture}
    for words, status, said in WRONG:
        words = [places.get(word, word) for word in words]
        result = run(words)
        expect(result.returncode == status, f"strata {' '.join(words)} ends with {status}", result)
        expect(said in result.stderr, f"strata {' '.join(words)} says '{said}'", result)
    with open("/dev/full", "w", encoding="ascii") as full:
        result = run(["settings"], stdout=full)
        expect(result.returncode == 1 and "standard output" in result.stderr, "an output that is full is told", result)
    scratch.cleanup()
    with tempfile.TemporaryDirectory() as folder:
        taken = subprocess.Popen([STRATA, "serve", folder, "--port", "18094"], stdout=subprocess.PIPE, text=True)
        try:
            taken.stdout.readline()
            result = run(["serve", folder, "--port", "18094"])
            expect(result.returncode == 1 and "18094" in result.stderr, "a port that is taken is told", result)
        finally:
            taken.terminate()
            taken.wait()
    wire_failures(expect)
    sys.exit(1 if failures else 0)


main()
