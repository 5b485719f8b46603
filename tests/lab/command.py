"""strata lab: exit status, JSON, seeds, replay, and one sentence for every trouble with files."""

import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

STRATA = os.environ["STRATA"]
SOURCE = os.environ["STRATA_SOURCE"]
PING = os.path.join(SOURCE, "examples/first-steps/ping.yaml")
failures = 0

FAILING = """nodes:
  a: {address: 10.0.0.1/24, programs: [ping 10.0.0.2 --count 2]}
  b: {address: 10.0.0.2/24}
links: [{endpoints: [a, b], loss: 100%}]
"""
WRONG = """nodes:
  a: {adress: 10.0.0.1/24}
links:
  - {endpoints: [a, b]}
"""
TRANSFER = """nodes:
  client: {address: 10.0.0.1/24, programs: ["fetch http://10.0.0.2/file.bin -o /file.bin"]}
  server:
    address: 10.0.0.2/24
    files: {/www/file.bin: {size: 512KiB}}
    programs: [http-server /www]
links: [{endpoints: [client, server], name: narrow, rate: 10mbit, delay: 10ms}]
"""
PRINTS_ODD = """nodes: {a: {address: 10.0.0.1/24, programs: ["ping 10.0.0.2\\e[31m --count 1"]}}
"""


def expect(condition, what, result=None):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)
        if result:
            print(f"exit {result.returncode}\n--- out\n{result.stdout}\n--- err\n{result.stderr}")


