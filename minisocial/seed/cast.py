"""The cast: a dozen people from the history of computing and mathematics, as members of one club.

They are the demo's members, the tests' fixtures and the labs' actors. Ada and Grace are not friends
yet: that request is for you to send.
"""

from collections.abc import Iterator

from minisocial.clock import Clock
from minisocial.seed.cast_posts import SAID
from minisocial.seed.description import DAY, Community, Follow, Friendship, Like, Person, Post
from minisocial.seed.here import Progress
from minisocial.seed.load import Seedable, load, refuse_unless_empty

HOUR = DAY // 24
NAME = "The Difference Engine Club"
DESCRIPTION = "Thursdays at seven: tea, chess, and whatever is on the workbench. Beginners bring biscuits."
CODE_OF_CONDUCT = """\
Be kind. Assume that the other person had a reason, and ask for it.
What is written for friends stays among friends.
Credit people for their ideas, also when you improved them.
If something feels wrong, tell Ada. She answers, and she keeps it to herself."""

# username, name, bio; the first one founded the club and invited the others
PEOPLE = (
    ("ada", "Ada Lovelace", "Keeps the key to the loom room, and this club in order. My notes outgrow their books."),
    ("alan", "Alan Turing", "Runs long distances, plays chess badly, teaches the Thursday class. Knows daisies."),
    ("grace", "Grace Hopper", "If it hums, I have had it open. Collector of short wires and of better questions."),
    ("katherine", "Katherine Johnson", "Counts everything, twice. Fond of parabolas, bridge and shown work."),
    ("edsger", "Edsger Dijkstra", "Fountain pen, upright piano, short programs. I answer letters."),
    ("barbara", "Barbara Liskov", "Runs the reading group. You need not know how I do it, only that it works."),
    ("donald", "Donald Knuth", "Organist and proofreader. One volume at a time."),
    ("margaret", "Margaret Hamilton", "Prepares for the thing that never happens. Then it happens."),
    ("dennis", "Dennis Ritchie", "Small tools, tidy workshop. Says hello to the world most mornings."),
    ("radia", "Radia Perlman", "Untangles cables, rotas and dinner tables. Writes verse about trees, on request."),
    ("tim", "Tim Berners-Lee", "The club's noticeboard: dates, lost umbrellas, found umbrellas. Follow for more."),
    ("hedy", "Hedy Lamarr", "Piano and invention, in either order. New here since spring, and already on the rota."),
)
ANNOUNCER = "tim"
FRIENDS = {  # each friendship once, under whoever asked
    "ada": "alan katherine edsger barbara donald margaret radia",
    "alan": "edsger donald barbara dennis katherine",
    "grace": "alan katherine margaret barbara dennis radia",
    "katherine": "margaret hedy",
    "edsger": "donald barbara",
    "donald": "barbara dennis",
    "barbara": "margaret radia",
    "hedy": "grace radia",
    "radia": "dennis",
}
REQUESTS = (("hedy", "ada", 2.0), ("dennis", "edsger", 30.0))  # who asked whom, hours ago: still waiting
NOT_FOLLOWING = ("edsger", ANNOUNCER)  # the first reads announcements on paper


def seed_cast(system: Seedable, progress: Progress) -> Community:
    """Load the cast; what was loaded is returned, for `check_feeds`."""
    refuse_unless_empty(system.cluster)
    community = describe(Clock().milliseconds())
    load(system, community, progress)
    return community


def describe(now: int) -> Community:
    """The cast's club as it is at this moment."""
    return Community(
        name=NAME,
        description=DESCRIPTION,
        code_of_conduct=CODE_OF_CONDUCT,
        described_at=now,
        people=[_person(place, *person, now=now) for place, person in enumerate(PEOPLE)],
        friendships=[*_friendships(now), *_requests(now)],
        follows=list(_follows(now)),
        posts=list(_posts(now)),
        likes=list(_likes(now)),
    )


def _person(place: int, username: str, display_name: str, bio: str, now: int) -> Person:
    return Person(
        username=username,
        display_name=display_name,
        bio=bio,
        joined_at=now - (40 - place) * DAY,
        looked_at=now - (6 + place) * HOUR,
        is_admin=place == 0,
        approves_followers=username != ANNOUNCER,
        invited_by=None if place == 0 else PEOPLE[0][0],
    )


def _friendships(now: int) -> Iterator[Friendship]:
    pairs = [(asked, other) for asked, others in FRIENDS.items() for other in others.split()]
    for place, (asked, other) in enumerate(pairs):
        yield Friendship(asked, other, now - 25 * DAY + place * 7 * HOUR)


def _requests(now: int) -> Iterator[Friendship]:
    for asked, other, hours_ago in REQUESTS:
        yield Friendship(asked, other, now - int(hours_ago * HOUR), is_accepted=False)


def _follows(now: int) -> Iterator[Follow]:
    for place, (username, *_) in enumerate(PEOPLE):
        if username not in NOT_FOLLOWING:
            yield Follow(username, ANNOUNCER, now - 20 * DAY + place * HOUR)


def _posts(now: int) -> Iterator[Post]:
    places = {said.key: place for place, said in enumerate(SAID) if said.key}
    for said in SAID:
        yield Post(said.author, said.text, _at(said.hours_ago, now), said.visibility, places.get(said.to))


def _likes(now: int) -> Iterator[Like]:
    """One after the other, within the hour after the post and before now."""
    for place, said in enumerate(SAID):
        likers = said.likes.split()
        span = int(min(said.hours_ago, 1.0) * HOUR)
        for turn, account in enumerate(likers, 1):
            yield Like(account, place, _at(said.hours_ago, now) + span * turn // (len(likers) + 1))


def _at(hours_ago: float, now: int) -> int:
    return now - int(hours_ago * HOUR)
