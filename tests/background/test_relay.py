from minisocial.background import relay
from tests.background.world import World


def test_rows_go_to_the_queue_in_commit_order(world: World) -> None:
    world.run_all()  # the sweep at the start
    for n in range(1200):
        world.add(shard=("0", "directory")[n % 2], n=n)
    world.run_all()
    assert world.order() == list(range(1200))


def test_rows_nobody_told_of_are_found_by_the_sweep(world: World) -> None:
    world.run_all()  # the sweep at the start
    world.store.load("0", [(n, "hello", f'{{"n": {n}}}') for n in range(1, 1301)])
    assert world.run_all() == 0
    world.background.sweep()
    world.run_all()
    assert world.order() == list(range(1, 1301))


def test_relay_is_not_idle_while_what_it_took_is_on_its_way(world: World) -> None:
    world.run_all()
    relay, seen = world.background._relay, []
    world.add(n=1)
    world.store.fault = lambda moment: seen.append(relay.is_idle)
    assert not relay.is_idle
    relay.step()
    assert seen
    assert not any(seen)
    assert relay.wait_until_idle(0)


def test_sweep_does_not_double_what_is_in_flight(make_world) -> None:
    def sweep_meanwhile(task):
        world.ran.append(task)
        world.background.sweep()
        world.background._relay.step()

    world = make_world({"hello": sweep_meanwhile})
    for n in range(5):
        world.add(n=n)
    world.run_all()
    assert world.order() == [0, 1, 2, 3, 4]


def test_full_queue_leaves_rows_in_the_outbox_and_goes_on_in_order(make_world) -> None:
    world = make_world(queue_limit=4)
    for n in range(50):
        world.add(n=n)
    world.background._relay.step()
    world.background._relay.step()
    snapshot = world.background.snapshot()
    assert (snapshot.queue.depth, snapshot.outbox.depth, snapshot.outbox.is_behind) == (4, 50, True)
    world.run_all()
    assert world.order() == list(range(50))
    assert not world.background.snapshot().outbox.is_behind


def test_full_queue_is_fed_by_the_relay_thread_as_room_appears(make_world) -> None:
    world = make_world(queue_limit=4, workers=2)
    world.background.pause()
    for n in range(300):
        world.add(n=n)
    assert world.background.snapshot().queue.depth <= 4
    world.background.resume()
    assert world.background.drain(15)
    assert sorted(world.order()) == list(range(300))


def test_more_commits_than_are_remembered_lose_nothing(world: World) -> None:
    world.run_all()  # the sweep at the start
    with world.store.write("0") as tx:
        for n in range(relay.FRESH_LIMIT + 5):
            world.background.add(tx, "0", "hello", {"n": n})
    world.background.pause()
    while world.background._relay.step():
        pass
    assert world.background.snapshot().queue.depth == relay.FRESH_LIMIT + 5


def test_backlog_of_one_shard_does_not_hold_up_another(make_world) -> None:
    world = make_world(queue_limit=2 * relay.PAGE)
    world.store.load("0", [(n, "hello", '{"n": 0}') for n in range(1, 2001)])
    world.store.load("directory", [(1, "hello", '{"n": 1}')])
    world.background.sweep()
    for _ in range(600):
        world.background.step()
    assert 1 in world.order()


def test_database_that_is_down_for_a_while_loses_nothing(make_world) -> None:
    world = make_world(workers=1)
    world.background.pause()
    for n in range(3):
        world.add(n=n)
    world.store.is_down = True
    world.background.resume()
    world.background.sweep()
    world.store.is_down = False
    for _ in range(20):
        if world.background.drain(1):
            break
        world.clock.advance(3600)  # to the next attempt of what failed meanwhile
    assert sorted(world.order()) == [0, 1, 2]


def test_relay_survives_a_failing_read(world: World) -> None:
    world.add(n=1)
    world.store.is_down = True
    world.background._relay.start()
    world.background._relay.is_stopping = True  # so that it does not wait before the next try
    world.background._relay.work()
    assert world.background.snapshot().outbox.errors == 1
    assert world.background.snapshot().outbox.depth == -1
    world.store.is_down = False
    world.run_all()
    assert world.order() == [1]
