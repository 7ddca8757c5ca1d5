# SPDX-License-Identifier: MIT
"""Makes the captions that the text tower learns from, each with the classes it tells of.

A caption is a noun of a class among words that tell nothing: articles, adjectives, verbs and places, half of
them written here, half drawn from a dictionary or made up. So the tower learns to find the noun and to ignore
what it does not know, which is what most words of a real query are.
"""
import random
import re

import data

# The words people use, as WordNet has many but not all, and does not say which are common.
NOUNS = {
    "airplane": """airplane plane aeroplane jet airliner aircraft biplane jetliner seaplane bomber glider
        fighter_jet passenger_plane jumbo jumbo_jet cargo_plane propeller_plane light_aircraft warplane boeing
        airbus private_jet plane_in_flight""",
    "automobile": """car automobile auto motorcar motor_car sedan saloon taxi cab coupe convertible hatchback
        limousine limo station_wagon estate_car sports_car race_car racing_car roadster suv jeep minivan
        police_car vintage_car family_car passenger_car cabriolet beetle""",
    "bird": """bird birdie songbird chick sparrow robin parrot pigeon dove crow raven magpie eagle hawk falcon owl
        duck duckling goose swan gull heron stork crane pelican penguin ostrich emu peacock hen cockerel chicken
        turkey finch blackbird starling wren woodpecker kingfisher hummingbird swallow""",
    "cat": """cat kitten kitty pussycat tomcat tabby moggy house_cat domestic_cat siamese persian_cat
        ginger_cat black_cat cat's_face feline kitty_cat puss""",
    "deer": """deer fawn stag doe buck hind hart roe roe_deer red_deer fallow_deer reindeer elk moose caribou
        white-tailed_deer young_deer bambi""",
    "dog": """dog puppy doggy doggie hound pup pooch mutt terrier spaniel poodle retriever labrador sheepdog
        bulldog dachshund collie husky beagle pug chihuahua boxer lapdog german_shepherd pet_dog watchdog""",
    "frog": "frog toad bullfrog tree_frog treefrog tadpole froggy green_frog common_frog pond_frog froglet",
    "horse": """horse pony stallion mare foal colt filly gelding racehorse mustang steed nag carthorse
        shetland_pony thoroughbred arabian_horse workhorse""",
    "ship": """ship boat vessel ferry yacht sailboat sailing_ship steamer liner ocean_liner cruise_ship
        cargo_ship freighter tanker oil_tanker warship battleship frigate trawler fishing_boat tugboat barge
        motorboat speedboat rowing_boat lifeboat schooner canoe catamaran dinghy ferryboat steamboat""",
    "truck": """truck lorry pickup pickup_truck fire_truck fire_engine dump_truck tow_truck semi semi-trailer
        articulated_lorry tipper garbage_truck delivery_van van juggernaut tractor_trailer lorry_cab
        cement_mixer big_rig truck's_cab tanker_lorry monster_truck flatbed_truck""",
}

# (word, sense) of WordNet whose words belong to the class.
WORDNET = {"airplane": ("airplane", 1), "automobile": ("car", 1), "bird": ("bird", 1), "cat": ("domestic cat", 1),
           "deer": ("deer", 1), "dog": ("dog", 1), "frog": ("frog", 1), "horse": ("horse", 1),
           "ship": ("vessel", 2), "truck": ("truck", 1)}

