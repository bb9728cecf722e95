from minisocial import ids
from minisocial.seed.numbering import PastIds


def test_two_things_in_one_millisecond_get_two_identifiers() -> None:
    past = PastIds()
    made = [past.make(1000, 7) for _ in range(3000)]
    assert len(set(made)) == 3000
    assert {ids.logical_shard(id) for id in made} == {7}
    assert [ids.milliseconds(made[number]) for number in (0, 1023, 1024, 2999)] == [1000, 1000, 1001, 1002]


def test_moments_may_come_in_any_order() -> None:
    past = PastIds()
    later, earlier = past.make(2000, 1), past.make(1000, 1)
    assert earlier < later
    assert past.make_like(1500, later) == ids.join(1500, 1)
