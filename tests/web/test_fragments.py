"""Kept fragments are as fresh as what they show."""

from dataclasses import replace
from typing import Any

import pytest

from minisocial.social.accounts import Account
from minisocial.social.post import Post, PostView
from minisocial.web.fragments import Fragments
from minisocial.web.html import Templates
from minisocial.web.pieces import pieces
from tests.fakes import ManualClock

ADA = Account(1, "ada", "Ada Lovelace", "", "member", True, 0)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def fragments(clock: ManualClock) -> Fragments:
    templates = Templates(static=str)
    templates.offer(**pieces(templates))
    return Fragments(templates, clock, keep=3)


def view(clock: ManualClock, number: int = 0, **changes: Any) -> PostView:
    id = (clock.milliseconds() << 16) + number
    return PostView(replace(Post(id, 1, "Hello.", "everyone", None, id, (), 0, 0), **changes), ADA, False)


def test_ages_go_on_while_the_fragment_is_kept(fragments: Fragments, clock: ManualClock) -> None:
    post = view(clock)
    assert ">now</time>" in fragments.post(post, None)
    clock.advance(300)
    assert ">5 min</time>" in fragments.post(post, None)
    clock.advance(86400)
    assert ">1 d</time>" in fragments.post(post, None)


def test_a_changed_counter_shows(fragments: Fragments, clock: ManualClock) -> None:
    post = view(clock)
    fragments.post(post, 2)
    liked = replace(post, post=replace(post.post, likes=7))
    assert '<span class="n">7</span>' in fragments.post(liked, 2)


def test_a_changed_name_shows(fragments: Fragments, clock: ManualClock) -> None:
    post = view(clock)
    fragments.post(post, 2)
    renamed = replace(post, author=replace(ADA, display_name="Augusta Ada King"))
    assert "Augusta Ada King" in fragments.post(renamed, 2)
    assert "Augusta Ada King" in (fragments.face(ADA), fragments.face(renamed.author))[1]


def test_who_looks_decides_what_can_be_done(fragments: Fragments, clock: ManualClock) -> None:
    post = view(clock)
    assert "<form" not in fragments.post(post, None)
    assert "/like" in fragments.post(post, 2)
    assert "/delete" not in fragments.post(post, 2)
    assert "/delete" in fragments.post(post, 1)
    assert "/unlike" in fragments.post(replace(post, liked=True), 2)


def test_many_posts_are_shown_though_few_are_kept(fragments: Fragments, clock: ManualClock) -> None:
    posts = [view(clock, number, text=f"Number {number}.") for number in range(10)]
    for _ in range(2):
        html = fragments.posts(posts, 2)
        assert all(f"Number {number}." in html for number in range(10))
    assert len(fragments._kept) == 3