ANIMALS = "bird cat deer dog frog horse"
FURRED = "cat deer dog horse"
VEHICLES = "airplane automobile ship truck"
ROAD = "automobile truck"
SUPERCLASSES = [
    (ANIMALS, "animal creature beast critter living_thing living_being vertebrate"),
    ("bird deer frog horse", "wild_animal wild_beast animal_in_the_wild"),
    (VEHICLES, "vehicle machine means_of_transport conveyance craft motor_transport"),
    (ROAD, "motor_vehicle road_vehicle wheeled_vehicle automotive_vehicle road_user land_vehicle"),
    ("cat dog", "pet house_pet companion_animal domestic_pet carnivore household_animal"),
    (FURRED, "mammal quadruped furred_animal hairy_animal hairy_beast animal_with_fur four-footed_animal"),
    ("deer horse", "ungulate hoofed_animal hoofed_mammal grazing_animal herbivore animal_with_hooves"),
    ("airplane", "aircraft flying_machine"), ("ship", "watercraft vessel sea_craft"), ("dog", "canine"),
    ("cat", "feline"), ("horse", "equine"), ("frog", "amphibian anuran croaker"), ("bird", "fowl wildfowl"),
    ("airplane bird", "flyer flying_object flying_thing thing_with_wings"),
    ("bird frog", "egg_layer"),
]
# What can be said of which classes; said of a noun above, it leaves those that both have.
PROPERTIES = [
    ("airplane bird", "with wings|in flight|that can fly|able to fly|up in the air|which is flying"),
    (ROAD, "on wheels|with tyres|with four wheels|with headlights|on the road|for the road|that drives"),
    ("airplane", "with jet engines|with a cockpit|that takes off and lands"),
    ("ship", "that floats|that sails|on the water|with a hull|for the sea|with sails"),
    ("truck", "for heavy loads|that carries goods|with a trailer|for freight"),
    (FURRED, "with fur|covered in hair|with four legs|on four legs|that gives milk"),
    ("deer horse", "with hooves|that grazes|that eats grass"), ("deer", "with antlers"),
    ("bird", "with feathers|with a beak|covered in feathers|that sings|that lays eggs in a nest"),
    ("cat", "that meows|that purrs|that catches mice"), ("dog", "that barks|on a leash"),
    ("cat dog", "with paws|living in a house"), ("frog", "that croaks|that hops|with webbed feet"),
    ("horse", "with a mane|that neighs|with a saddle"),
]
ANYTHING = "thing something object one subject item"

OPENINGS = """a picture of|an image of|a photograph of|photos of|pictures of|a shot of|a close-up of|a close up of|
    a snapshot of|a painting of|a drawing of|a view of|a blurry picture of|a small picture of|a low resolution image of|
    portrait of|detail of|find|show me|i want to see|looking for|this is|here is|there is|we saw|i saw|one of|a pair of|
    a group of|a lot of|many|some|several|two|three|a few|lots of|pair of|close view of|all|any|every|search for|
    snap of|image shows|picture showing|photograph with|scene with|my|our|their|his|her|the neighbour's""".split("|")
ADJECTIVES = """old new big small little tiny large huge young red blue green white black brown grey gray yellow orange
    pink dark bright shiny dirty clean wet dry beautiful ugly pretty cute funny lonely happy sad angry sleepy hungry
    fast slow fat thin tall short long wooden metal plastic broken abandoned rusty famous modern vintage antique
    classic wild tame domestic military private public heavy light spotted striped colourful lovely nice great
    sleeping running standing sitting resting waiting moving parked lying flying swimming""".split()
VERBS = """standing sitting running lying resting moving parked waiting sleeping eating drinking walking jumping
    playing hiding looking going coming driving flying swimming floating crossing passing leaving arriving turning
    seen photographed pictured facing watching following being_washed being_repaired painted covered""".split()
RELATIONS = """in on at near by behind beside under over above below before after with without from into through
    across along around against among between inside outside next_to in_front_of on_top_of close_to far_from
    during towards past""".split()
PLACES = """the_sea the_sky the_road a_street the_street a_field the_grass the_water a_lake the_river
    the_forest the_woods a_garden the_house a_farm the_city a_town the_village the_mountains a_hill
    the_beach the_harbour an_airport the_runway a_garage the_barn a_stable the_park a_bridge the_desert
    the_snow the_sand a_tree the_window a_wall the_fence a_table a_chair a_sofa a_bed the_floor a_box
    a_basket the_background summer winter spring autumn the_morning the_evening the_night the_rain the_fog
    sunlight the_sunset the_sunrise the_clouds the_museum a_show a_race the_zoo a_white_background
    the_camera the_distance""".split()
PEOPLE = """man woman boy girl child person farmer rider driver people children family couple soldier tourist lady
    worker sailor pilot hunter""".split()
HOLDING = "with and holding riding next_to watching feeding in_front_of on looking_at washing behind beside".split()

IRREGULAR = {"goose": "geese", "deer": "deer", "reindeer": "reindeer", "elk": "elk", "moose": "moose",
             "aircraft": "aircraft", "watercraft": "watercraft", "craft": "craft", "person": "people",
             "fowl": "fowl", "wildfowl": "wildfowl", "something": "things"}


