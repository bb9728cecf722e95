"""What must be true of the rows of all shards together, as a table.

There are no foreign keys: what a row names often lies in another file. A rule has two queries. `source`
lists what one shard says, the first column being the identifier on whose shard the answer lies (or the
directory, if `asks` is that). `probe` is given a list of such rows there, as the table `asked(c0, c1 …)`,
and gives back those that are wrong.

What may be wrong without being a fault, and so is not here: a reply, a thread or a notification may
outlive the post it is about.
"""

from dataclasses import dataclass

from minisocial.database import DIRECTORY

SHARDS = "shards"
LEFT_OUT = "pages leave them out; to be rid of them"
COUNT_ANEW = "to count anew"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must be true."""

    says: str  # what is wrong, in the plural
    source: str
    probe: str
    remedy: str
    repair: str = ""  # SQL for the source's file; {} stands for the wrong values of the first column
    on: str = SHARDS  # where the source lies: the shards, or the directory
    asks: str = SHARDS  # where the answer lies
    told_by: tuple[tuple[int, ...], ...] = ((0,),)  # columns; a waiting task that names all of a group will see to it
    says_all: bool = False  # the rules after it leave out what it found, by the first column


SET_RIGHT = "UPDATE posts SET {what} = (SELECT count(*) FROM {what} WHERE post = posts.id) WHERE id IN ({{}})"


@dataclass(frozen=True, slots=True)
class Count:
    """A number that a table keeps of the rows of another one, on the same shard."""

    says: str
    wrong: str  # SQL: the ids of the wrong ones
    repair: str  # SQL, as above


def names(table: str, column: str, what: str, target: str = "accounts.id", on: str = SHARDS, remedy: str = "") -> Rule:
    """Every value of a column names a row of another table."""
    to, key = target.split(".")
    return Rule(
        says=what,
        source=f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL",
        probe=f"SELECT c0 FROM asked WHERE NOT EXISTS (SELECT 1 FROM {to} WHERE {key} = c0)",
        remedy=remedy or LEFT_OUT,
        repair="" if remedy else f"DELETE FROM {table} WHERE {column} IN ({{}})",
        on=on,
        says_all=table == "usernames",  # a person who is lost once is not told of in a dozen ways
    )


def mirrored(table: str, mirror: str, what: str, remedy: str) -> Rule:
    """What one side says of two people, the other side says, too."""
    return Rule(
        says=what,
        source=f"SELECT other, account, active FROM {table}",
        probe=f"SELECT c0, c1 FROM asked LEFT JOIN {mirror} ON account = c0 AND other = c1"
        " WHERE coalesce(active, -1) <> c2",
        remedy=remedy,
        told_by=((0, 1),),
    )


NO_LOGIN = "these people can not log in: restore a backup from before"
NOBODY = "an account that is not there"
NO_POST = "a post that is not there"
BEGIN_ANEW = "ask one of the two to end it and begin anew"
BLOCK_ANEW = "ask the one who blocks to lift it and begin anew"
FOLLOW_ANEW = "ask the one who follows to stop and begin anew"

ACCOUNTS = (
    names("usernames", "account", f"names of {NOBODY}", on=DIRECTORY, remedy=NO_LOGIN),
    names("emails", "account", f"e-mail addresses of {NOBODY}", on=DIRECTORY, remedy=NO_LOGIN),
    names("posts", "author", f"posts by {NOBODY}"),
    names("credentials", "account", f"passwords of {NOBODY}"),
    names("likes", "account", f"likes by {NOBODY}"),
    names("friendships", "account", f"friendships of {NOBODY}"),
    names("friendships", "other", f"friendships with {NOBODY}"),
    names("following", "account", f"follows by {NOBODY}"),
    names("following", "other", f"follows of {NOBODY}"),
    names("followers", "account", f"followers of {NOBODY}"),
    names("followers", "other", f"followers that are {NOBODY}"),
    names("home_feed", "account", f"home feeds of {NOBODY}"),
    names("notifications", "account", f"notifications for {NOBODY}"),
    names("notifications", "actor", f"notifications about {NOBODY}"),
    names("notifications_seen", "account", f"marks of what was seen by {NOBODY}"),
    names("letters_sent", "account", f"marks of letters sent to {NOBODY}"),
    names("preferences", "account", f"choices of {NOBODY}"),
    names("blocks", "account", f"blocks by {NOBODY}"),
    names("blocks", "other", f"blocks of {NOBODY}"),
    names("blocked_by", "account", f"blocked people who are {NOBODY}"),
    names("blocked_by", "other", f"people blocked by {NOBODY}"),
    names("accounts", "id", "accounts without a password", "credentials.account", remedy=NO_LOGIN),
    names("joins", "account", f"records of joining of {NOBODY}", on=DIRECTORY),
    names("sessions", "account", f"sessions of {NOBODY}", on=DIRECTORY),
    names("invites", "created_by", f"invites of {NOBODY}", on=DIRECTORY),
    names("tickets", "account", f"links in letters to {NOBODY}", on=DIRECTORY),
    names("broadcasters", "account", f"broadcasters that are {NOBODY}", on=DIRECTORY),
)
POSTS = (
    names("post_tags", "post", f"tags of {NO_POST}", "posts.id"),
    names("post_versions", "post", f"earlier words of {NO_POST}", "posts.id"),
    names("likes", "post", f"likes of {NO_POST}", "posts.id"),
    names("replies", "post", f"counted replies to {NO_POST}", "posts.id"),
    names("replies", "reply", f"counted replies that are {NO_POST}", "posts.id"),
    names("threads", "post", f"entries of threads for {NO_POST}", "posts.id"),
    Rule(
        says="entries of home feeds for a post that is not there, or is somebody else's",
        source="SELECT DISTINCT post, author FROM home_feed",
        probe="SELECT c0, c1 FROM asked WHERE NOT EXISTS (SELECT 1 FROM posts WHERE id = c0 AND author = c1)",
        remedy=LEFT_OUT,
        repair="DELETE FROM home_feed WHERE post IN ({})",
        told_by=((0,), (1,)),  # the post is being taken out of feeds, or all of its author's are out of one
    ),
    Rule(
        says="replies that their thread does not show",
        source="SELECT root, id FROM posts WHERE root <> id",
        probe="SELECT c0, c1 FROM asked WHERE NOT EXISTS (SELECT 1 FROM threads WHERE root = c0 AND post = c1)",
        remedy="only who wrote them sees them there: ask them to post the reply again",
        told_by=((1,),),
    ),
    Rule(
        says="replies that are not counted with the post they are for",
        source="SELECT in_reply_to, id FROM posts WHERE in_reply_to IS NOT NULL AND visibility = 'everyone'"
        " AND author NOT IN (SELECT id FROM accounts WHERE suspended_at IS NOT NULL)",  # theirs count for nobody
        probe="SELECT c0, c1 FROM asked WHERE EXISTS (SELECT 1 FROM posts WHERE id = c0)"
        " AND NOT EXISTS (SELECT 1 FROM replies WHERE post = c0 AND reply = c1)",
        remedy="the number of replies is too low, and nothing else comes of it: ask for the reply to be posted again",
        told_by=((1,),),
    ),
)
NAMES = (
    Rule(
        says="accounts whose username is not theirs in the directory",
        source="SELECT id, username FROM accounts",
        probe="SELECT c0, c1 FROM asked"
        " WHERE NOT EXISTS (SELECT 1 FROM usernames WHERE username = c1 AND account = c0)",
        remedy=NO_LOGIN,
        asks=DIRECTORY,
    ),
    Rule(
        says="e-mail addresses that lead to nobody in the directory",
        source="SELECT account, email FROM credentials",
        probe="SELECT c0, c1 FROM asked WHERE NOT EXISTS (SELECT 1 FROM emails WHERE email = c1 AND account = c0)",
        remedy="these people can log in with their username only; restore a backup from before",
        asks=DIRECTORY,
    ),
)
# what one side may say when the other says: a request that was declined still looks open to who sent it
TWO_SIDES = (
    "('friends friends', 'requested received', 'received requested', "
    "'requested declined', 'declined requested', 'ended ended')"
)
SIDES = (
    Rule(
        says="friendships whose two sides disagree",
        source="SELECT other, account, state FROM friendships",
        probe="SELECT c0, c1 FROM asked LEFT JOIN friendships ON account = c0 AND other = c1"
        f" WHERE c2 || ' ' || coalesce(state, '') NOT IN {TWO_SIDES}",
        remedy=BEGIN_ANEW,
        told_by=((0, 1),),
    ),
    mirrored("following", "followers", "follows that the one followed does not know of", FOLLOW_ANEW),
    mirrored("followers", "following", "followers who do not know of following", FOLLOW_ANEW),
)
BLOCKS = (
    mirrored("blocks", "blocked_by", "blocks that the one blocked does not know of", BLOCK_ANEW),
    mirrored("blocked_by", "blocks", "blocks that who blocks does not know of", BLOCK_ANEW),
)
RULES = (*ACCOUNTS, *POSTS, *NAMES, *SIDES, *BLOCKS)

COUNTS = tuple(
    Count(
        says=f"posts whose number of {what} is wrong",
        wrong=f"SELECT id FROM posts LEFT JOIN (SELECT post, count(*) AS n FROM {what} GROUP BY post) ON post = id"
        f" WHERE {what} <> coalesce(n, 0)",
        repair=SET_RIGHT.format(what=what),
    )
    for what in ("likes", "replies")
)
