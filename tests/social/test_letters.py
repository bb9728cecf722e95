"""Letters with news: to whom, about what, and when none is sent."""

import re
from dataclasses import replace
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minisocial.background import Letter, Mailer, Task
from minisocial.social import letters
from minisocial.social.accounts import Account
from minisocial.social.letters import Sender
from minisocial.social.tasks import Tasks
from tests.fakes import ManualClock

SENDER = Sender("The Club", "http://club.example")


@pytest.fixture
def people(club):
    ada, grace = club.person("ada"), club.person("grace")
    club.befriend(grace, ada)
    club.sent.clear()
    return ada, grace


def subjects(club) -> list[str]:
    return [letter.subject for letter in club.letters]


def everything(club, ada: int, grace: int) -> None:
    """Grace does to Ada all that one can be told of, but for the friendship."""
    post = club.social.posts.publish(ada, "Who reads this?", "everyone").post
    club.social.posts.publish(grace, "I do.", "everyone", in_reply_to=post.id)
    club.social.posts.publish(grace, "Look, @ada", "everyone")
    club.social.posts.like(grace, post.id)
    club.work()


def test_by_default_a_letter_comes_for_what_is_said_to_one(club, people) -> None:
    everything(club, *people)
    assert sorted(subjects(club)) == ["Grace mentioned you", "Grace replied to you"]


def test_with_all_switched_on_a_letter_comes_for_everything(club, people) -> None:
    ada, grace = people
    club.social.accounts.edit(ada, display_name="Ada", bio="", approves_followers=False)
    club.social.preferences.choose(ada, {"mail:like": "on", "mail:follow": "on"})
    everything(club, ada, grace)
    club.social.friends.follow(club.person("alan"), ada)
    club.work()
    assert sorted(subjects(club)) == [
        "Alan follows you", "Grace likes your post", "Grace mentioned you", "Grace replied to you",
    ]  # fmt: skip


def test_what_is_switched_off_for_letters_is_still_told_in_the_app(club, people) -> None:
    ada, grace = people
    club.social.preferences.choose(ada, {"mail:mention": "off", "mail:reply": "off"})
    everything(club, ada, grace)
    assert subjects(club) == []
    assert {each.kind for each in club.elsewhere.notifications.page(ada).items} >= {"mention", "reply", "like"}


def test_what_is_switched_off_in_the_app_still_comes_by_letter(club, people) -> None:
    ada, grace = people
    club.social.preferences.choose(ada, {"app:mention": "off"})
    club.social.posts.publish(grace, "Look, @ada", "everyone")
    club.work()
    assert subjects(club) == ["Grace mentioned you"]


def before_it_is_written(club, meanwhile) -> None:
    """Something happens after the letter's task was left, and before it runs."""
    while "letter" not in waiting(club):
        assert club.background.step()
    meanwhile()
    assert club.background.drain(20)
    assert club.background.snapshot().queue.retried == 0  # what has changed is no failure


def waiting(club) -> list[str]:
    found = []
    for shard in club.cluster.shards:
        with club.cluster.read(shard, club.cluster.position(shard)) as reader:
            found += [row[0] for row in reader.rows("SELECT task FROM outbox")]
    return found


def mention(club, people) -> int:
    return club.social.posts.publish(people[1], "Look, @ada", "everyone").post.id


def test_a_choice_made_while_the_letter_waits_counts(club, people) -> None:
    mention(club, people)
    before_it_is_written(club, lambda: club.social.preferences.choose(people[0], {"mail:mention": "off"}))
    assert subjects(club) == []


def test_no_letter_about_a_post_that_was_deleted_meanwhile(club, people) -> None:
    post = mention(club, people)
    before_it_is_written(club, lambda: club.social.posts.delete(people[1], post))
    assert subjects(club) == []


def test_no_letter_about_a_post_for_friends_after_the_friendship(club, people) -> None:
    ada, grace = people
    club.social.posts.publish(grace, "Between us, @ada", "friends")
    before_it_is_written(club, lambda: club.social.friends.unfriend(grace, ada))
    assert subjects(club) == []


@pytest.mark.parametrize("who", ["reader", "actor"])
def test_no_letter_between_two_of_whom_one_blocks_the_other(club, people, who: str) -> None:
    ada, grace = people
    mention(club, people)
    blocks = (ada, grace) if who == "reader" else (grace, ada)
    before_it_is_written(club, lambda: club.social.blocks.block(*blocks))
    assert subjects(club) == []


@pytest.mark.parametrize("who", ["reader", "actor"])
def test_no_letter_to_or_about_somebody_suspended(club, people, who: str) -> None:
    reader, actor = club.person("alan"), people[1]
    club.social.posts.publish(actor, "Look, @alan", "everyone")
    before_it_is_written(club, lambda: suspend(club, reader if who == "reader" else actor))
    assert subjects(club) == []


def suspend(club, account: int) -> None:
    with club.cluster.write_home(account) as tx:
        tx.execute("UPDATE accounts SET suspended_at = 1 WHERE id = ?", (account,))


def test_no_letter_about_a_request_that_was_taken_back(club, people) -> None:
    ada, alan = people[0], club.person("alan")
    club.social.friends.add(alan, ada)
    before_it_is_written(club, lambda: club.social.friends.cancel(alan, ada))
    assert subjects(club) == []


