"""Mends what Debian's furo 2022.12 leaves unfinished; where another one is whole, nothing changes.

Its script is left in two modules, and a page that is opened from disk may load none. One sheet of styles is taken
from an alias that only Debian's web server has. And its compiler of styles has lost the rule that makes a page dark
for readers who prefer that.
"""

import os
import re

AUTO = """
@media not print {
  @media (prefers-color-scheme: dark) {
    body:not([data-theme="light"]) {%s}
    html body:not([data-theme="light"]) .only-light { display: none !important; }
    body:not([data-theme="light"]) .only-dark { display: block !important; }
  }
}
"""
NORMALIZE = "/usr/share/javascript/normalize.css/normalize.css"


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def scripts(folder):
    path = os.path.join(folder, "furo.js")
    script, found = re.subn(r'^import Gumshoe from "./gumshoe-patched.js";$', "", read(path), flags=re.M)
    if found:
        helper = read(os.path.join(folder, "gumshoe-patched.js"))
        write(path, helper + "\n(function () {\n" + script + "\n})();\n")


def styles(path):
    sheet = read(path)
    mended = re.sub(r"@import url\(/javascript/normalize\.css/[^)]*\);", lambda _: read(NORMALIZE), sheet)
    dark = re.search(r'body\[data-theme="dark"\] \{(\s*--[^}]*)\}', mended)
    if dark and "prefers-color-scheme" not in mended:
        mended += AUTO % dark.group(1)
    if mended != sheet:
        write(path, mended)


def mend(static):
    scripts(os.path.join(static, "scripts"))
    styles(os.path.join(static, "styles", "furo.css"))
