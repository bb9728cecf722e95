-- Version 2 of the tables, as minisocial had them between 0.1.0 and 0.2.0: the club of version 1, brought up to date.
-- Made by `sqlite3.Connection.iterdump`. Never to be changed: somebody has a folder like this.
-- shard directory
BEGIN TRANSACTION;
CREATE TABLE _log (       -- which rows changed
    seq     INTEGER PRIMARY KEY,        -- the position
    at      INTEGER,                    -- milliseconds since 1970
    tbl     TEXT,                       -- "" for a mark
    op      TEXT,                       -- I, U, D: a row; T: a term begins; S: from here on, only a snapshot helps
    k1, k2, k3,                         -- the key of the row, in its own types
    logged  TEXT                        -- JSON of declared columns: new values of an insert, else the old ones
);
INSERT INTO "_log" VALUES(1099511627776,1795424636133,'','T',NULL,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627777,1795424636138,'','S',NULL,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627778,1795424636166,'community','I','name',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627779,1795424636166,'community','I','description',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627780,1795424636166,'community','I','code_of_conduct',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627781,1795424636166,'community','I','join',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627782,1795424636166,'community','I','members_only',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627783,1795424636166,'usernames','I','ada',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627784,1795424636166,'emails','I','ada@club.example',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627785,1795424636166,'joins','I',117964800000000000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627786,1795424636166,'outbox','I',117964800000000000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627787,1795424636170,'outbox','D',117964800000000000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627788,1795424636173,'invites','I','QV13L82CiLby',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627789,1795424636174,'invites','U','QV13L82CiLby',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627790,1795424636174,'usernames','I','grace',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627791,1795424636174,'emails','I','grace@club.example',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627792,1795424636174,'joins','I',117964800000001024,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627793,1795424636174,'outbox','I',117964800000000001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627794,1795424636175,'invites','I','g-MLunPYN9ZH',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627795,1795424636176,'invites','U','g-MLunPYN9ZH',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627796,1795424636176,'usernames','I','tim',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627797,1795424636176,'emails','I','tim@club.example',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627798,1795424636176,'joins','I',117964800000002048,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627799,1795424636177,'outbox','I',117964800000000002,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627800,1795424636181,'outbox','D',117964800000000001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627801,1795424636181,'outbox','D',117964800000000002,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627802,1795424636243,'invites','I','ErMTGzLZfnEZ',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627803,1795424636243,'sessions','I','6dfab6734f90d0bc610616c0fb322d0d6c831ce9eb6a6702cee884d8e6dd3e1f',NULL,NULL,NULL);
CREATE TABLE community (                -- its settings, one row each, values as JSON
    name              TEXT NOT NULL PRIMARY KEY,
    value             TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "community" VALUES('code_of_conduct','""');
INSERT INTO "community" VALUES('description','""');
INSERT INTO "community" VALUES('join','"invite"');
INSERT INTO "community" VALUES('members_only','true');
INSERT INTO "community" VALUES('name','"The Club"');
CREATE TABLE emails (
    email             TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
    account           INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "emails" VALUES('ada@club.example',117964800000000000);
INSERT INTO "emails" VALUES('grace@club.example',117964800000001024);
INSERT INTO "emails" VALUES('tim@club.example',117964800000002048);
CREATE TABLE invites (
    code              TEXT NOT NULL PRIMARY KEY,
    created_by        INTEGER NOT NULL,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    uses              INTEGER NOT NULL,                     -- how often it may be used
    used              INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
INSERT INTO "invites" VALUES('ErMTGzLZfnEZ',117964800000000000,1800000610000,1801210210000,1,0);
INSERT INTO "invites" VALUES('QV13L82CiLby',117964800000000000,1800000000000,1801209600000,1,1);
INSERT INTO "invites" VALUES('g-MLunPYN9ZH',117964800000000000,1800000000000,1801209600000,1,1);
CREATE TABLE joins (                    -- who invited whom
    account           INTEGER PRIMARY KEY,
    invited_by        INTEGER,
    code              TEXT,
    at                INTEGER NOT NULL
);
INSERT INTO "joins" VALUES(117964800000000000,NULL,'',1800000000000);
INSERT INTO "joins" VALUES(117964800000001024,117964800000000000,'QV13L82CiLby',1800000000000);
INSERT INTO "joins" VALUES(117964800000002048,117964800000000000,'g-MLunPYN9ZH',1800000000000);
CREATE TABLE outbox (                   -- what must still happen because of a write, in its transaction
    id                INTEGER PRIMARY KEY,
    task              TEXT NOT NULL,
    args              TEXT NOT NULL,                        -- JSON object
    request_id        TEXT NOT NULL,                        -- of the request that caused it
    created_at        INTEGER NOT NULL
);
CREATE TABLE sessions (
    token             TEXT NOT NULL PRIMARY KEY,            -- SHA-256 of what the browser holds
    account           INTEGER NOT NULL,
    csrf              TEXT NOT NULL,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "sessions" VALUES('6dfab6734f90d0bc610616c0fb322d0d6c831ce9eb6a6702cee884d8e6dd3e1f',117964800000000000,'SlD1FcGlQRlfNv8dP_81wg',1800000610000,1802592610000);
CREATE TABLE usernames (                -- who is first has the name, for ever
    username          TEXT NOT NULL COLLATE NOCASE PRIMARY KEY,
    account           INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "usernames" VALUES('ada',117964800000000000);
INSERT INTO "usernames" VALUES('grace',117964800000001024);
INSERT INTO "usernames" VALUES('tim',117964800000002048);
CREATE INDEX sessions_by_account ON sessions (account);
CREATE INDEX invites_by_creator ON invites (created_by, created_at);
CREATE TRIGGER "_log_insert_outbox" AFTER INSERT ON "outbox" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'I', new."id", NULL ;  END;
CREATE TRIGGER "_log_delete_outbox" AFTER DELETE ON "outbox" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'D', old."id", NULL ;  END;
CREATE TRIGGER "_log_update_outbox" AFTER UPDATE ON "outbox" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'U', new."id", NULL WHERE old."id" IS new."id"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'D', old."id", NULL WHERE NOT (old."id" IS new."id"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'I', new."id", NULL WHERE NOT (old."id" IS new."id");  END;
CREATE TRIGGER "_log_insert_joins" AFTER INSERT ON "joins" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'joins', 'I', new."account", NULL ;  END;
CREATE TRIGGER "_log_delete_joins" AFTER DELETE ON "joins" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'joins', 'D', old."account", NULL ;  END;
CREATE TRIGGER "_log_update_joins" AFTER UPDATE ON "joins" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'joins', 'U', new."account", NULL WHERE old."account" IS new."account"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'joins', 'D', old."account", NULL WHERE NOT (old."account" IS new."account"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'joins', 'I', new."account", NULL WHERE NOT (old."account" IS new."account");  END;
CREATE TRIGGER "_log_insert_invites" AFTER INSERT ON "invites" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'invites', 'I', new."code", NULL ;  END;
CREATE TRIGGER "_log_delete_invites" AFTER DELETE ON "invites" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'invites', 'D', old."code", NULL ;  END;
CREATE TRIGGER "_log_update_invites" AFTER UPDATE ON "invites" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'invites', 'U', new."code", NULL WHERE old."code" IS new."code"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'invites', 'D', old."code", NULL WHERE NOT (old."code" IS new."code"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'invites', 'I', new."code", NULL WHERE NOT (old."code" IS new."code");  END;
CREATE TRIGGER "_log_insert_sessions" AFTER INSERT ON "sessions" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'sessions', 'I', new."token", NULL ;  END;
CREATE TRIGGER "_log_delete_sessions" AFTER DELETE ON "sessions" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'sessions', 'D', old."token", NULL ;  END;
CREATE TRIGGER "_log_update_sessions" AFTER UPDATE ON "sessions" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'sessions', 'U', new."token", NULL WHERE old."token" IS new."token"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'sessions', 'D', old."token", NULL WHERE NOT (old."token" IS new."token"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'sessions', 'I', new."token", NULL WHERE NOT (old."token" IS new."token");  END;
CREATE TRIGGER "_log_insert_emails" AFTER INSERT ON "emails" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'emails', 'I', new."email", NULL ;  END;
CREATE TRIGGER "_log_delete_emails" AFTER DELETE ON "emails" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'emails', 'D', old."email", NULL ;  END;
CREATE TRIGGER "_log_update_emails" AFTER UPDATE ON "emails" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'emails', 'U', new."email", NULL WHERE old."email" IS new."email"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'emails', 'D', old."email", NULL WHERE NOT (old."email" IS new."email"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'emails', 'I', new."email", NULL WHERE NOT (old."email" IS new."email");  END;
CREATE TRIGGER "_log_insert_usernames" AFTER INSERT ON "usernames" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'usernames', 'I', new."username", NULL ;  END;
CREATE TRIGGER "_log_delete_usernames" AFTER DELETE ON "usernames" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'usernames', 'D', old."username", NULL ;  END;
CREATE TRIGGER "_log_update_usernames" AFTER UPDATE ON "usernames" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'usernames', 'U', new."username", NULL WHERE old."username" IS new."username"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'usernames', 'D', old."username", NULL WHERE NOT (old."username" IS new."username"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'usernames', 'I', new."username", NULL WHERE NOT (old."username" IS new."username");  END;
CREATE TRIGGER "_log_insert_community" AFTER INSERT ON "community" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'community', 'I', new."name", NULL ;  END;
CREATE TRIGGER "_log_delete_community" AFTER DELETE ON "community" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'community', 'D', old."name", NULL ;  END;
CREATE TRIGGER "_log_update_community" AFTER UPDATE ON "community" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'community', 'U', new."name", NULL WHERE old."name" IS new."name"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'community', 'D', old."name", NULL WHERE NOT (old."name" IS new."name"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'community', 'I', new."name", NULL WHERE NOT (old."name" IS new."name");  END;
COMMIT;
PRAGMA user_version = 2;
-- shard 0
BEGIN TRANSACTION;
CREATE TABLE _log (       -- which rows changed
    seq     INTEGER PRIMARY KEY,        -- the position
    at      INTEGER,                    -- milliseconds since 1970
    tbl     TEXT,                       -- "" for a mark
    op      TEXT,                       -- I, U, D: a row; T: a term begins; S: from here on, only a snapshot helps
    k1, k2, k3,                         -- the key of the row, in its own types
    logged  TEXT                        -- JSON of declared columns: new values of an insert, else the old ones
);
INSERT INTO "_log" VALUES(1099511627776,1795424636142,'','T',NULL,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627777,1795424636151,'','S',NULL,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627778,1795424636167,'accounts','I',117964800000000000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627779,1795424636167,'credentials','I',117964800000000000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627780,1795424636174,'accounts','I',117964800000001024,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627781,1795424636174,'credentials','I',117964800000001024,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627782,1795424636179,'accounts','I',117964800000002048,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627783,1795424636179,'credentials','I',117964800000002048,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627784,1795424636182,'accounts','U',117964800000002048,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627785,1795424636183,'friendships','I',117964800000000000,117964800000001024,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627786,1795424636183,'outbox','I',117964803997696000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627787,1795424636186,'friendships','I',117964800000001024,117964800000000000,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627788,1795424636186,'notifications','I',117964800000001024,'request:117964800000000000:117964803997696000',NULL,NULL);
INSERT INTO "_log" VALUES(1099511627789,1795424636186,'outbox','I',117964803997696001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627790,1795424636186,'outbox','D',117964803997696000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627791,1795424636187,'letters_sent','I','request-117964803997696000-117964800000001024',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627792,1795424636187,'outbox','D',117964803997696001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627793,1795424636188,'friendships','U',117964800000001024,117964800000000000,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627794,1795424636188,'outbox','I',117964803997696002,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627795,1795424636188,'notifications','D',117964800000001024,'request:117964800000000000:117964803997696000',NULL,NULL);
INSERT INTO "_log" VALUES(1099511627796,1795424636190,'friendships','U',117964800000000000,117964800000001024,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627797,1795424636190,'outbox','I',117964803997696003,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627798,1795424636190,'outbox','I',117964803997696004,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627799,1795424636190,'notifications','I',117964800000000000,'accepted:117964800000001024:117964803997697025',NULL,NULL);
INSERT INTO "_log" VALUES(1099511627800,1795424636190,'outbox','I',117964803997696005,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627801,1795424636190,'outbox','D',117964803997696002,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627802,1795424636192,'outbox','D',117964803997696003,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627803,1795424636193,'outbox','D',117964803997696004,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627804,1795424636194,'letters_sent','I','accepted-117964803997697025-117964800000000000',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627805,1795424636195,'outbox','D',117964803997696005,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627806,1795424636195,'following','I',117964800000000000,117964800000002048,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627807,1795424636195,'outbox','I',117964807995392000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627808,1795424636196,'followers','I',117964800000002048,117964800000000000,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627809,1795424636196,'notifications','I',117964800000002048,'follow:117964800000000000:117964807995392000',NULL,NULL);
INSERT INTO "_log" VALUES(1099511627810,1795424636196,'outbox','I',117964807995392001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627811,1795424636196,'outbox','D',117964807995392000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627812,1795424636197,'outbox','D',117964807995392001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627813,1795424636200,'posts','I',117964811993088000,NULL,NULL,'{"author":117964800000000000,"visibility":"everyone","root":117964811993088000}');
INSERT INTO "_log" VALUES(1099511627814,1795424636200,'post_tags','I','patterns',117964811993088000,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627815,1795424636200,'home_feed','I',117964800000000000,117964811993088000,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627816,1795424636200,'outbox','I',117964811993088000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627817,1795424636200,'outbox','I',117964811993088001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627818,1795424636202,'home_feed','I',117964800000001024,117964811993088000,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627819,1795424636203,'outbox','D',117964811993088000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627820,1795424636206,'notifications','I',117964800000001024,'mention:117964811993088000',NULL,NULL);
INSERT INTO "_log" VALUES(1099511627821,1795424636206,'outbox','D',117964811993088001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627822,1795424636207,'posts','I',117964815990785024,NULL,NULL,'{"author":117964800000001024,"visibility":"everyone","root":117964811993088000}');
INSERT INTO "_log" VALUES(1099511627823,1795424636207,'home_feed','I',117964800000001024,117964815990785024,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627824,1795424636207,'outbox','I',117964815990784000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627825,1795424636207,'outbox','I',117964815990784001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627826,1795424636207,'outbox','I',117964815990784002,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627827,1795424636209,'home_feed','I',117964800000000000,117964815990785024,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627828,1795424636209,'outbox','D',117964815990784000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627829,1795424636210,'notifications','I',117964800000000000,'reply:117964815990785024',NULL,NULL);
INSERT INTO "_log" VALUES(1099511627830,1795424636211,'outbox','D',117964815990784001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627831,1795424636213,'replies','I',117964811993088000,117964815990785024,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627832,1795424636213,'posts','U',117964811993088000,NULL,NULL,'{"author":117964800000000000,"visibility":"everyone","root":117964811993088000}');
INSERT INTO "_log" VALUES(1099511627833,1795424636214,'threads','I',117964811993088000,117964815990785024,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627834,1795424636215,'outbox','D',117964815990784002,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627835,1795424636216,'posts','I',117964819988481024,NULL,NULL,'{"author":117964800000001024,"visibility":"friends","root":117964819988481024}');
INSERT INTO "_log" VALUES(1099511627836,1795424636216,'home_feed','I',117964800000001024,117964819988481024,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627837,1795424636216,'outbox','I',117964819988480000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627838,1795424636217,'home_feed','I',117964800000000000,117964819988481024,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627839,1795424636217,'outbox','D',117964819988480000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627840,1795424636218,'posts','I',117964823986178048,NULL,NULL,'{"author":117964800000002048,"visibility":"everyone","root":117964823986178048}');
INSERT INTO "_log" VALUES(1099511627841,1795424636218,'home_feed','I',117964800000002048,117964823986178048,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627842,1795424636218,'outbox','I',117964823986176000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627843,1795424636221,'home_feed','I',117964800000000000,117964823986178048,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627844,1795424636222,'outbox','D',117964823986176000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627845,1795424636223,'posts','I',117964827983874048,NULL,NULL,'{"author":117964800000002048,"visibility":"everyone","root":117964827983874048}');
INSERT INTO "_log" VALUES(1099511627846,1795424636223,'home_feed','I',117964800000002048,117964827983874048,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627847,1795424636223,'outbox','I',117964827983872000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627848,1795424636224,'home_feed','I',117964800000000000,117964827983874048,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627849,1795424636227,'outbox','D',117964827983872000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627850,1795424636229,'posts','D',117964827983874048,NULL,NULL,'{"author":117964800000002048,"visibility":"everyone","root":117964827983874048}');
INSERT INTO "_log" VALUES(1099511627851,1795424636229,'home_feed','D',117964800000002048,117964827983874048,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627852,1795424636229,'outbox','I',117964827983872001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627853,1795424636230,'home_feed','D',117964800000000000,117964827983874048,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627854,1795424636230,'outbox','D',117964827983872001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627855,1795424636232,'likes','I',117964811993088000,117964800000001024,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627856,1795424636232,'posts','U',117964811993088000,NULL,NULL,'{"author":117964800000000000,"visibility":"everyone","root":117964811993088000}');
INSERT INTO "_log" VALUES(1099511627857,1795424636232,'outbox','I',117964831981568000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627858,1795424636235,'likes','I',117964811993088000,117964800000002048,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627859,1795424636235,'posts','U',117964811993088000,NULL,NULL,'{"author":117964800000000000,"visibility":"everyone","root":117964811993088000}');
INSERT INTO "_log" VALUES(1099511627860,1795424636235,'outbox','I',117964831981568001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627861,1795424636236,'notifications','I',117964800000000000,'like:117964811993088000:117964800000001024',NULL,NULL);
INSERT INTO "_log" VALUES(1099511627862,1795424636236,'outbox','D',117964831981568000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627863,1795424636236,'notifications','I',117964800000000000,'like:117964811993088000:117964800000002048',NULL,NULL);
INSERT INTO "_log" VALUES(1099511627864,1795424636236,'outbox','D',117964831981568001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627865,1795424636238,'notifications_seen','I',117964800000000000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627866,1795424636239,'friendships','I',117964800000002048,117964800000000000,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627867,1795424636239,'outbox','I',117964835979264000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627868,1795424636241,'friendships','I',117964800000000000,117964800000002048,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627869,1795424636241,'notifications','I',117964800000000000,'request:117964800000002048:117964835979266049',NULL,NULL);
INSERT INTO "_log" VALUES(1099511627870,1795424636241,'outbox','I',117964835979264001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627871,1795424636241,'outbox','D',117964835979264000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627872,1795424636243,'letters_sent','I','request-117964835979266049-117964800000000000',NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627873,1795424636243,'outbox','D',117964835979264001,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627874,1795424636244,'likes','I',117964815990785024,117964800000000000,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627875,1795424636244,'posts','U',117964815990785024,NULL,NULL,'{"author":117964800000001024,"visibility":"everyone","root":117964811993088000}');
INSERT INTO "_log" VALUES(1099511627876,1795424636244,'outbox','I',117964839976960000,NULL,NULL,NULL);
INSERT INTO "_log" VALUES(1099511627877,1795817878816,'','S',NULL,NULL,NULL,NULL);
CREATE TABLE accounts (                 -- what everybody may know of a person
    id                INTEGER PRIMARY KEY,
    username          TEXT NOT NULL,
    display_name      TEXT NOT NULL,
    bio               TEXT NOT NULL DEFAULT '',
    role              TEXT NOT NULL DEFAULT 'member',       -- member, moderator, admin
    approves_followers INTEGER NOT NULL DEFAULT 1,          -- 0: followed at once, one way
    created_at        INTEGER NOT NULL
);
INSERT INTO "accounts" VALUES(117964800000000000,'ada','Ada Lovelace','','admin',1,1800000000000);
INSERT INTO "accounts" VALUES(117964800000001024,'grace','Grace','','member',1,1800000000000);
INSERT INTO "accounts" VALUES(117964800000002048,'tim','Tim Berners-Lee','The noticeboard','member',0,1800000000000);
CREATE TABLE credentials (              -- what nobody may know: apart, so that no page can select it by accident
    account           INTEGER PRIMARY KEY,
    email             TEXT NOT NULL,
    password          TEXT NOT NULL                         -- scrypt, with its parameters and salt
);
INSERT INTO "credentials" VALUES(117964800000000000,'ada@club.example','scrypt$4$YxPLxa08CBK6GxFB99lt3Q==$Hx0oYSZpBE/LURvrzH+Oq2EpslAerq12ciYPKWpdin8=');
INSERT INTO "credentials" VALUES(117964800000001024,'grace@club.example','scrypt$4$mMPbGoqqKn4MP+xWsS5n0w==$36tpWJ7VcIOqsuJVVI3ab1OZhKsmsXBXlMIO2BsGd58=');
INSERT INTO "credentials" VALUES(117964800000002048,'tim@club.example','scrypt$4$AgETBJYHlKhgQ2gZH+vc3w==$YipFhXJC1m+A2o9gRAMo09c+6h1hrlzEfK9WPDuJC6o=');
CREATE TABLE followers (                -- the same, on the followed person's side
    account           INTEGER NOT NULL,
    other             INTEGER NOT NULL,
    active            INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    PRIMARY KEY (account, other)
) WITHOUT ROWID;
INSERT INTO "followers" VALUES(117964800000002048,117964800000000000,1,117964807995392000);
CREATE TABLE following (                -- one-way follows, on the follower's side
    account           INTEGER NOT NULL,
    other             INTEGER NOT NULL,
    active            INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    PRIMARY KEY (account, other)
) WITHOUT ROWID;
INSERT INTO "following" VALUES(117964800000000000,117964800000002048,1,117964807995392000);
CREATE TABLE friendships (              -- one register on each side; of two, the higher version is true
    account           INTEGER NOT NULL,                     -- whose side this is
    other             INTEGER NOT NULL,
    state             TEXT NOT NULL,                        -- requested, received, friends, ended
    version           INTEGER NOT NULL,                     -- an identifier: when, and on which shard
    PRIMARY KEY (account, other)
) WITHOUT ROWID;
INSERT INTO "friendships" VALUES(117964800000000000,117964800000001024,'friends',117964803997697025);
INSERT INTO "friendships" VALUES(117964800000000000,117964800000002048,'received',117964835979266049);
INSERT INTO "friendships" VALUES(117964800000001024,117964800000000000,'friends',117964803997697025);
INSERT INTO "friendships" VALUES(117964800000002048,117964800000000000,'requested',117964835979266049);
CREATE TABLE home_feed (                -- written when a post is published; newest 800 are kept
    account           INTEGER NOT NULL,
    post              INTEGER NOT NULL,
    author            INTEGER NOT NULL,
    PRIMARY KEY (account, post)
) WITHOUT ROWID;
INSERT INTO "home_feed" VALUES(117964800000000000,117964811993088000,117964800000000000);
INSERT INTO "home_feed" VALUES(117964800000000000,117964815990785024,117964800000001024);
INSERT INTO "home_feed" VALUES(117964800000000000,117964819988481024,117964800000001024);
INSERT INTO "home_feed" VALUES(117964800000000000,117964823986178048,117964800000002048);
INSERT INTO "home_feed" VALUES(117964800000001024,117964811993088000,117964800000000000);
INSERT INTO "home_feed" VALUES(117964800000001024,117964815990785024,117964800000001024);
INSERT INTO "home_feed" VALUES(117964800000001024,117964819988481024,117964800000001024);
INSERT INTO "home_feed" VALUES(117964800000002048,117964823986178048,117964800000002048);
CREATE TABLE "letters_sent" (
    account           INTEGER NOT NULL,
    key               TEXT NOT NULL,
    at                INTEGER NOT NULL,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
INSERT INTO "letters_sent" VALUES(117964800000000000,'accepted-117964803997697025-117964800000000000',1800000061000);
INSERT INTO "letters_sent" VALUES(117964800000000000,'request-117964835979266049-117964800000000000',1800000549000);
INSERT INTO "letters_sent" VALUES(117964800000001024,'request-117964803997696000-117964800000001024',1800000061000);
CREATE TABLE likes (                    -- received: they lie with the post
    post              INTEGER NOT NULL,
    account           INTEGER NOT NULL,
    PRIMARY KEY (post, account)
) WITHOUT ROWID;
INSERT INTO "likes" VALUES(117964811993088000,117964800000001024);
INSERT INTO "likes" VALUES(117964811993088000,117964800000002048);
INSERT INTO "likes" VALUES(117964815990785024,117964800000000000);
CREATE TABLE notifications (
    account           INTEGER NOT NULL,
    key               TEXT NOT NULL,                        -- idempotency: "like:<post>:<actor>"
    id                INTEGER NOT NULL,                     -- when it arrived
    kind              TEXT NOT NULL,                        -- request, accepted, follow, mention, reply, like
    actor             INTEGER NOT NULL,
    post              INTEGER,
    PRIMARY KEY (account, key)
) WITHOUT ROWID;
INSERT INTO "notifications" VALUES(117964800000000000,'accepted:117964800000001024:117964803997697025',117964803997696001,'accepted',117964800000001024,NULL);
INSERT INTO "notifications" VALUES(117964800000000000,'like:117964811993088000:117964800000001024',117964831981568000,'like',117964800000001024,117964811993088000);
INSERT INTO "notifications" VALUES(117964800000000000,'like:117964811993088000:117964800000002048',117964831981568001,'like',117964800000002048,117964811993088000);
INSERT INTO "notifications" VALUES(117964800000000000,'reply:117964815990785024',117964815990784000,'reply',117964800000001024,117964815990785024);
INSERT INTO "notifications" VALUES(117964800000000000,'request:117964800000002048:117964835979266049',117964835979264001,'request',117964800000002048,NULL);
INSERT INTO "notifications" VALUES(117964800000001024,'mention:117964811993088000',117964811993089024,'mention',117964800000000000,117964811993088000);
INSERT INTO "notifications" VALUES(117964800000002048,'follow:117964800000000000:117964807995392000',117964807995394048,'follow',117964800000000000,NULL);
CREATE TABLE notifications_seen (       -- everything up to this id was looked at
    account           INTEGER PRIMARY KEY,
    id                INTEGER NOT NULL
);
INSERT INTO "notifications_seen" VALUES(117964800000000000,117964803997696001);
CREATE TABLE outbox (                   -- what must still happen because of a write, in its transaction
    id                INTEGER PRIMARY KEY,
    task              TEXT NOT NULL,
    args              TEXT NOT NULL,                        -- JSON object
    request_id        TEXT NOT NULL,                        -- of the request that caused it
    created_at        INTEGER NOT NULL
);
INSERT INTO "outbox" VALUES(117964839976960000,'notify','{"account":117964800000001024,"key":"like:117964815990785024:117964800000000000","kind":"like","actor":117964800000000000,"post":117964815990785024}','',1800000610000);
CREATE TABLE post_tags (
    tag               TEXT NOT NULL,                        -- lower case
    post              INTEGER NOT NULL,
    PRIMARY KEY (tag, post)
) WITHOUT ROWID;
INSERT INTO "post_tags" VALUES('patterns',117964811993088000);
CREATE TABLE posts (
    id                INTEGER PRIMARY KEY,                  -- on its author's shard
    author            INTEGER NOT NULL,
    text              TEXT NOT NULL,
    visibility        TEXT NOT NULL,                        -- everyone, friends, direct
    in_reply_to       INTEGER,
    root              INTEGER NOT NULL,                     -- the post its thread began with; itself for a first post
    mentions          TEXT NOT NULL DEFAULT '[]',           -- JSON list of [account, username]
    likes             INTEGER NOT NULL DEFAULT 0,           -- kept in the transaction that adds the like
    replies           INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "posts" VALUES(117964811993088000,117964800000000000,'The engine weaves #patterns, says @grace','everyone',NULL,117964811993088000,'[[117964800000001024,"grace"]]',2,1);
INSERT INTO "posts" VALUES(117964815990785024,117964800000001024,'It''s what I "compile"; so there','everyone',117964811993088000,117964811993088000,'[]',1,0);
INSERT INTO "posts" VALUES(117964819988481024,117964800000001024,'Only for friends','friends',NULL,117964819988481024,'[]',0,0);
INSERT INTO "posts" VALUES(117964823986178048,117964800000002048,'Umbrella found: ☂','everyone',NULL,117964823986178048,'[]',0,0);
CREATE TABLE replies (                  -- received: they lie with the post replied to, and make its counter exact
    post              INTEGER NOT NULL,
    reply             INTEGER NOT NULL,
    PRIMARY KEY (post, reply)
) WITHOUT ROWID;
INSERT INTO "replies" VALUES(117964811993088000,117964815990785024);
CREATE TABLE threads (                  -- all replies below a root, however deep
    root              INTEGER NOT NULL,
    post              INTEGER NOT NULL,
    PRIMARY KEY (root, post)
) WITHOUT ROWID;
INSERT INTO "threads" VALUES(117964811993088000,117964815990785024);
CREATE INDEX posts_by_author ON posts (author, id);
CREATE INDEX posts_for_everyone ON posts (id) WHERE visibility = 'everyone';
CREATE INDEX post_tags_by_post ON post_tags (post);
CREATE INDEX friendships_by_state ON friendships (account, state, version);
CREATE INDEX home_feed_by_author ON home_feed (account, author);
CREATE INDEX notifications_by_time ON notifications (account, id);
CREATE TRIGGER "_log_insert_outbox" AFTER INSERT ON "outbox" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'I', new."id", NULL ;  END;
CREATE TRIGGER "_log_delete_outbox" AFTER DELETE ON "outbox" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'D', old."id", NULL ;  END;
CREATE TRIGGER "_log_update_outbox" AFTER UPDATE ON "outbox" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'U', new."id", NULL WHERE old."id" IS new."id"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'D', old."id", NULL WHERE NOT (old."id" IS new."id"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'outbox', 'I', new."id", NULL WHERE NOT (old."id" IS new."id");  END;
CREATE TRIGGER "_log_insert_notifications" AFTER INSERT ON "notifications" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications', 'I', new."account", new."key", NULL ;  END;
CREATE TRIGGER "_log_delete_notifications" AFTER DELETE ON "notifications" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications', 'D', old."account", old."key", NULL ;  END;
CREATE TRIGGER "_log_update_notifications" AFTER UPDATE ON "notifications" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications', 'U', new."account", new."key", NULL WHERE old."account" IS new."account" AND old."key" IS new."key"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications', 'D', old."account", old."key", NULL WHERE NOT (old."account" IS new."account" AND old."key" IS new."key"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications', 'I', new."account", new."key", NULL WHERE NOT (old."account" IS new."account" AND old."key" IS new."key");  END;
CREATE TRIGGER "_log_insert_following" AFTER INSERT ON "following" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'following', 'I', new."account", new."other", NULL ;  END;
CREATE TRIGGER "_log_delete_following" AFTER DELETE ON "following" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'following', 'D', old."account", old."other", NULL ;  END;
CREATE TRIGGER "_log_update_following" AFTER UPDATE ON "following" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'following', 'U', new."account", new."other", NULL WHERE old."account" IS new."account" AND old."other" IS new."other"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'following', 'D', old."account", old."other", NULL WHERE NOT (old."account" IS new."account" AND old."other" IS new."other"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'following', 'I', new."account", new."other", NULL WHERE NOT (old."account" IS new."account" AND old."other" IS new."other");  END;
CREATE TRIGGER "_log_insert_credentials" AFTER INSERT ON "credentials" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'credentials', 'I', new."account", NULL ;  END;
CREATE TRIGGER "_log_delete_credentials" AFTER DELETE ON "credentials" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'credentials', 'D', old."account", NULL ;  END;
CREATE TRIGGER "_log_update_credentials" AFTER UPDATE ON "credentials" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'credentials', 'U', new."account", NULL WHERE old."account" IS new."account"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'credentials', 'D', old."account", NULL WHERE NOT (old."account" IS new."account"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'credentials', 'I', new."account", NULL WHERE NOT (old."account" IS new."account");  END;
CREATE TRIGGER "_log_insert_followers" AFTER INSERT ON "followers" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'followers', 'I', new."account", new."other", NULL ;  END;
CREATE TRIGGER "_log_delete_followers" AFTER DELETE ON "followers" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'followers', 'D', old."account", old."other", NULL ;  END;
CREATE TRIGGER "_log_update_followers" AFTER UPDATE ON "followers" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'followers', 'U', new."account", new."other", NULL WHERE old."account" IS new."account" AND old."other" IS new."other"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'followers', 'D', old."account", old."other", NULL WHERE NOT (old."account" IS new."account" AND old."other" IS new."other"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'followers', 'I', new."account", new."other", NULL WHERE NOT (old."account" IS new."account" AND old."other" IS new."other");  END;
CREATE TRIGGER "_log_insert_posts" AFTER INSERT ON "posts" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'posts', 'I', new."id", json_object('author', new."author", 'visibility', new."visibility", 'root', new."root") ;  END;
CREATE TRIGGER "_log_delete_posts" AFTER DELETE ON "posts" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'posts', 'D', old."id", json_object('author', old."author", 'visibility', old."visibility", 'root', old."root") ;  END;
CREATE TRIGGER "_log_update_posts" AFTER UPDATE ON "posts" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'posts', 'U', new."id", json_object('author', old."author", 'visibility', old."visibility", 'root', old."root") WHERE old."id" IS new."id"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'posts', 'D', old."id", json_object('author', old."author", 'visibility', old."visibility", 'root', old."root") WHERE NOT (old."id" IS new."id"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'posts', 'I', new."id", json_object('author', new."author", 'visibility', new."visibility", 'root', new."root") WHERE NOT (old."id" IS new."id");  END;
CREATE TRIGGER "_log_insert_post_tags" AFTER INSERT ON "post_tags" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'post_tags', 'I', new."tag", new."post", NULL ;  END;
CREATE TRIGGER "_log_delete_post_tags" AFTER DELETE ON "post_tags" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'post_tags', 'D', old."tag", old."post", NULL ;  END;
CREATE TRIGGER "_log_update_post_tags" AFTER UPDATE ON "post_tags" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'post_tags', 'U', new."tag", new."post", NULL WHERE old."tag" IS new."tag" AND old."post" IS new."post"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'post_tags', 'D', old."tag", old."post", NULL WHERE NOT (old."tag" IS new."tag" AND old."post" IS new."post"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'post_tags', 'I', new."tag", new."post", NULL WHERE NOT (old."tag" IS new."tag" AND old."post" IS new."post");  END;
CREATE TRIGGER "_log_insert_notifications_seen" AFTER INSERT ON "notifications_seen" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications_seen', 'I', new."account", NULL ;  END;
CREATE TRIGGER "_log_delete_notifications_seen" AFTER DELETE ON "notifications_seen" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications_seen', 'D', old."account", NULL ;  END;
CREATE TRIGGER "_log_update_notifications_seen" AFTER UPDATE ON "notifications_seen" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications_seen', 'U', new."account", NULL WHERE old."account" IS new."account"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications_seen', 'D', old."account", NULL WHERE NOT (old."account" IS new."account"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'notifications_seen', 'I', new."account", NULL WHERE NOT (old."account" IS new."account");  END;
CREATE TRIGGER "_log_insert_likes" AFTER INSERT ON "likes" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'likes', 'I', new."post", new."account", NULL ;  END;
CREATE TRIGGER "_log_delete_likes" AFTER DELETE ON "likes" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'likes', 'D', old."post", old."account", NULL ;  END;
CREATE TRIGGER "_log_update_likes" AFTER UPDATE ON "likes" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'likes', 'U', new."post", new."account", NULL WHERE old."post" IS new."post" AND old."account" IS new."account"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'likes', 'D', old."post", old."account", NULL WHERE NOT (old."post" IS new."post" AND old."account" IS new."account"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'likes', 'I', new."post", new."account", NULL WHERE NOT (old."post" IS new."post" AND old."account" IS new."account");  END;
CREATE TRIGGER "_log_insert_home_feed" AFTER INSERT ON "home_feed" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'home_feed', 'I', new."account", new."post", NULL ;  END;
CREATE TRIGGER "_log_delete_home_feed" AFTER DELETE ON "home_feed" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'home_feed', 'D', old."account", old."post", NULL ;  END;
CREATE TRIGGER "_log_update_home_feed" AFTER UPDATE ON "home_feed" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'home_feed', 'U', new."account", new."post", NULL WHERE old."account" IS new."account" AND old."post" IS new."post"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'home_feed', 'D', old."account", old."post", NULL WHERE NOT (old."account" IS new."account" AND old."post" IS new."post"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'home_feed', 'I', new."account", new."post", NULL WHERE NOT (old."account" IS new."account" AND old."post" IS new."post");  END;
CREATE TRIGGER "_log_insert_accounts" AFTER INSERT ON "accounts" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'accounts', 'I', new."id", NULL ;  END;
CREATE TRIGGER "_log_delete_accounts" AFTER DELETE ON "accounts" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'accounts', 'D', old."id", NULL ;  END;
CREATE TRIGGER "_log_update_accounts" AFTER UPDATE ON "accounts" BEGIN INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'accounts', 'U', new."id", NULL WHERE old."id" IS new."id"; INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'accounts', 'D', old."id", NULL WHERE NOT (old."id" IS new."id"); INSERT INTO _log (at, tbl, op, k1, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'accounts', 'I', new."id", NULL WHERE NOT (old."id" IS new."id");  END;
CREATE TRIGGER "_log_insert_replies" AFTER INSERT ON "replies" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'replies', 'I', new."post", new."reply", NULL ;  END;
CREATE TRIGGER "_log_delete_replies" AFTER DELETE ON "replies" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'replies', 'D', old."post", old."reply", NULL ;  END;
CREATE TRIGGER "_log_update_replies" AFTER UPDATE ON "replies" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'replies', 'U', new."post", new."reply", NULL WHERE old."post" IS new."post" AND old."reply" IS new."reply"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'replies', 'D', old."post", old."reply", NULL WHERE NOT (old."post" IS new."post" AND old."reply" IS new."reply"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'replies', 'I', new."post", new."reply", NULL WHERE NOT (old."post" IS new."post" AND old."reply" IS new."reply");  END;
CREATE TRIGGER "_log_insert_threads" AFTER INSERT ON "threads" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'threads', 'I', new."root", new."post", NULL ;  END;
CREATE TRIGGER "_log_delete_threads" AFTER DELETE ON "threads" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'threads', 'D', old."root", old."post", NULL ;  END;
CREATE TRIGGER "_log_update_threads" AFTER UPDATE ON "threads" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'threads', 'U', new."root", new."post", NULL WHERE old."root" IS new."root" AND old."post" IS new."post"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'threads', 'D', old."root", old."post", NULL WHERE NOT (old."root" IS new."root" AND old."post" IS new."post"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'threads', 'I', new."root", new."post", NULL WHERE NOT (old."root" IS new."root" AND old."post" IS new."post");  END;
CREATE TRIGGER "_log_insert_friendships" AFTER INSERT ON "friendships" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'friendships', 'I', new."account", new."other", NULL ;  END;
CREATE TRIGGER "_log_delete_friendships" AFTER DELETE ON "friendships" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'friendships', 'D', old."account", old."other", NULL ;  END;
CREATE TRIGGER "_log_update_friendships" AFTER UPDATE ON "friendships" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'friendships', 'U', new."account", new."other", NULL WHERE old."account" IS new."account" AND old."other" IS new."other"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'friendships', 'D', old."account", old."other", NULL WHERE NOT (old."account" IS new."account" AND old."other" IS new."other"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'friendships', 'I', new."account", new."other", NULL WHERE NOT (old."account" IS new."account" AND old."other" IS new."other");  END;
CREATE TRIGGER "_log_insert_letters_sent" AFTER INSERT ON "letters_sent" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'letters_sent', 'I', new."account", new."key", NULL ;  END;
CREATE TRIGGER "_log_delete_letters_sent" AFTER DELETE ON "letters_sent" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'letters_sent', 'D', old."account", old."key", NULL ;  END;
CREATE TRIGGER "_log_update_letters_sent" AFTER UPDATE ON "letters_sent" BEGIN INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'letters_sent', 'U', new."account", new."key", NULL WHERE old."account" IS new."account" AND old."key" IS new."key"; INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'letters_sent', 'D', old."account", old."key", NULL WHERE NOT (old."account" IS new."account" AND old."key" IS new."key"); INSERT INTO _log (at, tbl, op, k1, k2, logged) SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 'letters_sent', 'I', new."account", new."key", NULL WHERE NOT (old."account" IS new."account" AND old."key" IS new."key");  END;
COMMIT;
PRAGMA user_version = 2;
