def test_a_session_ends_when_closed_and_when_its_time_is_over(club):
    ada = club.person("ada")
    first, second = club.social.sessions.open(ada), club.social.sessions.open(ada)
    assert club.elsewhere.sessions.find(first.token).account == ada
    club.social.sessions.close(first.token)
    assert club.elsewhere.sessions.find(first.token) is None
    club.clock.advance(31 * 24 * 3600)
    assert club.elsewhere.sessions.find(second.token) is None


def test_a_token_is_not_stored(club):
    session = club.social.sessions.open(club.person("ada"))
    with club.cluster.read("directory", club.cluster.position("directory")) as reader:
        stored = reader.rows("SELECT * FROM sessions")
    assert session.token not in str(stored)


def test_nonsense_is_no_session(club):
    for token in ("", "x", "\ud800", "é" * 1000):
        assert club.social.sessions.find(token) is None


def test_a_person_has_at_most_twenty_sessions(club):
    ada = club.person("ada")
    tokens = []
    for _ in range(25):
        club.clock.advance(1)
        tokens.append(club.social.sessions.open(ada).token)
    alive = [token for token in tokens if club.social.sessions.find(token)]
    assert alive == tokens[-20:]
