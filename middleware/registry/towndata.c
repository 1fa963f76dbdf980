/* towndata.c — the small tables of the synthetic people: ages, names of foreign residents, buildings. */
#include "registry/towndata.h"

/* 令和2年国勢調査 (2020 census), with the unknown ages shared out, 総務省統計局 through e-Stat (terms of use compatible
 * with CC BY 4.0). */
const uint32_t town_ages[2][TOWN_BANDS] = {
    {2432718, 2558310, 2728113, 2890330, 3163120, 3170165, 3336834, 3735992, 4242089, 4944566, 4362042, 3944122,
     3659792, 3992972, 4361797, 3183781, 2237813, 1327278, 624826},
    {2312554, 2444801, 2598464, 2755132, 3002827, 3003464, 3200996, 3639009, 4140104, 4841523, 4314339, 3952214,
     3759246, 4246246, 4871063, 3927604, 3167594, 2412607, 1838394},
};

/* Made up: frequent names of the nations that most foreign residents come from. */
const char *const town_foreign_families[TOWN_NATIONS][TOWN_FOREIGN] = {
    {"WANG", "LI", "ZHANG", "LIU", "CHEN", "YANG", "HUANG", "ZHAO", "WU", "ZHOU"},
    {"NGUYEN", "TRAN", "LE", "PHAM", "HOANG", "PHAN", "VU", "DANG", "BUI", "DO"},
    {"KIM", "LEE", "PARK", "CHOI", "JUNG", "KANG", "CHO", "YOON", "JANG", "LIM"},
    {"SANTOS", "REYES", "CRUZ", "BAUTISTA", "OCAMPO", "GARCIA", "MENDOZA", "TORRES", "CASTILLO", "FLORES"},
    {"SILVA", "SOUZA", "OLIVEIRA", "LIMA", "PEREIRA", "FERREIRA", "COSTA", "RODRIGUES", "ALMEIDA", "NASCIMENTO"},
    {"GURUNG", "TAMANG", "SHRESTHA", "RAI", "THAPA", "MAGAR", "SMITH", "JOHNSON", "BROWN", "MILLER"},
};
const char *const town_foreign_givens[TOWN_NATIONS][2][TOWN_FOREIGN] = {
    {{"WEI", "XIAOMING", "JUN", "LEI", "TAO", "QIANG", "HAO", "PENG", "BO", "YONG"},
     {"NA", "FANG", "XIAOLI", "MIN", "JING", "YAN", "LILI", "XUE", "HONG", "TING"}},
    {{"VAN MINH", "VAN HUNG", "DUC ANH", "QUOC BAO", "VAN TUAN", "HUU LONG", "XUAN NAM", "TIEN DAT", "VAN KHANH",
      "THANH SON"},
     {"THI LAN", "THI HOA", "THI HUONG", "NGOC ANH", "THI MAI", "THU HA", "THI LINH", "THI NGA", "PHUONG THAO",
      "THI TRANG"}},
    {{"MINJUN", "SEOJUN", "DOYUN", "JIHO", "HYUNWOO", "JUNHO", "SUNGMIN", "DONGHYUN", "TAEYANG", "WOOJIN"},
     {"SEOYEON", "JIWOO", "MINSEO", "SOYEON", "HYEJIN", "YUNA", "EUNJI", "JIHYE", "SUJIN", "HAEUN"}},
    {{"JUAN CARLO", "JOSE MARI", "MARK ANTHONY", "ANGELO", "JOHN PAUL", "CHRISTIAN", "RONALD", "RYAN", "JEROME",
      "KENNETH"},
     {"MARIA CRISTINA", "MARY GRACE", "ANGELICA", "ROSE ANN", "JENNIFER", "MICHELLE", "LOVELY", "PRINCESS", "KRISTINE",
      "LIZA"}},
    {{"CARLOS ALBERTO", "JOAO PEDRO", "LUCAS", "MARCOS", "PAULO", "RAFAEL", "BRUNO", "GUSTAVO", "EDUARDO", "THIAGO"},
     {"ANA PAULA", "JULIANA", "FERNANDA", "CAMILA", "PATRICIA", "LETICIA", "MARIANA", "BEATRIZ", "ALINE", "LARISSA"}},
    {{"BINOD", "RAJESH", "SURESH", "PRAKASH", "DIPAK", "BIKASH", "JOHN ALEXANDER", "MICHAEL", "DAVID", "JAMES"},
     {"SITA", "GITA", "SARITA", "ANITA", "SUNITA", "MAYA", "EMILY ROSE", "SARAH", "JESSICA", "LAURA"}},
};

const char *const town_buildings[TOWN_BUILDINGS] = {
    "コーポ桜",         "ハイツ若葉",   "メゾン城山",     "グランドール中央", "サンライズ南", "リバーサイド",
    "パークマンション", "サニーコート", "コーラルハイム", "県営住宅１棟",     "市営住宅２棟", "レジデンス光",
};