def lab(*words, env=None):
    return subprocess.run([STRATA, "lab", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=env)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def check_results(folder):
    result = lab(PING)
    expect(result.returncode == 0 and "ICMP echo request" in result.stdout and not result.stderr, "a timeline", result)
    expect("\033" not in result.stdout, "no colour where nobody sees it", result)
    result = lab(PING, "-q")
    expect(result.returncode == 0 and len(result.stdout.splitlines()) == 5, "--quiet: only the checks", result)
    first, again, other = (json.loads(lab(PING, "--json", "--seed", seed).stdout) for seed in ("5", "5", "6"))
    expect(first == again, "the same seed gives the same result")
    expect(first["hash"] != other["hash"] and first["seed"] == 5, "another seed gives another hash")
    expect(set(first) >= {"ok", "seed", "virtual_seconds", "frames", "hash", "checks"}, f"JSON: {first}")
    keys = [set(check) - {"value"} for check in first["checks"]]
    expect(first["ok"] is True and all(each == {"name", "ok", "detail"} for each in keys), f"checks: {keys}")
    result = lab(PING, "--stats", "-q")
    expect("anna-ben  forward" in result.stdout and "arp_replies_sent" in result.stdout, "--stats", result)
    result = lab(PING, "-v", "-v")
    expect(result.returncode == 0 and "10.0.0.1 > 10.0.0.2" not in result.stderr, "-v -v", result)

    failing = write(folder, "failing.yaml", FAILING)
    result = lab(failing, "--seed", "9", "--duration", "30s")
    expect(result.returncode == 1, "a failed check ends with 1", result)
    replay = [line for line in result.stdout.splitlines() if line.startswith("to see it again: ")]
    expect(replay == [f"to see it again: strata lab {failing} --seed 9 --duration 30s"], "the replay command", result)
    again = lab(*replay[0].split()[6:]) if replay else result
    expect(again.stdout == result.stdout, "which shows the same", again)
    result = lab(failing, "--json")
    expect(result.returncode == 1 and json.loads(result.stdout)["ok"] is False, "--json of a failure", result)
    odd = write(folder, "odd.yaml", PRINTS_ODD)
    result = lab(odd)
    expect("\033" not in result.stdout, "what a program prints cannot drive the terminal", result)


def check_mistakes(folder):
    wrong = write(folder, "wrong.yaml", WRONG)
    for words in ([wrong], ["check", wrong]):
        result = lab(*words)
        lines = result.stderr.splitlines()
        expect(result.returncode == 2 and len(lines) == 2, "mistakes end with 2", result)
        expect(lines and lines[0].startswith(f"{wrong}:2:7: a node has no key adress (did you mean address?)"), "first",
               result)
        expect(lines and lines[-1] == f"{wrong}:4:21: there is no node b", "second", result)
    result = lab(write(folder, "broken.yaml", "title: [\n"), "--help")
    expect(result.returncode == 2 and "this is no YAML" in result.stderr and not result.stdout, "help on no scenario",
           result)
    needs = write(folder, "needs.yaml", "title: T\nparameters: {wait: {type: time}}\nnodes: {a: {}}\n")
    result = lab(needs, "--help")
    expect(result.returncode == 0 and "must be given" in result.stdout and not result.stderr, "help asks for no value",
           result)
    result = lab("check", PING)
    expect(result.returncode == 0 and "nothing wrong" in result.stdout, "check", result)
    for words, said in ((["--seed", "x", PING], "--seed x"), (["--duration", "5", PING], "--duration 5"),
                        (["--sed", "5", PING], "--sed"), ([PING, PING], "one scenario"), ([PING, "--seed"], "--seed")):
        result = lab(*words)
        expect(result.returncode == 2 and said in result.stderr and len(result.stderr.splitlines()) == 1, said, result)


def check_files(folder):
    missing = os.path.join(folder, "missing")
    for words, said in (([missing], "No such file"), ([folder], "Is a directory"),
                        ([PING, "--pcap", os.path.join(missing, "x.pcapng")], "No such file"),
                        ([PING, "--pcap-dir", os.path.join(missing, "x")], "No such file"),
                        ([PING, "--pcap", "/dev/full"], "No space left on device"),
                        ([PING, "--json", "--pcap", "/dev/full"], "No space left on device"),
                        ([PING, "--curve", os.path.join(missing, "x.csv")], "No such file"),
                        ([PING, "--curve", "/dev/full"], "No space left on device"),
                        ([PING, "--curve", os.path.join(missing, "x.svg")], "No such file")):
        result = lab(*words)
        lines = result.stderr.splitlines()
        expect(result.returncode == 1 and len(lines) == 1 and lines[0].startswith("strata: ") and said in lines[0],
               f"{words}: {said}", result)


def check_full_output():
    for words in (["--help"], ["check", "--expanded", PING], ["schema"], [PING], [PING, "--help"], [PING, "--json"]):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = subprocess.run([STRATA, "lab", *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                                    check=False)
        said = result.stderr.splitlines()
        expect(result.returncode == 1 and len(said) == 1 and said[0].startswith("strata: standard output: "),
               f"{words}: {result.returncode} {said}")


def check_curve(folder):
    """The window of a transfer over a narrow cable: it doubles at first, and the queue is what fills it."""
    path = os.path.join(folder, "curve.csv")
    plain = lab(write(folder, "transfer.yaml", TRANSFER), "--json")
    result = lab(os.path.join(folder, "transfer.yaml"), "--json", "--curve", path)
    expect(result.returncode == 0 and result.stdout == plain.stdout, "drawing a curve changes nothing", result)
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    expect(list(rows[0])[:5] == ["time_s", "host", "connection", "cwnd_bytes", "ssthresh_bytes"], f"columns: {rows[0]}")
    sender = [row for row in rows if row["host"] == "server"]
    times = [float(row["time_s"]) for row in sender]
    expect(times == sorted(times) and len(times) > 50, "time goes on")
    expect({row["connection"].split("-")[0] for row in sender} == {"10.0.0.2:80"}, "the server speaks from port 80")
    windows = [int(row["cwnd_bytes"]) for row in sender]
    expect(min(windows) >= 1460 and max(windows) > 10 * windows[0], f"slow start: {windows[0]} to {max(windows)}")
    expect(all(int(row["flight_bytes"]) <= max(windows) for row in sender), "no more is out than the window allows")
    queues = [int(row["queue narrow backward"]) for row in sender]
    expect(max(queues) > 20 and {row["queue narrow forward"] for row in sender} <= {"0", "1", "2"}, "queues")
    # 10 ms each way, and a queue that grows to a frame's 1.2 ms each.
    srtt = [float(row["srtt_ms"]) for row in sender if row["srtt_ms"]]
    expect(20 <= srtt[0] < 30 and max(srtt) > 40, f"round-trip times: {srtt[0]} to {max(srtt)}")


def check_picture(folder):
    """A picture beside the table: the same window in both, drawn by gnuplot."""
    svg, png, table = (os.path.join(folder, name) for name in ("curve.svg", "curve.png", "beside.csv"))
    transfer = write(folder, "drawn.yaml", "title: It's 10 < 20 & \"more\"\n" + TRANSFER)
    result = lab(transfer, "--json", "--curve", svg, env=dict(os.environ, PATH=folder))
    expect(result.returncode == 1 and "gnuplot-nox" in result.stderr, "without gnuplot it says what is missing", result)
    expect(not os.path.exists(svg), "and leaves no empty picture")
    if not shutil.which("gnuplot"):
        print("SKIPPED: gnuplot is not installed")
        expect("CI" not in os.environ, "gnuplot is there where CI is set")
        return
    result = lab(transfer, "--quiet", "--curve", svg, "--curve", table)
    expect(result.returncode == 0 and f"the picture is in {svg}" in result.stdout, "drawing", result)
    texts = ["".join(text.itertext()) for text in xml.etree.ElementTree.parse(svg).iter() if text.tag.endswith("}text")]
    for wanted in ("It's 10 < 20 & \"more\"", "congestion window", "slow-start threshold", "smoothed round-trip time"):
        expect(any(wanted in text for text in texts), f"{wanted} in the picture: {texts}")
    expect(any("server, 10.0.0.2:80 to 10.0.0.1:" in text for text in texts), f"whose it is: {texts}")
    with open(table, encoding="utf-8", newline="") as file:
        most = max(int(row["cwnd_bytes"]) for row in csv.DictReader(file) if row["host"] == "server") / 1024
    axis = [int(text) for text in texts if text.strip().isdigit()]
    expect(axis and most <= max(axis), f"an axis up to {max(axis)} has room for {most} KiB")
    result = lab(transfer, "--quiet", "--curve", png)
    with open(png, "rb") as file:
        expect(file.read(8) == b"\x89PNG\r\n\x1a\n", "a PNG", result)
    result = lab(PING, "--quiet", "--curve", svg)
    with open(svg, encoding="utf-8") as file:
        expect(result.returncode == 0 and "no connection sent anything" in file.read(), "an empty picture", result)
    os.remove(svg)
    os.symlink("/dev/full", svg)
    result = lab(PING, "--quiet", "--curve", svg)
    expect(result.returncode == 1 and "could not draw it" in result.stderr, "a full disk", result)


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_results(folder)
        check_mistakes(folder)
        check_files(folder)
        check_full_output()
        check_curve(folder)
        check_picture(folder)
    print("command:", "FAILED" if failures else "ok")
    sys.exit(failures > 0)


main()
