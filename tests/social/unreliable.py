"""A worker that is killed now and then, whose tasks come in any order and more than once."""

from contextlib import contextmanager

from minisocial.background import Task
from minisocial.background.outbox import arguments
from minisocial.cache import LocalCache, ReadThrough
from minisocial.social import Social
from minisocial.social.tasks import Tasks


class Killed(BaseException):
    """The process of a worker ends here."""


class Mortal:
    """The database, for a worker that is held up between its commits, or killed there."""

    def __init__(self, cluster, meanwhile):
        self._cluster = cluster
        self._meanwhile = meanwhile
        self.left = None  # how many commits it lives for

    def __getattr__(self, name):
        return getattr(self._cluster, name)

    @contextmanager
    def write(self, shard):
        self._step()
        with self._cluster.write(shard) as tx:
            yield tx
        self._step()

    @contextmanager
    def write_home(self, id):
        self._step()
        with self._cluster.write_home(id) as tx:
            yield tx
        self._step()

    def _step(self):
        self._meanwhile()
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


class Messenger:
    """Runs what is in the outboxes; `chance` decides what comes next, what comes again, and who dies of it."""

    def __init__(self, club, chance, meanwhile=lambda: None, **limits):
        """`meanwhile` is called between any two commits of the worker."""
        self.club, self.chance = club, chance
        self.mortal = Mortal(club.cluster, meanwhile)
        cache = ReadThrough(LocalCache(), club.shared, club.invalidation)
        social = Social(self.mortal, cache, club.background, club.hasher, club.clock)
        self.handlers = Tasks(social, club.letters.append, lambda: "http://club.example", **limits).handlers()
        self.delivered = []

    def waiting(self):
        return [task for shard in self.club.cluster.names for task in self._on(shard)]

    def _on(self, shard):
        with self.club.cluster.read(shard, self.club.cluster.position(shard)) as reader:
            rows = reader.rows("SELECT id, task, args FROM outbox ORDER BY id")
        return [Task(id, shard, name, arguments(args)) for id, name, args in rows]

    def deliver_one(self):
        if waiting := self.waiting():
            self._run(self.chance.choice(waiting), self.chance.choice((None, None, 0, 1, 2, 3, 4)))

    def deliver_all(self):
        while waiting := self.waiting():
            self._run(self.chance.choice(waiting), None)
            if self.chance.random() < 0.3:
                self._run(self.chance.choice(self.delivered), None)

    def _run(self, task, lives_for):
        self.mortal.left = lives_for
        try:
            self.handlers[task.name](task)
        except Killed:
            return  # its row is still there
        finally:
            self.mortal.left = None
        self.delivered.append(task)
        with self.club.cluster.write(task.shard) as tx:
            tx.execute("DELETE FROM outbox WHERE id = ?", (task.id,))
