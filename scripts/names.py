#!/usr/bin/env python3
"""Makes the table of the synthetic nation's names, and C out of it.

    names.py make NOUN_NAME_CSV >middleware/registry/names.tsv   (Noun.name.csv of Debian's package mecab-ipadic)
    names.py c names.tsv >names_data.c                           (done by the build)
"""
import math
import re
import sys

# The ten most frequent surnames in persons of 10,000 as published (明治安田 2018), and ninety more down to the hundredth, which
# have what the published 33.38 % of all hundred leaves. The reading is the dictionary's first.
FREQUENT = """佐藤 153 鈴木 144 高橋 114 田中 106 渡辺 94 伊藤 90 中村 85 小林 83 山本 82 加藤 71 吉田 57 山田 52 佐々木 50 山口 48
松本 46 井上 45 木村 43 林 42 斎藤 41 清水 39 山崎 38 森 37 池田 37 橋本 36 阿部 35 石川 34 山下 33 中島 33 石井 32 小川 32 前田 31
岡田 30 長谷川 30 藤田 29 後藤 29 近藤 29 村上 28 遠藤 28 青木 27 坂本 27 斉藤 27 福田 26 太田 26 西村 26 藤井 25 金子 25 岡本 25
藤原 24 中野 24 三浦 24 原田 24 中川 23 松田 23 竹内 23 小野 23 田村 22 中山 22 和田 22 石田 22 森田 22 上田 21 原 21 内田 21 柴田 21
酒井 21 宮崎 20 横山 20 高木 20 安藤 20 宮本 20 大野 20 小島 20 谷口 19 工藤 19 今井 19 高田 19 増田 19 丸山 19 杉山 19 村田 18 大塚 18
新井 18 小山 18 平野 18 藤本 18 河野 18 上野 18 野口 17 武田 17 松井 17 千葉 17 菅原 17 岩崎 17 久保 17 木下 17 佐野 17 野村 17 松尾 16
市川 16 菊地 16"""

