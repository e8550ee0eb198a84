//! Two hundred goods for shelves that look like a shop: ten categories, five things of each, four kinds of every thing. The same
//! every time, pictures included.

use money::Money;
use product_domain::about::{About, Choice, Said};

/// A product, and how many pieces of it there are.
pub(crate) struct Good {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) price: Money,
    pub(crate) about: About,
    pub(crate) pieces: u32,
}

type Words = (&'static str, &'static str);

/// A category: its id, what is said of everything in it, its four kinds, its five things.
struct Kind {
    id: &'static str,
    said: Words,
    kinds: [Words; 4],
    things: [Thing; 5],
}

/// Korean and English name, what its picture shows, price of the plainest in won, and whether its kinds are options of one product.
type Thing = (&'static str, &'static str, &'static str, i64, bool);

const SIZES: [Words; 4] = [("S", "S"), ("M", "M"), ("L", "L"), ("XL", "XL")];
/// Each kind costs so many hundredths more than the one before.
const DEARER: i64 = 12;
/// Prices end in so many won.
const ROUND: i64 = 100;
/// Of each there are at least so many pieces, and up to so many more.
const PIECES: (u32, u32) = (20, 60);
/// Coprime to the spread, so that neighbours differ.
const STRIDE: u32 = 7;

const SHOP: [Kind; 10] = [
    Kind {
        id: "electronics",
        said: ("두 해 동안 고쳐 드립니다.", "Repaired for two years."),
        kinds: [("조용한", "Quiet"), ("작은", "Small"), ("빠른", "Swift"), ("밝은", "Bright")],
        things: [
            ("무선 스피커", "wireless speaker", "speaker", 59_000, false),
            ("휴대전화", "mobile phone", "phone", 690_000, false),
            ("책상 모니터", "desk monitor", "tv", 210_000, false),
            ("탁상 알람시계", "alarm clock", "clock", 24_000, false),
            ("독서등", "reading light", "lamp", 32_000, false),
        ],
    },
    Kind {
        id: "kitchen",
        said: ("식기세척기에 넣어도 됩니다.", "Safe in a dishwasher."),
        kinds: [("백자", "White porcelain"), ("옹기", "Earthenware"), ("유리", "Glass"), ("법랑", "Enamel")],
        things: [
            ("커피잔", "coffee cup", "cup", 12_000, false),
            ("물병", "water bottle", "bottle", 15_000, false),
            ("반찬통", "food box", "box", 9_000, false),
            ("찻주전자", "teapot", "cup", 38_000, false),
            ("기름병", "oil bottle", "bottle", 11_000, false),
        ],
    },
    Kind {
        id: "fashion",
        said: ("교환은 열흘 안에 무료입니다.", "Changed within ten days at no cost."),
        kinds: SIZES,
        things: [
            ("면 티셔츠", "Cotton T-shirt", "shirt", 19_000, true),
            ("누빔 조끼", "Quilted vest", "shirt", 49_000, true),
            ("장바구니 가방", "Shopper bag", "bag", 16_000, true),
            ("가죽 운동화", "Leather trainers", "shoe", 79_000, true),
            ("여행 가방", "Travel bag", "bag", 88_000, true),
        ],
    },
    Kind {
        id: "stationery",
        said: ("만년필로 써도 번지지 않는 종이입니다.", "Paper on which ink does not run."),
        kinds: [("줄", "Lined"), ("모눈", "Squared"), ("무지", "Plain"), ("점", "Dotted")],
        things: [
            ("공책", "notebook", "notebook", 4_500, false),
            ("메모장", "notepad", "notebook", 2_500, false),
            ("일기장", "diary", "book", 14_000, false),
            ("연필 세트", "pencil set", "pencil", 7_000, false),
            ("스케치북", "sketchbook", "notebook", 9_800, false),
        ],
    },
    Kind {
        id: "books",
        said: ("한국어 책입니다.", "In Korean."),
        kinds: [("봄의", "Spring"), ("여름의", "Summer"), ("가을의", "Autumn"), ("겨울의", "Winter")],
        things: [
            ("요리책", "cookbook", "book", 21_000, false),
            ("시집", "poems", "book", 12_000, false),
            ("여행기", "travels", "book", 16_000, false),
            ("그림책", "picture book", "book", 13_000, false),
            ("산책 지도", "walking maps", "book", 18_000, false),
        ],
    },
    Kind {
        id: "home",
        said: ("조립할 것이 없습니다.", "Nothing to put together."),
        kinds: [("달빛", "Moonlight"), ("솔숲", "Pinewood"), ("바닷가", "Seaside"), ("온돌", "Hearth")],
        things: [
            ("스탠드", "floor lamp", "lamp", 54_000, false),
            ("벽시계", "wall clock", "clock", 36_000, false),
            ("수납함", "storage box", "box", 17_000, false),
            ("꽃병", "vase", "bottle", 22_000, false),
            ("취침등", "night light", "lamp", 19_500, false),
        ],
    },
    Kind {
        id: "furniture",
        said: ("원목으로 만들었습니다.", "Made of solid wood."),
        kinds: [("참나무", "Oak"), ("호두나무", "Walnut"), ("자작나무", "Birch"), ("소나무", "Pine")],
        things: [
            ("식탁", "dining table", "table", 240_000, false),
            ("의자", "chair", "chair", 89_000, false),
            ("찻상", "tea table", "table", 68_000, false),
            ("책상 의자", "desk chair", "chair", 128_000, false),
            ("보조 탁자", "side table", "table", 55_000, false),
        ],
    },
    Kind {
        id: "sports",
        said: ("땀이 빨리 마릅니다.", "Dries quickly."),
        kinds: [("새벽", "Dawn"), ("한낮", "Noon"), ("노을", "Sunset"), ("밤", "Night")],
        things: [
            ("달리기 신발", "running shoes", "shoe", 98_000, false),
            ("등산 가방", "hiking bag", "bag", 72_000, false),
            ("운동 셔츠", "sports shirt", "shirt", 29_000, false),
            ("보온 물통", "thermos bottle", "bottle", 26_000, false),
            ("산책화", "walking shoes", "shoe", 64_000, false),
        ],
    },
    Kind {
        id: "plants",
        said: ("물은 한 주에 한 번이면 됩니다.", "Water it once a week."),
        kinds: [("어린", "Young"), ("키 큰", "Tall"), ("향기로운", "Fragrant"), ("늘푸른", "Evergreen")],
        things: [
            ("고무나무", "rubber plant", "plant", 33_000, false),
            ("동백", "camellia", "plant", 27_000, false),
            ("허브 화분", "potted herbs", "plant", 8_500, false),
            ("난초", "orchid", "plant", 45_000, false),
            ("선인장", "cactus", "plant", 7_500, false),
        ],
    },
    Kind {
        id: "health",
        said: ("향료를 넣지 않았습니다.", "Without scent."),
        kinds: [("순한", "Mild"), ("쑥", "Mugwort"), ("녹차", "Green tea"), ("숯", "Charcoal")],
        things: [
            ("비누", "soap", "box", 4_000, false),
            ("핸드크림", "hand cream", "bottle", 9_500, false),
            ("마스크 묶음", "masks", "mask", 12_500, false),
            ("치약", "toothpaste", "box", 3_800, false),
            ("샴푸", "shampoo", "bottle", 13_000, false),
        ],
    },
];

/// All of them, the categories by turns, so that whoever sees the first few sees some of each.
pub(crate) fn goods() -> Vec<Good> {
    let (things, kinds) = (SHOP[0].things.len(), SHOP[0].kinds.len());
    let all = (0..kinds).flat_map(|kind| (0..things).map(move |thing| (thing, kind)));
    let all = all.flat_map(|(thing, kind)| SHOP.iter().map(move |category| (category, thing, kind)));
    all.enumerate().map(|(number, (category, thing, kind))| good(category, thing, kind, number as u32)).collect()
}

fn good(category: &Kind, thing: usize, kind: usize, number: u32) -> Good {
    let (ko, en, glyph, price, has_options) = category.things[thing];
    let (kind_ko, kind_en) = category.kinds[kind];
    let id = category.id.to_ascii_uppercase();
    let sku = format!("{id}-{}{}", thing + 1, ["A", "B", "C", "D"][kind]);
    let names = if has_options {
        Said { ko: format!("{ko} {kind_ko}"), en: format!("{en} {kind_en}") }
    } else {
        Said { ko: format!("{kind_ko} {ko}"), en: format!("{kind_en} {en}") }
    };
    let description =
        Said { ko: format!("{}. {}", names.ko, category.said.0), en: format!("{}. {}", names.en, category.said.1) };
    let choice = has_options.then(|| Choice {
        group: format!("{id}-{}", thing + 1),
        option: Said { ko: kind_ko.into(), en: kind_en.into() },
    });
    // Options of one product look and cost alike.
    let drawn = if has_options { 0 } else { kind };
    let won = price * (100 + DEARER * drawn as i64) / 100 / ROUND * ROUND;
    Good {
        sku,
        name: names.ko.clone(),
        price: Money::krw(won),
        pieces: PIECES.0 + number * STRIDE % PIECES.1,
        about: About {
            category: Some(category.id.into()),
            names: Some(names),
            description: Some(description),
            choice,
            picture_seed: Some(format!("{glyph}-{id}-{thing}{drawn}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use product_domain::product::is_sku;

    use super::*;

    #[test]
    fn two_hundred_goods_of_ten_categories_which_a_seller_could_have_registered() {
        let goods = goods();
        let distinct = |of: &dyn Fn(&Good) -> String| goods.iter().map(of).collect::<BTreeSet<_>>().len();
        assert_eq!((goods.len(), distinct(&|good| good.sku.clone())), (200, 200));
        assert_eq!(distinct(&|good| good.about.category.clone().unwrap_or_default()), 10);
        assert_eq!(distinct(&|good| good.name.clone()), 200, "no two have one name");
        for good in &goods {
            assert!(is_sku(&good.sku) && good.price.is_a_price() && good.pieces > 0, "{}", good.sku);
            assert_eq!(good.about.check(), Ok(()), "{}", good.sku);
        }
    }
}
