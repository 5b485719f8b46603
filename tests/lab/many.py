"""Many runs: the same bytes for any number of workers; failures replayed; shards, JUnit, signals, shrinking."""
# ctest: timeout 300

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree

STRATA = os.environ["STRATA"]
SOURCE = os.environ["STRATA_SOURCE"]
TRANSFER = os.path.join(SOURCE, "examples/lossy-link/transfer.yaml")
failures = 0

# One in twenty frames is lost: a third of the runs does not like that.
SOMETIMES = """title: Sometimes
parameters:
  loss: {type: share, default: 5%}
nodes:
  a: {address: 10.0.0.1/24, programs: [ping 10.0.0.2 --count 2]}
  b: {address: 10.0.0.2/24}
  bystander: {address: 10.0.1.1/24, programs: [ping 10.0.1.2 --count 1]}
  other: {address: 10.0.1.2/24}
links:
  - {endpoints: [a, b], loss: "${loss}", jitter: 2ms, delay: 10ms}
  - {endpoints: [bystander, other], delay: 1ms}
events:
  - {at: 100ms, note: nothing happens}
  - {at: 200ms, cut: bystander-other}
checks:
  - {cable: a-b, count: lost, max: 0, name: nothing is lost}
  - {cable: bystander-other, count: sent, min: 1}
"""
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


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def check_jobs(folder, sometimes):
    """Whoever does the work, the same seeds give the same bytes, in every form of output."""
    for words in (["-k"], ["--json", "-k"], ["--jsonl", "-k"], [], ["--json"], ["-q"], ["-k", "--junit"]):
        outputs, files = set(), set()
        for jobs in ("1", "2", "5"):
            path = os.path.join(folder, f"junit-{jobs}.xml")
            more = [path] if words[-1:] == ["--junit"] else []
            result = lab(sometimes, "--seeds", "1-24", "--jobs", jobs, *words, *more)
            expect(result.returncode == 1 and not result.stderr.count("strata:"), f"{words}", result)
            outputs.add(result.stdout)
            files.add(read(path) if more else "")
        expect(len(outputs) == 1 and len(files) == 1, f"the number of jobs changes nothing: {words}")
    result = lab(sometimes, "--seeds", "1-60", "-k")
    expect(all(len(line) <= 80 for line in result.stdout.splitlines() if sometimes not in line), "80 columns", result)
    expect("\033" not in result.stdout, "no colour where nobody sees it", result)


def check_single(sometimes):
    """A run among many is the run that it is alone; its failure comes with the command that shows it."""
    lines = [json.loads(line) for line in lab(sometimes, "--seeds", "1-20", "--jsonl", "-k", "-j2").stdout.splitlines()]
    expect([line["seed"] for line in lines[:-1]] == list(range(1, 21)), "a line for each seed, in order")
    expect(lines[-1]["event"] == "result" and lines[-1]["runs"] == 20, "the last line is the result")
    failed = [line for line in lines[:-1] if not line["ok"]]
    expect(len(failed) == lines[-1]["failed"] > 2, "some fail")
    for line in (failed[0], next(line for line in lines if line["ok"])):
        alone = json.loads(lab(sometimes, "--seed", str(line["seed"]), "--json").stdout)
        for key in ("ok", "hash", "frames", "checks", "virtual_seconds"):
            expect(alone[key] == line[key], f"seed {line['seed']}, {key}: {alone[key]}, {line[key]}")
    expect(failed[0]["replay"] == f"strata lab {sometimes} --seed {failed[0]['seed']}", "the replay command")
    whole = json.loads(lab(sometimes, "--seeds", "1-20", "--json", "-k").stdout)
    expect([one["seed"] for one in whole["failures"]] == [one["seed"] for one in failed], "all failures")
    held = {check["name"]: (check["held"], check["failed"]) for check in whole["checks"]}
    expect(held["nothing is lost"][1] == sum(not check["ok"] for line in lines[:-1] for check in line["checks"]
                                             if check["name"] == "nothing is lost"), f"counted: {held}")
    # Parameters belong to the command.
    result = lab(sometimes, "--seeds", "1-9", "--set", "loss=0%", "--duration", "30s")
    expect(result.returncode == 0 and "9 runs, seeds 1-9" in result.stdout, "--set", result)
    result = lab(sometimes, "--seeds", "1-9", "--set", "loss=100%", "--duration", "30s")
    expect(f"strata lab {sometimes} --seed 1 --set loss=100% --duration 30s\n" in result.stdout, "its replay", result)


