"""strata lab --report: the data of a run against its capture and its counters; escaping; trouble with files."""

import base64
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

STRATA = os.environ["STRATA"]
SOURCE = os.environ["STRATA_SOURCE"]
DAY = os.path.join(SOURCE, "examples/day-in-the-life/day.yaml")
LOSSY = os.path.join(SOURCE, "examples/lossy-link/transfer.yaml")
PING = os.path.join(SOURCE, "examples/first-steps/ping.yaml")
failures = 0

NASTY = r"""title: "<script>alert('title')</script>"
description: "</script><img src=x onerror=alert(1)> <!-- @RECORD@ & \u2028 \xe9"
nodes:
  "<b>&a": {address: 10.0.0.1/24, programs: ["ping 10.0.0.2 --count 1"]}
  b: {address: 10.0.0.2/24}
links: [{endpoints: ["<b>&a", b], name: "</script>"}]
events:
  - {at: 10ms, note: "]]></script><script>alert(2)</script>"}
checks:
  - {name: "<i>holds</i>", done_before: 5s}
"""


def expect(condition, what, result=None):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)
        if result:
            print(f"exit {result.returncode}\n--- out\n{result.stdout}\n--- err\n{result.stderr}")


def lab(*words):
    return subprocess.run([STRATA, "lab", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False)


def column(text):
    """As docs/trace.md has it: differences, zigzagged, seven bits to a byte, in base64."""
    values, last, value, shift = [], 0, 0, 0
    for byte in base64.b64decode(text):
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            last += -((value + 1) >> 1) if value & 1 else value >> 1
            values.append(last)
            value = shift = 0
    return values


def captured(path):
    """(time, bytes, original length) of every packet of a little- or big-endian pcapng file."""
    with open(path, "rb") as file:
        data = file.read()
    order = "<" if data[8:12] == b"\x4d\x3c\x2b\x1a" else ">"
    packets, at = [], 0
    while at < len(data):
        kind, length = struct.unpack_from(order + "II", data, at)
        if kind == 6:
            _, high, low, kept, original = struct.unpack_from(order + "IIIII", data, at + 8)
            packets.append((high << 32 | low, data[at + 28:at + 28 + kept], original))
        at += length
    return packets


def frames_of(record):
    """The bytes of every frame: its own, then those of the first of its journey."""
    frames, pool = record["frames"], base64.b64decode(record["bytes"])
    stored, journey = column(frames["stored"]), column(frames["journey"])
    found, at = [], 0
    for i, count in enumerate(stored):
        own = pool[at:at + count]
        first = found[i - journey[i]] if journey[i] else b""
        found.append(own + first[len(own):])
        at += count
    return found


def check_data(folder):
    for scenario in (DAY, LOSSY, PING):
        path, pcap = os.path.join(folder, "run.json"), os.path.join(folder, "run.pcapng")
        plain = json.loads(lab(scenario, "--json").stdout)
        result = lab(scenario, "--json", "--report", path, "--pcap", pcap)
        expect(result.returncode == 0 and json.loads(result.stdout)["hash"] == plain["hash"],
               f"{scenario}: listening changes nothing", result)
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        frames, name = record["frames"], os.path.basename(scenario)
        expect(record["format"] == "strata-record" and record["version"] == 1 and record["judged"] and record["ok"],
               f"{name}: head")
        expect(record["hash"] == plain["hash"] and record["frames_sent"] == plain["frames"], f"{name}: hash")
        expect(not any(record["left_out"].values()), f"{name}: nothing left out: {record['left_out']}")
        lengths = {key: len(column(value)) for key, value in frames.items() if key != "count"}
        expect(set(lengths.values()) == {plain["frames"]}, f"{name}: columns {lengths}")
        packets = captured(pcap)
        expect(len(packets) == plain["frames"], f"{name}: capture")
        sent, kept = column(frames["sent"]), frames_of(record)
        for i, (time, data, original) in enumerate(packets):
            if not (record["epoch_ns"] + sent[i] == time and len(kept[i]) == original and kept[i].startswith(data)):
                expect(False, f"{name}: frame {i} is not as it was captured")
                break
        fates, cables, directions = column(frames["fate"]), column(frames["cable"]), column(frames["direction"])
        for i, cable in enumerate(record["cables"]):
            for direction in (0, 1):
                counts = cable["directions"][direction]
                lost = sum(fate == 2 for fate, c, d in zip(fates, cables, directions) if (c, d) == (i, direction))
                wanted = sum(counts.get(key, 0) for key in ("lost", "lost_queue", "lost_down"))
                expect(lost == wanted, f"{name}: {cable['name']}: {lost} lost, {wanted} counted")
        expect(len(record["checks"]) == len(plain["checks"]), f"{name}: checks")


def check_page(folder):
    scenario = os.path.join(folder, "nasty.yaml")
    with open(scenario, "w", encoding="utf-8") as file:
        file.write(NASTY)
    pages = []
    for name in ("one.html", "two.html"):
        result = lab(scenario, "-q", "--report", os.path.join(folder, name))
        path = os.path.join(folder, name)
        expect(result.returncode == 0 and f"the page is in {path}" in result.stdout, "a page", result)
        with open(path, encoding="utf-8") as file:
            pages.append(file.read())
    expect(pages[0] == pages[1], "the same run makes the same page")
    page = pages[0]
    expect("alert('title')" not in page and "<img src=x" not in page, "nothing of a scenario is HTML")
    expect(page.count("<script") == 2 and page.count("</script>") == 2, "two scripts: data and program")
    data = re.search(r'<script type="application/json" id="record">(.*?)</script>', page, re.DOTALL)
    record = json.loads(data.group(1)) if data else {}
    expect(record.get("title") == "<script>alert('title')</script>", "the title is what was written")
    expect(record["nodes"][0]["name"] == "<b>&a" and record["cables"][0]["name"] == "</script>", "names")
    expect(record["description"].startswith("</script><img") and "\u2028" in record["description"], "description")
    expect(record["checks"][0]["name"] == "<i>holds</i>", "checks")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    expect(policy and "default-src 'none'" in policy.group(1) and "unsafe" not in policy.group(1), "a strict policy")
    ours = re.sub(r'id="record">.*?</script>', "", page, flags=re.DOTALL)
    expect(not re.findall(r"https?://(?!github\.com/leeoniya|www\.w3\.org)", ours), "no address of anywhere")
    expect("Leon Sorokin" in page, "the plotting library has its licence")


def check_files(folder):
    for path, said in ((os.path.join(folder, "missing", "x.html"), "No such file"), (folder, "Is a directory"),
                       ("/dev/full", "No space left on device")):
        result = lab(PING, "-q", "--report", path)
        lines = result.stderr.splitlines()
        expect(result.returncode == 1 and len(lines) == 1 and said in lines[0], f"{path}: {said}", result)
    path = os.path.join(folder, "stopped.json")
    result = lab(LOSSY, "-q", "--until", "500ms", "--report", path)
    with open(path, encoding="utf-8") as file:
        record = json.load(file)
    expect(not record["judged"] and record["now"] == 500000000, "a run that was stopped has a page, unjudged", result)
    result = lab(PING, "--report")
    expect(result.returncode == 2 and "--report" in result.stderr, "--report needs a file", result)


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_data(folder)
        check_page(folder)
        check_files(folder)
    print("FAILED" if failures else "ok")
    sys.exit(1 if failures else 0)


main()
