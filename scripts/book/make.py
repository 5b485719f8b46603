#!/usr/bin/env python3
"""Writes the book: build/book/index.html.

    scripts/book/make.py [--output FOLDER] [--strata COMMAND] [--quick]

Nothing in the book is written twice. Documents and the README files of examples are taken as they are; the rooms'
chapters come from the comments that source files open with, the public interface from the doc comments of its
headers, counters and helps from the command, and what examples show from running them. Sphinx binds the pages and
complains about every link that leads nowhere.

--quick runs one scenario of each example, and makes no reports.
"""

import argparse
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)

import chapters  # noqa: E402
import mend  # noqa: E402
import topology  # noqa: E402

ROOMS = [
    ("base", "The ground: src/base", ["src/base"]),
    ("wire", "Headers: src/wire", ["src/wire"]),
    ("link", "The link: src/link", ["src/link"]),
    ("net", "The network: src/net", ["src/net"]),
    ("transport", "Transport: src/transport", ["src/transport"]),
    ("tcp", "TCP: src/transport/tcp", ["src/transport/tcp"]),
    ("socket", "Sockets: src/socket", ["src/socket"]),
    ("host", "The host: src/host.c", ["src"]),
    ("rt", "The runtime: src/rt", ["src/rt"]),
    ("app", "Applications: src/app", ["src/app"]),
    ("drivers", "Drivers: drivers", ["drivers"]),
    ("lab", "The laboratory: lab", ["lab"]),
    ("posix", "POSIX's calls: posix", ["posix"]),
    ("tool", "The command: tool", ["tool"]),
]
HEADERS = [("strata.h", "Hosts, ports and sockets"), ("rt.h", "Programs and fibers"),
           ("driver.h", "Drivers and their loop"), ("lab.h", "Worlds")]
TIMELINE_LINES = 36
# Larger reports are shown as a picture only.
REPORT_BYTES_MOST = 3000000
PARTS = [
    ("The tour", ["docs/tour", "docs/house"]),
    ("The rooms", ["rooms/" + name for name, _, _ in ROOMS]),
    ("The laboratory", ["docs/scenarios", "docs/trace", "docs/many-runs", "examples/index"]),
    ("Using it", ["commands", "api/strata", "api/rt", "api/driver", "api/lab", "docs/settings", "counters"]),
    ("How good is it", ["docs/mission", "docs/conformance", "docs/performance", "docs/goodput", "docs/packetdrill"]),
    ("Taking part", ["CONTRIBUTING", "docs/dependencies"]),
]


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


