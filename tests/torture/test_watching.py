from minisocial.torture.notes import read_notes
from minisocial.torture.opening import database
from minisocial.torture.watching import SEEN, Sight, Stranger
from minisocial.torture.world import World


def test_a_stranger_who_does_not_find_what_was_there_at_the_start_notes_it(worked_in: World) -> None:
    history = read_notes(worked_in.folder, 0)
    notes = worked_in.folder / SEEN
    cluster = database(worked_in.folder, "replicated")
    cluster.start()
    try:
        stranger = Stranger(cluster, [history.account, cluster.new_account_id()], Sight(worked_in.folder))
        stranger.step(history.account)
        assert notes.read_text() == ""
        with cluster.write_home(history.account) as block:
            block.execute("DELETE FROM accounts")
        cluster.settle()
        stranger.step(history.account)
    finally:
        cluster.stop()
    last = max(number for number, operation in history.operations.items() if operation.state == "saved")
    assert notes.read_text() == f"back {history.account} {last} 0\n"
