"""What is due again and again: on a clock that is moved, at the boundary, in parts, and when the clock is wrong."""

import pytest

from minisocial.background import Task
from minisocial.social.home_feeds import KEPT, SHORTEST
from minisocial.social.sessions import LASTS_MS
from minisocial.social.tasks import Tasks, digest, upkeep

DAY = 24 * 3600


class Host:
    """A worker with a mail server, whose jobs are begun by hand."""

    def __init__(self, club):
        self.club = club
        self.letters = []
        tasks = Tasks(club.elsewhere, self.letters.append, lambda: "http://club.example", has_server=True)
        self.handlers = tasks.handlers()
        self.jobs = {job.name: job for job in tasks.jobs()}
        self.before = club.clock.milliseconds()

    def run(self, name, at=None, before=None):
        """One job to its end, part after part; how many parts there were, and what the last one said."""
        at = at or self.club.clock.milliseconds()
        args = {"at": at, "before": self.before if before is None else before}
        parts, said = 0, ""
        while args is not None:
            said = self.jobs[name].run(Task(-1, "nowhere", f"job:{name}", args))
            parts += 1
            args = self._following(name)
        self.work()
        return parts, said

    def _following(self, name):
        for shard, id, task, args in outbox(self.club):
            if task == f"job:{name}":
                with self.club.cluster.write(shard) as tx:
                    tx.execute("DELETE FROM outbox WHERE id = ?", (id,))
                return args
        return None

    def work(self):
        for shard, id, task, args in outbox(self.club):
            self.handlers[task](Task(id, shard, task, args))
            with self.club.cluster.write(shard) as tx:
                tx.execute("DELETE FROM outbox WHERE id = ?", (id,))


def outbox(club):
    import json

    found = []
    for shard in club.cluster.names:
        with club.cluster.read(shard, club.cluster.position(shard)) as reader:
            rows = reader.rows("SELECT id, task, args FROM outbox ORDER BY id")
        found += [(shard, id, task, json.loads(args)) for id, task, args in rows]
    return found


@pytest.fixture
def host(club):
    """With a handler for every job, as a system has."""
    host = Host(club)
    club.background.handle({f"job:{name}": job.run for name, job in host.jobs.items()})
    club.background.handle({"digest": host.handlers["digest"]})
    return host


def rows(club, sql, *params, shard="directory"):
    with club.cluster.read(shard, club.cluster.position(shard)) as reader:
        return reader.rows(sql, params)


def pass_days(club, host, days):
    """The clock goes on; the day before, all jobs ran."""
    club.clock.advance(days * DAY)
    host.before = club.clock.milliseconds() - DAY * 1000


# --- expiry


def test_a_session_goes_when_it_ran_out_and_not_a_moment_before(club, host):
    ada = club.person("ada")
    session = club.social.sessions.open(ada)
    pass_days(club, host, 30)
    end = club.clock.milliseconds()
    assert LASTS_MS == 30 * DAY * 1000
    host.run("expire", at=end - 1)
    assert len(rows(club, "SELECT 1 FROM sessions")) == 1
    club.clock.advance(-1)
    assert club.elsewhere.sessions.find(session.token)
    host.run("expire", at=end)
    assert rows(club, "SELECT 1 FROM sessions") == []


def test_an_invite_is_kept_for_a_month_after_its_end_so_that_its_page_says_so(club, host):
    ada = club.person("ada")
    invite = club.social.invites.make(ada, days=1)
    used = club.social.invites.make(ada, days=90)
    pass_days(club, host, 31)
    end = invite.expires_at + 30 * DAY * 1000
    host.run("expire", at=end - 1)
    assert invite.code in [each.code for each in club.social.invites.by(ada)]
    host.run("expire", at=end)
    assert [each.code for each in club.social.invites.by(ada)] == [used.code]


def test_tickets_go_a_week_after_they_were_made_and_the_account_stays(club, host):
    ada, now = club.person("ada"), club.clock.milliseconds()
    with club.cluster.write("directory") as tx:
        tx.execute("DELETE FROM tickets")  # hers, who has just joined
        for token, age, expires_at in (("old", 7 * DAY, now), ("used", 6 * DAY, 0), ("new", 0, now + 1)):
            tx.execute(
                "INSERT INTO tickets VALUES (?, 'confirm', ?, 'new@club.example', ?, ?)",
                (token, ada, now - age * 1000, expires_at),
            )
    host.before = now - DAY * 1000
    host.run("expire")
    assert {token for (token,) in rows(club, "SELECT token FROM tickets")} == {"used", "new"}
    assert club.social.accounts.get(ada) and club.social.accounts.email(ada) == "ada@club.example"


def test_very_many_go_in_parts(club, host):
    ada = club.person("ada")
    with club.cluster.write("directory") as tx:
        tx.executemany(
            "INSERT INTO sessions VALUES (?, ?, '', 0, 1)", [(str(number), ada) for number in range(upkeep.AT_ONCE + 3)]
        )
    assert host.run("expire") == (2, f"{upkeep.AT_ONCE + 3} sessions, links and invites removed")
    assert rows(club, "SELECT 1 FROM sessions") == []