def plural(noun):
    head, _, last = noun.rpartition(" ")
    if last in IRREGULAR:
        last = IRREGULAR[last]
    elif re.search("(s|x|z|ch|sh)$", last):
        last += "es"
    elif re.search("[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return (head + " " + last).strip()


def phrases(text):
    return [word.replace("_", " ") for word in text.split()]


def is_wordnets_first(wordnet, noun, synsets):
    """Whether a reader who meets the noun alone would think of the class: `queen` is a cat, but rarely."""
    senses = wordnet.senses.get(noun)
    return bool(senses) and senses[0] in synsets


class Vocabulary:
    """Each class's nouns, common ones and WordNet's, and the words that are none of them."""

    def __init__(self, wordnet, dictionary):
        self.common = {name: phrases(text) for name, text in NOUNS.items()}
        taken = {noun: name for name, nouns in self.common.items() for noun in nouns}
        self.rare = {name: self._rare(wordnet, name, taken) for name in NOUNS}
        self.fillers = self._fillers(dictionary)

    def _rare(self, wordnet, name, taken):
        """WordNet's nouns of the class that are not mostly something else, nor another class's."""
        word, sense = WORDNET[name]
        synsets = wordnet.synsets(word, sense)
        nouns = dict.fromkeys(noun for synset in synsets for noun in wordnet.words[synset])
        others = {noun for other, (w, s) in WORDNET.items() if other != name
                  for synset in wordnet.synsets(w, s) for noun in wordnet.words[synset]}
        return [noun for noun in nouns if noun not in taken and noun not in others
                and is_wordnets_first(wordnet, noun, synsets)]

    def _fillers(self, dictionary):
        """Words of the dictionary that no class's noun has as a word of its own."""
        nouns = [noun for kind in (self.common, self.rare) for group in kind.values() for noun in group]
        nouns += [noun for _, text in SUPERCLASSES for noun in phrases(text)]
        # Of WordNet's `golden retriever` the last word is the noun; `golden` may be said of anything.
        heads = {noun.split()[-1] for noun in nouns}
        heads |= {plural(head) for head in heads}
        words = [line.strip().lower() for line in open(dictionary, encoding="utf-8")]
        return sorted({word for word in words if re.fullmatch("[a-z]{3,14}", word) and word not in heads})


class Captions:
    """Draws captions. The same seed draws the same ones."""

    def __init__(self, vocabulary, seed, forbidden=()):
        self.vocabulary, self.random = vocabulary, random.Random(seed)
        self.forbidden = {text.lower() for text in forbidden}

    def draw(self):
        """(caption, the classes it tells of; none if it tells of nothing known)"""
        while True:
            kinds = [self._single, self._superclass, self._several, self._related, self._nothing]
            kind = self.random.choices(kinds, (62, 16, 6, 9, 7))[0]
            text, classes = kind()
            text = self._worn(re.sub(r"\s+", " ", text).strip())
            if text and text.lower() not in self.forbidden:
                return text, classes

    # ---- kinds of captions -------------------------------------------------------------------------------

    def _single(self):
        name = self._pick(data.CLASSES)
        return self._sentence(self._noun(name)), [name]

    def _superclass(self):
        classes, text = self._pick(SUPERCLASSES)
        noun, classes = self._pick(phrases(text)), set(classes.split())
        if self._chance(0.3):
            noun, classes = self._pick(ANYTHING.split()), set(data.CLASSES)
        fitting = [(classes & set(some.split()), text) for some, text in PROPERTIES if classes & set(some.split())]
        plain = len(classes) < len(data.CLASSES) and self._chance(0.6)
        if not plain and fitting:
            classes, text = self._pick(fitting)
            return self._sentence((noun, self._pick(text.split("|")))), sorted(classes)
        return self._sentence((self._number(noun), "")), sorted(classes)

    def _several(self):
        first, second = self.random.sample(data.CLASSES, 2)
        nouns = [self._noun_phrase(self._noun(name)) for name in (first, second)]
        text = nouns[0] + self._pick([" and ", " and ", " or ", ", "]) + nouns[1]
        return self._pick(["", "", self._pick(OPENINGS) + " "]) + text + self._tail(0.5), [first, second]

    def _related(self):
        """Who holds or passes the thing, or another thing behind it, is not what is looked for."""
        name = self._pick(data.CLASSES)
        noun = self._noun_phrase(self._noun(name))
        if self._chance(0.6):
            person = self._article(self._pick([self._pick(PEOPLE), self._word()]))
            return person + " " + self._pick(phrases(" ".join(HOLDING))) + " " + noun + self._tail(0.5), [name]
        other = self._noun_phrase(self._noun(self._pick(data.CLASSES)))
        verb = self._pick(phrases(" ".join(VERBS)))
        return noun + " " + verb + " " + self._pick(phrases(" ".join(RELATIONS))) + " " + other, [name]

    def _nothing(self):
        words = [self._word() for _ in range(self.random.randint(1, 6))]
        return self._pick(["", "", self._pick(OPENINGS) + " "]) + " ".join(words) + self._tail(0.4), []

    # ---- their parts -------------------------------------------------------------------------------------

    def _pick(self, items):
        return self.random.choice(items)

    def _chance(self, p):
        return self.random.random() < p

    def _number(self, noun):
        return plural(noun) if self._chance(0.35) else noun

    def _noun(self, name):
        """(noun, what follows it)"""
        rare = self.vocabulary.rare[name]
        common = self.vocabulary.common[name]
        draw = self.random.random()
        noun = common[0] if draw < 0.1 else self._pick(common) if draw < 0.65 or not rare else self._pick(rare)
        return self._number(noun), ""

    def _word(self):
        """A word that tells nothing: of the dictionary, or one that does not exist."""
        if self._chance(0.8):
            return self._pick(self.vocabulary.fillers)
        syllables = [self._pick("bcdfghjklmnprstvwz") + self._pick("aeiou") + self._pick(["", "", "n", "r", "s", "l"])
                     for _ in range(self.random.randint(1, 4))]
        return "".join(syllables)

    def _filler(self, words):
        return self._pick(words).replace("_", " ") if self._chance(0.5) else self._word()

    def _article(self, phrase):
        draw = self.random.random()
        if draw < 0.35:
            return phrase
        if draw < 0.55:
            return self._pick(["the", "my", "our", "this", "that", "his", "her", self._word() + "'s"]) + " " + phrase
        return ("an " if phrase[0] in "aeiou" else "a ") + phrase

    def _noun_phrase(self, noun_and_rest):
        noun, rest = noun_and_rest
        n = self.random.choices((0, 1, 2, 3), (45, 33, 16, 6))[0]
        return (self._article(" ".join([self._filler(ADJECTIVES) for _ in range(n)] + [noun])) + " " + rest).strip()

    def _place(self):
        if self._chance(0.5):
            return self._pick(PLACES).replace("_", " ")
        return self._article(" ".join(self._word() for _ in range(self.random.choice((1, 1, 2)))))

    def _tail(self, p):
        """What it does and where, several times over in long captions."""
        text = ""
        while self._chance(p) and len(text) < 90:
            if self._chance(0.5):
                text += " " + self._filler(VERBS)
            text += " " + self._pick(RELATIONS).replace("_", " ") + " " + self._place()
            p *= 0.8
        return text

    def _sentence(self, noun):
        opening = self._pick(OPENINGS).strip() + " " if self._chance(0.3) else ""
        ending = self._pick([".", "!", "?", ", please"]) if self._chance(0.05) else ""
        lead = ""
        if self._chance(0.08):
            lead = " ".join(self._word() for _ in range(self.random.randint(1, 4))) + self._pick([" ", ", ", ": "])
        return lead + opening + self._noun_phrase(noun) + self._tail(0.65) + ending

    def _worn(self, text):
        """What happens to real text: a mistyped letter, a cut end. The noun may go with it, rarely."""
        words = [match.span() for match in re.finditer("[a-z]{5,}", text)]
        if words and self._chance(0.06):
            start, end = self._pick(words)
            at = self.random.randrange(start + 1, end)
            text = text[:at] + self._pick(["", text[at] * 2, self._pick("aeioustrnl")]) + text[at + 1:]
        return text[:120]
