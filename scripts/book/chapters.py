"""C comments as Markdown: the chapter at the top of a source file, and a public header as prose and declarations."""

import re

# What looks like code in a comment: calls, names with underscores, files, constants.
CODE = re.compile(r"""(?x) (?<![\w`/.])(?:
      [A-Za-z_]\w*\(\)                              # call()
    | (?:[a-z0-9]+(?:_[a-z0-9*]+)+)(?:\.[ch])?       # snake_case, perhaps a file
    | [a-z0-9_/-]+\.(?:c|h|py|def|md|yaml)           # file.c
    | [A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+                  # CONSTANT
    | -E[A-Z]{3,}                                    # -EAGAIN
    )(?![\w`])""")
RFC = re.compile(r"RFC (\d{3,5})(?: (\d+(?:\.\d+)*))?(?![\w.-]*\d*-)")


def comment_lines(comment):
    """The lines of a /* */ comment without their frame."""
    body = re.sub(r"^/\*\*?", "", comment.strip())
    body = re.sub(r"\*/$", "", body)
    lines = []
    for line in body.split("\n"):
        lines.append(re.sub(r"^\s*\* ?", "", line).rstrip())
    while lines and not lines[0].strip():
        lines.pop(0)
    while lines and not lines[-1].strip():
        lines.pop()
    if lines and not lines[0].startswith(" " * 4):
        lines[0] = lines[0].strip()
    return lines


def chapter(text):
    """The comment that a file opens with, or None."""
    found = re.match(r"\s*/\*.*?\*/", text, re.S)
    return comment_lines(found.group(0)) if found else None


def escape(text):
    """Markdown that shows just this text."""
    return re.sub(r"([\\*_<>\[\]#|`~&$])", r"\\\1", text)


def rfc_link(match):
    number, section = match.group(1), match.group(2)
    place = f"#section-{section}" if section else ""
    return f"[{match.group(0)}](https://www.rfc-editor.org/rfc/rfc{number}{place})"


def prose(text):
    """A paragraph: names become code, RFCs become links, everything else stays what it is."""
    out, at = [], 0
    tokens = sorted([(m.start(), m.end(), "code", m) for m in CODE.finditer(text)] +
                    [(m.start(), m.end(), "tick", m) for m in re.finditer(r"`[^`]+`", text)] +
                    [(m.start(), m.end(), "rfc", m) for m in RFC.finditer(text)])
    for start, end, kind, match in tokens:
        if start < at:
            continue
        out.append(escape(text[at:start]))
        if kind == "rfc":
            out.append(rfc_link(match))
        else:
            out.append("`" + match.group(0).strip("`") + "`")
        at = end
    out.append(escape(text[at:]))
    result = "".join(out)
    return re.sub(r"^(\d+)\.", r"\1\\.", re.sub(r"^([-+=])", r"\\\1", result))


ROW = re.compile(r"^( {2,})(\S+(?: \S+)*?)(?: {2,})(\S.*)$")


def table(lines):
    """Rows of a word and what it means, written in columns; None when the block is something else."""
    rows, indent, column = [], None, None
    for line in lines:
        match = ROW.match(line)
        if match and (indent is None or len(match.group(1)) == indent):
            indent = len(match.group(1))
            column = column or match.start(3)
            if match.start(3) != column:
                return None
            rows.append([match.group(2), match.group(3)])
        elif rows and column and line.startswith(" " * column):
            rows[-1][1] += " " + line.strip()
        else:
            return None
    if len(rows) < 2 or any(re.search(r"[=;{}]|->", row[0]) for row in rows):
        return None
    return "| | |\n|---|---|\n" + "\n".join(f"| `{word}` | {prose(meaning)} |" for word, meaning in rows)


def paragraphs(lines):
    """Groups of lines between empty ones; an indented block ends where the indent does."""
    group, inside = [], None
    for line in [*lines, ""]:
        indented = line.startswith("  ")
        listed = re.match(r"^- ", line)
        if not line.strip() or (group and indented != inside and not group[0].startswith("- ")) or \
                (listed and group and not group[0].startswith("- ")):
            if group:
                yield group
            group = []
        if line.strip():
            if not group:
                inside = indented
            group.append(line)