# What was given often, by generation: born before 1960, before 1990, since. No frequencies are packaged; half of the people draw
# from these, the other half from the dictionary.
GIVEN = {
    "m": ["""清 キヨシ 実 ミノル 茂 シゲル 正雄 マサオ 勇 イサム 博 ヒロシ 正 タダシ 昭 アキラ 弘 ヒロシ 稔 ミノル 勲 イサオ 武 タケシ 進 ススム 昇 ノボル
隆 タカシ 義雄 ヨシオ 三郎 サブロウ 幸雄 ユキオ 敏雄 トシオ 和夫 カズオ 辰雄 タツオ 久雄 ヒサオ 利夫 トシオ 功 イサオ 保 タモツ 登 ノボル 孝 タカシ
明 アキラ 豊 ユタカ 勝 マサル""",
          """誠 マコト 浩 ヒロシ 修 オサム 隆 タカシ 学 マナブ 健一 ケンイチ 浩二 コウジ 哲也 テツヤ 直樹 ナオキ 秀樹 ヒデキ 和也 カズヤ 大輔 ダイスケ
剛 ツヨシ 聡 サトシ 健太郎 ケンタロウ 英樹 ヒデキ 智也 トモヤ 拓也 タクヤ 淳 ジュン 亮 リョウ 博之 ヒロユキ 浩一 コウイチ 雅人 マサト 洋平 ヨウヘイ
達也 タツヤ 慎一 シンイチ 祐介 ユウスケ 裕太 ユウタ 敦 アツシ 徹 トオル""",
          """翔太 ショウタ 大翔 ヒロト 蓮 レン 悠真 ユウマ 陽翔 ハルト 湊 ミナト 颯太 ソウタ 樹 イツキ 大和 ヤマト 陸 リク 悠斗 ユウト 奏太 ソウタ 蒼 アオイ
海斗 カイト 拓海 タクミ 優斗 ユウト 健斗 ケント 翼 ツバサ 駿 シュン 朝陽 アサヒ 律 リツ 碧 アオ 暖 ダン 陽太 ヨウタ 瑛太 エイタ 結翔 ユイト 遼 リョウ
匠 タクミ 新 アラタ 大地 ダイチ"""],
    "f": ["""和子 カズコ 幸子 サチコ 節子 セツコ 美代子 ミヨコ 洋子 ヨウコ 京子 キョウコ 久子 ヒサコ 恵子 ケイコ 悦子 エツコ 敏子 トシコ 文子 フミコ
ヨシ子 ヨシコ 千代子 チヨコ 良子 ヨシコ 弘子 ヒロコ 昭子 アキコ 富子 トミコ 照子 テルコ 信子 ノブコ 静子 シズコ キミ キミ ハル ハル トシ子 トシコ
ミツ子 ミツコ フミ フミ 勝子 カツコ 孝子 タカコ 順子 ジュンコ 愛子 アイコ 博子 ヒロコ""",
          """由美子 ユミコ 直美 ナオミ 明美 アケミ 裕子 ユウコ 真由美 マユミ 智子 トモコ 久美子 クミコ 陽子 ヨウコ 香織 カオリ 恵 メグミ 美穂 ミホ
優子 ユウコ 純子 ジュンコ 理恵 リエ 美香 ミカ 麻衣 マイ 愛 アイ 千春 チハル 亜希子 アキコ 絵美 エミ あゆみ アユミ 沙織 サオリ 真理子 マリコ
佳奈 カナ 奈緒 ナオ さゆり サユリ 美咲 ミサキ 舞 マイ 友美 トモミ 由香 ユカ""",
          """陽葵 ヒマリ 結菜 ユイナ 葵 アオイ さくら サクラ 莉子 リコ 美羽 ミウ 凛 リン 紬 ツムギ 芽依 メイ 花 ハナ 咲良 サクラ 結衣 ユイ 杏 アン
心春 コハル 彩花 アヤカ 美月 ミヅキ 七海 ナナミ 真央 マオ 優奈 ユウナ 琴音 コトネ ひなた ヒナタ 楓 カエデ 澪 ミオ 一花 イチカ 詩 ウタ 陽菜 ヒナ
遥 ハルカ 心結 ミユ 千尋 チヒロ りお リオ"""],
}

# Which of the dictionary's names are whose: by the last character; the digits are the generations.
ENDINGS = [
    ("f", "0", "江枝代コエヨミノシ"), ("f", "01", "子"), ("f", "012", "美恵香里"), ("f", "12", "奈穂絵花菜華衣佳沙織帆緒音こみえか"), ("f", "2", "莉葉羽"),
    ("m", "0", "吉助蔵治作松男三"), ("m", "01", "郎雄夫彦次一二義弘昭正信光勝清忠政敏司明行志則徳良宏成秀喜洋吾隆康章仁典"),
    ("m", "012", "也樹史介太朗之裕晴俊輝憲範幸孝弥博"), ("m", "12", "人哉平輔貴紀希伸"), ("m", "2", "斗翔"),
]
SURNAME_SCALE, COMMON_COST = 900, 6500  # of the dictionary's costs: an e-th a 900; below 6500 no rare name becomes frequent
REST = 10000 - 3338
SELDOM = 3000  # names of the dictionary for each sex: evenly out of all that fit


def dictionary(path):
    with open(path, encoding="euc-jp") as file:
        for line in file:
            row = line.rstrip("\n").split(",")
            yield row[7], row[0], row[11], int(row[3])


def surnames(rows):
    found = {}
    for kind, name, reading, cost in rows:
        if kind == "姓" and re.fullmatch("[一-龠々][一-龠々ヶノツ]{0,3}", name) and cost < found.get(name, ("", 99999))[1]:
            found[name] = (reading, cost)
    words = FREQUENT.split()
    frequent = dict(zip(words[::2], map(int, words[1::2])))
    for name, persons in frequent.items():
        yield name, found[name][0], persons * 100
    rest = {n: math.exp(-(max(cost, COMMON_COST) - COMMON_COST) / SURNAME_SCALE) for n, (_, cost) in found.items() if n not in frequent}
    unit = REST * 100 / sum(rest.values())
    for name in sorted(rest, key=lambda n: (-rest[n], n)):
        yield name, found[name][0], max(1, round(rest[name] * unit))