def check_ends(sometimes):
    """Where it stops, and how it goes on."""
    result = lab(sometimes, "--seeds", "2-60")
    last = result.stdout.splitlines()[-1]
    expect(result.returncode == 1 and result.stdout.count("FAILED  seed") == 1, "stops at the first", result)
    expect(last.startswith("stopped at the first failure; ") and last.endswith(" goes on"), "and says how to go on",
           result)
    rest = last.split("--seeds ")[1].split()[0]
    expect(rest.endswith("-60") and int(rest.split("-")[0]) > 2, f"with the rest: {rest}")
    # Shards: every seed is in one of them, and the parts add up.
    seeds = []
    for shard in ("1/3", "2/3", "3/3"):
        lines = lab(sometimes, "--seeds", "1-20,30", "--shard", shard, "--jsonl", "-k").stdout.splitlines()
        seeds += [json.loads(line)["seed"] for line in lines[:-1]]
    expect(sorted(seeds) == [*range(1, 21), 30] and len(seeds) == 21, f"shards: {seeds}")
    for words, said in ((["--seeds", "0"], "--seeds 0"), (["--seeds", "5-1"], "--seeds 5-1"),
                        (["--seeds", "1-"], "--seeds 1-"), (["--seeds", "1,,2"], "--seeds"),
                        (["--seeds", "1-5", "--jobs", "0"], "--jobs 0"), (["--seeds", "1-5", "--shard", "4/3"], "4/3"),
                        (["--seeds", "1-5", "--seed", "3"], "do not go together"),
                        (["--jobs", "3"], "--jobs goes with many runs"), (["--keep-going"], "give --seeds"),
                        (["--seeds", "1-5", "--pcap", "x"], "--pcap goes with one run"),
                        (["--seeds", "1-5", "--until", "1s"], "--until goes with one run")):
        result = lab(sometimes, *words)
        expect(result.returncode == 2 and said in result.stderr and len(result.stderr.splitlines()) == 1,
               f"{words}: {said}", result)


def check_junit(folder, sometimes):
    path = os.path.join(folder, "results.xml")
    lab(sometimes, "--seeds", "1-30", "-k", "--junit", path)
    suite = xml.etree.ElementTree.parse(path).getroot().find("testsuite")
    cases = suite.findall("testcase")
    failed = [case for case in cases if case.find("failure") is not None]
    expect(suite.get("tests") == "30" == str(len(cases)), "thirty cases")
    expect(suite.get("failures") == str(len(failed)) and suite.get("errors") == "0" and failed, "failures")
    expect(failed[0].find("failure").text == f"strata lab {sometimes} --seed {failed[0].get('name')[5:]}", "replay")
    result = lab(sometimes, "--junit", path, "-q")
    names = [case.get("name") for case in xml.etree.ElementTree.parse(path).iter("testcase")]
    expect("nothing is lost" in names and len(names) == 4, f"of one run the checks: {names}", result)
    result = lab(sometimes, "--seeds", "1", "--junit", "/dev/full", "--set", "loss=0%")
    expect(result.returncode == 1 and result.stderr == "strata: /dev/full: No space left on device\n", "full", result)
    result = lab(sometimes, "--seeds", "1", "--junit", os.path.join(folder, "no/such"))
    expect(result.returncode == 1 and "No such file" in result.stderr, "no such folder", result)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as file:
        return [int(word) for word in file.read().split()]


