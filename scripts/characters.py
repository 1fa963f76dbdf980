#!/usr/bin/env python3
"""Makes the table of substituted characters, and C out of it.

    characters.py make UNICODE_FOLDER >characters.tsv   (Debian's package unicode-data)
    characters.py c characters.tsv >characters_data.c   (done by the build)
"""
import bz2
import sys
from collections import defaultdict

# Relations of the Unihan database, in the order of trust, with what a target must be beside a character that a certificate
# holds: named as the standard form of a 人名用漢字 or 常用漢字; the same character by definition; the same shape; the same
# meaning, and marked as the same shape; the same meaning and no other candidate, itself 常用 or 人名用, of one of the
# characters that IBM added for Japanese names (髙): elsewhere the same meaning alone would make one surname of another.
RELATIONS = ["standard", "compatibility", "shape", "meaning, shape", "meaning"]


def unihan(folder, name, fields):
    with bz2.open(f"{folder}/{name}.txt.bz2", "rt", encoding="utf-8") as file:
        for line in file:
            parts = line.rstrip("\n").split("\t")
            if len(parts) == 3 and parts[1] in fields:
                yield int(parts[0][2:], 16), parts[1], parts[2]


def make(folder):
    held, everyday, named, japanese, for_names = set(), set(), [], set(), set()
    for c, field, value in unihan(folder, "Unihan_OtherMappings", ["kJis0", "kJoyoKanji", "kJinmeiyoKanji", "kIBMJapan"]):
        if field == "kJis0":
            held.add(c)
        elif field == "kIBMJapan":
            for_names.add(c)
        elif "U+" in value:
            named.append((c, value[value.index("U+"):]))
        else:
            everyday.add(c)
    everyday |= {int(value[2:], 16) for _, value in named}
    rows = [(c, "standard", value, held) for c, value in named]
    for c, field, value in unihan(folder, "Unihan_IRGSources", ["kIRG_JSource", "kCompatibilityVariant"]):
        if field == "kIRG_JSource":
            japanese.add(c)
        else:
            rows.append((c, "compatibility", value, held))
    for c, field, value in unihan(folder, "Unihan_Variants", ["kZVariant", "kSemanticVariant"]):
        if field == "kZVariant":
            rows.append((c, "shape", value, held))
        else:
            rows.append((c, "meaning, shape", " ".join(v for v in value.split() if ":Z" in v), held))
            alone = len({int(v.split("<")[0][2:], 16) for v in value.split()} & held) == 1
            rows.append((c, "meaning", value, held & everyday if c in for_names and alone else set()))
    found = defaultdict(dict)
    for c, relation, values, allowed in rows:
        targets = {int(v.split("<")[0][2:], 16) for v in values.split()} & allowed
        if c not in held and (c in japanese or c in for_names or relation == "standard") and len(targets) == 1:
            found[c][relation] = targets.pop()  # more than one: somebody must choose
    print("# Characters that a certificate cannot hold, and what stands for them (代替文字).")
    print("# Made by scripts/characters.py out of the Unihan database of Unicode 15.0 (Debian package unicode-data),")
    print("# Copyright 1991-2022 Unicode, Inc., terms of use: https://www.unicode.org/copyright.html (Unicode licence).")
    print("# set: the Han characters of JIS X 0208, which a certificate holds, as bits of 256 code points, lowest first.")
    print("# map: code point, character, its substitute, and what Unihan says of the two (scripts/characters.py, RELATIONS).")
    print("# Not here: characters with several candidates or none, and the codes of 住基統一文字, whose table is not published.")
    for high in sorted({c >> 8 for c in held}):
        bits = bytes(sum(1 << b for b in range(8) if high << 8 | i * 8 + b in held) for i in range(32))
        print(f"set\t{high:02X}\t{bits.hex().upper()}")
    for c in sorted(found):
        relation = next(r for r in RELATIONS if r in found[c])
        print(f"map\t{c:04X}\t{chr(c)}\t{chr(found[c][relation])}\t{relation}")


def emit(path):
    sets, maps = [], []
    with open(path, encoding="utf-8") as file:
        for line in file:
            parts = line.rstrip("\n").split("\t")
            if parts[0] == "set":
                sets.append((parts[1], bytes.fromhex(parts[2])))
            elif parts[0] == "map":
                maps.append((int(parts[1], 16), ord(parts[3])))
    print('/* Made of characters.tsv. */\n#include "registry/characters.h"\n')
    print("const struct characters_set characters_sets[] = {")
    for high, bits in sets:
        print(f"    {{ 0x{high}, {{ {', '.join(hex(b) for b in bits)} }} }},")
    print("};\nconst size_t characters_set_count = sizeof characters_sets / sizeof characters_sets[0];\n")
    print("const struct characters_map characters_maps[] = {")
    for c, other in maps:
        print(f"    {{ 0x{c:04X}, 0x{other:04X} }},")
    print("};\nconst size_t characters_map_count = sizeof characters_maps / sizeof characters_maps[0];")


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("make", "c"):
        sys.exit(__doc__)
    make(sys.argv[2]) if sys.argv[1] == "make" else emit(sys.argv[2])
