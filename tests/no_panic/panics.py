"""Finds every panic in the machine code of a library, and compares the list with the exceptions of a file.

    panics.py LIBRARY EXCEPTIONS

A panic is a call, from anywhere, of a function of core, alloc or std that never returns; or an `ud2` that is no end of such
a call. Which functions never return is read off the code: those without a return, a jump through a pointer, or a jump
to a function that returns.

Who may call whom through a pointer is not known. So every function that the linker kept counts as reachable; the linker
keeps what is reachable from the exported ones. For people, one way of calls to each unexpected panic is shown.

Every panic has subjects: the panicking function, and the functions inlined at that place from the innermost out to the
first that is not of core or alloc, as `crate file function`. An exception is a pattern (`*`, `?`) for a subject; all panics
of a subject that it fits are allowed, and one that allows nothing is stale.
"""

import bisect
import collections
import fnmatch
import re
import subprocess
import sys

FUNCTION = re.compile(r"^([0-9a-f]+) <(.*)>:$")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\t(?:(?:bnd|notrack|data16|cs) )*(\w+)\s*(.*)$")
TARGET = re.compile(r"^([0-9a-f]+) <")
LIBRARIES = ("core", "alloc", "std")
FROM_LIBRARIES = re.compile(r"^<*(?:core|alloc|std|__rustc)::")
SOURCES = (
    re.compile(r"/registry/src/[^/]+/(?P<crate>[^/]+?)-\d[^/]*/(?P<file>[^ ]+)"),
    re.compile(r"/library/(?P<crate>core|alloc|std)/(?P<file>[^ ]+)"),
    re.compile(r"/(?P<crate>ssh-core|no_panic)/(?P<file>src/[^ ]+)"),
)


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


class Code:
    """The functions of a library: their names, instructions, and calls of each other."""

    def __init__(self, library):
        self.names, self.bodies = {}, {}
        for line in output_of("objdump", "-d", "-C", "--no-show-raw-insn", library):
            if found := FUNCTION.match(line):
                address = int(found[1], 16)
                self.names[address] = found[2]
                body = self.bodies[address] = []
            elif found := INSTRUCTION.match(line):
                body.append((int(found[1], 16), found[2], found[3]))
        self.starts = sorted(self.names)
        exported = (line.split() for line in output_of("nm", "-D", "--defined-only", library))
        self.exported = [int(address, 16) for address, kind, _ in exported if kind == "T"]
        self.calls = {start: list(self.calls_in(start)) for start in self.starts}
        self.returning = self.find_returning()

    def function_at(self, address):
        return self.starts[bisect.bisect_right(self.starts, address) - 1]

    def calls_in(self, start):
        """Where it calls or jumps to another function: address, callee, whether it comes back here."""
        for address, mnemonic, operand in self.bodies[start]:
            is_call = mnemonic == "call"
            if (is_call or mnemonic.startswith("j")) and (found := TARGET.match(operand)):
                callee = self.function_at(int(found[1], 16))
                if is_call or callee != start:
                    yield address, callee, is_call

    def find_returning(self):
        def leaves(mnemonic, operand):
            return mnemonic.startswith("ret") or mnemonic.startswith("j") and operand.startswith("*")

        returning = {
            start for start, body in self.bodies.items() if any(leaves(mnemonic, operand) for _, mnemonic, operand in body)
        }
        while True:
            more = {
                start
                for start, calls in self.calls.items()
                if start not in returning and any(callee in returning for _, callee, is_call in calls if not is_call)
            }
            if not more:
                return returning
            returning |= more

    def panics(self):
        """Every place that panics: its address, its function, what it calls."""
        def panicking(start):
            return start not in self.returning and FROM_LIBRARIES.match(self.names[start])

        for start in self.starts:
            if panicking(start):
                continue
            for address, callee, _ in self.calls[start]:
                if panicking(callee):
                    yield address, start, self.names[callee]
            before = None
            for address, mnemonic, operand in self.bodies[start]:
                if mnemonic == "ud2" and not self.never_comes_back(before):
                    yield address, start, "ud2"
                before = mnemonic, operand

    def never_comes_back(self, instruction):
        mnemonic, operand = instruction or ("", "")
        found = TARGET.match(operand)
        return mnemonic == "call" and found and self.function_at(int(found[1], 16)) not in self.returning

    def ways(self):
        """For every function that direct calls reach from an exported one: who calls it first."""
        caller = dict.fromkeys(self.exported)
        queue = collections.deque(self.exported)
        while queue:
            start = queue.popleft()
            for _, callee, _ in self.calls[start]:
                if callee not in caller:
                    caller[callee] = start
                    queue.append(callee)
        return caller


def plain(function):
    """The last word of a function's path, without type arguments: closures are part of what they are in."""
    before = None
    while before != function:
        before, function = function, re.sub(r"<[^<>]*>|\{\{closure\}\}|\{closure#\d+\}", "", function)
    return [part for part in function.split("::") if part][-1]


def source_of(path):
    for pattern in SOURCES:
        if found := pattern.search(path):
            file, _, line = found["file"].rpartition(":")
            return found["crate"], file, line
    return "?", path, ""


def inlined_at(library, addresses):
    """For every address the functions inlined there, innermost first: crate, file, line, function."""
    frames = collections.defaultdict(list)
    lines = iter(output_of("addr2line", "-a", "-i", "-f", "-C", "-e", library, *map(hex, addresses)))
    for line in lines:
        if line.startswith("0x"):
            address = int(line, 16)
        else:
            crate, file, number = source_of(next(lines))
            frames[address].append((crate, file, number, plain(line)))
    return frames


def subjects_of(panicking, frames):
    yield panicking
    for crate, file, _, function in frames:
        yield f"{crate} {file} {function}"
        if crate not in LIBRARIES:
            return


def read_exceptions(path):
    """Lines that begin at the margin are patterns; the indented lines after them say why."""
    patterns, reasoned = [], []
    for line in open(path, encoding="utf-8"):
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace():
            reasoned = list(patterns)
        else:
            patterns.append(line.strip())
    if len(reasoned) != len(patterns):
        sys.exit(f"{path}: {patterns[-1]} has no reason")
    return patterns


def main(library, exceptions):
    code = Code(library)
    panics = list(code.panics())
    if not panics or not code.exported:
        sys.exit("no panic at all: this cannot be right")
    frames = inlined_at(library, [address for address, _, _ in panics])
    patterns, used, unexpected, ways = read_exceptions(exceptions), set(), [], code.ways()
    crates = collections.Counter()
    for address, start, panicking in panics:
        subjects = list(subjects_of(panicking, frames[address]))
        fitting = [pattern for pattern in patterns if any(fnmatch.fnmatchcase(each, pattern) for each in subjects)]
        used.update(fitting)
        crates[subjects[-1].split()[0]] += 1
        if not fitting:
            unexpected.append((address, start, panicking))
    direct = sum(start in ways for _, start, _ in panics)
    print(f"{len(panics)} panics in {len(code.names)} functions, {direct} of them reached by direct calls alone; by crate:")
    print("   ", ", ".join(f"{crate} {count}" for crate, count in sorted(crates.items())))
    for address, start, panicking in unexpected:
        print(f"UNEXPECTED {panicking} in {code.names[start]}")
        for crate, file, line, function in frames[address]:
            print(f"    {crate} {file}:{line} {function}")
        while start := ways.get(start):
            print(f"    called by {code.names[start]}")
    stale = [pattern for pattern in patterns if pattern not in used]
    for pattern in stale:
        print(f"STALE exception: {pattern}")
    sys.exit(1 if unexpected or stale else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
