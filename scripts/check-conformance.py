#!/usr/bin/python3
# SPDX-License-Identifier: BSD-3-Clause
"""docs/a76xx-conformance.md against SIMCom's note and against the tree.

Everything the note names must stand in the first cell of a row; every row names the code that uses it
and the test that shows it, or says "not needed: " and why; and that code and those tests exist.
"""
from __future__ import annotations

import collections
import re
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]
DOC = TOP / "docs" / "a76xx-conformance.md"
NOT_NEEDED = "not needed: "

# What the note names, by section of the document.
REQUIRED = {
    "Commands": """
        AT+NETOPEN | AT+NETOPEN? | AT+NETCLOSE | AT+IPADDR
        AT+CIPOPEN="TCP" | AT+CIPOPEN="UDP",,,<port> | AT+CIPOPEN? | AT+CIPOPEN=0,"TCP" in CIPMODE 1
        AT+CIPOPEN=0,"UDP" in CIPMODE 1
        AT+CIPSEND=<link>,<n> | AT+CIPSEND=<link>,<n>,<address>,<port>
        AT+CIPSEND=<link>, | AT+CIPSEND=<link>,,<address>,<port>
        AT+CIPRXGET=0 | AT+CIPRXGET=1 | AT+CIPRXGET=2,<link>,<n> | AT+CIPRXGET=2,<link>
        AT+CIPRXGET=3 | AT+CIPRXGET=4 | AT+CIPRXGET?
        AT+CIPCLOSE=<link> | AT+CIPCLOSE? | AT+CIPHEAD= | AT+CIPSRIP= | AT+CIPMODE=0 | AT+CIPMODE=1
        AT+CIPSENDMODE= | AT+CIPTIMEOUT= | AT+CIPCCFG= | AT+SERVERSTART= | AT+SERVERSTART?
        AT+SERVERSTOP=<server> | AT+SERVERSTOP | AT+CIPACK= | AT+CDNSGIP= | AT+CSOCKSETPN=<cid>
        AT+CSOCKSETPN=<cid>,<type> | AT+CTCPKA= | AT+CDNSCFG= | AT+CSOC
        AT+CIPHEAD? | AT+CIPSRIP? | AT+CIPMODE? | AT+CIPSENDMODE? | AT+CIPTIMEOUT? | AT+CIPCCFG?
        AT+CSOCKSETPN? | AT+CTCPKA? | AT+CDNSCFG? | AT+CIPACK? | AT+<command>=?
        """,
    "Commands of the examples": """
        AT+CSQ | AT+CREG? | AT+CGREG? | AT+CPIN? | AT+CGDCONT=1,"IP" | AT+CGDCONT=1,"IPV6"
        """,
    "Modes": """
        direct push | buffer access | transparent, TCP client | transparent, UDP client
        transparent, TCP server | +++ | ATO | AT&D1
        """,
    "Procedures": "1.4 | 1.5.1 | 1.5.2 | 1.5.3 | 3.1.3 | 3.1.4 | 3.4.3 | 4.2",
    "Lines of the module": """
        +NETOPEN: <err> | +NETCLOSE: <err> | +CIPOPEN: <link>,<err> | +CIPSEND: <link>,<n>,<n>
        +CIPCLOSE: <link>,<err> | +SERVERSTOP: <server>,<err> | RECV FROM:<address>:<port> | +IPD<n>
        +CIPRXGET: 1,<link> | > | CONNECT <text> | CLOSED
        +CIPEVENT: NETWORK CLOSED UNEXPECTEDLY | +IPCLOSE: <link>,0 | +IPCLOSE: <link>,1
        +IPCLOSE: <link>,2 | +CLIENT: <link>,<server>,<address>:<port>
        """,
    "`<err_info>`": "|".join(str(n) for n in range(23)),
    "`<err>`": "|".join(str(n) for n in range(13)),
    "Misprints": """
        AT+CIOPEN | AT+CIPOEPN | +CIOPEN: | +CIOOPEN: | +CIP EVENT: | AT+CIPSEND=1,"ip",port
        AT+CIPCLOSE? with nine | +RECV FROM: | +IPD(data length) | server index 1 | AT+CIPCCFG (TODO)
        """,
}