def test_no_letter_about_a_like_that_was_taken_back(club, people) -> None:
    ada, grace = people
    club.social.preferences.choose(ada, {"mail:like": "on"})
    post = club.social.posts.publish(ada, "Who reads this?", "everyone").post
    club.social.posts.like(grace, post.id)
    before_it_is_written(club, lambda: club.social.posts.unlike(grace, post.id))
    assert subjects(club) == []


def test_liking_over_and_over_sends_one_letter(club, people) -> None:
    ada, grace = people
    club.social.preferences.choose(ada, {"mail:like": "on", "app:like": "off"})
    post = club.social.posts.publish(ada, "Who reads this?", "everyone").post
    for _ in range(3):
        club.social.posts.like(grace, post.id)
        club.work()
        club.social.posts.unlike(grace, post.id)
        club.work()
    assert subjects(club) == ["Grace likes your post"]


def test_a_letter_that_was_taken_but_not_noted_goes_out_again_with_the_same_key(club, people) -> None:
    ada, grace = people
    taken: list[Letter] = []

    def die_right_after(letter: Letter) -> None:
        taken.append(letter)
        if len(taken) == 1:
            raise OSError("killed")

    handlers = Tasks(club.elsewhere, die_right_after, lambda: "http://club.example").handlers()
    post = mention(club, people)
    args = {"account": ada, "other": grace, "kind": "mention", "version": str(post), "post": post}
    task = Task(1, "somewhere", "letter", args)
    with pytest.raises(OSError):
        handlers["letter"].run(task)
    handlers["letter"].run(task)
    handlers["letter"].run(task)
    assert len(taken) == 2
    assert taken[0] == taken[1]


def test_a_task_from_before_this_version_is_still_understood(club, people) -> None:
    """Without a post: as it was written when only friendships sent letters."""
    ada, grace = people
    task = Task(1, "somewhere", "letter", {"account": ada, "other": grace, "kind": "accepted", "version": 17})
    Tasks(club.elsewhere, club.sent.append, lambda: "").handlers()["letter"].run(task)
    assert subjects(club) == ["Grace is your friend now"]
    assert club.letters[0].key == f"accepted-17-{ada}"


def test_a_letter_shows_what_was_said_and_leads_there(club, people) -> None:
    ada, grace = people
    root = club.social.posts.publish(ada, "Who reads this?", "everyone").post
    reply = club.social.posts.publish(grace, "I do,\n\nand <b>gladly</b>.", "everyone", in_reply_to=root.id).post
    club.social.posts.publish(grace, "And again", "everyone", in_reply_to=reply.id)
    club.social.posts.publish(grace, "@ada, elsewhere", "everyone")
    club.social.posts.publish(grace, "@ada, here", "everyone", in_reply_to=reply.id)
    club.work()
    first = next(letter for letter in club.letters if "gladly" in letter.text)
    assert "> I do, and <b>gladly</b>." in first.text
    assert re.findall(r"http://\S+", first.text)[0] == f"http://club.example/posts/{reply.id}"
    assert "and &lt;b&gt;gladly&lt;/b&gt;." in first.html and f"/posts/{reply.id}" in first.html
    threads = {letter.text.partition("> ")[2].partition("\n")[0]: letter.thread for letter in club.letters}
    assert threads["@ada, here"] == first.thread != threads["@ada, elsewhere"]
    assert first.unsubscribe in first.text and first.unsubscribe.startswith("http://club.example/unsubscribe/")


# --- what people write cannot do more than be read

NASTY = st.lists(
    st.sampled_from(["\r\n", "\n", "\r", "Bcc: a@b", "\u202e", "\u2066", "\u200f", "=?utf-8?q?", "?=", "<b>", "\x85",
                     "\u2028", "\0", "{name}", "{0}", "%s", "-- \n", "אב", "é", "👩‍💻", " ", "x", ".\r\n", ">", '"', "http://evil.test"])
).map("".join) | st.text(max_size=60)  # fmt: skip
ADDRESS = "ada@club.example"


def person(name: str) -> Account:
    return Account(7, "ada", name, "", "member", True, 0)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(name=NASTY, actor=NASTY, said=NASTY, community=NASTY, kind=st.sampled_from(list(letters.NEWS)))
def test_no_text_of_anybody_adds_headers_or_turns_lines(tmp_path: Path, name, actor, said, community, kind) -> None:
    letter = letters.news(
        kind, replace(SENDER, community=f"The {letters.one_line(community)}"), key="k", to=ADDRESS, reader=person(name),
        actor=person(actor), unsubscribe="http://club.example/unsubscribe/x", path="/@ada", said=said, thread="post:1",
    )  # fmt: skip
    mailer = Mailer(mail_from="us@club.example", folder=tmp_path, clock=ManualClock())
    message = message_from_bytes(mailer.compose(letter).as_bytes(), policy=policy.default)
    assert len(message.keys()) == len(set(message.keys())) == 12
    assert message["Bcc"] is None
    assert [each.addr_spec for each in message["To"].addresses] == [ADDRESS]
    plain, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    turns = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
    assert not set(turns) & {*plain, *html, *str(message["Subject"]), *str(message["To"])}
    assert "<b>" not in html
    links = [line for line in re.split(r"[\r\n]+", plain) if re.fullmatch(r"http\S+", line)]  # on a line of their own
    assert links == ["http://club.example/@ada", "http://club.example/unsubscribe/x"]
