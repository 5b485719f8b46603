# ctest: label os
# ctest: timeout 120
"""strata lab --live without a browser: who may ask, what can be done, and that a run with hands can be had again."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

STRATA = os.environ["STRATA"]
SOURCE = os.environ["STRATA_SOURCE"]
failures = 0

WORLD = """title: A transfer
nodes:
  client: {address: 10.0.0.1/24, gateway: 10.0.0.254, programs: ["fetch http://10.0.1.1/f -o /f"]}
  r: {kind: router, address: {eth1: 10.0.0.254/24, eth2: 10.0.1.254/24}}
  server: {address: 10.0.1.1/24, gateway: 10.0.1.254, files: {/www/f: {size: 200KiB}}, programs: [http-server /www]}
  s: {kind: switch}
links:
  - {endpoints: [client, r], name: "near: #1", delay: 5ms, rate: 2mbit}
  - {endpoints: [r, server], name: far, delay: 10ms, loss: 1%}
  - {endpoints: ["r:eth3", s], name: idle}
"""


def expect(condition, what):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)


class Lab:
    """A live lab, and what is asked of it."""

    def __init__(self, *words):
        self.process = subprocess.Popen([STRATA, "lab", *words, "--live"], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        found = re.fullmatch(r"open http://127\.0\.0\.1:(\d+)/([0-9a-f]{32})/ in a browser .*\n", line)
        expect(found, f"the address: {line!r}")
        self.port, self.token = int(found.group(1)), found.group(2)

    def ask(self, method, path, body=None, **headers):
        """@return status, headers, body"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None and "Content-Type" not in names:
            names["Content-Type"] = "application/json"
        connection.request(method, path, body, names)
        response = connection.getresponse()
        result = response.status, dict(response.getheaders()), response.read()
        connection.close()
        return result

    def do(self, **what):
        status, _, body = self.ask("POST", f"/{self.token}/do", json.dumps(what))
        return status, body.decode()

    def listen(self, until, seconds=30):
        """Hears the news from the beginning until `until(state, record)` holds. @return both"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        connection.request("GET", f"/{self.token}/events")
        response = connection.getresponse()
        expect(response.status == 200 and response.getheader("Content-Type") == "text/event-stream", "a stream")
        state, record, name, end = {}, {}, "", time.monotonic() + seconds
        while time.monotonic() < end:
            line = response.readline().decode()
            if line.startswith("event: "):
                name = line[7:].strip()
            elif line.startswith("data: "):
                if name == "state":
                    state = json.loads(line[6:])
                else:
                    record = json.loads(line[6:])
                if until(state, record):
                    break
            elif not line:
                break
        else:
            expect(False, f"it did not come: {state}")
        connection.close()
        return state, record

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=20)
        return self.process.returncode, out, err


def check_strangers(path):
    lab = Lab(path, "-q")
    page = f"/{lab.token}/"
    status, headers, body = lab.ask("GET", page)
    expect(status == 200 and b"<!doctype html>" in body and len(body) > 100000, "the page")
    expect("default-src 'none'" in headers["Content-Security-Policy"] and
           "frame-ancestors 'none'" in headers["Content-Security-Policy"] and
           "unsafe" not in headers["Content-Security-Policy"], "its policy")
    expect(headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer" and
           headers["X-Content-Type-Options"] == "nosniff", "its other fields")
    for target in ("/", "/events", "/do", "/" + "0" * 32 + "/", "/" + lab.token[:-1] + "/", "/" + lab.token,
                   page + "secret", "/" + lab.token.upper().replace("A", "B") + "/", page + "a" * 3000):
        status, _, body = lab.ask("GET", target)
        expect(status == 404 and lab.token.encode() not in body, f"{target[:60]}: {status}")
    for host in ("evil.example", f"evil.example:{lab.port}", "127.0.0.1", f"127.0.0.1:{lab.port ^ 1}",
                 f"localhost.evil.example:{lab.port}", f"127.0.0.1:{lab.port}.evil.example", "", f"[::1]:{lab.port}"):
        for target in (page, page + "events", page + "packets.pcapng"):
            status, _, body = lab.ask("GET", target, Host=host)
            expect(status in (400, 403) and lab.token.encode() not in body, f"Host {host}: {status}")
    expect(lab.ask("GET", page, Host=f"localhost:{lab.port}")[0] == 200, "localhost is we")
    cut = json.dumps({"do": "cut", "name": "far"})
    for origin in ("http://evil.example", "null", f"https://127.0.0.1:{lab.port}", f"http://127.0.0.1:{lab.port ^ 1}",
                   f"http://127.0.0.1:{lab.port}.evil.example", "http://127.0.0.1", ""):
        expect(lab.ask("POST", page + "do", cut, Origin=origin)[0] == 403, f"Origin {origin}")
        expect(lab.ask("GET", page + "events", Origin=origin)[0] == 403, f"Origin {origin} listens")
    for site in ("cross-site", "same-site"):
        expect(lab.ask("POST", page + "do", cut, Sec_Fetch_Site=site)[0] == 403, f"Sec-Fetch-Site {site}")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        expect(lab.ask("POST", page + "do", cut, **{"Content-Type": kind})[0] == 415, f"a form of {kind}")
    status, headers, _ = lab.ask("OPTIONS", page + "do", Origin="http://evil.example",
                                 Access_Control_Request_Method="POST")
    expect(status == 403 and not any(name.lower().startswith("access-control") for name in headers), "preflight")
    expect(lab.ask("GET", page + "do")[0] == 405 and lab.ask("POST", page, "{}")[0] == 405, "methods")
    expect(lab.ask("POST", page + "do", "x" * 5000)[0] == 413, "a long command")
    for body, said in (("", "JSON"), ("[]", "JSON"), ("{}", "expected an object"),
                       ('{"do": 5}', "expected an object"), ('{"do": "explode"}', "explode"),
                       ('{"do": "cut"}', "name"), ('{"do": "cut", "name": "x"}', "'x'"),
                       ('{"do": "crash", "name": "s"}', "'s' is no host"), ('{"do": "speed", "value": -1}', "speed"),
                       ('{"do": "speed", "value": 1e9}', "speed"), ('{"do": "play"', "JSON"),
                       ('{"do":"play","do":"pause"}', "JSON")):
        status, _, text = lab.ask("POST", page + "do", body)
        expect(status == 400 and said in text.decode() and text.count(b"\n") == 1, f"{body}: {status} {text}")
    with socket.create_connection(("127.0.0.1", lab.port), timeout=10) as raw:
        raw.sendall(b"NONSENSE\r\n\r\n")
        expect(raw.recv(100).startswith(b"HTTP/1.1 400"), "nonsense is answered")
    state, record = lab.listen(lambda state, record: state and record)
    expect(state["actions"] == [] and not state["running"] and state["now"] == 0, f"nobody did anything: {state}")
    # Only the loopback listens.
    listening = subprocess.run(["ss", "-Hltn", f"sport = :{lab.port}"], stdout=subprocess.PIPE, text=True, check=False)
    place = listening.stdout.replace("]", "")
    expect(listening.returncode != 0 or f"127.0.0.1:{lab.port} " in place, f"bound to {place}")
    second = subprocess.run([STRATA, "lab", path, "-q", "--live", "--port", str(lab.port)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=20, check=False)
    expect(second.returncode == 1 and len(second.stderr.splitlines()) == 1 and "is in use" in second.stderr,
           f"a port in use: {second}")
    code, _, err = lab.end(signal.SIGTERM)
    expect(code == 143, f"ended by a signal: {code} {err}")


def check_hands(folder, path):
    """What is done by hand happens, and the scenario with those events has the same hash."""
    lab = Lab(path, "-q", "--json")
    for _ in range(5):
        expect(lab.do(do="step") == (200, "done\n"), "a step")
    state, record = lab.listen(lambda state, record: record and record["frames_sent"] >= 3)
    expect(record["live"] and not record["judged"], "it goes on")
    expect(lab.do(do="speed", value=5)[0] == 200 and lab.do(do="play")[0] == 200, "it plays")
    lab.listen(lambda state, record: record and record["now"] > 150e6)
    expect(lab.do(do="cut", name="near: #1")[0] == 200, "cut")
    state, record = lab.listen(lambda state, record: record and not record["cables"][0]["up"])
    expect(lab.do(do="pause")[0] == 200, "pause")
    expect(lab.do(do="crash", name="r")[0] == 200, "crash, while it pauses")
    state, record = lab.listen(lambda state, record: record and record["nodes"][1]["down"])
    expect(not state["running"], "it still pauses")
    expect(lab.do(do="restart", name="r")[0] == 200 and lab.do(do="mend", name="near: #1")[0] == 200, "mended")
    status, headers, packets = lab.ask("GET", f"/{lab.token}/packets.pcapng")
    expect(status == 200 and packets[:4] == b"\x0a\x0d\x0d\x0a", "packets")
    expect(lab.do(do="speed", value=0)[0] == 200 and lab.do(do="play")[0] == 200, "as fast as can be")
    state, record = lab.listen(lambda state, record: state.get("over") and record.get("judged"))
    wanted = ['cut: "near: #1"', 'crash: "r"', 'restart: "r"', 'mend: "near: #1"']
    expect([re.sub(r"at: [0-9.]+s", "at: T", line) for line in state["actions"]] ==
           [f"- {{at: T, {one}}}" for one in wanted], f"what was done: {state['actions']}")
    expect(lab.do(do="cut", name="far")[0] == 400, "nothing can be done any more")
    code, out, err = lab.end()
    result = json.loads(out)
    expect(code == (0 if result["ok"] else 1), f"exit {code}: {out} {err}")
    expect(record["hash"] == result["hash"], "the page and the command agree")
    again = os.path.join(folder, "again.yaml")
    with open(path, encoding="utf-8") as file, open(again, "w", encoding="utf-8") as to:
        to.write(file.read() + "events:\n" + "\n".join("  " + line for line in state["actions"]) + "\n")
    replay = subprocess.run([STRATA, "lab", again, "--json"], stdout=subprocess.PIPE, text=True, timeout=60,
                            check=False)
    expect(json.loads(replay.stdout)["hash"] == result["hash"], "the run is had again without hands")


def check_goes_away(path):
    """A browser that goes away in the middle, many that come, and one that asks for nothing."""
    lab = Lab(path, "-q")
    silent = [socket.create_connection(("127.0.0.1", lab.port), timeout=10) for _ in range(10)]
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", lab.port), timeout=10) as raw:
            raw.sendall(f"GET /{lab.token}/events HTTP/1.1\r\nHost: 127.0.0.1:{lab.port}\r\n\r\n".encode())
            raw.recv(50)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    expect(lab.do(do="speed", value=0)[0] == 200 and lab.do(do="play")[0] == 200, "it still answers")
    state, record = lab.listen(lambda state, record: state.get("over") and record.get("judged"))
    expect(record.get("ok"), "and runs to its end")
    for one in silent:
        one.close()
    code, out, err = lab.end()
    expect(code == 0 and "the run is over" in err, f"{code} {out} {err}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "world.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(WORLD)
        check_strangers(path)
        check_hands(folder, path)
        check_goes_away(path)
        for words in (["--port", "x"], ["--port", "65536"], ["--port"]):
            result = subprocess.run([STRATA, "lab", path, "--live", *words], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True, timeout=20, check=False)
            expect(result.returncode == 2 and "--port" in result.stderr, f"{words}: {result}")
    print("FAILED" if failures else "ok")
    sys.exit(1 if failures else 0)


main()
