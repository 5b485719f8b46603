"""How a run is watched and ends: --until, --from, --timeout, JSON lines, Ctrl-C, terminals, tables of 80 columns."""
# ctest: timeout 300

import csv
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import time

STRATA = os.environ["STRATA"]
SOURCE = os.environ["STRATA_SOURCE"]
PING = os.path.join(SOURCE, "examples/first-steps/ping.yaml")
DAY = os.path.join(SOURCE, "examples/day-in-the-life/day.yaml")
LOSSY = os.path.join(SOURCE, "examples/lossy-link/transfer.yaml")
failures = 0

ENDLESS = """duration: 100h
nodes:
  a: {address: 10.0.0.1/24, programs: [ping 10.0.0.2 --count 100000000 --interval 0.001]}
  b: {address: 10.0.0.2/24}
links: [{endpoints: [a, b], delay: 10us}]
"""


def expect(condition, what, result=None):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)
        if result:
            print(f"exit {result.returncode}\n--- out\n{result.stdout[:3000]}\n--- err\n{result.stderr[:3000]}")


def lab(*words, **more):
    return subprocess.run([STRATA, "lab", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, check=False, **more)


def check_points():
    """To a point and no further: what was seen until then is what the whole run has until then."""
    whole, part = lab(DAY).stdout.splitlines(), lab(DAY, "--until", "4.2s")
    lines = [line for line in part.stdout.splitlines() if re.match(r" +\d+\.\d{6} ", line)]
    expect(part.returncode == 0 and lines == whole[whole.index(lines[0]):][:len(lines)], "the same beginning", part)
    expect("laptop runs browser" in part.stdout and "so far " in part.stdout, "what goes on there", part)
    expect("in 4.200 s of virtual time" in part.stdout and not part.stderr, "and where it is", part)
    result = json.loads(lab(DAY, "--until", "4.2s", "--json").stdout)
    expect(result["ok"] is None and result["stopped"] == "until" and result["checks"] == [], f"no verdict: {result}")
    expect(result["virtual_seconds"] == 4.2, f"at that point: {result}")
    result = lab(DAY, "--until", "1h")
    expect(result.returncode == 0 and result.stdout.splitlines() == whole, "after the end it is the whole run", result)
    lines = [line for line in lab(DAY, "--from", "4.3s").stdout.splitlines() if re.match(r" +\d+\.\d{6} ", line)]
    expect(lines and all(float(line.split()[0]) >= 4.3 for line in lines) and lines[-1] in whole, "from a point on")
    for words in (["--until", "soon"], ["--from", "5"], ["--timeout", "0s"]):
        expect(lab(PING, *words).returncode == 2, f"{words}")


def check_lines():
    """A line of JSON for each event, and the result as the last one."""
    result = lab(LOSSY, "--jsonl")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    whole = json.loads(lab(LOSSY, "--json").stdout)
    last = lines.pop()
    expect(last.pop("event") == "result" and last == whole, "the last line is the result", result)
    kinds = {kind: [line for line in lines if line["event"] == kind] for kind in {line["event"] for line in lines}}
    expect(len(kinds["sent"]) == whole["frames"], f"{len(kinds['sent'])} frames of {whole['frames']}")
    expect([line["frame"] for line in kinds["sent"]] == list(range(1, whole["frames"] + 1)), "by their numbers")
    expect(kinds["lost"] and all(line["why"] == "loss" for line in kinds["lost"]), "losses with their reason")
    expect({line["why"] for line in kinds["fault"]} <= {"duplicate", "corrupt", "reorder"} and kinds["fault"], "faults")
    times = [line["time_ns"] for line in lines]
    expect(times == sorted(times), "time goes on")
    expect([line["program"] for line in kinds["ends"]] == ["fetch"] and kinds["ends"][0]["status"] == 0, "programs")
    more = [json.loads(line)["event"] for line in lab(LOSSY, "--jsonl", "-v", "-v").stdout.splitlines()]
    expect({"delivered", "tcp_state", "tcp_cwnd", "tcp_rtt", "drop"} <= set(more), f"with -v -v: {set(more)}")
    stats = json.loads(lab(LOSSY, "--json", "--stats").stdout)
    lost = sum(cable["lost"] for cable in stats["cables"])
    expect(lost == len(kinds["lost"]) and stats["nodes"]["server"]["tcp_segments_retransmitted"] > 10, "--stats")


def check_width():
    for scenario in (DAY, LOSSY, PING):
        result = lab(scenario, "--stats", "-q")
        lines = result.stdout.split("\n\n", 1)[1].splitlines()
        expect(all(len(line) <= 80 for line in lines), f"{scenario}: {max(lines, key=len)}", result)
    for words in (["--help"], ["sweep", "--help"]):
        result = lab(*words)
        expect(result.returncode == 0 and all(len(line) <= 80 for line in result.stdout.splitlines()), "help", result)


def wait_for(what):
    for _ in range(3000):
        if what():
            return
        time.sleep(0.01)


def check_signals(folder):
    """Ctrl-C: what was gathered is written and whole, and the exit status is the shell's."""
    endless, pcap, curve = (os.path.join(folder, name) for name in ("endless.yaml", "x.pcapng", "x.csv"))
    with open(endless, "w", encoding="utf-8") as file:
        file.write(ENDLESS)
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = subprocess.Popen([STRATA, "lab", endless, "--json", "--pcap", pcap, "--curve", curve],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        wait_for(lambda: os.path.exists(pcap) and os.path.getsize(pcap) > 100000)
        process.send_signal(number)
        output, error = process.communicate(timeout=60)
        result = json.loads(output)
        expect(process.returncode == status and result["stopped"] == "signal" and result["ok"] is None,
               f"ended with {process.returncode}: {output} {error}")
        expect(error.startswith("strata: ended by") and len(error.splitlines()) == 1, f"one sentence: {error}")
        read = subprocess.run([STRATA, "capture", "--read", pcap, "--json"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        frames = len(read.stdout.splitlines())
        expect(read.returncode == 0 and frames == result["frames"], f"the capture: {frames}, {read.stderr}")
        with open(curve, encoding="utf-8", newline="") as file:
            expect(next(csv.reader(file))[0] == "time_s", "the curve")
        os.remove(pcap)
    result = lab(endless, "-q", "--timeout", "300ms")
    expect(result.returncode == 1 and "not done after 300ms of real time" in result.stderr and
           "a runs ping" in result.stdout, "a limit of real time", result)
    with open("/dev/full", "w", encoding="utf-8") as full:
        for words in ([endless], [endless, "--jsonl"], [PING], [PING, "--json"]):
            result = subprocess.run([STRATA, "lab", *words], stdout=full, stderr=subprocess.PIPE, text=True,
                                    timeout=60, check=False)
            expect(result.returncode == 1 and result.stderr == "strata: standard output: No space left on device\n",
                   f"a full disk ends it: {words}: {result.stderr}")


def on_terminal(*words, until=None, **variables):
    """What a command writes to a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update({"TERM": "xterm", **variables})
        os.execv(STRATA, [STRATA, "lab", *words])
    seen = b""
    while select.select([terminal], [], [], 30)[0]:
        try:
            data = os.read(terminal, 65536)
        except OSError: # the other end is gone
            break
        seen += data
        if until and until in seen:
            os.kill(pid, signal.SIGINT)
            until = None
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


def check_terminal(folder):
    status, seen = on_terminal(PING)
    expect(status == 0 and "\033[35m" in seen and "\033[32mok" in seen, f"colours: {seen}")
    status, seen = on_terminal(PING, NO_COLOR="1")
    expect(status == 0 and "\033" not in seen, f"no colours where they are not wanted: {seen}")
    # A long run that prints nothing has a line that tells how far it is; it is gone in the end.
    endless = os.path.join(folder, "endless.yaml")
    status, seen = on_terminal(endless, "-q", until=b"x real time")
    expect(status == 130 and re.search(r"\r\033\[K\d+\.\d of at most 360000 s, \d+ frames, \d+\.\d x real time", seen),
           f"progress: {seen!r}")
    expect("\r\033[Kso far " in seen.replace("\033[32m", ""), f"it gives way: {seen!r}")
    status, seen = on_terminal(LOSSY, "--seeds", "1-1000000", "-k", "-q", until=b" a second")
    expect(status == 130 and re.search(r"\d+ of 1000000 runs, \d+ failed, \d+ a second, .* left", seen), f"{seen!r}")
    status, seen = on_terminal(endless, until=b"echo reply")
    expect(status == 130 and "x real time" not in seen,
           f"no such line between those of the timeline: {status}, {seen[-400:]!r}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_points()
        check_lines()
        check_width()
        check_signals(folder)
        check_terminal(folder)
    print("ends:", "FAILED" if failures else "ok")
    sys.exit(failures > 0)


main()
