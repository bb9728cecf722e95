import threading
from datetime import datetime, timezone
from typing import Any

import pytest

from minisocial.background.handlers import Hopeless
from minisocial.background.schedule import DAY, HOUR, WEEK, Job, Schedule, local_offset, until
from minisocial.errors import NotFound, Refused
from tests.background.world import World


class Diary:
    """A job that remembers its runs, on a box whose jobs survive its restarts."""

    def __init__(self, make_world: Any, every: float = HOUR, **options: Any) -> None:
        self.ran: list[dict[str, Any]] = []
        self.job = Job("sweep", every, lambda task: self.ran.append(task.args), **options)
        self.world: World = make_world({}, jobs=[self.job])
        self.look()  # a new job is noted, and begins with the next interval

    def look(self) -> int:
        """As Huey's scheduler does once a minute; how many tasks ran then."""
        before = len(self.ran)
        self.world.background.look_at_schedule()
        self.world.run_all()
        return len(self.ran) - before

    def after(self, seconds: float) -> int:
        self.world.clock.advance(seconds)
        return self.look()


@pytest.fixture
def diary(make_world: Any) -> Diary:
    return Diary(make_world)


def test_job_runs_once_in_each_interval(diary: Diary) -> None:
    assert [diary.after(600) for _ in range(18)].count(1) == 3
    assert diary.world.store.waiting() == []


def test_job_seen_for_the_first_time_waits_for_the_next_interval(diary: Diary) -> None:
    assert diary.ran == []
    assert diary.after(HOUR) == 1
    assert diary.ran[0]["before"] == 0


def test_job_learns_when_it_ran_before(diary: Diary) -> None:
    diary.after(HOUR)
    diary.after(HOUR)
    first, second = diary.ran
    assert second["before"] == first["at"]
    assert second["at"] - first["at"] == HOUR * 1000


def test_restart_neither_doubles_nor_skips(diary: Diary) -> None:
    diary.after(HOUR)
    diary.world.restart()
    assert diary.look() == 0
    diary.world.clock.advance(HOUR)
    diary.world.restart()
    assert diary.look() == 1


@pytest.mark.parametrize("moment", ["begin", "commit", "committed"])
def test_crash_while_a_job_is_begun_neither_doubles_nor_skips(diary: Diary, moment: str) -> None:
    def crash(at: str) -> None:
        if at == moment:
            diary.world.store.fault = lambda at: None
            raise KeyboardInterrupt

    diary.world.clock.advance(HOUR)
    diary.world.store.fault = crash
    with pytest.raises(KeyboardInterrupt):
        diary.world.background.look_at_schedule()
    diary.world.restart()
    diary.look()
    assert len(diary.ran) == 1


def test_what_was_missed_is_made_up_for_once(diary: Diary) -> None:
    assert diary.after(30 * DAY) == 1
    assert diary.look() == 0


def test_clock_set_forward_and_back_makes_no_storm_and_no_standstill(diary: Diary) -> None:
    year = 365 * DAY
    assert diary.after(year) == 1
    diary.world.clock.now -= year
    assert sum(diary.after(60) for _ in range(90)) in (1, 2)  # an hour and a half


def test_clock_set_back_a_little_doubles_nothing(diary: Diary) -> None:
    diary.after(HOUR)
    diary.world.clock.now -= HOUR / 2
    assert sum(diary.after(60) for _ in range(29)) == 0


def test_job_that_is_not_done_yet_is_not_begun_again(make_world: Any) -> None:
    def fail(task: Any) -> None:
        raise OSError("not today")

    world = make_world({}, jobs=[Job("sweep", HOUR, fail)])
    world.background.look_at_schedule()
    for _ in range(5):
        world.clock.advance(HOUR)
        world.background.look_at_schedule()
        assert len(world.store.waiting()) == 1


def test_job_that_was_given_up_comes_again_with_the_next_interval(make_world: Any) -> None:
    def fail(task: Any) -> None:
        raise Hopeless("never")

    world = make_world({}, jobs=[Job("sweep", HOUR, fail)])
    world.background.look_at_schedule()
    for _ in range(2):
        world.clock.advance(HOUR)
        world.background.look_at_schedule()
        world.run_all()
    assert [letter.name for letter in world.background.dead()] == ["job:sweep"] * 2


def test_one_job_that_cannot_be_begun_holds_up_no_other(make_world: Any) -> None:
    ran: list[str] = []
    jobs = [Job(name, HOUR, lambda task, name=name: ran.append(name)) for name in ("one", "two")]
    world = make_world({}, jobs=jobs)
    world.background.look_at_schedule()
    world.clock.advance(HOUR)
    left = iter([OSError("the disk")])

    def fail_once(moment: str) -> None:
        for error in left:
            raise error

    world.store.fault = fail_once
    world.background.look_at_schedule()
    world.background.look_at_schedule()
    world.run_all()
    assert sorted(ran) == ["one", "two"]


def moment(*parts: int) -> float:
    return datetime(*parts, tzinfo=timezone.utc).timestamp()


def runs(make_world: Any, job: Job, offset: Any, start: float, hours: int) -> list[str]:
    """When a job is found due, in UTC, looking every ten minutes."""
    world, found = make_world({}), []
    schedule = Schedule(world.store, world.background._outbox, world.clock, offset)
    schedule.add([job])
    world.clock.now = start
    for _ in range(hours * 6):
        if schedule.step():
            found.append(datetime.fromtimestamp(world.clock.now, timezone.utc).strftime("%d %H:%M"))
            world.store._connections["directory"].execute("DELETE FROM outbox")
        world.clock.advance(600)
    return found


