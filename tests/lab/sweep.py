"""strata lab sweep: a table, CSV, JSON and a picture of what was measured, the same for any number of workers."""
# ctest: timeout 300

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

STRATA = os.environ["STRATA"]
failures = 0

TRANSFER = """title: A sweep
parameters:
  loss: {type: share, default: 0%}
  rate: {type: rate, default: 10mbit}
duration: 300s
nodes:
  client: {address: 10.0.0.1/24, programs: ["fetch http://10.0.0.2/file.bin -o /file.bin"]}
  server:
    address: 10.0.0.2/24
    files: {/www/file.bin: {size: 64KiB}}
    programs: [http-server /www]
links:
  - {endpoints: [client, server], name: bad, rate: "${rate}", delay: 5ms, loss: "${loss}"}
checks:
  - {name: soon, done_before: 120s}
  - {cable: bad, count: lost, max: 20}
"""


def expect(condition, what, result=None):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)
        if result:
            print(f"exit {result.returncode}\n--- out\n{result.stdout[:3000]}\n--- err\n{result.stderr[:3000]}")


def sweep(*words, env=None):
    return subprocess.run([STRATA, "lab", "sweep", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120, check=False, env=env)


def check_jobs(transfer):
    for words in ([], ["--json"], ["--jsonl"], ["--csv", "-"], ["--measure", "client:goodput"]):
        outputs = {sweep(transfer, "--grid", "loss=0%,5%", "--grid", "rate=1mbit,10mbit", "--seeds", "1-3", "--jobs",
                         jobs, *words).stdout for jobs in ("1", "2", "5")}
        expect(len(outputs) == 1, f"the number of jobs changes nothing: {words}: {outputs}")


def check_numbers(transfer):
    """The same numbers in all forms, and the number of one run is what it tells alone."""
    words = [transfer, "--grid", "loss=0%,20%", "--grid", "rate=1mbit,10mbit", "--seeds", "1-5"]
    for what in ("bad:lost", "done", "client:goodput", "bad:throughput:backward", "server:tcp_segments_retransmitted",
                 "tcp_opened", "frames"):
        words += ["--measure", what]
    result = sweep(*words, "--json")
    whole = json.loads(result.stdout)
    points = {(point["set"]["loss"], point["set"]["rate"]): point for point in whole["points"]}
    expect(list(points) == [("0%", "1mbit"), ("0%", "10mbit"), ("20%", "1mbit"), ("20%", "10mbit")], "the points")
    clean = points["0%", "10mbit"]["measured"]
    expect(clean["bad:lost"]["max"] == 0 and points["20%", "10mbit"]["measured"]["bad:lost"]["min"] > 3, "losses")
    expect(9e6 < clean["client:goodput"]["median"] < 10e6, f"goodput: {clean}")
    expect(5e6 < clean["bad:throughput:backward"]["median"] < 8e6, f"throughput, with the handshake: {clean}")
    expect(points["0%", "1mbit"]["measured"]["client:goodput"]["mean"] < 1e6, "a tenth of the rate")
    expect(clean["tcp_opened"]["mean"] == 2 and clean["server:tcp_segments_retransmitted"]["max"] == 0, "counters")
    table = list(csv.DictReader(io.StringIO(sweep(*words, "--csv", "-").stdout)))
    for row in table:
        point = points[row["loss"], row["rate"]]
        for name, value in point["measured"].items():
            for part, number in value.items():
                expect(abs(float(row[f"{name} {part}"]) - number) < 1e-6, f"CSV: {name} {part}: {row}, {number}")
    alone = subprocess.run([STRATA, "lab", transfer, "--set", "loss=20%", "--set", "rate=1mbit", "--seed", "2",
                            "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=60,
                           check=False)
    one = json.loads(sweep(transfer, "--grid", "loss=20%", "--grid", "rate=1mbit", "--seed", "2", "--json").stdout)
    checks = {check["name"]: check.get("value") for check in json.loads(alone.stdout)["checks"]}
    for check in one["points"][0]["checks"]:
        if "value" in check:
            expect(check["value"]["median"] == checks[check["name"]], f"{check} is {checks[check['name']]}")
    result = sweep(*words)
    lines = [line for line in result.stdout.splitlines() if "strata lab" not in line and "FAILED" not in line]
    expect(all(len(line) <= 80 for line in lines), "80 columns", result)
    failed = whole["failed"]
    expect(failed > 0 and result.returncode == 1 and f"{failed} failed" in result.stdout, "checks that fail", result)
    replay = next(line.split() for line in result.stdout.splitlines() if line.startswith("        strata lab"))
    again = subprocess.run([STRATA, *replay[1:], "-q"], stdout=subprocess.PIPE, text=True, timeout=60, check=False)
    expect(again.returncode == 1 and "--set" in replay, f"replay: {replay}")
    # Shards: together they are the whole.
    runs = [json.loads(sweep(*words, "--shard", shard, "--json").stdout)["runs"] for shard in ("1/3", "2/3", "3/3")]
    expect(sum(runs) == 20 and min(runs) >= 6, f"shards: {runs}")


def check_mistakes(folder, transfer):
    grid = ["--grid", "loss=0%,1%"]
    for words, said in (([transfer], "sweep over what?"), ([transfer, "--grid", "loss"], "expected a parameter"),
                        ([transfer, "--grid", "loss=1%,,2%"], "an empty value"),
                        ([transfer, *grid, *grid], "its values already"),
                        ([transfer, "--grid", "lss=0%"], "no parameter lss (did you mean loss?)"),
                        ([transfer, "--grid", "loss=0%,soon"], "soon is not a share"),
                        ([transfer, *grid, "--measure", "bad:thrughput"], "(did you mean throughput?)"),
                        ([transfer, *grid, "--plot", "x.pdf"], "a picture is a .svg or a .png"),
                        ([transfer, *grid, "--pcap", "x"], "--pcap does not go with 'sweep'")):
        result = sweep(*words)
        expect(result.returncode == 2 and said in result.stderr and len(result.stderr.splitlines()) == 1,
               f"{words}: {said}", result)
    result = subprocess.run([STRATA, "lab", transfer, *grid], stderr=subprocess.PIPE, text=True, timeout=60,
                            check=False)
    expect(result.returncode == 2 and "goes with 'strata lab sweep'" in result.stderr, "without sweep", result)
    for words, said in ((["--csv", "/dev/full"], "No space left"), (["--junit", "/dev/full"], "No space left"),
                        (["--csv", os.path.join(folder, "no/such")], "No such file")):
        result = sweep(transfer, *grid, *words)
        expect(result.returncode == 1 and said in result.stderr and len(result.stderr.splitlines()) == 1,
               f"{words}: {said}", result)


def check_picture(folder, transfer):
    svg, junit = os.path.join(folder, "sweep.svg"), os.path.join(folder, "junit.xml")
    result = sweep(transfer, "--grid", "loss=0%", "--plot", svg, env=dict(os.environ, PATH=folder))
    expect(result.returncode == 1 and "gnuplot-nox" in result.stderr, "without gnuplot it says what is missing", result)
    if not shutil.which("gnuplot"):
        print("SKIPPED: gnuplot is not installed")
        expect("CI" not in os.environ, "gnuplot is there where CI is set")
        return
    result = sweep(transfer, "--grid", "loss=0%,1%,5%", "--grid", "rate=1mbit,10mbit", "--seeds", "1-2", "--measure",
                   "client:goodput", "--measure", "bad:marked", "--plot", svg, "--junit", junit)
    expect(result.returncode == 0 and not result.stderr, "drawing", result)
    texts = ["".join(text.itertext()) for text in xml.etree.ElementTree.parse(svg).iter() if text.tag.endswith("}text")]
    for wanted in ("A sweep", "client:goodput (Mbit/s)", "bad:marked", "loss (%)", "rate=1mbit", "rate=10mbit"):
        expect(any(wanted in text for text in texts), f"{wanted} in the picture: {texts}")
    suite = xml.etree.ElementTree.parse(junit).getroot().find("testsuite")
    expect(suite.get("tests") == "12", "a case for each run")
    result = sweep(transfer, "--grid", "rate=1mbit,odd", "--plot", svg)
    expect(result.returncode == 2, "a mistake", result)


def main():
    with tempfile.TemporaryDirectory() as folder:
        transfer = os.path.join(folder, "transfer.yaml")
        with open(transfer, "w", encoding="utf-8") as file:
            file.write(TRANSFER)
        check_jobs(transfer)
        check_numbers(transfer)
        check_mistakes(folder, transfer)
        check_picture(folder, transfer)
    print("sweep:", "FAILED" if failures else "ok")
    sys.exit(failures > 0)


main()
