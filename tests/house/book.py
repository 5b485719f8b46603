# ctest: timeout 600
"""The book is bound, no link in it leads nowhere, nothing is loaded from elsewhere, and everything has its page."""

import html.parser
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

from _house import BUILD, ROOT, Complaints, files, is_sanitized, read

STRATA = os.environ.get("STRATA", os.path.join(BUILD, "strata"))


class Page(html.parser.HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loaded, self.pictures, self.title = set(), [], [], 0, ""
        self.inside_title = False
        with open(path, encoding="utf-8") as file:
            self.feed(file.read())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get("id"):
            self.ids.add(attrs["id"])
        if tag == "a" and attrs.get("name"):
            self.ids.add(attrs["name"])
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        if tag in ("script", "img", "iframe", "source") and attrs.get("src"):
            self.loaded.append(attrs["src"])
        if tag == "link" and attrs.get("href") and attrs.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(attrs["href"])
        if tag == "img" or (tag == "svg" and attrs.get("class") == "topology"):
            self.pictures += 1
        self.inside_title = tag == "title" and not self.title

    def handle_data(self, data):
        if self.inside_title:
            self.title += data


def check_links(book, complaints):
    pages = {}
    for where, _, leaves in os.walk(book):
        for leaf in leaves:
            if leaf.endswith(".html") and "/reports" not in where and "/_static" not in where:
                path = os.path.join(where, leaf)
                pages[path] = Page(path)
    count = 0
    for path, page in pages.items():
        name = os.path.relpath(path, book)
        if not page.title.strip():
            complaints.add(name, "has no title")
        for link in [*page.links, *page.loaded]:
            count += 1
            parts = urllib.parse.urlsplit(link)
            if parts.scheme in ("http", "https", "mailto"):
                if link in page.loaded:
                    complaints.add(name, f"loads {link} from elsewhere")
                continue
            to = os.path.normpath(os.path.join(os.path.dirname(path), urllib.parse.unquote(parts.path))) \
                if parts.path else path
            if os.path.isdir(to):
                to = os.path.join(to, "index.html")
            if not os.path.exists(to):
                complaints.add(name, f"links to {link}, which is not there")
            elif parts.fragment and to in pages and urllib.parse.unquote(parts.fragment) not in pages[to].ids:
                complaints.add(name, f"links to {link}: the page has no such place")
    return pages, count


def check_whole(book, pages, complaints):
    """Everything that should be in it is."""
    def text_of(page):
        with open(os.path.join(book, page), encoding="utf-8") as file:
            return file.read()
    api = {}
    for header in ("strata", "rt", "driver", "lab"):
        api[header] = pages[os.path.join(book, f"api/{header}.html")].ids
        for name in re.findall(r"\b(strata_\w+)\(", re.sub(r"/\*.*?\*/", "", read(f"include/strata/{header}.h"),
                                                            flags=re.S)):
            if re.search(rf"STRATA_API[^;]*\b{name}\(", read(f"include/strata/{header}.h")) and name not in api[header]:
                complaints.add(f"api/{header}.html", f"{name} is not told")
    rooms = "".join(text_of(f"rooms/{leaf}") for leaf in os.listdir(os.path.join(book, "rooms")))
    for path in files(("src", "drivers", "lab", "posix", "tool"), (".c",)):
        if f">{os.path.basename(path)}<" not in rooms and f"{os.path.splitext(os.path.basename(path))[0]}" not in rooms:
            complaints.add(path, "has no chapter in the book")
    for folder in sorted(os.listdir(os.path.join(ROOT, "examples"))):
        if not any(leaf.endswith(".yaml") for leaf in os.listdir(os.path.join(ROOT, "examples", folder))):
            continue
        page = pages.get(os.path.join(book, f"examples/{folder}/README.html"))
        if not page:
            complaints.add(f"examples/{folder}", "has no page")
        elif not page.pictures:
            complaints.add(f"examples/{folder}", "its page has no picture")
    for verb in ("lab", "medium", "serve"):
        if f"strata {verb}" not in text_of("commands.html"):
            complaints.add("commands.html", f"strata {verb} is not told")


def check_tour(complaints):
    """The functions that the tour walks through are where it says."""
    steps = re.findall(r"`(\w+)\(\)` in\s+`([\w/.]+)`", read("docs/tour.md"))
    for name, path in steps:
        if not os.path.exists(os.path.join(ROOT, path)) or \
                not re.search(rf"^[a-z][^;=\n]*\b{name}\(", read(path), re.M):
            complaints.add("docs/tour.md", f"{path} has no {name}()")
    if len(steps) < 20:
        complaints.add("docs/tour.md", f"the tour has {len(steps)} steps")


def browse(book, complaints):
    """The book in a browser, where there is one: tests/page/book.js."""
    script = os.path.join(ROOT, "tests", "page", "_browser.sh")
    result = subprocess.run(["bash", script, "book.js"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env=dict(os.environ, BOOK=book), check=False, timeout=200)
    print(result.stdout)
    if result.returncode not in (0, 77):
        complaints.add("tests/page/book.js", result.stdout)


def main():
    if not shutil.which("sphinx-build") or not os.access(STRATA, os.X_OK):
        print("SKIPPED: the book needs sphinx-build, python3-myst-parser, furo and the strata command")
        sys.exit(77)
    if is_sanitized():
        print("a sanitizer has nothing to say of the book: the release build binds it")
        return
    complaints = Complaints("the book")
    check_tour(complaints)
    with tempfile.TemporaryDirectory() as folder:
        book = os.path.join(folder, "book")
        made = subprocess.run([sys.executable, os.path.join(ROOT, "scripts/book/make.py"), "--quick", "--output", book,
                               "--strata", STRATA], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, timeout=280)
        if made.returncode != 0:
            complaints.add("scripts/book/make.py", made.stdout)
            complaints.finish(1)
        pages, count = check_links(book, complaints)
        check_whole(book, pages, complaints)
        browse(book, complaints)
    complaints.finish(count)


main()