def test_day_begins_at_its_hour_also_when_clocks_change(make_world: Any) -> None:
    change = moment(2026, 10, 25, 1)  # in Berlin 3:00 becomes 2:00
    job = Job("digest", DAY, lambda task: None, at=2.5 * HOUR)
    found = runs(make_world, job, lambda now: 2 * HOUR if now < change else HOUR, moment(2026, 10, 24, 12), 60)
    assert found == ["25 00:30", "26 01:30"]  # 2:30 comes twice that night


def test_day_is_not_left_out_when_its_hour_is(make_world: Any) -> None:
    change = moment(2026, 3, 29, 1)  # in Berlin 2:00 becomes 3:00
    job = Job("digest", DAY, lambda task: None, at=2.5 * HOUR)
    found = runs(make_world, job, lambda now: HOUR if now < change else 2 * HOUR, moment(2026, 3, 28, 12), 60)
    assert found == ["29 01:00", "30 00:30"]


def test_week_begins_on_monday(make_world: Any) -> None:
    job = Job("digest", WEEK, lambda task: None, at=7 * HOUR)
    found = runs(make_world, job, lambda now: 0.0, moment(2026, 11, 27), 24 * 12)
    assert found == ["30 07:00", "07 07:00"]


def test_local_offset_is_whole_minutes_within_a_day() -> None:
    assert local_offset(moment(2026, 7, 1)) % 60 == 0
    assert abs(local_offset(moment(2026, 7, 1))) <= DAY


def test_two_jobs_of_one_name_and_jobs_without_rest_are_refused(diary: Diary) -> None:
    for job in (diary.job, Job("mad", 1, diary.job.run)):
        with pytest.raises(ValueError):
            diary.world.background.schedule([job])


def test_huey_asks_by_itself(make_world: Any) -> None:
    is_done = threading.Event()
    world = make_world({}, jobs=[Job("sweep", HOUR, lambda task: is_done.set())], workers=1)
    with world.store.write("directory") as tx:  # long ago
        tx.execute("INSERT INTO schedule VALUES ('sweep', 1, 1) ON CONFLICT DO UPDATE SET slot = 1")
    world.clock.advance(2 * HOUR)
    world.restart()
    assert is_done.wait(10)


def test_jobs_and_their_last_time_are_in_the_snapshot(diary: Diary) -> None:
    diary.after(HOUR)
    (state,) = diary.world.background.snapshot().jobs
    assert (state.name, state.every_seconds, state.last_at) == ("sweep", HOUR, diary.world.clock.milliseconds())


# by hand, and what is told


def told(diary: Diary) -> Any:
    (job,) = diary.world.background.snapshot().jobs
    return job


def test_job_is_done_at_once_when_somebody_asks_and_its_next_time_stays(diary: Diary) -> None:
    next_at = told(diary).next_at
    diary.world.background.begin_job("sweep")
    assert not diary.world.background.is_job_done("sweep")
    diary.world.run_all()
    assert diary.world.background.is_job_done("sweep")
    (args,) = diary.ran
    assert args["at"] == args["before"] == diary.world.clock.milliseconds()
    assert told(diary).next_at == next_at and diary.after(HOUR) == 1


def test_job_that_is_at_work_is_not_begun_twice(diary: Diary) -> None:
    diary.world.background.begin_job("sweep")
    with pytest.raises(Refused):
        diary.world.background.begin_job("sweep")
    with pytest.raises(NotFound, match="There are: sweep"):
        diary.world.background.begin_job("dance")


def test_next_time_that_is_told_is_the_time_it_comes(make_world: Any) -> None:
    diary = Diary(make_world, DAY, at=7 * HOUR)
    next_at = told(diary).next_at
    left = next_at / 1000 - diary.world.clock.time()
    assert 0 < left <= DAY
    assert diary.after(left - 1) == 0
    assert diary.after(1) == 1
    assert told(diary).last_at == next_at


def test_what_a_job_said_and_why_it_failed_is_told(make_world: Any) -> None:
    answers: list[Any] = ["3 removed", None, ValueError("no room")]

    def run(task: Any) -> Any:
        assert told(diary).outcome == "at work"
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    diary = Diary(make_world)
    diary.world = make_world({}, jobs=[Job("tidy", HOUR, run)])
    outcomes = [told(diary).outcome]
    for _ in range(3):
        diary.world.background.begin_job("tidy")
        diary.world.run_all()
        outcomes.append(told(diary).outcome)
    assert outcomes == ["", "3 removed", "done", "failed: ValueError: no room"]


# what may be removed


@pytest.mark.parametrize(
    ("at", "before", "end"),
    [
        (10 * DAY, 9 * DAY, 10 * DAY),  # as always
        (400 * DAY, 9 * DAY, 11 * DAY),  # a clock that is wrong, or a site that was off
        (9 * DAY, 400 * DAY, 9 * DAY),  # a clock that was set back
        (10 * DAY, 0, 2 * DAY),  # the first time
    ],
)
def test_what_is_removed_ended_at_most_two_intervals_after_the_time_before(
    at: float, before: float, end: float
) -> None:
    assert until({"at": at * 1000, "before": before * 1000}, DAY) == end * 1000
