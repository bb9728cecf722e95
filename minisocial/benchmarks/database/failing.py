"""How long writers wait when the primary is lost, and when it hands over."""

import time
from collections.abc import Iterator

from minisocial.benchmarks.client import percentile
from minisocial.benchmarks.database.crew import Crew, wait
from minisocial.benchmarks.database.figures import Alone
from minisocial.benchmarks.database.stage import PATIENCE, SHARD, Stage, primary, replicas, seconds_until
from minisocial.database import Cluster
from minisocial.database.connection import remove
from minisocial.database.log import term_of

WRITERS = 4
REPLICAS = 2
BEFORE = 0.2  # seconds the writers write before it happens
AFTER = 0.1


def measure(stage: Stage) -> Iterator[Alone]:
    """Both durabilities, and the planned promotion."""
    stage.say("Fail-overs ...")
    for durability in "commit", "replicated":
        with stage.cluster(REPLICAS, durability) as cluster:
            pauses = sorted(_fail_over(stage, cluster) for _ in range(stage.size.failures))
            promotions = sorted(_promotion(stage, cluster) for _ in range(stage.size.failures))
        yield _figure(f"fail-over, “{durability}”, ms", pauses)
        yield _figure(f"promotion, “{durability}”, longest wait of a writer, ms", promotions)


def _figure(name: str, seconds: list[float]) -> Alone:
    return Alone(name, percentile(seconds, 0.5) * 1000, seconds[-1] * 1000, f"worst of {len(seconds)}")


def _fail_over(stage: Stage, cluster: Cluster) -> float:
    """Seconds from the loss of the primary's file to the first write that a new primary acknowledged."""
    path, term = primary(cluster).path, term_of(cluster.position(SHARD))
    assert path is not None
    with Crew(stage.writing(cluster), WRITERS) as crew:
        wait(BEFORE)
        lost = time.perf_counter()
        remove(path)
        seconds_until(lambda: term_of(cluster.position(SHARD)) > term, "a new primary")
        seconds_until(lambda: _acknowledged(crew, lost, term) is not None, "a write after a fail-over")
    found = _acknowledged(crew, lost, term)
    assert found is not None
    cluster.settle(PATIENCE)  # the next one is lost once all copies are whole again
    return found - lost


def _acknowledged(crew: Crew, since: float, term: int) -> float | None:
    """When the first write of a later term was done."""
    return next((done.at for done in crew.done(since) if term_of(done.position) > term), None)


def _promotion(stage: Stage, cluster: Cluster) -> float:
    """Seconds of the longest write around a planned promotion."""
    with Crew(stage.writing(cluster), WRITERS) as crew:
        wait(BEFORE)
        began = time.perf_counter()
        cluster.promote(SHARD, replicas(cluster)[0].name)
        wait(AFTER)
    cluster.settle(PATIENCE)
    return max(done.took for done in crew.done(began))
