"""Rooms include downwards only, and src/ has no feature switches of the preprocessor."""

import re

from _house import Complaints, files, read, without_comments

# What each room may include besides itself. Transport includes net, and so on down; see docs/house.md.
STACK = ["base", "wire", "link", "net", "transport", "socket"]
ALLOWED = {room: set(STACK[:i]) for i, room in enumerate(STACK)}
ALLOWED["host.c"] = set(STACK)
ALLOWED["host.h"] = set(STACK)
ALLOWED["rt"] = set(STACK) | {"host.h"}
ALLOWED["app"] = {"rt", "wire", "base"}
ALLOWED["drivers"] = {"base", "wire"}
ALLOWED["posix"] = set()  # the public API, as any program
ALLOWED["lab"] = set(STACK) | {"host.h", "rt", "app", "drivers"}
ALLOWED["tool"] = ALLOWED["lab"] | {"lab"}

ROOMS = set(STACK) | {"rt", "app", "drivers", "posix", "lab", "tool", "tests", "fuzz", "bench", "host.h", "host.c"}

# Exceptions, each with its reason: (file, included file).
EXCEPTIONS = {}

# The two files that a build without an operating system replaces with its own: how to stop, and where memory is.
PLATFORM = {"src/base/assert.c", "src/base/allocator.c"}

# The core compiles without an operating system: of libc it sees only what a freestanding C has, and string.h.
CORE = set(STACK) | {"host.c", "host.h"}
CORE_LIBC = {"stdint.h", "stddef.h", "stdbool.h", "string.h", "limits.h", "inttypes.h", "stdarg.h", "errno.h",
             "stdalign.h", "stdnoreturn.h"}

# Conditions of the preprocessor that are not features: include guards and C++ are dealt with below.
CONDITION = re.compile(r"\b(STRATA_CHECK|__SANITIZE_\w+|__has_feature|__has_include|__has_attribute|__has_builtin|"
                       r"address_sanitizer|memory_sanitizer|thread_sanitizer|undefined_behavior_sanitizer|"
                       r"__clang__|__GNUC__|__x86_64__|__i386__|__aarch64__|__s390x__|__riscv|__SIZEOF_INT128__|"
                       r"__BYTE_ORDER__|__ORDER_\w+_ENDIAN__|__AVX2__|__SSE2__|__ARM_NEON|__cplusplus|"
                       r"__SHADOW_STACK__|__CET__|__ELF__|__OPTIMIZE__|__ASSEMBLER__)\b")


def room_of(path):
    parts = path.split("/")
    if parts[0] == "src":
        return parts[1]
    return parts[0]


def check_includes(path, text, complaints):
    room = room_of(path)
    core = path.startswith("src/") and room in CORE and path not in PLATFORM
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        kind, name = match.groups()
        place = f"{path}:{number}"
        if name.startswith("strata/"):
            if name == "strata/lab.h" and room not in ("lab", "tool", "include"):
                complaints.add(place, "the laboratory's header, included from below it")
            if name == "strata/rt.h" and core:
                complaints.add(place, "the runtime's header, included from below it")
            continue
        if kind == "<":
            if core and name not in CORE_LIBC:
                complaints.add(place, f"<{name}>: the core has no operating system")
            continue
        target = name.split("/")[0]
        if "/" not in name and target not in ("host.h",):
            complaints.add(place, f'"{name}": say which room it is in')
        elif target == room:
            continue
        elif path.startswith("include/"):
            complaints.add(place, f'"{name}": a public header includes only public headers and libc')
        elif room in ALLOWED and target in ROOMS and target not in ALLOWED[room]:
            if (path, name) not in EXCEPTIONS:
                complaints.add(place, f'"{name}": {room} may not know {target}')
        elif target not in ROOMS:
            complaints.add(place, f'"{name}": no such room')


def check_conditions(path, text, complaints):
    guard = re.search(r"^\s*#\s*ifndef\s+(\w+)\s*\n\s*#\s*define\s+\1\b", text, re.M)
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"\s*#\s*(ifdef|ifndef|if|elif)\b(.*)", line)
        if not match:
            continue
        verb, condition = match.group(1), match.group(2).strip()
        place = f"{path}:{number}"
        if verb == "ifndef" and guard and condition == guard.group(1):
            continue
        if "STRATA_CHECK" in condition and verb != "if":
            if verb == "ifndef" and re.search(r"#\s*ifndef\s+STRATA_CHECK\s*\n\s*#\s*define\s+STRATA_CHECK\s+0", text):
                continue
            complaints.add(place, "STRATA_CHECK is always 0 or 1: write #if STRATA_CHECK")
            continue
        condition = re.sub(r"__has_include\s*\(\s*<[^>]*>\s*\)", "__has_include", condition)
        names = set(re.findall(r"\b[A-Za-z_]\w*\b", condition)) - {"defined"}
        for name in sorted(names):
            if not CONDITION.fullmatch(name):
                complaints.add(place, f"feature switch on {name}: options are set at run time")


def main():
    complaints = Complaints("rooms")
    paths = files(("include", "src", "drivers", "posix", "lab", "tool"), (".c", ".h", ".S"))
    for path in paths:
        text = without_comments(read(path))
        check_includes(path, text, complaints)
        if path.startswith("src/"):
            check_conditions(path, text, complaints)
    complaints.finish(len(paths))


main()
