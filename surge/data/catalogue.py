"""The simulated shop's word lists: categories with their kinds of goods, and the interests that span them."""

from dataclasses import dataclass

import polars as pl

ITEMS_PER_CATEGORY = 50


@dataclass(frozen=True)
class Category:
    """A shelf of the shop: `prefixes` x `qualifiers` name the goods of each kind."""

    prefixes: tuple[str, ...]
    kinds: dict[str, tuple[str, ...]]  # kind -> its qualifiers
    is_work: bool = False  # a book, a record or a game: its own name first, the kind in brackets


OUTDOOR = ("Northridge", "Fernwell", "Stonebeck", "Skylark", "Tarnhow", "Wildmoor", "Alderpeak")
SPORT = ("Strideon", "Velorin", "Pacewell", "Ironvale", "Swiftmere", "Courtfield", "Harrowby")
WATER = ("Tidewright", "Bluefathom", "Saltmarsh", "Coveline", "Driftmoor", "Pellwater", "Kelpstone")
HOME = ("Hearthly", "Oakmere", "Lindenlow", "Casabrevi", "Millbrook", "Saltbox", "Penrosewood")
TECH = ("Lumenor", "Arcwave", "Teklin", "Novaray", "Brightcore", "Haldenworks", "Orbixa")
SOUND = ("Tonewell", "Larksong", "Ambergris Audio", "Halfstep", "Resonelle", "Marlowe & Finch", "Quaverly")
CRAFT = ("Threadlark", "Woolwick", "Inkfern", "Papermoor", "Maple & Twine", "Foldwell", "Harebell")
GARDEN = ("Greenhollow", "Thistledown", "Mossgate", "Bramblewick", "Plotwise", "Meadowend", "Rootwell")
PETS = ("Waggoner", "Pawfield", "Burrowby", "Muddy Paws", "Foxhound Lane", "Tailwind", "Barkwell")

STORY = ("The Hollow", "The Last", "A Quiet", "The Glass", "Seven Nights in the", "The Forgotten", "Beyond the")
ALBUM = ("Blue", "Midnight", "Golden", "Slow", "Paper", "Northern", "Velvet")
PLAY = ("Iron", "Lost", "Crystal", "Ember", "Wild", "Silent", "Rising")
COOKING = ("Everyday", "Slow", "The Joy of", "Simple", "A Year of", "Modern", "Weekend")
GUIDE = ("Pocket", "A Week in", "Hidden", "On Foot in", "The Insider's", "Walks and Cafés of", "Slow Travel:")
TABLE = ("Castles of", "Merchants of", "Secrets of", "Rivers of", "The Crown of", "Journey to", "Lanterns of")

