"""Every socket option has a comment, can be set and read, is tried by the tests, and translated for the kernel."""

import re

from _house import Complaints, read, without_comments

HEADER = "include/strata/strata.h"
ROOM = "src/socket/options.c"
KERNEL = "src/rt/kernel_option.c"
TEST = "tests/socket/test_options.c"


def options():
    """Names of the enumerators, and whether a doc comment belongs to each."""
    body = re.search(r"^enum strata_option \{\n(.*?)^\};", read(HEADER), re.S | re.M).group(1)
    before = ""
    for line in body.splitlines():
        match = re.match(r"\s*(STRATA_OPTION_\w+)", line)
        if match:
            yield match.group(1), "/**<" in line or before.rstrip().endswith("*/") and "/**" in before
            before = ""
        else:
            before += line + "\n"


def main():
    complaints = Complaints("options")
    room, kernel, test = without_comments(read(ROOM)), read(KERNEL), without_comments(read(TEST))
    count = 0
    for name, documented in options():
        count += 1
        short = name.removeprefix("STRATA_OPTION_")
        rows = re.search(rf"\b(STREAM|DATAGRAM)\({short},", room)
        only_read = re.search(rf"case {name}:", room)
        if not documented:
            complaints.add(HEADER, f"{name} has no doc comment")
        if not rows and not only_read:
            complaints.add(ROOM, f"{name} can be neither set nor read")
        if not re.search(rf"\b{name}\b", test):
            complaints.add(TEST, f"{name} is not tried")
        # In a table or a case there; or in the comment that says what the kernel does not have.
        if not re.search(rf"\b{name}\b", kernel):
            complaints.add(KERNEL, f"{name} is neither translated nor said to be missing")
    complaints.finish(count)


main()