def required(section: str) -> list[str]:
    return [x.strip() for x in re.split(r"[|\n]", REQUIRED[section]) if x.strip()]


def cells(line: str) -> list[str]:
    """Of one table row; a bar inside backticks or behind a backslash is text."""
    parts = re.split(r"\|(?=(?:[^`]*`[^`]*`)*[^`]*$)", line.replace("\\|", "\0").strip().strip("|"))
    return [x.strip().replace("\0", "|") for x in parts]


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def tests() -> set[str]:
    """Names of tests and of files of tests."""
    found = set()
    for path in TOP.glob("tests/**/*"):
        if path.suffix == ".c":
            found |= set(re.findall(r"^static void (\w+)\(void \*\*", path.read_text(), re.M))
        elif path.suffix == ".py":
            found |= set(re.findall(r"^\s*def (test_\w+)\(", path.read_text(), re.M))
        found.add(path.name)
        found.add(str(path.relative_to(TOP)))
    return found


def code_missing(name: str) -> str:
    """What is wrong with `file` or `file:function`; "" if nothing."""
    file, _, function = name.partition(":")
    path = TOP / file
    if not path.is_file():
        return f"there is no {file}"
    if function and not re.search(rf"\b{re.escape(function)}\b", path.read_text()):
        return f"{file} has no {function}"
    return ""


class Checker:
    def __init__(self) -> None:
        self.faults: list[str] = []
        self.rows: dict[str, list[list[str]]] = collections.defaultdict(list)
        self.tests = tests()
        self.unneeded = 0

    def read(self, text: str) -> None:
        section = ""
        for line in text.splitlines():
            if line.startswith("## "):
                section = line[3:].strip()
            elif line.startswith("|") and not re.match(r"^\|[\s:|-]+\|$", line):
                self.rows[section].append(cells(line))
        for rows in self.rows.values():
            del rows[0]  # the heading

    def row(self, section: str, row: list[str]) -> None:
        where = f"{section}: {row[0]}"
        if len(row) < 4:
            self.faults.append(f"{where}: expected | what | gwd | code | shown by |")
            return
        code, shown = row[-2], row[-1]
        unneeded = row[1].startswith(NOT_NEEDED)
        self.unneeded += unneeded
        if not unneeded and not names(code):
            self.faults.append(f"{where}: names no code")
        if not unneeded and not names(shown):
            self.faults.append(f"{where}: names no test")
        self.faults += [f"{where}: {x}" for x in map(code_missing, names(code)) if x]
        self.faults += [f"{where}: there is no test {x}" for x in names(shown) if x not in self.tests]

    def check(self) -> None:
        for section in REQUIRED:
            title = next((x for x in self.rows if x.startswith(section)), None)
            rows = self.rows[title] if title else []
            items = [y for row in rows for y in names(row[0]) or [row[0]]]
            self.faults += [f"{section}: no row for {x}" for x in required(section) if x not in items]
            self.faults += [f"{section}: two rows for {x}" for x, n in
                            collections.Counter(items).items() if n > 1]
            for row in rows:
                self.row(section, row)

    def totals(self) -> str:
        parts = [f"{len(required(x))} {x.lower()}" for x in REQUIRED]
        rows = sum(len(x) for x in self.rows.values())
        return f"{rows} rows, {rows - self.unneeded} in use, {self.unneeded} not needed: {', '.join(parts)}"


def main() -> int:
    checker = Checker()
    checker.read(DOC.read_text())
    checker.check()
    for fault in checker.faults:
        print(f"{DOC.name}: {fault}")
    print(f"{DOC.name}: {checker.totals()}; {len(checker.faults)} faults")
    return 1 if checker.faults else 0


if __name__ == "__main__":
    sys.exit(main())