def markdown(lines):
    out, literal = [], []

    def flush():
        if literal:
            out.append("```text\n" + "\n".join(literal).rstrip() + "\n```")
            literal.clear()
    for group in paragraphs(lines):
        if group[0].startswith("  "):
            as_table = table(group)
            if as_table:
                flush()
                out.append(as_table)
            else:
                if literal:
                    literal.append("")
                literal.extend(line[2:] for line in group)
            continue
        flush()
        if group[0].startswith("- "):
            items = []
            for line in group:
                if line.startswith("- "):
                    items.append(line[2:])
                else:
                    items[-1] += " " + line.strip()
            out.append("\n".join("- " + prose(item) for item in items))
        else:
            out.append(prose(" ".join(line.strip() for line in group)))
    flush()
    return "\n\n".join(out) + "\n"


# ---- Public headers ---------------------------------------------------------------------------------------------

DECLARED = re.compile(r"(?:^|[\s*(])(strata_\w+)\s*\(", re.M)
NAMED = re.compile(r"^(?:struct|enum|union)\s+(strata_\w+)\s*\{", re.M)
MACRO = re.compile(r"^#define\s+(STRATA_\w+)", re.M)
TYPE = re.compile(r"^typedef\b[^;]*?[\s*(](strata_\w+)\)?\s*(?:\([^;]*\))?;", re.M)
NOT_SHOWN = re.compile(r"^\s*#\s*(?:include|ifn?def|endif|else|if)\b|^#define STRATA_\w+_H$|^extern \"C\" \{$|^\}$")


class Unit:
    """A doc comment and the declarations that it speaks of."""

    def __init__(self, doc):
        self.doc, self.code = doc, []

    def names(self):
        text = "\n".join(self.code)
        found = []
        for pattern in (NAMED, TYPE, MACRO, DECLARED):
            for match in pattern.finditer(text):
                if match.group(1) not in found:
                    found.append(match.group(1))
        return found


def units(text):
    """A header after its opening chapter: titles of sections (str) and units."""
    text = re.sub(r"^\s*/\*.*?\*/", "", text, count=1, flags=re.S)
    lines, result, depth, at = text.split("\n"), [], 0, 0
    unit = None
    while at < len(lines):
        line = lines[at]
        if depth == 0 and line.lstrip().startswith("/*"):
            comment = [line]
            while "*/" not in lines[at]:
                at += 1
                comment.append(lines[at])
            at += 1
            whole = "\n".join(comment)
            title = re.match(r"/\* -+ (.*?) -+ ?\*/", whole)
            if title:
                result.append(title.group(1))
                unit = None
            elif whole.rstrip().endswith("*/"):
                unit = Unit(comment_lines(whole))
                result.append(unit)
            continue
        at += 1
        if depth == 0 and (NOT_SHOWN.match(line) or (not line.strip() and not (unit and unit.code))):
            continue
        if depth == 0 and not line.strip():
            unit = Unit([]) if unit is None or unit.code else unit
            if unit not in result:
                result.append(unit)
            continue
        bare = re.sub(r"/\*.*?\*/|\"[^\"]*\"", "", line)
        depth += bare.count("{") - bare.count("}")
        if unit is None:
            unit = Unit([])
            result.append(unit)
        unit.code.append(re.sub(r"\bSTRATA_API ", "", line))
        while depth == 0 and line.endswith("\\") and at < len(lines):
            line = lines[at]
            unit.code.append(line)
            at += 1
    return [u for u in result if isinstance(u, str) or u.doc or u.code]


def header_page(name, title, text):
    """A page for a public header: its chapter, then every doc comment before what it documents."""
    out = [f"# {title}\n", markdown(chapter(text) or []), f"The header is `include/strata/{name}`.\n"]
    index = []
    for unit in units(text):
        if isinstance(unit, str):
            out.append(f"## {unit}\n")
            continue
        for declared in unit.names():
            out.append(f'<a class="declared" id="{declared}"></a>\n')
            index.append(declared)
        if unit.doc:
            out.append(markdown(unit.doc))
        if unit.code:
            out.append("```c\n" + "\n".join(unit.code).strip("\n") + "\n```\n")
    out.append("## All names\n")
    out.append(" ".join(f'<a class="name" href="#{declared}"><code>{declared}</code></a>'
                        for declared in sorted(set(index))) + "\n")
    return "\n".join(out), index
