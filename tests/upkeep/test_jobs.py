"""One long piece of work at a time: begun, told of, ended, remembered."""

import threading
from collections.abc import Iterator

import pytest

from minisocial.errors import Overloaded, Refused, Unavailable
from minisocial.upkeep.jobs import BESIDE, KEPT, LINES, Jobs, JobSnapshot, Progress
from tests.fakes import ManualClock

WAIT = 10  # seconds that anything may take at most


class Work:
    """Says a line and waits to be let go; its outcome can be told beforehand."""

    def __init__(self, outcome: str | Exception = "Done.") -> None:
        self.outcome = outcome
        self.has_begun = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, progress: Progress) -> str:
        progress("at work")
        self.has_begun.set()
        assert self.may_end.wait(WAIT)
        progress("")
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def jobs(clock: ManualClock) -> Iterator[Jobs]:
    jobs = Jobs(clock)
    jobs.start()
    yield jobs
    jobs.stop()


def ended(jobs: Jobs, job: JobSnapshot) -> JobSnapshot:
    """The job, once its thread has ended."""
    for thread in threading.enumerate():
        if thread.name == f"job {job.name}":
            thread.join(WAIT)
    found = jobs.find(job.id)
    assert found is not None and found.state != "running"
    return found


def done(jobs: Jobs, name: str, outcome: str | Exception = "Done.") -> JobSnapshot:
    """A job that was begun and has ended."""
    work = Work(outcome)
    work.may_end.set()
    return ended(jobs, jobs.begin(name, work))


def test_work_is_begun_told_of_and_its_outcome_kept(jobs: Jobs, clock: ManualClock) -> None:
    work = Work("All rows are there.")
    begun = jobs.begin("verify", work)
    assert (begun.name, begun.state, begun.outcome) == ("verify", "running", "")
    assert work.has_begun.wait(WAIT)
    clock.advance(3)
    running = jobs.find(begun.id)
    assert running is not None and running.progress == ("at work",) and running.seconds == 3
    work.may_end.set()
    assert (ended(jobs, begun).state, ended(jobs, begun).outcome) == ("done", "All rows are there.")
    assert ended(jobs, begun).said == 1  # "" is no line


def test_a_second_long_one_is_refused_with_the_name_of_the_first(jobs: Jobs, clock: ManualClock) -> None:
    work = Work()
    first = jobs.begin("backup", work)
    clock.advance(40)
    with pytest.raises(Overloaded, match="“backup” has been running for 40 s"):
        jobs.begin("verify", Work())
    work.may_end.set()
    ended(jobs, first)
    assert done(jobs, "verify").state == "done"


def test_short_work_is_done_beside_the_long_one_but_not_without_end(jobs: Jobs) -> None:
    long = Work()
    jobs.begin("backup", long)
    short = [Work() for _ in range(BESIDE)]
    for work in short:
        jobs.begin("promote", work, is_long=False)
    with pytest.raises(Overloaded, match="promote"):
        jobs.begin("promote", Work(), is_long=False)
    assert len(jobs.snapshot().running) == 1 + BESIDE
    for work in (long, *short):
        work.may_end.set()


def test_what_goes_wrong_is_the_outcome_and_the_next_one_can_begin(jobs: Jobs) -> None:
    job = done(jobs, "promote", Refused("There is no place x."))
    assert (job.state, job.outcome) == ("failed", "There is no place x.")
    job = done(jobs, "backup", OSError(28, "No space left on device"))
    assert job.state == "failed" and "No space left" in job.outcome
    assert done(jobs, "backup").state == "done"
    assert jobs.snapshot().failed == 2


def test_a_mistake_of_ours_is_logged_and_told_without_its_insides(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    job = done(jobs, "backup", KeyError("an inner name"))
    assert job.state == "failed" and "in the log" in job.outcome and "inner" not in job.outcome
    assert "an inner name" in caplog.text


def test_progress_is_bounded_but_counted(jobs: Jobs) -> None:
    def talkative(progress: Progress) -> str:
        for number in range(10 * LINES):
            progress(f"{number} " + "x" * 10_000)
        return "Done."

    job = ended(jobs, jobs.begin("backup", talkative))
    assert job.said == 10 * LINES and len(job.progress) == LINES
    assert job.progress[-1].startswith(f"{10 * LINES - 1} ") and max(map(len, job.progress)) < 1000


def test_the_last_outcomes_are_kept_newest_first(jobs: Jobs) -> None:
    all_of_them = [done(jobs, f"work {number}").id for number in range(KEPT + 3)]
    assert [job.id for job in jobs.snapshot().finished] == all_of_them[: -KEPT - 1 : -1]
    assert jobs.find(all_of_them[0]) is None and jobs.find(all_of_them[-1]) is not None


def test_a_stop_breaks_work_off_where_it_next_speaks(jobs: Jobs) -> None:
    work = Work()
    job = jobs.begin("backup", work)
    assert work.has_begun.wait(WAIT)
    stopping = threading.Thread(target=jobs.stop)
    stopping.start()
    while_stopping = refused_as_soon_as_it_stops(jobs)
    work.may_end.set()
    stopping.join(WAIT)
    assert "stopping" in while_stopping
    assert ended(jobs, job).state == "failed" and "broken off" in ended(jobs, job).outcome


def refused_as_soon_as_it_stops(jobs: Jobs) -> str:
    """The sentence for work that comes when it stops; until then it is refused because one is running."""
    while True:
        try:
            jobs.begin("late", Work())
        except Overloaded:
            continue
        except Unavailable as error:
            return str(error)


def test_a_stop_does_not_wait_for_work_that_does_not_notice(jobs: Jobs) -> None:
    work = Work()
    job = jobs.begin("backup", work)
    assert work.has_begun.wait(WAIT)
    jobs.stop()  # returns although the work goes on
    found = jobs.find(job.id)
    assert found is not None and found.state == "running"
    work.may_end.set()


def test_before_the_start_there_is_no_work() -> None:
    with pytest.raises(Unavailable):
        Jobs().begin("backup", Work())