def given(rows):
    for sex in "mf":
        for generation in range(3):
            words = GIVEN[sex][generation].split()
            for name, reading in zip(words[::2], words[1::2]):
                yield name, reading, sex, str(generation), "often"
    fitting, seen = {"m": [], "f": []}, set()
    for kind, name, reading, _ in rows:
        if kind != "名" or (name, reading) in seen or not re.fullmatch("[一-龠々]{2,3}|[一-龠]{1,2}子|[ぁ-ん]{2,4}|[ァ-ヶ]{2,3}子?", name):
            continue
        kana = "".join(chr(ord(c) + 96) if "ぁ" <= c <= "ん" else c for c in name)
        if len(reading) < 2 or (re.fullmatch("[ァ-ヶ]+", kana) and kana != reading):
            continue
        sex, generations = next(((s, g) for s, g, ends in ENDINGS if name[-1] in ends), ("", ""))
        if sex:
            seen.add((name, reading))
            fitting[sex].append((name, reading, sex, generations, "seldom"))
    for some in fitting.values():
        yield from (some[i * len(some) // SELDOM] for i in range(SELDOM))


def make(path):
    rows = list(dictionary(path))
    print("# The names of the synthetic nation. surname: name, reading, persons of a million. given: name, reading, sex, generations")
    print("# (0 born before 1960, 1 before 1990, 2 since), whether often. Made by scripts/names.py out of Noun.name.csv of Debian's package")
    print("# mecab-ipadic 2.7.0-20070801: Copyright 2000, 2001, 2002, 2003 Nara Institute of Science and Technology. All Rights Reserved.")
    print("# Use, reproduction, and distribution is permitted, without any warranty; a large portion of the entries originates from ICOT")
    print("# Free Software. The whole terms: middleware/registry/names.LICENSE.")
    for row in surnames(rows):
        print("surname", *row, sep="\t")
    for row in given(rows):
        print("given", *row, sep="\t")


def c(path):
    texts, used, total, surname_rows, groups = {}, 0, 0, [], {}

    def put(text):
        nonlocal used
        if text not in texts:
            texts[text] = used
            used += len(text.encode()) + 1
        return texts[text]

    with open(path, encoding="utf-8") as file:
        for line in file:
            row = line.rstrip("\n").split("\t")
            if row[0] == "surname":
                total += int(row[3])
                surname_rows.append("{%d,%d,%d}" % (put(row[1]), put(row[2]), total))
            elif row[0] == "given":
                for generation in row[4]:
                    groups.setdefault((row[3], generation, row[5]), []).append("{%d,%d}" % (put(row[1]), put(row[2])))
    print('#include "registry/towndata.h"\n')
    print("const struct town_surname town_surnames[] = {\n%s};" % ",\n".join(surname_rows))
    print("const size_t town_surname_count = sizeof town_surnames / sizeof *town_surnames;\n")
    ranges, words = [], []
    for sex in "mf":
        for generation in "012":
            often, seldom = groups[sex, generation, "often"], groups[sex, generation, "seldom"]
            ranges.append("{%d,%d,%d}" % (len(words), len(often), len(often) + len(seldom)))
            words += often + seldom
    print("const struct town_word town_given[] = {\n%s};" % ",\n".join(words))
    print("const struct town_group town_groups[2][3] = {{%s}, {%s}};\n" % (",".join(ranges[:3]), ",".join(ranges[3:])))
    print('#pragma GCC diagnostic ignored "-Woverlength-strings"\nconst char town_names[] =\n    %s;' % "\n    ".join('"%s\\0"' % t for t in texts))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("make", "c"):
        sys.exit(__doc__)
    {"make": make, "c": c}[sys.argv[1]](sys.argv[2])
