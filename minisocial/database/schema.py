"""The tables, each with its reason, and the columns whose values the log carries.

Rules that replication asks for: a PRIMARY KEY of one to three columns, NOT NULL unless it is an
INTEGER PRIMARY KEY; no virtual tables, no triggers. Times are milliseconds since 1970. Identifiers
are those of `minisocial.ids`; every identifier of a person's row carries the person's logical shard.
"""

VERSION = 3  # raised with a step in `migrations`, tested from the schema that was released before

SHARD = """
CREATE TABLE accounts (                 -- what everybody may know of a person
    id                INTEGER PRIMARY KEY,
    username          TEXT NOT NULL,
    display_name      TEXT NOT NULL,
    bio               TEXT NOT NULL DEFAULT '',
    role              TEXT NOT NULL DEFAULT 'member',       -- member, moderator, admin
    approves_followers INTEGER NOT NULL DEFAULT 1,          -- 0: followed at once, one way
    created_at        INTEGER NOT NULL,
    suspended_at      INTEGER                               -- until a moderator lifts it, they can not log in
);
CREATE TABLE credentials (              -- what nobody may know: apart, so that no page can select it by accident
    account           INTEGER PRIMARY KEY,
    email             TEXT NOT NULL,
    password          TEXT NOT NULL,                        -- scrypt, with its parameters and salt
    confirmed_at      INTEGER                               -- when the link sent to this address was followed
);
CREATE TABLE preferences (              -- what a person chose; what is not there has its default
    account           INTEGER NOT NULL,
    name              TEXT NOT NULL,                        -- "mail:request", "app:like", "digest" ...
    value             TEXT NOT NULL,
    PRIMARY KEY (account, name)
) WITHOUT ROWID;
CREATE TABLE posts (
    id                INTEGER PRIMARY KEY,                  -- on its author's shard
    author            INTEGER NOT NULL,
    text              TEXT NOT NULL,
    visibility        TEXT NOT NULL,                        -- everyone, friends, direct
    in_reply_to       INTEGER,
    root              INTEGER NOT NULL,                     -- the post its thread began with; itself for a first post
    mentions          TEXT NOT NULL DEFAULT '[]',           -- JSON list of [account, username]
    likes             INTEGER NOT NULL DEFAULT 0,           -- kept in the transaction that adds the like
    replies           INTEGER NOT NULL DEFAULT 0,
    edited_at         INTEGER
);
CREATE TABLE post_versions (            -- what a post said before it was edited
    post              INTEGER NOT NULL,
    until             INTEGER NOT NULL,                     -- when it was edited
    text              TEXT NOT NULL,
    PRIMARY KEY (post, until)
) WITHOUT ROWID;
CREATE INDEX posts_by_author ON posts (author, id);
CREATE INDEX posts_for_everyone ON posts (id) WHERE visibility = 'everyone';
CREATE TABLE post_tags (
    tag               TEXT NOT NULL,                        -- lower case
    post              INTEGER NOT NULL,
    PRIMARY KEY (tag, post)
) WITHOUT ROWID;
CREATE INDEX post_tags_by_post ON post_tags (post);
CREATE TABLE likes (                    -- received: they lie with the post
    post              INTEGER NOT NULL,
    account           INTEGER NOT NULL,
    PRIMARY KEY (post, account)
) WITHOUT ROWID;
CREATE TABLE replies (                  -- received: they lie with the post replied to, and make its counter exact
    post              INTEGER NOT NULL,
    reply             INTEGER NOT NULL,
    PRIMARY KEY (post, reply)
) WITHOUT ROWID;
CREATE TABLE threads (                  -- all replies below a root, however deep
    root              INTEGER NOT NULL,
    post              INTEGER NOT NULL,
    PRIMARY KEY (root, post)
) WITHOUT ROWID;
CREATE TABLE friendships (              -- one register on each side; of two, the higher version is true
    account           INTEGER NOT NULL,                     -- whose side this is
    other             INTEGER NOT NULL,
    state             TEXT NOT NULL,                        -- requested, received, friends, ended
    version           INTEGER NOT NULL,                     -- an identifier: when, and on which shard
    PRIMARY KEY (account, other)
) WITHOUT ROWID;
CREATE INDEX friendships_by_state ON friendships (account, state, version);
CREATE TABLE following (                -- one-way follows, on the follower's side
    account           INTEGER NOT NULL,
    other             INTEGER NOT NULL,
    active            INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    PRIMARY KEY (account, other)
) WITHOUT ROWID;
CREATE TABLE followers (                -- the same, on the followed person's side
    account           INTEGER NOT NULL,
    other             INTEGER NOT NULL,
    active            INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    PRIMARY KEY (account, other)
) WITHOUT ROWID;
CREATE TABLE blocks (                   -- on the side of who blocks
    account           INTEGER NOT NULL,
    other             INTEGER NOT NULL,
    active            INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    PRIMARY KEY (account, other)
) WITHOUT ROWID;
CREATE TABLE blocked_by (               -- the same, on the side of who is blocked
    account           INTEGER NOT NULL,
    other             INTEGER NOT NULL,
    active            INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    PRIMARY KEY (account, other)
) WITHOUT ROWID;
CREATE TABLE home_feed (                -- written when a post is published; newest 800 are kept
    account           INTEGER NOT NULL,
    post              INTEGER NOT NULL,
    author            INTEGER NOT NULL,
    PRIMARY KEY (account, post)
) WITHOUT ROWID;
CREATE INDEX home_feed_by_author ON home_feed (account, author);
CREATE TABLE notifications (
    account           INTEGER NOT NULL,
    key               TEXT NOT NULL,                        -- idempotency: "like:<post>:<actor>"
    id                INTEGER NOT NULL,                     -- when it arrived
    kind              TEXT NOT NULL,                        -- request, accepted, follow, mention, reply, like
    actor             INTEGER NOT NULL,
    post              INTEGER,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
CREATE INDEX notifications_by_time ON notifications (account, id);
CREATE TABLE notifications_seen (       -- everything up to this id was looked at
    account           INTEGER PRIMARY KEY,
    id                INTEGER NOT NULL
);
CREATE TABLE letters_sent (             -- so that a repeated task sends no second letter
    account           INTEGER NOT NULL,                     -- to whom
    key               TEXT NOT NULL,                        -- "<kind>-<version>-<account>"
    at                INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
"""