CATEGORIES: dict[str, Category] = {
    "Tents": Category(
        OUTDOOR,
        {
            "tent": ("two-person", "three-person", "four-season", "ultralight", "family"),
            "tarp shelter": ("lightweight", "hexagonal", "silnylon", "canvas", "group"),
            "beach shelter": ("pop-up", "UV-proof", "half-dome", "windproof", "family"),
        },
    ),
    "Sleeping gear": Category(
        OUTDOOR,
        {
            "sleeping bag": ("down", "three-season", "winter", "summer", "wide"),
            "sleeping mat": ("inflatable", "foam", "insulated", "self-inflating", "double"),
        },
    ),
    "Camp kitchen": Category(
        OUTDOOR,
        {
            "gas stove": ("folding", "twin-burner", "titanium", "compact", "windproof"),
            "cooking pot set": ("aluminium", "titanium", "nesting", "two-person", "non-stick"),
            "enamel mug": ("speckled", "forest-green", "white", "navy", "large"),
        },
    ),
    "Boots": Category(
        OUTDOOR,
        {
            "hiking boots": ("leather", "waterproof", "mid-height", "lightweight", "wide-fit"),
            "winter boots": ("insulated", "felt-lined", "studded", "high", "sheepskin"),
            "rubber boots": ("knee-high", "ankle", "neoprene-lined", "olive", "foldable"),
        },
    ),
    "Backpacks": Category(
        OUTDOOR,
        {
            "trekking backpack": ("65-litre", "50-litre", "ventilated", "frameless", "waterproof"),
            "camera backpack": ("roll-top", "side-access", "compact", "weatherproof", "canvas"),
            "climbing pack": ("28-litre", "haul-ready", "slim", "rope-top", "alpine"),
            "commuter backpack": ("roll-top", "laptop", "reflective", "slim", "waxed-cotton"),
        },
    ),
    "Rainwear": Category(
        OUTDOOR,
        {
            "rain jacket": ("packable", "three-layer", "long", "breathable", "hooded"),
            "cycling cape": ("reflective", "packable", "bright yellow", "waxed", "short"),
            "chest waders": ("breathable", "neoprene", "stocking-foot", "reinforced", "lightweight"),
        },
    ),
    "Climbing gear": Category(
        OUTDOOR,
        {
            "climbing harness": ("adjustable", "sport", "alpine", "padded", "featherlight"),
            "climbing rope": ("60-metre", "70-metre", "dry-treated", "half", "indoor"),
            "chalk bag": ("woven", "fleece-lined", "magnetic", "wide-mouth", "striped"),
        },
    ),
    "Fishing tackle": Category(
        WATER,
        {
            "fly rod": ("four-piece", "travel", "nine-foot", "carbon", "beginner's"),
            "fishing reel": ("spinning", "fly", "baitcasting", "sealed-drag", "compact"),
            "lure box": ("trout", "pike", "two-tray", "magnetic", "waterproof"),
        },
    ),
    "Bicycles": Category(
        SPORT,
        {
            "road bike": ("carbon", "aluminium", "endurance", "steel", "disc-brake"),
            "gravel bike": ("steel", "carbon", "bikepacking", "single-ring", "titanium"),
            "city bike": ("three-speed", "step-through", "electric", "folding", "belt-drive"),
        },
    ),
    "Cycling accessories": Category(
        SPORT,
        {
            "bike helmet": ("ventilated", "aero", "urban", "matte-black", "lightweight"),
            "bike light": ("rechargeable", "front-and-rear", "dynamo", "800-lumen", "clip-on"),
            "pannier bag": ("roll-top", "shopper", "office", "waterproof", "canvas"),
        },
    ),
    "Running shoes": Category(
        SPORT,
        {
            "road running shoes": ("cushioned", "lightweight", "carbon-plated", "stability", "everyday"),
            "trail running shoes": ("grippy", "waterproof", "wide-toe", "cushioned", "mud-ready"),
        },
    ),
    "Sportswear": Category(
        SPORT,
        {
            "running shorts": ("two-in-one", "split", "pocketed", "lightweight", "reflective"),
            "yoga leggings": ("high-waisted", "seamless", "ribbed", "cropped", "organic-cotton"),
            "cycling jersey": ("merino", "long-sleeved", "striped", "three-pocket", "summer"),
            "base layer": ("merino", "thermal", "zip-neck", "seamless", "midweight"),
        },
    ),
    "Fitness equipment": Category(
        SPORT,
        {
            "yoga mat": ("cork", "non-slip", "travel", "extra-thick", "natural-rubber"),
            "foam roller": ("ribbed", "vibrating", "short", "firm", "travel"),
            "kettlebell": ("cast-iron", "12-kilo", "16-kilo", "adjustable", "vinyl-coated"),
        },
    ),
    "Watches": Category(
        TECH,
        {
            "running watch": ("GPS", "solar", "slim", "multisport", "mapping"),
            "diving watch": ("200-metre", "titanium", "orange-dial", "automatic", "compact"),
            "smart band": ("sleep-tracking", "heart-rate", "slim", "week-long", "woven-strap"),
        },
    ),
    "Winter sports": Category(
        OUTDOOR,
        {
            "touring skis": ("lightweight", "all-mountain", "freeride", "carbon", "beginner's"),
            "ski goggles": ("photochromic", "magnetic-lens", "wide-view", "low-light", "over-glasses"),
            "snowboard": ("all-mountain", "freestyle", "splitboard", "directional", "wide"),
        },
    ),
    "Water sports": Category(
        WATER,
        {
            "wetsuit": ("full-length", "shorty", "five-millimetre", "front-zip", "hooded"),
            "snorkel mask": ("full-face", "frameless", "wide-view", "silicone", "anti-fog"),
            "surfboard": ("foam", "eight-foot", "longboard", "fish-tail", "beginner's"),
            "paddleboard": ("inflatable", "touring", "all-round", "family", "river"),
        },
    ),
    "Cameras": Category(
        TECH,
        {
            "mirrorless camera": ("full-frame", "compact", "24-megapixel", "retro-styled", "weather-sealed"),
            "film camera": ("35-millimetre", "medium-format", "half-frame", "reloadable", "rangefinder"),
            "action camera": ("waterproof", "4K", "helmet-mount", "pocket", "wide-angle"),
        },
    ),
    "Lenses and tripods": Category(
        TECH,
        {
            "wide-angle lens": ("24-millimetre", "f/1.8", "compact", "weather-sealed", "manual"),
            "telephoto lens": ("70-200-millimetre", "stabilised", "lightweight", "400-millimetre", "f/4"),
            "tripod": ("carbon travel", "ball-head", "tabletop", "aluminium", "video"),
        },
    ),
    "Headphones": Category(
        SOUND,
        {
            "studio headphones": ("closed-back", "open-back", "foldable", "reference", "coiled-cable"),
            "noise-cancelling headphones": ("wireless", "over-ear", "travel", "lightweight", "long-battery"),
            "gaming headset": ("surround-sound", "wireless", "detachable-mic", "lightweight", "low-latency"),
        },
    ),
    "Hi-fi": Category(
        SOUND,
        {
            "turntable": ("belt-drive", "direct-drive", "walnut", "fully automatic", "compact"),
            "bookshelf speakers": ("walnut", "active", "compact", "two-way", "white-oak"),
        },
    ),
    "Vinyl records": Category(
        ALBUM,
        {
            "jazz LP": ("Harbour", "Avenue", "Notebook", "Standards", "Quartet"),
            "soul LP": ("Letters", "Devotion", "Summer", "Kitchen", "Promises"),
            "ambient LP": ("Tides", "Snowfall", "Rooms", "Meadow", "Signals"),
        },
        is_work=True,
    ),
    "Guitars": Category(
        SOUND,
        {
            "acoustic guitar": ("dreadnought", "parlour", "cedar-top", "twelve-string", "travel"),
            "electric guitar": ("semi-hollow", "sunburst", "single-coil", "baritone", "seafoam"),
            "guitar pedal": ("overdrive", "delay", "reverb", "chorus", "looper"),
        },
    ),
    "Recording gear": Category(
        SOUND,
        {
            "audio interface": ("two-channel", "USB-C", "eight-channel", "portable", "bus-powered"),
            "condenser microphone": ("large-diaphragm", "stereo", "USB", "studio", "small-diaphragm"),
            "synthesizer": ("analogue", "pocket", "polyphonic", "modular", "four-voice"),
        },
    ),
    "PC gaming": Category(
        TECH,
        {
            "graphics card": ("12-gigabyte", "silent", "dual-fan", "compact", "overclocked"),
            "mechanical keyboard": ("tenkeyless", "hot-swap", "silent-switch", "backlit", "compact"),
            "gaming mouse": ("lightweight", "wireless", "eight-button", "ergonomic", "low-latency"),
        },
    ),
    "Video games": Category(
        PLAY,
        {
            "strategy game": ("Dominion", "Frontier", "Legions", "Republic", "Throne"),
            "farming game": ("Orchard", "Valley", "Harvest", "Homestead", "Pastures"),
            "racing game": ("Circuit", "Rally", "Velocity", "Apex", "Horizon"),
        },
        is_work=True,
    ),
    "Board games": Category(
        TABLE,
        {
            "strategy board game": ("Valdoria", "the Amber Coast", "Old Carthia", "the Nine Isles", "Brunnmark"),
            "party game": ("Laughter", "the Red Balloon", "Tall Tales", "Odd Socks", "the Night Train"),
            "jigsaw puzzle": ("Tuscany", "the Lighthouse", "the Botanist", "Old Lisbon", "the Reef"),
        },
        is_work=True,
    ),
    "Novels": Category(
        STORY,
        {
            "crime novel": ("Witness", "Ledger", "Harbour", "Alibi", "Orchard"),
            "historical novel": ("Weaver", "Cathedral", "Governess", "Empire", "Cartographer"),
            "science fiction novel": ("Orbit", "Colony", "Signal", "Machine", "Nebula"),
        },
        is_work=True,
    ),
    "Cookbooks": Category(
        COOKING,
        {
            "baking book": ("Bread", "Sourdough", "Pastry", "Cakes", "Biscuits"),
            "vegetarian cookbook": ("Vegetables", "Beans", "Soups", "Salads", "Curries"),
            "barbecue cookbook": ("Smoke", "Embers", "Ribs", "Grilling", "Fire"),
        },
        is_work=True,
    ),
    "Travel books": Category(
        GUIDE,
        {
            "city guide": ("Lisbon", "Kyoto", "Edinburgh", "Bologna", "Copenhagen"),
            "hiking guide": ("the Dolomites", "the Highlands", "Madeira", "the Tatras", "the Lake District"),
        },
        is_work=True,
    ),
    "Kitchen tools": Category(
        HOME,
        {
            "chef's knife": ("carbon-steel", "eight-inch", "forged", "Japanese-style", "walnut-handled"),
            "rolling pin": ("beech", "marble", "French-style", "adjustable", "maple"),
            "cast-iron pan": ("pre-seasoned", "12-inch", "enamelled", "ridged", "lightweight"),
        },
    ),
    "Bakeware": Category(
        HOME,
        {
            "loaf tin": ("non-stick", "two-pound", "lidded", "steel", "mini"),
            "proofing basket": ("rattan", "oval", "round", "linen-lined", "large"),
            "cake stand": ("glass", "marble", "rotating", "three-tier", "footed"),
        },
    ),
    "Coffee equipment": Category(
        HOME,
        {
            "espresso machine": ("dual-boiler", "compact", "lever", "bean-to-cup", "stainless"),
            "coffee grinder": ("hand", "conical-burr", "single-dose", "quiet", "travel"),
            "pour-over dripper": ("ceramic", "glass", "copper", "flat-bottomed", "folding"),
        },
    ),
    "Coffee and tea": Category(
        HOME,
        {
            "espresso beans": ("dark-roast", "Brazilian", "chocolatey", "decaf", "organic"),
            "filter coffee": ("Ethiopian", "washed Kenyan", "light-roast", "Colombian", "seasonal"),
            "green tea": ("sencha", "jasmine", "matcha", "gunpowder", "roasted"),
        },
    ),
    "Grills": Category(
        HOME,
        {
            "charcoal grill": ("kettle", "portable", "barrel", "ceramic", "tabletop"),
            "smoker": ("offset", "pellet", "vertical", "electric", "bullet"),
        },
    ),
    "Garden tools": Category(
        GARDEN,
        {
            "secateurs": ("bypass", "ratchet", "left-handed", "forged", "compact"),
            "watering can": ("long-spout", "galvanised", "indoor", "two-gallon", "copper"),
            "garden fork": ("stainless", "ash-handled", "border", "digging", "children's"),
        },
    ),
    "Plants and seeds": Category(
        GARDEN,
        {
            "tomato seeds": ("cherry", "beefsteak", "heirloom", "plum", "early"),
            "wildflower seeds": ("meadow", "bee-friendly", "shade", "annual", "native"),
            "houseplant": ("trailing", "low-light", "variegated", "flowering", "large-leaved"),
        },
    ),
    "Pots and planters": Category(
        GARDEN,
        {
            "plant pot": ("terracotta", "glazed", "self-watering", "hanging", "concrete"),
            "raised bed": ("cedar", "corrugated-steel", "waist-high", "modular", "oak"),
        },
    ),
    "Art supplies": Category(
        CRAFT,
        {
            "watercolour set": ("24-colour", "travel", "artist-grade", "metallic", "half-pan"),
            "sketchbook": ("hardbound", "spiral", "cold-pressed", "toned-paper", "pocket"),
            "brush set": ("sable", "round", "travel", "synthetic", "calligraphy"),
        },
    ),
    "Dog supplies": Category(
        PETS,
        {
            "dog lead": ("rope", "hands-free", "retractable", "leather", "reflective"),
            "dog harness": ("padded", "no-pull", "reflective", "step-in", "small-breed"),
            "dog bed": ("orthopaedic", "washable", "raised", "travel", "donut"),
        },
    ),
    "Luggage": Category(
        HOME,
        {
            "cabin suitcase": ("hard-shell", "four-wheel", "expandable", "lightweight", "aluminium"),
            "packing cubes": ("compression", "mesh", "waterproof", "six-piece", "recycled"),
        },
    ),
}