class Book:
    def __init__(self, source, strata, quick):
        self.source, self.strata, self.quick = source, strata, quick
        self.pages = {}   # path in the tree -> page in the book
        self.written = set()
        self.names = {}   # public name -> page
        self.reports = {}     # a report of a run -> its picture
        self.unseen = set()   # pictures that could not be taken

    def write(self, page, text):
        path = os.path.join(self.source, page + ".md")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.written.add(page)

    def run(self, *words, check=True):
        environment = dict(os.environ, NO_COLOR="1", COLUMNS="80")
        result = subprocess.run([self.strata, *words], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, check=False)
        if check and result.returncode not in (0, 1):
            sys.exit(f"strata {' '.join(words)} ended with {result.returncode}: {result.stderr}")
        return result.stdout

    # ---- Links ---------------------------------------------------------------------------------------------------

    def target(self, where, link):
        """What a link of the file `where` becomes: another page, a copied file, or None: only its text is left."""
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link) or not path:
            return link
        full = os.path.normpath(os.path.join(os.path.dirname(where), path))
        page = self.pages.get(full) or self.pages.get(os.path.join(full, "README.md"))
        here = os.path.dirname(self.pages[where])
        if page:
            return os.path.relpath(page + ".md", here or ".") + ("#" + anchor if anchor else "")
        if full in ("examples", "examples/"):
            return os.path.relpath("examples/index.md", here or ".")
        if os.path.isfile(os.path.join(ROOT, full)) and not full.startswith("build"):
            copied = os.path.join(self.source, full)
            os.makedirs(os.path.dirname(copied), exist_ok=True)
            shutil.copyfile(os.path.join(ROOT, full), copied)
            return os.path.relpath(full, here or ".")
        return None

    def relink(self, where, text):
        """The links of a document, outside of its code."""
        def one(match):
            bang, words, link = match.groups()
            target = self.target(where, link)
            return words.strip("[]") if target is None else f"{bang}[{words}]({target})"
        parts = re.split(r"(^```.*?^```|^(?: {4}[^\n]*\n)+)", text, flags=re.S | re.M)
        pattern = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
        return "".join(part if i % 2 else pattern.sub(one, part) for i, part in enumerate(parts))

    def link_names(self, page, text):
        """Public names in code become links to their declarations."""
        def one(match):
            name = match.group(1)
            to = self.names.get(name)
            if not to or to == page:
                return match.group(0)
            return f"[`{match.group(0)[1:-1]}`]({os.path.relpath(to + '.md', os.path.dirname(page) or '.')}#{name})"
        parts = re.split(r"(^```.*?^```|^#.*$|\[[^\]]*\]\([^)]*\))", text, flags=re.S | re.M)
        return "".join(part if i % 2 else re.sub(r"`(strata_\w+)(?:\(\))?`", one, part)
                       for i, part in enumerate(parts))

    # ---- Pages ---------------------------------------------------------------------------------------------------

    def document(self, path):
        page = self.pages[path]
        self.write(page, self.relink(path, read(path)))

    def index(self):
        text = self.relink("README.md", read("README.md"))
        for title, pages in PARTS:
            known = [page for page in pages if page in self.written or page == "examples/index"]
            if title == "How good is it":
                known += sorted(p for p in self.written if p.startswith("docs/") and
                                not any(p in listed for _, listed in PARTS))
            text += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + "\n".join(known) + "\n```\n"
        self.write("index", text)

    def room(self, name, title, folders):
        row = re.search(rf"^\| `{re.escape('src/host.c' if name == 'host' else folders[0])}/?(?:<protocol>/)?`[^|]*\|"
                        r"([^|]*)\|([^|]*)\|", read("docs/house.md"), re.M)
        out = [f"# {title}\n"]
        if row:
            holds, knows = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", words).strip() for words in row.groups())
            out.append(f"It holds {holds}.\n")
            out.append(f"It knows {knows}.\n" if knows else "")
        files = []
        for folder in folders:
            for where, below, leaves in os.walk(os.path.join(ROOT, folder)):
                relative = os.path.relpath(where, ROOT)
                below.sort()
                if name in ("host", "transport"):
                    below.clear()
                files += [os.path.join(relative, leaf) for leaf in leaves if leaf.endswith((".c", ".h", ".S"))]
        stems = {}
        for path in sorted(files, key=lambda p: (os.path.dirname(p), os.path.splitext(p)[0], p.endswith(".c"))):
            stems.setdefault(os.path.splitext(path)[0], []).append(path)
        # TCP's rooms in the order of RFC 9293, as the house tells them; what it does not name comes after.
        told_first = []
        for row in re.findall(r"^\| ((?:`[\w.]+`(?:, )?)+)[^|]*\|", read("docs/house.md"), re.M):
            told_first += [word.removesuffix(".h") for word in re.findall(r"`([\w.]+)`", row)]
        order = {stem: len(told_first) for stem in stems}
        for stem in stems:
            if name == "tcp" and os.path.basename(stem) in told_first:
                order[stem] = told_first.index(os.path.basename(stem))
        for stem, paths in sorted(stems.items(), key=lambda item: order[item[0]]):
            told = []
            for path in paths:
                lines = chapters.chapter(read(path))
                if lines:
                    told.append((path, chapters.markdown(lines)))
            if not told:
                continue
            heading = os.path.relpath(stem, folders[0]) if name != "host" else os.path.basename(stem)
            out.append(f"## {heading}\n")
            for path, text in told:
                if len(told) > 1:
                    out.append(f"`{os.path.basename(path)}`\n")
                out.append(text)
        self.write(f"rooms/{name}", "\n".join(out))

    def api(self):
        made = []
        for header, title in HEADERS:
            text, names = chapters.header_page(header, title, read(f"include/strata/{header}"))
            page = "api/" + header.removesuffix(".h")
            self.pages[f"include/strata/{header}"] = page
            made.append((page, text))
            for name in names:
                self.names.setdefault(name, page)
        for page, text in made:
            self.write(page, text)

    def commands(self):
        out = ["# The command\n", "What `strata VERB --help` says, and the manual page.\n"]
        helps = self.run("--help")
        out.append("```text\n" + helps.rstrip() + "\n```\n")
        for verb in re.findall(r"^  ([a-z]+) {2,}\S", helps.split("usage:")[1].split("'strata VERB")[0], re.M):
            out.append(f"## strata {verb}\n\n```text\n{self.run(verb, '--help').rstrip()}\n```\n")
        manual = subprocess.run(["mandoc", "-T", "utf8", "-O", "width=78", os.path.join(ROOT, "docs/man/strata.1")],
                                stdout=subprocess.PIPE, text=True, check=False) if shutil.which("mandoc") else None
        if manual and manual.returncode == 0:
            plain = re.sub(r".\x08", "", manual.stdout)
            out.append(f"## The manual page\n\n```text\n{plain.rstrip()}\n```\n")
        self.write("commands", "\n".join(out))

    def counters(self):
        rows = json.loads(self.run("counters", "--json"))
        text = "# Counters\n\nEverything that a host or switch counts, and every reason for which it drops. " \
               "`strata counters` lists them, `strata lab --stats` shows them after a run, and a scenario's checks " \
               "look at them. A name with `_drop_` in it is a packet that went no further.\n\n" \
               "| name | counts |\n|---|---|\n"
        for row in rows:
            text += f"| `{row['name']}` | {chapters.prose(row['meaning'])} |\n"
        self.write("counters", text)

    # ---- Examples ------------------------------------------------------------------------------------------------

    def scenario(self, path, runs, reports):
        """One scenario of an example: its drawing, a run of it, and the file. @return Markdown."""
        import yaml
        expanded = self.run("lab", "check", path, "--expanded")
        tree = yaml.safe_load(expanded) or {}
        name = os.path.basename(path)
        title = tree.get("title") or name
        out = [f"### {chapters.escape(str(title))}\n", f"`{path}`\n"]
        drawing = topology.draw(tree, f"The network of {title}")
        if drawing:
            out.append(drawing + "\n")
        if tree.get("description"):
            out.append(chapters.markdown(str(tree["description"]).strip().split("\n")))
        lines = self.run("lab", path).rstrip().split("\n") if runs else []
        shown = next((i for i, line in enumerate(lines) if re.match(r"\s+\d+\.\d{6}  ", line)), 0)
        lines = lines[shown:]
        results = len(lines) - next((i for i, line in enumerate(lines) if line.startswith(("ok  ", "FAILED"))), 0)
        timeline = lines[:-results]
        if len(timeline) > TIMELINE_LINES:
            timeline = timeline[:TIMELINE_LINES - 1] + [f"   ... and {len(timeline) - TIMELINE_LINES + 1} more lines"]
        if reports:
            report = f"reports/{os.path.dirname(path).removeprefix('examples/').replace('/', '-')}-" \
                     f"{name.removesuffix('.yaml')}.html"
            where = os.path.join(self.source, "extra", report)
            os.makedirs(os.path.dirname(where), exist_ok=True)
            self.run("lab", path, "--quiet", "--report", where)
            if os.path.exists(where):
                picture = "pictures/" + os.path.basename(report).replace(".html", ".png")
                self.reports[where] = picture
                out.append(f"![Time and space in a run of {chapters.escape(str(title))}](/{picture})\n")
                if os.path.getsize(where) <= REPORT_BYTES_MOST:
                    out.append(f'<p class="report"><a href="../../{report}">The report of this run</a>: '
                               "its arrows, curves and every frame</p>\n")
                out.append(f"`strata lab {path} --report run.html` writes it.\n")
        if lines:
            out.append("```text\n" + "\n".join([*timeline, *lines[-results:]]).strip("\n") + "\n```\n")
        out.append(f"<details><summary>{name}</summary>\n\n```yaml\n{read(path).rstrip()}\n```\n\n</details>\n")
        return "\n".join(out)

    def is_whole(self, path):
        """Whether a file is a scenario by itself."""
        return subprocess.run([self.strata, "lab", "check", path], cwd=ROOT, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def take_pictures(self):
        """Pictures of the reports that were made; where there is no browser, pages lack them."""
        node = shutil.which("node")
        pairs = sorted(self.reports.items())
        words = [word for report, picture in pairs for word in (report, os.path.join(self.source, picture))]
        if node and words:
            os.makedirs(os.path.join(self.source, "pictures"), exist_ok=True)
            subprocess.run([node, os.path.join(HERE, "pictures.js"), *words], check=False, timeout=900)
        for report, picture in pairs:
            if not os.path.exists(os.path.join(self.source, picture)):
                self.unseen.add(picture)
            if os.path.getsize(report) > REPORT_BYTES_MOST:
                os.remove(report)

    def example(self, folder, files, with_reports):
        where = f"examples/{folder}/README.md"
        if os.path.exists(os.path.join(ROOT, where)):
            text = self.relink(where, read(where))
        else:
            text = f"# {folder.replace('-', ' ').capitalize()}\n"
        own = text
        runs = [path for path in files if path.endswith(".yaml")]
        made = []
        for i, path in enumerate(runs):
            if self.is_whole(path):
                made.append(self.scenario(path, i == 0 or not self.quick, with_reports and i == 0))
            else:  # what scenarios include
                made.append(f"<details><summary>{os.path.relpath(path, f'examples/{folder}')}</summary>\n\n"
                            f"```yaml\n{read(path).rstrip()}\n```\n\n</details>\n")
        if made:
            text += "\n## What a run shows\n\n" + "\n".join(made)
        sources = [path for path in files if path.endswith(".c")]
        if sources:
            text += "\n## The programs\n"
            for path in sources:
                text += f"\n<details><summary>{os.path.basename(path)}</summary>\n\n```c\n{read(path).rstrip()}\n" \
                        "```\n\n</details>\n"
        self.write(f"examples/{folder}/README", text)
        title = re.search(r"^# (.*)$", text, re.M).group(1)
        first = ""
        for paragraph in re.split(r"\n\s*\n", own):
            if not re.match(r"[#`|!\-<>]| {4}", paragraph) and paragraph.strip():
                first = " ".join(paragraph.split())
                break
        return folder, title, first

    def examples(self):
        folders = {}
        for where, below, leaves in os.walk(os.path.join(ROOT, "examples")):
            below.sort()
            relative = os.path.relpath(where, ROOT)
            if relative == "examples":
                continue
            folder = relative.split("/")[1]
            folders.setdefault(folder, []).extend(sorted(os.path.join(relative, leaf) for leaf in leaves))
        reports = not self.quick and "--report" in self.run("lab", "--help")
        with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
            rows = list(pool.map(lambda item: self.example(item[0], item[1], reports), folders.items()))
        text = "# Examples\n\nOne folder per theme; every scenario ends with checks, and every figure comes out of a " \
               "run.\n\n| example | |\n|---|---|\n"
        for folder, title, first in rows:
            first = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", first).replace("|", "\\|")
            text += f"| [{title}]({folder}/README.md) | {first} |\n"
        text += "\n```{toctree}\n:hidden:\n\n" + "\n".join(f"{row[0]}/README" for row in rows) + "\n```\n"
        self.write("examples/index", text)

    def make(self):
        for where, below, leaves in os.walk(os.path.join(ROOT, "docs")):
            below.sort()
            for leaf in sorted(leaves):
                if leaf.endswith(".md"):
                    path = os.path.relpath(os.path.join(where, leaf), ROOT)
                    self.pages[path] = path.removesuffix(".md")
        self.pages["README.md"] = "index"
        self.pages["CONTRIBUTING.md"] = "CONTRIBUTING"
        for folder in sorted(os.listdir(os.path.join(ROOT, "examples"))):
            self.pages[f"examples/{folder}/README.md"] = f"examples/{folder}/README"
        self.api()
        for path in [p for p in self.pages if p.startswith("docs/") or p == "CONTRIBUTING.md"]:
            self.document(path)
        for name, title, folders in ROOMS:
            self.room(name, title, folders)
        self.commands()
        self.counters()
        self.examples()
        self.take_pictures()
        self.index()
        for page in sorted(self.written):
            path = os.path.join(self.source, page + ".md")
            with open(path, encoding="utf-8") as file:
                text = file.read()
            text = re.sub(r"^!\[[^\]]*\]\(/(pictures/[^)]*)\)$",
                          lambda match: "" if match.group(1) in self.unseen else match.group(0), text, flags=re.M)
            with open(path, "w", encoding="utf-8") as file:
                file.write(self.link_names(page, text))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--output", default=os.path.join(ROOT, "build", "book"))
    parser.add_argument("--strata", default=os.path.join(ROOT, "build", "strata"))
    parser.add_argument("--quick", action="store_true", help="one run of each example, no reports")
    options = parser.parse_args()
    sphinx = shutil.which("sphinx-build")
    if not sphinx:
        sys.exit("sphinx-build is not installed (Debian's python3-sphinx, python3-myst-parser and furo); "
                 "scripts/setup docs installs it")
    output = os.path.abspath(options.output)
    source = output + "-source"
    shutil.rmtree(source, ignore_errors=True)
    os.makedirs(os.path.join(source, "static"))
    os.makedirs(os.path.join(source, "extra"))
    shutil.copyfile(os.path.join(HERE, "conf.py"), os.path.join(source, "conf.py"))
    shutil.copyfile(os.path.join(HERE, "book.css"), os.path.join(source, "static", "book.css"))
    book = Book(source, os.path.abspath(options.strata), options.quick)
    book.make()
    shutil.rmtree(output, ignore_errors=True)
    status = subprocess.run([sphinx, "-q", "-W", "--keep-going", "-b", "html", "-d", output + "-doctrees", source,
                             output], check=False).returncode
    mend.mend(os.path.join(output, "_static"))
    if status == 0:
        print(f"{len(book.written)} pages: {os.path.relpath(os.path.join(output, 'index.html'))}")
    return status


if __name__ == "__main__":
    sys.exit(main())