DIRECTORY = """
CREATE TABLE community (                -- its settings, one row each, values as JSON
    name              TEXT NOT NULL PRIMARY KEY,
    value             TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE usernames (                -- who is first has the name, for ever
    username          TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
    account           INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE emails (
    email             TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
    account           INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE sessions (
    token             TEXT NOT NULL PRIMARY KEY,            -- SHA-256 of what the browser holds
    account           INTEGER NOT NULL,
    csrf              TEXT NOT NULL,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_account ON sessions (account);
CREATE TABLE invites (
    code              TEXT NOT NULL PRIMARY KEY,
    created_by        INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    uses              INTEGER NOT NULL,                     -- how often it may be used
    used              INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX invites_by_creator ON invites (created_by, created_at);
CREATE TABLE joins (                    -- who invited whom
    account           INTEGER PRIMARY KEY,
    invited_by        INTEGER,
    code              TEXT,
    at                INTEGER NOT NULL
);
CREATE TABLE tickets (                  -- links in letters that prove who follows them, each good for once
    token             TEXT NOT NULL PRIMARY KEY,            -- SHA-256 of what the letter holds
    purpose           TEXT NOT NULL,                        -- reset, confirm
    account           INTEGER NOT NULL,
    email             TEXT NOT NULL,                        -- where it was sent
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX tickets_by_account ON tickets (account, purpose);
CREATE TABLE broadcasters (             -- followed by so many that their posts are merged in when a feed is read
    account           INTEGER PRIMARY KEY,
    since             INTEGER NOT NULL
);
CREATE TABLE audit (                    -- what those in charge did: rows are only ever added
    id                INTEGER PRIMARY KEY,
    at                INTEGER NOT NULL,
    actor             INTEGER,                              -- NULL: at the command line
    action            TEXT NOT NULL,                        -- "suspend", "discard" ...
    subject           TEXT NOT NULL,                        -- whom or what
    detail            TEXT NOT NULL DEFAULT ''
);
CREATE TABLE schedule (                 -- when each periodic job was last found due
    job               TEXT NOT NULL PRIMARY KEY,
    slot              INTEGER NOT NULL,                     -- the number of its interval
    at                INTEGER NOT NULL                      -- 0: not yet, only the interval is noted
) WITHOUT ROWID;
"""

OUTBOX = """
CREATE TABLE outbox (                   -- what must still happen because of a write, in its transaction
    id                INTEGER PRIMARY KEY,
    task              TEXT NOT NULL,
    args              TEXT NOT NULL,                        -- JSON object
    request_id        TEXT NOT NULL,                        -- of the request that caused it
    created_at        INTEGER NOT NULL
);
"""

# Columns whose values the log carries beside the keys: the new ones of an insert, else the old ones.
LOGGED = {"posts": ("author", "visibility", "root")}

# For each table of SHARD the column that says on whose logical shard a row lies: its rows move with that.
# The outbox is not among them: what must still happen is done where it was written.
OWNERS = {
    "accounts": "id",
    "credentials": "account",
    "preferences": "account",
    "posts": "id",
    "post_versions": "post",
    "post_tags": "post",
    "likes": "post",
    "replies": "post",
    "threads": "root",
    "friendships": "account",
    "following": "account",
    "followers": "account",
    "blocks": "account",
    "blocked_by": "account",
    "home_feed": "account",
    "notifications": "account",
    "notifications_seen": "account",
    "letters_sent": "account",
}
