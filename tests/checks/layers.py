#!/usr/bin/env python3
"""Reads the table of rooms in docs/ARCHITECTURE.md and fails on an include that it does not allow, on a room that it does
not name, and on a foreign library's header outside the one file or room that may hold it."""
import pathlib
import re
import sys

TOP = pathlib.Path(sys.argv[1])
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)

# An include names the room by its last folder ("card/transport.h"); these are the words that stand for each room.
WORDS = {"applet-sim": "applet-sim", "pkcs11": "pkcs11", "ca": "ca"}
# Rooms of which others may use only a part.
CLIENT_ONLY = {"middleware/verify", "middleware/desk", "middleware/jpki"}
CLIENT_HEADERS = {"registry/registry_client.h", "registry/confirm.h"}
# Foreign headers that exactly these places may include.
FOREIGN = [
    (re.compile(r"^(winscard|PCSC/|pcsclite|reader\.h)"), lambda p: p.name == "transport_pcsc.c", "PC/SC"),
    (re.compile(r"^sqlite3"), lambda p: p.name == "store_sqlite.c", "SQLite"),
    (re.compile(r"^libpq"), lambda p: p.name in {"store_postgres.c", "postgres_link.c", "postgres_rows.c"}, "libpq"),
    (re.compile(r"^(cairo|pango)"), lambda p: p.parts[0] == "applet-sim" or p.name == "copypage.c", "cairo and pango"),
    (re.compile(r"^assuan"), lambda p: p.name == "prompt.c", "libassuan"),
    (re.compile(r"^libp11"), lambda p: p.name == "keyuri.c", "libp11"),
    (re.compile(r"^microhttpd"), lambda p: p.parts[:2] == ("common", "net"), "libmicrohttpd"),
    (re.compile(r"^curl/"), lambda p: p.parts[:2] == ("common", "net"), "libcurl"),
    (re.compile(r"^gnutls/"), lambda p: p.parts[:2] == ("common", "net"), "GnuTLS"),
    (re.compile(r"^openssl/"), lambda p: p.parts[:2] not in {("common", "base"), ("common", "wire"), ("common", "store")},
     "OpenSSL"),
]


def rooms():
    table = {}
    for line in (TOP / "docs/ARCHITECTURE.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and re.fullmatch(r"[a-z0-9/-]+", cells[0]) and (TOP / cells[0]).is_dir():
            table[cells[0]] = set(cells[1].split())
    return table


def main():
    table = rooms()
    words = {WORDS.get(room, room.split("/")[-1]): room for room in table}
    errors, files = [], 0
    if len(table) < 10:
        errors.append("docs/ARCHITECTURE.md: the table of rooms was not found")
    for path in sorted(TOP.glob("**/*.[ch]")):
        relative = path.relative_to(TOP)
        if relative.parts[0] == "tests" or relative.parts[0].startswith("build") or relative.parts[:3] == (
                "middleware", "include", "jpki"):
            continue
        room = next((r for r in table if str(relative).startswith(r + "/")), None)
        if room is None:
            errors.append(f"{relative}: stands in no room of the table")
            continue
        files += 1
        for mark, name in INCLUDE.findall(path.read_text(encoding="utf-8")):
            if mark == "<":
                for pattern, allowed, library in FOREIGN:
                    if pattern.match(name) and not allowed(relative):
                        errors.append(f"{relative}: <{name}>: {library} has another home")
                continue
            target = words.get(name.split("/")[0]) if "/" in name else None
            if target is None:
                if not name.startswith("jpki/"):
                    errors.append(f'{relative}: "{name}": an include names the room')
            elif target != room and target not in table[room]:
                errors.append(f'{relative}: "{name}": {room} may not include {target}')
            elif target == "middleware/registry" and room in CLIENT_ONLY and name not in CLIENT_HEADERS:
                errors.append(f'{relative}: "{name}": {room} may include the registry\'s client only')
    names = {}
    for path in TOP.glob("**/*.[ch]"):
        relative = path.relative_to(TOP)
        if not relative.parts[0].startswith("build") and relative.parts[0] != "tests" and path.stem != "main":
            names.setdefault(path.name, []).append(relative)
    for name, paths in names.items():
        public = [p for p in paths if p.parts[:3] == ("middleware", "include", "jpki")]
        if len(paths) - len(public) > 1:
            errors.append(f"{name}: file names are unique, but it stands at {', '.join(map(str, paths))}")
    print("\n".join(errors) or f"{files} files keep to the table")
    return 1 if errors or not files else 0


sys.exit(main())
