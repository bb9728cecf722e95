from hypothesis import given
from hypothesis import strategies as st

from minisocial.social.pages import Cursor, collect


def source_of(ids):
    ordered = sorted(ids, reverse=True)

    def source(cursor):
        if cursor.min_id is not None:
            return [id for id in ordered if id > cursor.min_id][-cursor.limit :]
        return [id for id in ordered if cursor.max_id is None or id < cursor.max_id][: cursor.limit]

    return source


def show_of(visible):
    return lambda ids: {id: id for id in ids if id in visible}


few_ids = st.sets(st.integers(1, 200), max_size=60)


@given(few_ids, st.integers(1, 7))
def test_walking_to_older_pages_meets_everything_once(ids, limit):
    met, cursor = [], Cursor(limit=limit)
    for _ in range(100):
        page = collect(source_of(ids), cursor, show_of(ids))
        met += page.items
        if page.older is None:
            break
        cursor = Cursor(max_id=page.older, limit=limit)
    assert met == sorted(ids, reverse=True)


@given(few_ids, st.integers(1, 7), st.data())
def test_going_back_shows_the_page_one_came_from(ids, limit, data):
    first = collect(source_of(ids), Cursor(limit=limit), show_of(ids))
    if first.older is None:
        return
    second = collect(source_of(ids), Cursor(max_id=first.older, limit=limit), show_of(ids))
    back = collect(source_of(ids), Cursor(min_id=second.newer, limit=limit), show_of(ids))
    assert back.items == first.items
    assert back.newer is None


def test_new_rows_do_not_shift_older_pages():
    ids = set(range(1, 31))
    first = collect(source_of(ids), Cursor(limit=10), show_of(ids))
    ids |= {40, 41, 42}
    second = collect(source_of(ids), Cursor(max_id=first.older, limit=10), show_of(ids))
    assert second.items == list(range(20, 10, -1))


def test_a_page_is_filled_past_what_may_not_be_seen():
    ids, visible = set(range(1, 101)), set(range(1, 101, 10))
    page = collect(source_of(ids), Cursor(limit=5), show_of(visible))
    assert page.items == [91, 81, 71, 61, 51]
    assert page.older == 51


def test_a_feed_of_which_nothing_may_be_seen_ends():
    asked = []

    def source(cursor):
        asked.append(cursor)
        return list(range(1000, 1000 - cursor.limit, -1))

    assert collect(source, Cursor(limit=5), lambda ids: {}).items == []
    assert len(asked) < 20


def test_the_way_on_does_not_end_where_too_much_may_not_be_seen():
    ids, visible, cursor, pages = set(range(1, 5000)), {1}, Cursor(limit=20), 0
    while not (page := collect(source_of(ids), cursor, show_of(visible))).items:
        cursor, pages = Cursor(max_id=page.older, limit=20), pages + 1
    assert page.items == [1]
    assert 0 < pages < 50