def test_a_clock_that_is_a_year_ahead_ends_nothing_that_is_still_good(club, host):
    ada = club.person("ada")
    session = club.social.sessions.open(ada)
    invite = club.social.invites.make(ada)
    now = club.clock.milliseconds()
    host.run("expire", at=now + 366 * DAY * 1000, before=now)
    assert club.elsewhere.sessions.find(session.token) and club.social.invites.find(invite.code)


def test_a_clock_that_was_set_back_ends_nothing(club, host):
    session = club.social.sessions.open(club.person("ada"))
    now = club.clock.milliseconds()
    host.run("expire", at=now - 366 * DAY * 1000, before=now)
    assert club.elsewhere.sessions.find(session.token)


def test_the_very_first_time_nothing_is_removed(club, host):
    club.social.sessions.open(club.person("ada"))
    pass_days(club, host, 31)
    host.run("expire", before=0)
    assert len(rows(club, "SELECT 1 FROM sessions")) == 1


# --- trimming


def feed_length(club, account):
    shard = club.cluster.shard_of(account)
    return rows(club, "SELECT count(*) FROM home_feed WHERE account = ?", account, shard=shard)[0][0]


def fill(club, account, entries):
    with club.cluster.write(club.cluster.shard_of(account)) as tx:
        tx.executemany(
            "INSERT INTO home_feed VALUES (?, ?, ?)", [(account, id, account) for id in range(1, entries + 1)]
        )


def test_a_feed_keeps_800_entries_and_of_who_is_away_the_newest_200(club, host):
    ada, grace, alan = (club.person(name) for name in ("ada", "grace", "alan"))
    for account in ada, grace, alan:
        fill(club, account, KEPT + 5)
    pass_days(club, host, 31)
    club.social.sessions.open(ada)
    club.social.notifications.mark_seen(grace, club.cluster.new_id(grace))
    host.run("trim")
    assert [feed_length(club, account) for account in (ada, grace, alan)] == [KEPT, KEPT, SHORTEST]
    shard = club.cluster.shard_of(alan)
    assert rows(club, "SELECT min(post) FROM home_feed WHERE account = ?", alan, shard=shard) == [
        (KEPT + 6 - SHORTEST,)
    ]


@pytest.mark.parametrize(("days", "left"), [(30 - 1 / DAY, KEPT), (30, SHORTEST)])
def test_away_means_for_thirty_days(club, host, days, left):
    ada = club.person("ada")
    with club.cluster.write(club.cluster.shard_of(ada)) as tx:
        tx.execute("UPDATE accounts SET created_at = ? WHERE id = ?", (club.clock.milliseconds(), ada))
    fill(club, ada, KEPT)
    pass_days(club, host, days)
    host.run("trim")
    assert feed_length(club, ada) == left


def test_everybody_on_every_shard_has_their_turn(club, host, monkeypatch):
    monkeypatch.setattr(upkeep, "AT_ONCE", 2)
    people = [club.person(name) for name in ("ada", "grace", "alan", "edsger", "barbara")]
    for account in people:
        fill(club, account, KEPT + 1)
    parts, said = host.run("trim")
    assert parts >= 4 and said == "5 home feeds cut"
    assert {feed_length(club, account) for account in people} == {KEPT}


def test_which_letters_were_sent_is_known_for_ninety_days(club, host):
    ada = club.person("ada")
    shard, now = club.cluster.shard_of(ada), club.clock.milliseconds()
    with club.cluster.write(shard) as tx:
        for days, at in (("old", now - 90 * DAY * 1000 - 1), ("young", now - 90 * DAY * 1000)):
            tx.execute("INSERT INTO letters_sent VALUES (?, ?, ?)", (ada, days, at))
    host.before = now - DAY * 1000
    host.run("trim")
    assert rows(club, "SELECT key FROM letters_sent WHERE key IN ('old', 'young')", shard=shard) == [("young",)]


# --- the digest


@pytest.fixture
def ada(club, host):
    """Somebody who confirmed her address and wants a digest every day; Grace is her friend."""
    ada, grace = club.person("ada"), club.person("grace")
    club.befriend(ada, grace)
    confirm(club, ada)
    club.social.preferences.choose(ada, {"digest": "daily"})
    club.social.notifications.mark_seen(ada, club.cluster.new_id(ada))
    pass_days(club, host, 1)
    return ada


def confirm(club, account):
    with club.cluster.write(club.cluster.shard_of(account)) as tx:
        tx.execute("UPDATE credentials SET confirmed_at = 1 WHERE account = ?", (account,))


def say(club, text, author="grace", visibility="friends"):
    club.clock.advance(1)
    id = club.social.posts.publish(club.person(author), text, visibility).post.id
    club.work()
    return id