# Interest -> the kinds it follows, in the order in which one leads to the next (the last leads to the first).
INTERESTS: dict[str, tuple[str, ...]] = {
    "camping": ("tent", "sleeping bag", "sleeping mat", "gas stove", "cooking pot set", "hiking boots"),
    "hiking": ("hiking boots", "trekking backpack", "rain jacket", "hiking guide", "enamel mug"),
    "climbing": ("climbing harness", "climbing rope", "chalk bag", "climbing pack", "tarp shelter"),
    "fishing": ("fly rod", "fishing reel", "lure box", "chest waders", "rubber boots"),
    "cycling": ("road bike", "gravel bike", "bike helmet", "bike light", "cycling jersey", "cycling cape"),
    "city commuting": ("city bike", "pannier bag", "commuter backpack", "bike light", "noise-cancelling headphones"),
    "running": ("road running shoes", "running shorts", "running watch", "trail running shoes", "kettlebell"),
    "yoga": ("yoga mat", "yoga leggings", "foam roller", "smart band", "green tea"),
    "skiing": ("touring skis", "ski goggles", "base layer", "winter boots", "snowboard"),
    "seaside days": ("snorkel mask", "wetsuit", "surfboard", "paddleboard", "beach shelter", "diving watch"),
    "photography": ("mirrorless camera", "wide-angle lens", "telephoto lens", "tripod", "camera backpack"),
    "vinyl listening": ("turntable", "bookshelf speakers", "jazz LP", "soul LP", "studio headphones"),
    "guitar playing": ("acoustic guitar", "electric guitar", "guitar pedal", "audio interface"),
    "home recording": ("audio interface", "condenser microphone", "studio headphones", "synthesizer", "ambient LP"),
    "PC gaming": (
        "graphics card",
        "gaming mouse",
        "mechanical keyboard",
        "gaming headset",
        "strategy game",
        "racing game",
    ),
    "board game nights": ("strategy board game", "party game", "jigsaw puzzle", "farming game", "strategy game"),
    "evening reading": ("crime novel", "historical novel", "science fiction novel", "green tea"),
    "baking": ("rolling pin", "loaf tin", "proofing basket", "baking book", "cake stand"),
    "barbecue": ("charcoal grill", "cast-iron pan", "barbecue cookbook", "chef's knife", "smoker"),
    "coffee making": ("espresso machine", "coffee grinder", "espresso beans", "pour-over dripper", "filter coffee"),
    "gardening": ("garden fork", "tomato seeds", "raised bed", "secateurs", "wildflower seeds", "vegetarian cookbook"),
    "houseplants": ("houseplant", "plant pot", "watering can"),
    "watercolour": ("watercolour set", "sketchbook", "brush set", "historical novel"),
    "dog walking": ("dog lead", "dog harness", "dog bed", "rain jacket", "hiking guide"),
    "city trips": (
        "cabin suitcase",
        "packing cubes",
        "city guide",
        "noise-cancelling headphones",
        "action camera",
        "film camera",
    ),
}


def catalogue() -> pl.DataFrame:
    """All items in shop order: item, title, category and kind; titles are unique."""
    rows: list[tuple[str, str, str]] = []
    for name, category in CATEGORIES.items():
        kinds = list(category.kinds.items())
        for position, (kind, qualifiers) in enumerate(kinds):
            share = ITEMS_PER_CATEGORY * (position + 1) // len(kinds) - ITEMS_PER_CATEGORY * position // len(kinds)
            pairs = [
                (prefix, qualifiers[(place + shift) % len(qualifiers)])
                for shift in range(len(qualifiers))
                for place, prefix in enumerate(category.prefixes)
            ]
            for prefix, qualifier in pairs[:share]:
                title = f"{prefix} {qualifier} ({kind})" if category.is_work else f"{prefix} {qualifier} {kind}"
                rows.append((title, name, kind))
    frame = pl.DataFrame(rows, schema=["title", "category", "kind"], orient="row")
    width = max(4, len(str(len(rows))))
    items = [f"i{number:0{width}d}" for number in range(1, len(rows) + 1)]
    return frame.select(pl.Series("item", items), "title", "category", "kind")
