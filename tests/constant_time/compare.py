"""Compares how many instructions callgrind counted for an operation with one secret and with another.

    compare.py PROFILES LABELS

PROFILES has a part for each call that was measured, and LABELS a line for each, in the same order: `measured` or
`warm-up`, a tab, and the name of the operation. All of an operation must have the same number of instructions in every
function, those of libraries included, but for the allocator, whose work depends on what was freed before.
"""

import re
import sys

POSITION = re.compile(r"^[+-]?\d+ (\d+)$|^\* (\d+)$")
NAME = re.compile(r"^(c?)fn=\((\d+)\)(?: (.*))?$")
# What is small is inlined into the program that measures.
OURS = re.compile(r"ssh_core|constant_time::")
ALLOCATOR = re.compile(r"constant_time::allocator|GlobalAlloc|^__rust(c::__rust)?_(alloc|dealloc|realloc)")
# What the allocator calls; no other function does.
SYSTEM_ALLOCATOR = re.compile(r"memalign|malloc|aligned_alloc|sysmalloc|unlink_chunk|brk|mmap|mprotect")


def parts(path):
    """The instructions of each function by itself, for each part that the end of a call made."""
    names, counts, function, inclusive = {}, None, None, False
    for line in open(path, encoding="utf-8"):
        line = line.rstrip("\n")
        if line.startswith("part: "):
            if counts is not None:
                yield counts
            counts = {}
        elif line == "desc: Trigger: Program termination":
            return
        elif found := NAME.match(line):
            if found[3]:
                names[found[2]] = found[3]
            if not found[1]:
                function = names[found[2]]
        elif line.startswith("calls="):
            # The line after it is what the called function cost.
            inclusive = True
        elif found := POSITION.match(line):
            if not inclusive:
                counts[function] = counts.get(function, 0) + int(found[1] or found[2])
            inclusive = False


def is_counted(function):
    return not (ALLOCATOR.search(function) or SYSTEM_ALLOCATOR.search(function))


def measured(profiles, labels):
    """For each operation, the counts of each secret."""
    lines = [line.rstrip("\n").split("\t") for line in open(labels, encoding="utf-8")]
    counts = [{name: n for name, n in part.items() if is_counted(name)} for part in parts(profiles)]
    if len(lines) != len(counts):
        sys.exit(f"{len(lines)} operations were done, and {len(counts)} measured")
    operations = {}
    for (kind, operation), count in zip(lines, counts):
        if kind == "measured":
            operations.setdefault(operation, []).append(count)
    return operations


def differing(counts):
    """The functions whose instructions are not the same in all counts, each with the numbers there are."""
    functions = set().union(*counts)
    numbers = {function: sorted({count.get(function, 0) for count in counts}) for function in functions}
    return {function: some for function, some in sorted(numbers.items()) if len(some) > 1}


def main(profiles, labels):
    failed = 0
    for operation, counts in measured(profiles, labels).items():
        totals = sorted({sum(count.values()) for count in counts})
        ours = sum(n for function, n in counts[0].items() if OURS.search(function))
        if totals[0] == 0:
            sys.exit(f"{operation}: nothing was counted")
        difference = differing(counts)
        verdict = "DIFFERS" if difference else "equal"
        total = str(totals[0]) if len(totals) == 1 else f"{totals[0]} to {totals[-1]}"
        print(f"{verdict:7}  {len(counts)} secrets  {total:>12} instructions, {ours:>9} ours  {operation}")
        for function, numbers in difference.items():
            print(f"         {function}: {', '.join(map(str, numbers[:12]))}{' ..' if len(numbers) > 12 else ''}")
        failed += bool(difference)
    if failed:
        sys.exit(f"{failed} operations take other instructions for other secrets")


main(*sys.argv[1:])
