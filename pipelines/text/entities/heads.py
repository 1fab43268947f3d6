"""Words of a name that tell what it names. Chosen: common ones of captions, by reading them."""

from collections.abc import Mapping

# "Glastonbury Festival": the last word of a name -> its type.
HEADS: Mapping[str, str] = {
    "Festival": "festival", "Fest": "festival", "Carnival": "carnival", "Parade": "parade",
    "Marathon": "marathon", "Week": "event", "Show": "show", "Expo": "event", "Fair": "fair",
    "Conference": "conference", "Summit": "conference", "Awards": "award", "Award": "award",
    "Prize": "award", "Oscars": "award", "Cup": "competition", "Championship": "competition",
    "Championships": "competition", "Tournament": "competition", "Olympics": "competition",
    "Games": "competition", "Prix": "race", "Rally": "race", "Open": "competition",
    "League": "league", "Bowl": "event",
    "Gala": "gala", "Ceremony": "ceremony",
    "Museum": "museum", "Gallery": "gallery", "Theatre": "theatre", "Theater": "theatre",
    "Opera": "opera house", "Library": "library", "University": "university",
    "College": "college", "School": "school", "Institute": "institute", "Academy": "academy",
    "Hospital": "hospital", "Airport": "airport", "Station": "station", "Hotel": "hotel",
    "Inn": "hotel", "Resort": "resort", "Restaurant": "restaurant", "Cafe": "cafe", "Pub": "pub",
    "Church": "church", "Cathedral": "cathedral", "Abbey": "abbey", "Chapel": "chapel",
    "Basilica": "church", "Mosque": "mosque", "Temple": "temple", "Monastery": "monastery",
    "Shrine": "shrine", "Palace": "palace", "Castle": "castle", "Fort": "fort",
    "Tower": "tower", "Bridge": "bridge", "Stadium": "stadium", "Arena": "arena",
    "Hall": "hall", "Center": "centre", "Centre": "centre", "Square": "square",
    "Park": "park", "Gardens": "garden", "Garden": "garden", "Zoo": "zoo", "Aquarium": "aquarium",
    "Street": "street", "Avenue": "street", "Road": "road", "Boulevard": "street", "Lane": "street",
    "Highway": "road", "Beach": "beach", "Bay": "bay", "Island": "island", "Islands": "island",
    "Lake": "lake", "River": "river", "Creek": "river", "Falls": "waterfall", "Ocean": "ocean",
    "Sea": "sea", "Mountain": "mountain", "Mountains": "mountain range", "Hills": "hill",
    "Valley": "valley", "Canyon": "canyon", "Desert": "desert", "Forest": "forest",
    "Glacier": "glacier", "Harbour": "harbour", "Harbor": "harbour", "Pier": "pier",
    "Gate": "gate", "Viaduct": "bridge", "Fountain": "fountain", "Dam": "dam", "Tunnel": "tunnel",
    "Plaza": "square", "Mall": "mall", "Mill": "mill", "Ranch": "ranch", "Winery": "winery",
    "Reservoir": "lake", "Peak": "mountain", "Cliffs": "cliff", "Caves": "cave", "Cave": "cave",
    "Coast": "coast", "Peninsula": "peninsula", "Terminal": "terminal", "Quarter": "neighborhood",
    "Village": "village", "County": "county", "Province": "province", "Monument": "monument",
    "Memorial": "monument", "House": "house", "Building": "building", "Market": "market",
    "Lighthouse": "lighthouse", "Farm": "farm", "Cemetery": "cemetery",
    "Inc": "business", "Inc.": "business", "Ltd": "business", "Ltd.": "business",
    "Corp": "business", "Corp.": "business", "Corporation": "business", "Company": "business",
    "Group": "business", "Bank": "business", "Airlines": "airline", "Airways": "airline",
    "Records": "record label", "Motors": "business", "Hotels": "business",
    "Association": "organisation", "Foundation": "organisation", "Society": "organisation",
    "Union": "organisation", "Committee": "organisation", "Council": "organisation",
    "Party": "party", "Army": "organisation", "Navy": "organisation",
    "Ministry": "organisation", "Department": "organisation",
    "Nations": "organisation", "Club": "organisation", "FC": "sports team", "CF": "sports team",
    "United": "sports team", "Rovers": "sports team", "Wanderers": "sports team",
    "Hotspur": "sports team", "Athletic": "sports team",
    "Orchestra": "orchestra", "Philharmonic": "orchestra", "Symphony": "orchestra",
    "Choir": "choir", "Band": "musical group", "Brothers": "musical group",
    "Times": "newspaper", "Day": "holiday", "Eve": "holiday",
}  # fmt: skip

