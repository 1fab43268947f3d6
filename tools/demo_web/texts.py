"""Alt texts as the web has them: the captions that a filter has to fix or to drop."""

PHOTOGRAPHS = {
    "astronaut.png": "the astronaut Eileen Collins in an orange space suit",
    "brick.png": "a wall of bricks",
    "camera.png": "a photographer with a camera on a tripod",
    "chelsea.png": "Chelsea the cat, a tabby cat looking up",
    "clock_motion.png": "a clock on a wall, blurred by motion",
    "coffee.png": "a cup of coffee with a spoon",
    "grass.png": "a meadow of grass from above",
    "gravel.png": "grey gravel stones on the ground",
    "hubble_deep_field.jpg": "galaxies in the Hubble extreme deep field",
    "retina.jpg": "photograph of a human retina",
    "rocket.jpg": "launch of a rocket at night",
    "img-acanthus-mollis": "shoots of a plant, Acanthus mollis",
    "img-airplane-from-above": "an airplane, viewed from above looking down",
    "img-allium-oreophilum": "flower of a pink lily leek",
    "img-black-canyon": "a boat in the Black Canyon of the Colorado river",
    "img-dust-bowl-home": "an abandoned Dust Bowl home",
    "img-french-alpine-landscape": "a French alpine landscape with snow",
    "img-locomotion-house-cat": "twenty-four views of a house cat walking",
    "img-march-pastoral": "sheep in a pastoral setting in March",
    "img-nagasaki-boats": "boats in a river in Nagasaki",
}

# Around a good caption, which is left when these are cropped.
WRAPPERS = (
    "{} stock photo",
    "{} - stock image",
    "{} | royalty free clip art",
    "click to enlarge: {}",
    "image of {}",
    "picture of {}",
    "Click here to view larger image of {}",
    "{} (click to enlarge)",
)

FILE_NAMES = (
    "IMG_{n:04}.jpg",
    "DSC{n:05}.JPG",
    "{slug}.png",
    "P10{n:05} copy.jpg",
    "{slug}_final_v2.psd",
    "Screenshot 2019-03-{d:02} at 10.{d:02}.11.png",
    "20120{m}{d:02}_{n:06}.jpg",
    "{slug}-300x200.jpg",
)

DATES = (
    "photographed on {d} {month} 20{m:02}",
    "Photo taken on {month} {d}, 20{m:02}",
    "picture taken 20{m:02}-0{m}-{d:02} 10:{d:02}",
    "photographed on {d}.0{m}.20{m:02}",
    "uploaded {month} {d}, 20{m:02} by admin",
)
MONTHS = ("January", "March", "May", "July", "August", "October", "November")

ONE_WORD = [
    "Next",
    "Previous",
    "logo",
    "image",
    "photo",
    "untitled",
    "picture",
    "banner",
    "thumbnail",
    "Home",
    "icon",
    "avatar",
]

PHRASES = (
    "click to enlarge",
    "stock photo",
    "embedded image permalink",
    "profile photo",
    "image may contain: text",
    "no automatic alt text available",
    "image not available",
    "loading...",
)

REPEATED = (
    "{w} {w} {w} {w} {w}",
    "{w} buy {w} cheap {w} best {w} free {w} online {w}",
    "free {w} free {w} free {w} free {w} download free",
    "{w}, {w}s, {w} {w}s, best {w}, {w} {w}",
)

SYMBOLS = (
    "***** ----- *****",
    "1234567890 42 17",
    "» » » » »",
    "#1 #2 #3 #4",
    "100 % 50 % 25 %",
    "-> -> ->",
)

LONG = (
    "{caption}. Welcome to our page about {word}, where you find all about {word} and more: "
    + "news, reviews, tips, prices, shops, forums, games, recipes and offers of this week; " * 14
)

