"""The JSON schema of the scenario language: what `strata lab schema` prints is docs/scenario.schema.json; every example
and every scenario that is right obeys it, as written and expanded; unknown words and wrong units do not; and the manual
has every word. GOLDEN_WRITE=1, or `make golden`, writes the file anew.
"""

import glob
import json
import os
import re
import subprocess
import sys

STRATA = os.path.abspath(os.environ["STRATA"])
SOURCE = os.path.abspath(os.environ["STRATA_SOURCE"])
FILE = os.path.join(SOURCE, "docs/scenario.schema.json")
failures = 0

RIGHT = """
# The words that the examples do not use.
include: {file: other.yaml, set: {loss: 3%}}
parameters: {n: 3, rate: {type: rate}, who: {default: a, choices: [a, b]}}
kinds: {host: {settings: {net.ipv4.ip_default_ttl: 3}}, sensor: {kind: host}}
templates: {slow: {delay: 100ms}, client: {programs: [{run: ping 10.0.0.1, at: 1s}]}, beat: {every: 1s}}
groups: {left: [a, "h[1-3]"], right: b}
limits: {time: 1h, events: 1000}
nodes:
  a: {kind: sensor, template: client}
  h[1-3]:
  n${i}: {count: "${n}", address: "10.0.0.${i}/24"}
  m${x}: {for: {x: [a, b]}}
links:
  - {template: slow, endpoints: ["h[1-3]", s], rate: "${rate}", mtu: "${n * 500}"}
  - {endpoints: [a, b], count: 2, late: {5: 100ms}, loss: 0}
events:
  - {at: 1s-5s, every: 2s, times: 3, flap: ["a-b"], down: 100ms}
  - {at: 2s, partition: [left, [right, a]]}
  - {at: 3s, heal: true}
  - {at: 4s, crash: "h[1-2]", disk: lost}
  - {at: 5s, set: a-b, loss: "${n}%"}
checks:
  - {for: {i: 1-3}, program: "ping-${i}", exits: 0}
"""
WRONG = ["nodes: {a: {adress: 10.0.0.1/24}}", "nodse: {}", "nodes: {a: {kind: [host]}}",
         "nodes: {}\nlinks: [{endpoints: [a, b], delay: 10}]", "nodes: {}\nlinks: [{endpoints: [a, b], loss: 3}]",
         "nodes: {}\nlinks: [{endpoints: [a, b], rate: fast}]", "nodes: {}\nlinks: [{delay: 10ms}]",
         "nodes: {}\nevents: [{at: soon, note: x}]", "nodes: {}\nlimits: {events: 0}", "nodes: {}\nseed: -1",
         "nodes: {a: {settings: {net.ipv4.ip_froward: 1}}}", "nodes: {}\nchecks: [{counter: ipv4_forwardet, min: 1}]",
         "nodes: {}\nchecks: [{count: 5, program: x, exits: 0}]"]


def expect(condition, what):
    global failures
    if not condition:
        failures += 1
        print("FAILED:", what)


def printed():
    return subprocess.run([STRATA, "lab", "schema"], stdout=subprocess.PIPE, check=True, text=True, timeout=60).stdout


def strings(value):
    """Keys of JSON are texts; YAML's need not be."""
    if isinstance(value, dict):
        return {str(key): strings(item) for key, item in value.items()}
    return [strings(item) for item in value] if isinstance(value, list) else value


def words_of(schema):
    """Every word of the language, with the mapping that it belongs to."""
    for name, definition in schema["definitions"].items():
        if name not in ("settings",) and not name.startswith("part-of-"):
            for word in definition.get("properties", {}):
                yield name, word


def check_manual(schema):
    with open(os.path.join(SOURCE, "docs/scenarios.md"), encoding="utf-8") as file:
        text = file.read()
    code = re.findall(r"```.*?```", text, re.S) + re.findall(r"`[^`\n]+`", re.sub(r"```.*?```", "", text, flags=re.S))
    manual = set(re.findall(r"[\w-]+", " ".join(code)))
    for name, word in words_of(schema):
        expect(word in manual, f"docs/scenarios.md does not speak of the key {word} of {name}")


def check_scenarios(schema):
    try:
        import jsonschema
        import yaml
    except ImportError as error:
        print(f"SKIPPED: {error}; install python3-jsonschema and python3-yaml")
        return 77

    class Loader(yaml.SafeLoader):
        """Without dates: a text that looks like one is a text."""
    Loader.yaml_implicit_resolvers = {first: [pair for pair in pairs if not pair[0].endswith("timestamp")]
                                      for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()}
    jsonschema.Draft7Validator.check_schema(schema)
    validator = jsonschema.Draft7Validator(schema)

    def mistakes(text):
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                for error in validator.iter_errors(strings(yaml.load(text, Loader)))]

    for path in sorted(glob.glob(os.path.join(SOURCE, "examples/**/*.yaml"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            expect(not (said := mistakes(file.read())), f"{path} does not obey the schema: {said}")
        if "/parts/" in path:  # which others include
            continue
        expanded = subprocess.run([STRATA, "lab", "check", "--expanded", path], stdout=subprocess.PIPE, timeout=60,
                                  check=False, text=True).stdout
        expect(not (said := mistakes(expanded)), f"{path}, expanded, does not obey the schema: {said}")
    expect(not (said := mistakes(RIGHT)), f"what is right: {said}")
    for text in WRONG:
        expect(mistakes(text), f"the schema sees nothing wrong in {text}")
    for path in sorted(glob.glob(os.path.join(SOURCE, "tests/lab/mistakes/*.txt"))):
        with open(path, encoding="utf-8") as file:
            said = file.read()
        if " has no key " in said and not said.startswith(("parts/", "template-")):
            with open(path[:-4] + ".yaml", encoding="utf-8") as file:
                expect(mistakes(file.read()), f"the schema sees nothing wrong in {path[:-4]}.yaml")
    return 0


def main():
    text = printed()
    if os.environ.get("GOLDEN_WRITE"):
        with open(FILE, "w", encoding="utf-8") as file:
            file.write(text)
    with open(FILE, encoding="utf-8") as file:
        expect(file.read() == text, "docs/scenario.schema.json is not what strata lab schema prints: see make golden")
    schema = json.loads(text)
    check_manual(schema)
    skipped = check_scenarios(schema)
    print("schema:", "FAILED" if failures else "ok")
    sys.exit(1 if failures else skipped)


main()
