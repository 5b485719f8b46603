"""No writable globals in src/: nothing of ours lies in .data, .bss, .tdata or .tbss of any object."""

import os

from _house import BUILD, Complaints, run

# (object, symbol): the reason why this one may be written. Nothing else may.
ALLOWED = {}

WRITABLE = (".data", ".bss", ".tdata", ".tbss", "*COM*")
# Read-only after relocation: tables of constant pointers.
READ_ONLY = (".data.rel.ro",)


def main():
    complaints = Complaints("globals")
    objects = []
    whole = os.path.join(BUILD, "strata_optimized.o")  # of one piece where the compiler optimizes across files
    for where, _, leaves in os.walk(os.path.join(BUILD, "CMakeFiles", "strata_objects.dir", "src")):
        objects += [os.path.join(where, leaf) for leaf in leaves if leaf.endswith(".o")]
    if os.path.exists(whole):
        objects = [whole]
    for path in sorted(objects):
        name = os.path.relpath(path, os.path.join(BUILD, "CMakeFiles", "strata_objects.dir"))
        source = name[:-2]
        if path != whole and not os.path.exists(os.path.join(os.environ.get("STRATA_SOURCE", "."), source)):
            continue  # left over from a source that is gone
        for line in run("objdump", "-t", path).splitlines():
            # value, seven flag characters, section, size, name
            fields = line[17:].split()
            flags = line[17:24] if len(line) > 24 else ""
            if len(fields) < 3 or not line[:8].strip().isalnum() or "d" in flags:
                continue
            rest = line[25:].split()
            if len(rest) < 3:
                continue
            section, size, symbol = rest[0], int(rest[1], 16), rest[-1]
            if section.startswith(READ_ONLY) or not section.startswith(WRITABLE):
                continue
            if symbol.startswith("__odr_asan."):
                continue  # the sanitizer's own mark beside each constant table that others can see
            if size and (source, symbol) not in ALLOWED:
                complaints.add(source, f"{symbol} ({size} bytes in {section}) can be written")
    complaints.finish(len(objects))


main()