# "Mount Fuji", "University of Oxford": the first word of a name -> its type.
FIRST_HEADS: Mapping[str, str] = {
    "Mount": "mountain", "Mt": "mountain", "Mt.": "mountain", "Lake": "lake", "River": "river",
    "Cape": "cape", "Fort": "fort", "Port": "city", "Hotel": "hotel", "Castle": "castle",
    "Gulf": "bay", "Bay": "bay", "Isle": "island", "University": "university",
    "Museum": "museum", "Church": "church", "Cathedral": "cathedral", "Palace": "palace",
    "Temple": "temple", "Tower": "tower", "Bank": "business", "House": "house",
    "Ministry": "organisation", "Department": "organisation", "Battle": "battle",
    "Duke": "noble person", "Duchess": "noble person", "Earl": "noble person",
    "Prince": "noble person", "Princess": "noble person", "Queen": "noble person",
    "King": "noble person",
}  # fmt: skip
_ONLY_BEFORE_OF = frozenset(
    (
        "Gulf", "Bay", "Isle", "University", "Museum", "Church", "Cathedral", "Palace", "Temple",
        "Tower", "Bank", "House", "Ministry", "Department", "Battle", "Duke", "Duchess", "Earl",
        "Castle",
    )
)  # fmt: skip

# "Real Madrid": what stands before a city in the names of teams.
CLUBS = frozenset(
    (
        "AC", "AFC", "AS", "Athletic", "Atletico", "Atl\u00e9tico", "Bayern", "Borussia", "CF",
        "Dinamo", "Dynamo", "FC", "Inter", "Lokomotiv", "Olympique", "RB", "Real", "SC", "Spartak",
    )
)  # fmt: skip
AIRCRAFT_MAKES = frozenset(("Airbus", "Antonov", "Boeing", "Bombardier", "Cessna", "Embraer"))

# "President Obama": a title -> the type of who bears it.
TITLES: Mapping[str, str] = {
    "Mr": "person", "Mrs": "person", "Ms": "person", "Miss": "person", "Mister": "person",
    "Dr": "person", "Doctor": "person", "Prof": "person", "Professor": "person", "Sir": "person",
    "Dame": "person", "Rev": "person", "Reverend": "person", "Father": "person",
    "Sister": "person", "Brother": "person", "Judge": "person", "Justice": "person",
    "Uncle": "person", "Aunt": "person",
    "President": "politician", "Senator": "politician", "Sen": "politician",
    "Governor": "politician", "Gov": "politician", "Mayor": "politician",
    "Congressman": "politician", "Congresswoman": "politician", "Minister": "politician",
    "Chancellor": "politician", "Premier": "politician", "Secretary": "politician",
    "Ambassador": "politician", "Rep": "politician",
    "King": "noble person", "Queen": "noble person", "Prince": "noble person",
    "Princess": "noble person", "Duke": "noble person", "Duchess": "noble person",
    "Lord": "noble person", "Lady": "noble person", "Baron": "noble person",
    "Emperor": "noble person", "Sheikh": "noble person",
    "Pope": "religious leader", "Archbishop": "religious leader", "Bishop": "religious leader",
    "Cardinal": "religious leader", "General": "military commander", "Gen": "military commander",
    "Colonel": "military commander", "Col": "military commander", "Captain": "person",
    "Capt": "person", "Major": "military commander", "Sergeant": "person", "Sgt": "person",
    "Lt": "person", "Lieutenant": "person", "Admiral": "military commander",
}  # fmt: skip
TITLES_BEFORE_TITLES = frozenset(("Prime", "Vice", "Deputy", "Crown"))


def is_first_head(word: str, is_before_of: bool) -> bool:
    """Whether a name that begins so is typed by its beginning."""
    return word in FIRST_HEADS and (is_before_of or word not in _ONLY_BEFORE_OF)


# Source: USPS publication 28, appendix B, the states and the District of Columbia.
US_CODES = frozenset(
    (
        "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "DC", "FL", "GA", "HI", "ID", "IL", "IN",
        "IA", "KS", "KY", "LA", "ME", "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH",
        "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA", "RI", "SC", "SD", "TN", "TX", "UT",
        "VT", "VA", "WA", "WV", "WI", "WY",
    )
)  # fmt: skip