def test_a_digest_tells_of_posts_requests_and_notifications(club, host, ada):
    post = say(club, "I found <a bug>\nin the relay")
    say(club, "not for her", author="alan")
    say(club, "her own", author="ada")
    club.social.posts.like(club.person("grace"), club.social.feeds.profile(ada, ada).items[0].post.id)
    club.social.friends.add(club.person("tim"), ada)
    club.work()
    host.letters.clear()
    host.run("digest")
    (letter,) = host.letters
    assert letter.to == "ada@club.example" and letter.subject == "New on The Club"
    assert "Grace: I found <a bug> in the relay\n\nhttp://club.example/@grace/" + str(post) in letter.text
    assert "One friend request waits for your answer.\n\nhttp://club.example/friends" in letter.text
    assert "not read: 2." in letter.text
    assert "not for her" not in letter.text and "her own" not in letter.text
    assert "I found &lt;a bug&gt;" in letter.html and "<a bug>" not in letter.html


def test_with_nothing_to_say_nothing_is_sent(club, host, ada):
    host.run("digest")
    assert host.letters == []


def test_a_digest_comes_once_a_day_however_often_its_task_runs(club, host, ada):
    say(club, "news")
    host.run("digest")
    host.run("digest")
    assert len(host.letters) == 1
    pass_days(club, host, 1)
    host.run("digest")
    assert len(host.letters) == 1  # the news was told
    say(club, "more")
    pass_days(club, host, 1)
    host.run("digest")
    assert len(host.letters) == 2 and "more" in host.letters[1].text and "Grace: news" not in host.letters[1].text


def test_it_tells_of_what_came_since_the_last_visit(club, host, ada):
    say(club, "before")
    club.clock.advance(60)
    club.social.sessions.open(ada)
    say(club, "after")
    host.run("digest")
    assert "after" in host.letters[0].text and "before" not in host.letters[0].text


def test_a_weekly_digest_comes_on_one_day_of_the_week_another_one_for_others(club, host, ada):
    club.social.preferences.choose(ada, {"digest": "weekly"})
    letters = []
    for _ in range(14):
        say(club, f"news of day {len(letters)}")
        pass_days(club, host, 1)
        host.letters.clear()
        host.run("digest")
        letters.append(len(host.letters))
    assert sum(letters) == 2 and letters[:7] == letters[7:]
    days = {digest.week(account << 16, 20_000) for account in range(7)}
    assert (
        len(
            {
                next(d for d in range(20_000, 20_007) if digest.week(a << 16, d) > digest.week(a << 16, d - 1))
                for a in range(7)
            }
        )
        == 7
        and days
    )


def test_a_week_that_ended_while_the_site_was_off_has_its_digest_afterwards(club, host, ada):
    club.social.preferences.choose(ada, {"digest": "weekly"})
    before = club.clock.milliseconds()
    club.clock.advance(9 * DAY)
    say(club, "news")
    host.run("digest", before=before)
    assert len(host.letters) == 1


@pytest.mark.parametrize("change", ["off", "suspended", "unconfirmed", "weekly by now"])
def test_no_digest_for(club, host, ada, change):
    say(club, "news")
    sql = {
        "suspended": "UPDATE accounts SET suspended_at = 1 WHERE id = ?",
        "unconfirmed": "UPDATE credentials SET confirmed_at = NULL WHERE account = ?",
    }
    if change in sql:
        with club.cluster.write(club.cluster.shard_of(ada)) as tx:
            tx.execute(sql[change], (ada,))
    elif change == "off":
        club.social.preferences.choose(ada, {"digest": "off"})
    else:  # chosen after the task was left
        club.social.preferences.choose(ada, {"digest": "weekly"})
        host.handlers["digest"](Task(1, "nowhere", "digest", {"account": ada, "period": "daily-1"}))
        assert host.letters == []
        return
    host.run("digest")
    assert host.letters == []


def test_without_a_mail_server_nobody_is_asked_about(club, ada):
    tasks = Tasks(club.elsewhere, [].append, lambda: "")
    (job,) = [job for job in tasks.jobs() if job.name == "digest"]
    now = club.clock.milliseconds()
    assert "no mail server" in job.run(Task(1, "nowhere", "job:digest", {"at": now, "before": now - DAY * 1000}))


def test_a_clock_that_jumps_ahead_and_back_brings_one_letter_more_at_most(club, host, ada):
    say(club, "news")
    now = club.clock.milliseconds()
    host.run("digest", at=now + 100 * DAY * 1000, before=now - DAY * 1000)
    host.run("digest", at=now, before=now + 100 * DAY * 1000)
    host.run("digest", at=now + DAY * 1000, before=now)
    assert len(host.letters) == 1


def test_the_link_in_a_digest_ends_it(club, host, ada):
    say(club, "news")
    host.run("digest")
    (letter,) = host.letters
    club.social.unsubscribe.end(letter.unsubscribe.removeprefix("http://club.example/unsubscribe/"))
    assert club.social.preferences.of(ada).digest == "off"
