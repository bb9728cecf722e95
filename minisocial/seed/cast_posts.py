"""What the cast says to each other. All of it is made up; none of it was ever said by anybody."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Said:
    """One post of the cast; `key` names it for the posts that reply `to` it."""

    author: str
    hours_ago: float
    text: str
    likes: str = ""  # usernames
    visibility: str = "everyone"
    key: str = ""
    to: str = ""


# oldest first
SAID = (
    Said(
        "tim",
        143.0,
        "Club picnic on Saturday, three o'clock, by the canal. Bring a dish, a blanket, an unsolved problem. #picnic",
        "ada grace katherine barbara donald margaret dennis radia hedy",
        key="picnic",
    ),
    Said(
        "ada", 142.2, "I bring sandwiches, and a problem concerning blankets. #picnic", "alan margaret tim", to="picnic"
    ),
    Said("hedy", 141.5, "I can play the piano if somebody brings the piano.", "grace katherine radia", to="picnic"),
    Said(
        "donald",
        140.9,
        "I am working on the salad. The dressing may have to wait for the next volume.",
        "edsger alan ada dennis barbara",
        to="picnic",
    ),
    Said(
        "barbara",
        139.4,
        "Any dish may be replaced by a more special one, as long as nobody at the table has to be told. #picnic",
        "ada donald radia",
        to="picnic",
    ),
    Said(
        "margaret",
        131.0,
        "The club kettle has a priority scheduler now: whoever has waited longest gets the first cup. Two tasks were "
        "dropped. Neither has complained so far. #tea",
        "grace katherine barbara dennis",
        key="kettle",
    ),
    Said("dennis", 130.6, "I was a background process for an hour.", "margaret grace alan", to="kettle", key="tin"),
    Said("grace", 130.1, "@dennis you were holding the lock. It was the biscuit tin.", "margaret dennis", to="tin"),
    Said(
        "edsger",
        122.5,
        "The shortest path to the chess evening does not lead through the kitchen. I have a proof, and crumbs. #chess",
        "ada alan donald barbara katherine",
        key="path",
    ),
    Said(
        "alan",
        121.8,
        "I left last week's game running. Whether it ends before Thursday nobody can say in general. #chess",
        "ada edsger donald",
        to="path",
    ),
    Said("ada", 121.1, "White to move, and to water the plants. #chess", "edsger", to="path"),
    Said(
        "grace",
        110.0,
        "Found what made the projector flicker. It had wings and is now in the garden. The logbook knows. #workshop",
        "katherine margaret barbara alan dennis radia hedy",
        key="wings",
    ),
    Said(
        "katherine", 109.2, "Checked the logbook. The wingspan is right to two decimals.", "grace margaret", to="wings"
    ),
    Said(
        "radia",
        98.4,
        "Untangled the extension leads behind the stage. They were a loop; now they are a tree, and the lamp works. "
        "#workshop",
        "grace barbara dennis ada",
        key="leads",
    ),
    Said("grace", 97.9, "Before: nine cables and no light. After: applause.", "radia", to="leads"),
    Said(
        "dennis",
        90.3,
        "Cleaned the workshop. What is left does one thing each and does it well: a broom, a lamp, a chair. #workshop",
        "alan grace radia donald",
    ),
    Said(
        "tim",
        86.0,
        "Lost: one umbrella, blue. Found: five umbrellas, all blue. Please come by and deduplicate. #lostandfound",
        "barbara radia katherine ada",
        key="umbrella",
    ),
    Said("donald", 85.1, "I have sorted them by colour. It took no time at all.", "ada edsger dennis", to="umbrella"),
    Said(
        "barbara",
        76.2,
        "Reading group on Tuesday: chapter three, the one with the hidden parts. Tea is passed by value. #reading",
        "margaret radia donald",
        key="reading",
    ),
    Said("hedy", 75.4, "Sugar by reference, please. I will want it back.", "barbara radia", to="reading"),
    Said(
        "edsger",
        70.7,
        "Three days of #diary without a single jump, and at each moment I knew exactly where I was. Mostly at my desk.",
        "ada donald",
        visibility="friends",
    ),
    Said(
        "donald",
        64.9,
        "There is an error in the club's cookbook. Reward for the finder: one cookie, and my respect. #baking",
        "edsger barbara ada dennis",
        key="cookbook",
    ),
    Said(
        "margaret",
        64.2,
        'Page 42 says "stir until done" and has no exit condition. Cookie, please. #baking',
        "donald ada katherine grace",
        to="cookbook",
        key="stir",
    ),
    Said("donald", 63.8, "@margaret granted. The cookie jar is on shelf zero.", "margaret", to="stir"),
    Said(
        "hedy",
        55.0,
        "Rehearsal note: the radio in the hall keeps changing stations in the middle of a song. I told everybody that "
        "it is meant to. #music",
        "radia grace katherine",
        key="radio",
    ),
    Said("radia", 54.1, "As long as the other radio changes with it, I see no problem.", "hedy", to="radio"),
    Said(
        "alan",
        49.5,
        "Eleven miles along the canal before breakfast. The ducks could not tell me from another duck. #running",
        "ada katherine dennis grace barbara",
        key="ducks",
    ),
    Said("katherine", 48.8, "The ducks have asked for a second interview.", "alan ada", to="ducks"),
    Said(
        "ada",
        44.6,
        "Taught the loom upstairs a new pattern. It is the old pattern, only backwards and with more confidence. "
        "#weaving",
        "alan barbara radia donald margaret edsger",
        key="loom",
    ),
    Said("barbara", 43.9, "From the front of the cloth nobody can tell. That is how it should be.", "ada", to="loom"),
    Said(
        "ada",
        41.0,
        "@alan @margaret Cake for Katherine on Thursday, and she does not know. The candles add up to a round number, "
        "in some base.",
        visibility="direct",
        key="cake",
    ),
    Said("alan", 40.2, "@ada I can keep a secret.", visibility="direct", to="cake"),
    Said(
        "grace",
        33.3,
        "Who borrowed my short piece of wire? It is as long as light takes to say hello, and I miss it.",
        "alan katherine margaret",
        visibility="friends",
    ),
    Said(
        "katherine",
        27.5,
        "Went through the electricity bill by hand. The meter and I agree to six places; the bill does not. #numbers",
        "margaret grace ada alan hedy",
        key="bill",
    ),
    Said("margaret", 26.9, "I would trust you with the bill and with the Moon.", "katherine grace", to="bill"),
    Said(
        "tim",
        22.0,
        "Each note on the noticeboard now has an arrow to the next one. Visitors get lost happily. #noticeboard",
        "ada radia dennis",
    ),
    Said(
        "dennis",
        18.4,
        "The new key for the side door works. The door says hello first, as all doors should on their first day.",
        "grace donald alan radia",
    ),
    Said(
        "margaret",
        12.6,
        "Checklist for the #picnic is ready. Item one: nobody presses anything during the sandwiches.",
        "ada katherine barbara",
        visibility="friends",
    ),
    Said("barbara", 7.3, "An abstract question: what do we all mean by soon?", "radia ada", key="soon"),
    Said("dennis", 6.9, "Nothing smaller than it has to be.", "barbara", to="soon"),
    Said(
        "radia",
        4.2,
        "Drew a map of who passes the salt to whom. There is exactly one way round the table now. #picnic",
        "grace hedy barbara",
    ),
    Said(
        "katherine",
        1.1,
        "Launch window for Saturday's water rockets, drawn by hand. Stand on the side of the towels. #picnic",
        "ada alan grace margaret hedy",
        key="window",
    ),
    Said("ada", 0.6, "@katherine I bring a second towel, for the first one.", "katherine", to="window"),
    Said("grace", 0.3, "First tests of the towel are in. It is a towel.", "katherine margaret", to="window"),
    Said(
        "alan",
        0.07,
        "Ran the new cache experiment with the class today: local hit rate went from 41 % to 93 %, and nobody believed "
        "the graph until they had broken it themselves. #caching",
        "ada grace barbara",
        visibility="friends",
        key="cache",
    ),
    Said("edsger", 0.03, "Elegant. I mean the class.", "ada", visibility="friends", to="cache"),
)