# True translations: short name of the emoji, language, text.
TRANSLATIONS = (
    ("cat2", "de", "eine rote Katze, die auf dem Boden sitzt"),
    ("cat2", "fr", "un chat roux assis par terre"),
    ("dog2", "de", "ein brauner Hund steht auf der Wiese"),
    ("dog2", "es", "un perro marrón de pie"),
    ("apple", "de", "ein roter Apfel mit einem grünen Blatt"),
    ("apple", "fr", "une pomme rouge avec une feuille verte"),
    ("apple", "es", "una manzana roja con una hoja verde"),
    ("apple", "ru", "красное яблоко и зелёный лист"),
    ("apple", "zh", "一个带绿叶的红苹果"),
    ("green_apple", "it", "una mela verde con una foglia"),
    ("green_apple", "pl", "zielone jabłko z liściem"),
    ("banana", "de", "zwei reife gelbe Bananen"),
    ("banana", "pt", "bananas amarelas e maduras"),
    ("banana", "ja", "皮をむいた黄色いバナナ"),
    ("elephant", "fr", "un éléphant gris vu de côté"),
    ("elephant", "ru", "серый слон, большие уши"),
    ("elephant", "nl", "een grijze olifant met grote oren"),
    ("tiger2", "es", "un tigre con rayas negras"),
    ("tiger2", "zh", "一只有黑色条纹的老虎"),
    ("whale", "de", "ein blauer Wal, der Wasser bläst"),
    ("whale", "sv", "en blå val som sprutar vatten"),
    ("sunflower", "fr", "un tournesol jaune au soleil"),
    ("sunflower", "ru", "жёлтый подсолнух на солнце"),
    ("sunflower", "tr", "büyük ve güzel bir çiçek"),
    ("rose", "es", "una rosa roja para ti"),
    ("rose", "el", "ένα κόκκινο τριαντάφυλλο"),
    ("house", "de", "ein kleines Haus mit einem roten Dach"),
    ("house", "ko", "빨간 지붕이 있는 작은 집"),
    ("house", "cs", "malý dům s červenou střechou"),
    ("rainbow", "fr", "un arc-en-ciel dans le ciel bleu"),
    ("rainbow", "de", "ein Regenbogen am blauen Himmel"),
    ("snowman", "ru", "снеговик зимой под снегом"),
    ("snowman", "fi", "lumiukko lumisateessa talvella"),
    ("birthday", "es", "una tarta de cumpleaños con velas"),
    ("birthday", "de", "eine Geburtstagstorte mit Kerzen"),
    ("pizza", "it", "una fetta di pizza con salame"),
    ("pizza", "ja", "チーズとサラミのピザ一切れ"),
    ("coffee", "fr", "une tasse de café bien chaud"),
    ("coffee", "ar", "فنجان من القهوة الساخنة"),
    ("bike", "nl", "een fiets zonder bagagedrager"),
    ("bike", "zh", "一辆停着的自行车"),
    ("airplane", "pt", "um avião a voar no céu"),
    ("airplane", "uk", "літак летить високо в небі"),
    ("guitar", "es", "una guitarra roja y blanca"),
    ("violin", "de", "eine Geige mit ihrem Bogen"),
    ("umbrella", "fr", "un parapluie ouvert sous la pluie"),
    ("crab", "vi", "một con cua màu đỏ"),
    ("octopus", "hu", "egy rózsaszín polip nyolc karral"),
    ("turtle", "he", "צב ירוק הולך לאט"),
    ("frog", "da", "en grøn frø med store øjne"),
    ("snail", "ro", "un melc cu cochilie maro"),
    ("bee", "de", "eine Biene mit gelben und schwarzen Streifen"),
    ("mushroom", "ru", "красный гриб в белый горошек"),
    ("cactus", "hi", "रेगिस्तान में एक हरा कैक्टस"),
)

# The charsets of pages in these languages before UTF-8; the others are in UTF-8.
CHARSETS = {
    **dict.fromkeys(("da", "de", "es", "fi", "fr", "it", "nl", "pt", "sv"), "windows-1252"),
    **dict.fromkeys(("cs", "hu", "pl", "ro"), "iso-8859-2"),
    "el": "iso-8859-7",
    "he": "windows-1255",
    "ja": "shift_jis",
    "ko": "euc-kr",
    "ru": "windows-1251",
    "zh": "gb18030",
}
