"""The libraries export strata_ names only, and exactly those that the public headers declare."""

import os
import re

from _house import BUILD, Complaints, files, read, run, without_comments

# What the compiler's and linker's own machinery adds to a shared object.
MACHINERY = re.compile(r"_init|_fini|__bss_start|_edata|_end|__(asan|ubsan|odr_asan)\w*")


def symbols(path, *options):
    """Defined global names of an archive or shared object."""
    names = set()
    for line in run("nm", *options, path).splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] in "TDBRVWGSi":
            names.add(fields[2].split("@")[0])
    return {name for name in names if not MACHINERY.fullmatch(name)}


def declared(path):
    """Functions and objects that a header declares, but does not define itself."""
    text = without_comments(read(path))
    text = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", text, flags=re.M)
    text = re.sub(r'extern\s+"C"\s*\{', "", text)
    # Bodies of structs, enums and inline functions hold no declarations of the header itself.
    before = None
    while before != text:
        before = text
        text = re.sub(r"\{[^{}]*\}", " @ ", text)
    names = set()
    for statement in re.split(r";|(?<=\))\s*@", text):
        if re.search(r"\b(typedef|static|inline)\b", statement):
            continue
        match = re.search(r"\b(strata_\w+)\s*\(", statement)
        if match and "@" not in statement[:match.start()]:
            names.add(match.group(1))
        else:
            match = re.search(r"\bextern\b.*\b(strata_\w+)\s*(\[|$)", statement.strip(), re.S)
            if match:
                names.add(match.group(1))
    return names


def main():
    complaints = Complaints("exports")
    public = set()
    for path in files(("include/strata",), (".h",)):
        if not path.endswith("/lab.h"):
            public |= declared(path)
    for library, options in (("libstrata.so", ("-D", "--defined-only")), ("libstrata.a", ("-g", "--defined-only"))):
        path = os.path.join(BUILD, library)
        names = symbols(path, *options)
        for name in sorted(names):
            if not name.startswith("strata_"):
                complaints.add(library, f"exports {name}")
            elif name not in public:
                complaints.add(library, f"exports {name}, which no public header declares")
        for name in sorted(public - names):
            complaints.add(library, f"does not export {name}, which a public header declares")
    if os.path.exists(os.path.join(os.environ.get("STRATA_SOURCE", "."), "include/strata/lab.h")):
        lab = os.path.join(BUILD, "libstrata_lab.a")
        defined = symbols(lab, "-g", "--defined-only")
        scenario = os.path.join(BUILD, "libstrata_scenario.a")
        if os.path.exists(scenario):
            defined |= symbols(scenario, "-g", "--defined-only")
        for name in sorted(declared("include/strata/lab.h") - defined):
            complaints.add("libstrata_lab.a", f"does not define {name}, which strata/lab.h declares")
    complaints.finish(len(public))


main()