def start(*words):
    return subprocess.Popen([STRATA, "lab", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True)


def wait_for(what):
    for _ in range(3000):
        value = what()
        if value:
            return value
        time.sleep(0.01)
    return None


def check_crash(folder):
    """A run that takes its process with it is a failure with the signal's name; the others are done."""
    endless = write(folder, "endless.yaml", ENDLESS)
    process = start(endless, "--seeds", "7", "--jobs", "1", "--json")
    worker = wait_for(lambda: children(process.pid))
    time.sleep(0.2)
    os.kill(worker[0], signal.SIGABRT)
    output, error = process.communicate(timeout=60)
    result = json.loads(output)
    expect(process.returncode == 1 and [one["crash"] for one in result["failures"]] == ["SIGABRT"],
           f"a crash has its signal: {output} {error}")
    result = lab(endless, "--seeds", "7-8", "--timeout", "200ms", "-k")
    expect(result.returncode == 1 and result.stdout.count("not done in the real time it was given") == 2,
           "a limit of real time", result)


def check_signals(folder, sometimes):
    """Ctrl-C leaves the runs so far, in order, and the way to go on."""
    endless = write(folder, "endless.yaml", ENDLESS)
    junit = os.path.join(folder, "partial.xml")
    process = start(sometimes, "--seeds", "1-100000000", "-k", "--jsonl", "--junit", junit)
    lines = [process.stdout.readline() for _ in range(20)]
    process.send_signal(signal.SIGINT)
    lines += process.stdout.read().splitlines()
    error = process.stderr.read()
    process.wait(60)
    seeds = [json.loads(line)["seed"] for line in lines[:-1]]
    expect(process.returncode == 130 and seeds == list(range(1, len(seeds) + 1)), f"ended by Ctrl-C: {error}")
    expect(json.loads(lines[-1])["stopped"] == "signal", "and says so")
    expect(f"--seeds {len(seeds) + 1}-100000000" in error and "ended by Ctrl-C" in error, f"goes on: {error}")
    suite = xml.etree.ElementTree.parse(junit).getroot().find("testsuite")
    expect(suite.get("tests") == str(len(seeds)), "JUnit has what was done")
    process = start(endless, "--seeds", "1-4", "-j2")
    wait_for(lambda: len(children(process.pid)) == 2)
    workers = children(process.pid)
    process.send_signal(signal.SIGTERM)
    output, error = process.communicate(timeout=60)
    expect(process.returncode == 143 and "0 runs, seeds 1-4" in output and "--seeds 1-4" in output,
           f"SIGTERM: {process.returncode} {output} {error}")
    expect(not any(os.path.exists(f"/proc/{pid}") for pid in workers), "no worker is left")
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([STRATA, "lab", sometimes, "--seeds", "1-5"], stdout=full, stderr=subprocess.PIPE,
                                text=True, timeout=60, check=False)
    expect(result.returncode == 1 and result.stderr == "strata: standard output: No space left on device\n",
           f"a full disk: {result.stderr}")


def check_shrink(folder, sometimes):
    """What is left of a failure is small, fails in the same way, and does not depend on who looked for it."""
    texts = set()
    for jobs in ("1", "3"):
        small = os.path.join(folder, f"small{jobs}.yaml")
        result = lab(sometimes, "--seeds", "2-60", "--shrink", small, "--jobs", jobs)
        expect(result.returncode == 1 and f"strata lab {small}" in result.stdout, "shrinking", result)
        texts.add(read(small))
        result = lab(small, "--json")
        failed = [check["name"] for check in json.loads(result.stdout)["checks"] if not check["ok"]]
        expect(result.returncode == 1 and failed == ["nothing is lost"], "it still fails", result)
    text = texts.pop()
    expect(not texts, "the number of jobs changes nothing")
    for gone in ("bystander", "other", "note", "jitter", "events", "parameters", "title: Sometimes"):
        expect(gone not in text, f"{gone} does not matter: {text}")
    expect("loss: 5%" in text and "nothing is lost" in text and "seed: " in text, f"what matters is there: {text}")
    result = lab(sometimes, "--set", "loss=0%", "--shrink", os.path.join(folder, "none.yaml"))
    expect(result.returncode == 0 and not os.path.exists(os.path.join(folder, "none.yaml")), "nothing fails", result)
    result = lab(sometimes, "--set", "loss=100%", "--shrink", sometimes)
    expect(result.returncode == 2 and "that is the scenario itself" in result.stderr, "not over itself", result)
    result = lab(sometimes, "--set", "loss=100%", "--shrink", "/dev/full", "-q")
    expect(result.returncode == 1 and result.stderr == "strata: /dev/full: No space left on device\n", "full", result)
    # A transfer that gives up after half a minute keeps its reason: nobody answers, and not that nobody is there.
    small = os.path.join(folder, "transfer.yaml")
    result = lab(TRANSFER, "--seed", "23", "--shrink", small)
    expect("timed out" in lab(small).stdout and "loss: 10%" in read(small), "the same words", result)


# What a check of a file looks for text with; here it does not survive large files.
CRASHING = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void *memmem(const void *hay, size_t size, const void *needle, size_t length)
{
    if (size > 4096) {
        fprintf(stderr, "memmem: assertion failed: %zu bytes\n", size);
        abort();
    }
    for (size_t i = 0; i + length <= size; i++)
        if (memcmp((const char *)hay + i, needle, length) == 0)
            return (char *)hay + i;
    return NULL;
}
"""


def check_shrinking_crash(folder):
    """A crash is shrunk like a check: nine machines and eight cables have nothing to do with this one."""
    with open(STRATA, "rb") as file:
        sanitized = b"__asan_init" in file.read()
    compiler = shutil.which("cc")
    if sanitized or not compiler:
        print("SKIPPED: a crash that is shrunk")
        return
    library, source = os.path.join(folder, "crashing.so"), write(folder, "crashing.c", CRASHING)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source], check=True)
    crash = write(folder, "crash.yaml", read(os.path.join(SOURCE, "examples/day-in-the-life/day.yaml")).replace(
        "checks:\n", "checks:\n  - {file: 'web:/www/index.html', contains: nobody}\n"))
    small, more = os.path.join(folder, "crash-small.yaml"), dict(os.environ, LD_PRELOAD=library)
    result = lab(crash, "--seeds", "1-3", "-k", "--json", "--shrink", small, env=more)
    failed = json.loads(result.stdout)["failures"]
    expect([one["crash"] for one in failed] == ["SIGABRT"] * 3 and "assertion failed" in failed[0]["said"], "crashes",
           result)
    expect("1 of 9 nodes, 0 of 8 links" in result.stderr, "and most of it does not matter", result)
    result = lab(small, "--seeds", "1", env=more)
    expect(result.returncode == 1 and "crashed with SIGABRT" in result.stdout, "what is left crashes", result)


def timed(function, *words):
    began = time.monotonic()
    function(*words)
    print(f"{function.__name__}: {time.monotonic() - began:.2f} s")


def main():
    with tempfile.TemporaryDirectory() as folder:
        sometimes = write(folder, "sometimes.yaml", SOMETIMES)
        timed(check_jobs, folder, sometimes)
        timed(check_single, sometimes)
        timed(check_ends, sometimes)
        timed(check_junit, folder, sometimes)
        timed(check_crash, folder)
        timed(check_signals, folder, sometimes)
        timed(check_shrink, folder, sometimes)
        timed(check_shrinking_crash, folder)
    print("many:", "FAILED" if failures else "ok")
    sys.exit(failures > 0)


main()
