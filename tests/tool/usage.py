"""Every verb explains itself with examples; a wrong call is told in one sentence and ends with 2, a failure with 1."""

import os
import subprocess
import sys
import tempfile

STRATA = os.environ["STRATA"]
VERBS = ["lab", "serve", "fetch", "ping", "traceroute", "dig", "run", "capture", "settings", "counters"]

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
    (["settings", "--bogus"], 2, "--bogus"),
    (["lab"], 2, "which scenario"),
    (["lab", "/nonexistent.yaml"], 1, "/nonexistent.yaml"),
    (["capture", "--read", "/nonexistent.pcapng"], 1, "/nonexistent.pcapng"),
]


def run(words):
    print("+ strata", *words, flush=True)
    return subprocess.run([STRATA, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=20, check=False)


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
    for words, status, said in WRONG:
        result = run(words)
        expect(result.returncode == status, f"strata {' '.join(words)} ends with {status}", result)
        expect(said in result.stderr, f"strata {' '.join(words)} says '{said}'", result)
    with tempfile.TemporaryDirectory() as folder:
        taken = subprocess.Popen([STRATA, "serve", folder, "--port", "18094"], stdout=subprocess.PIPE, text=True)
        try:
            taken.stdout.readline()
            result = run(["serve", folder, "--port", "18094"])
            expect(result.returncode == 1 and "18094" in result.stderr, "a port that is taken is told", result)
        finally:
            taken.terminate()
            taken.wait()
    sys.exit(1 if failures else 0)


main()
