"""What a host can ask of a system: the command line asks for it, and whoever else is allowed to act."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from minisocial.background import Background
from minisocial.database import Cluster
from minisocial.errors import Refused
from minisocial.settings import Settings
from minisocial.social import Social
from minisocial.upkeep import desk, feeds, live, people, periodic, shape
from minisocial.upkeep.desk import Desk
from minisocial.upkeep.jobs import Jobs, JobSnapshot, Progress
from minisocial.upkeep.switches import Switches

LONGEST = 4096  # characters of an argument


class Operated(Protocol):
    """As much of a system as operations act on."""

    settings: Settings
    cluster: Cluster
    social: Social
    switches: Switches

    background: Background
    desk: Desk

    @property
    def pool(self) -> live.Nodes: ...

    def public_url(self) -> str: ...


Arguments = Mapping[str, str]
Run = Callable[[Operated, Arguments, Progress], str]  # the answer is the sentence at the end


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to ask for: what does it, and the arguments it needs or may be given."""

    run: Run
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    is_long: bool = True  # only one such runs at a time; the others are done beside it
    makes_data: bool = False  # also makes sense in a folder that holds nothing yet
    is_live: bool = False  # makes sense only while a system runs, and ends with it


def checked(name: str, given: Mapping[str, object]) -> tuple[Operation, dict[str, str]]:
    """The operation of that name and its arguments; refuses what is unknown, missing or odd."""
    operation = OPERATIONS.get(name)
    if operation is None:
        raise Refused(f"There is no operation {name[:40]!r}. There are: {', '.join(OPERATIONS)}.")
    for argument in operation.needs:
        if not given.get(argument):
            raise Refused(f"The operation {name} needs to know: {argument}.")
    return operation, {argument: _text(name, operation, argument, value) for argument, value in given.items()}


def _text(name: str, operation: Operation, argument: str, value: object) -> str:
    if argument not in operation.needs + operation.takes:
        raise Refused(f"The operation {name} knows no {argument[:40]!r}.")
    if not isinstance(value, str) or len(value) > LONGEST or "\0" in value:
        raise Refused(f"{argument} must be text of at most {LONGEST} characters.")
    return value


def do(system: Operated, name: str, given: Mapping[str, object], progress: Progress) -> str:
    """Does it now, in this thread; the sentence at the end."""
    operation, arguments = checked(name, given)
    return operation.run(system, arguments, progress)


def begin(system: Operated, jobs: Jobs, name: str, given: Mapping[str, object]) -> JobSnapshot:
    """Has it done in a thread of its own."""
    operation, arguments = checked(name, given)
    return jobs.begin(name, partial(operation.run, system, arguments), operation.is_long)


# --- the operations: checked arguments in, a sentence out


def promote(system: Operated, args: Arguments, progress: Progress) -> str:
    return shape.promote(system.cluster, args["shard"], args["place"])


def replicas_add(system: Operated, args: Arguments, progress: Progress) -> str:
    folder = args.get("folder")
    return shape.add_replica(system.cluster, _absolute(folder) if folder else None, progress)


def replicas_remove(system: Operated, args: Arguments, progress: Progress) -> str:
    return shape.remove_replica(system.cluster, args["place"])


def shards_add(system: Operated, args: Arguments, progress: Progress) -> str:
    return shape.add_shard(system.cluster)


def shards_move(system: Operated, args: Arguments, progress: Progress) -> str:
    return shape.move(system.cluster, args["logical"], args["shard"], progress)


def shards_spread(system: Operated, args: Arguments, progress: Progress) -> str:
    return shape.spread_out(system.cluster, progress)


def shards_call_off(system: Operated, args: Arguments, progress: Progress) -> str:
    return shape.call_off(system.cluster, args["logical"])


def shards_list(system: Operated, args: Arguments, progress: Progress) -> str:
    return shape.listing(system.cluster, system.settings.data)


def verify(system: Operated, args: Arguments, progress: Progress) -> str:
    return shape.verify(system.cluster, args.get("shard", ""), args.get("place", ""), progress)


def backup(system: Operated, args: Arguments, progress: Progress) -> str:
    from minisocial.upkeep.backup import back_up

    file = _absolute(args["file"])
    manifest = back_up(system.cluster, system.settings.data, file, progress)
    return f"{file} is written. {manifest}"


def switch(system: Operated, args: Arguments, progress: Progress) -> str:
    return live.switch(system.switches, args.get("name", ""), args.get("value", ""))


def nodes_list(system: Operated, args: Arguments, progress: Progress) -> str:
    return live.listing(system.pool)


def nodes_add(system: Operated, args: Arguments, progress: Progress) -> str:
    return f"{system.pool.add(args['service']).name} takes requests, few at first."


def nodes_drain(system: Operated, args: Arguments, progress: Progress) -> str:
    system.pool.drain(args["node"])
    return f"{args['node']} takes no new requests, and ends those it has."


def nodes_kill(system: Operated, args: Arguments, progress: Progress) -> str:
    system.pool.kill(args["node"])
    return f"{args['node']} is killed."


def nodes_restart(system: Operated, args: Arguments, progress: Progress) -> str:
    system.pool.restart(args["node"])
    return f"{args['node']} is a new node, with an empty memory."


def nodes_remove(system: Operated, args: Arguments, progress: Progress) -> str:
    system.pool.remove(args["node"])
    return f"{args['node']} is gone."


def nodes_slots(system: Operated, args: Arguments, progress: Progress) -> str:
    return live.resize(system.pool, args["node"], args["slots"])


def _absolute(path: str) -> Path:
    """The system may run in another folder than the one who asks."""
    if not Path(path).is_absolute():
        raise Refused(f"{path} must be written in full, from the top of the file system.")
    return Path(path)


def workers_list(system: Operated, args: Arguments, progress: Progress) -> str:
    return desk.workers(system.background.snapshot().workers)


def workers_set(system: Operated, args: Arguments, progress: Progress) -> str:
    return desk.set_workers(system.background, args["number"])


def workers_pause(system: Operated, args: Arguments, progress: Progress) -> str:
    system.background.pause()
    return "The workers finish what they have and take nothing more. Tasks wait, and nothing is lost."


def workers_resume(system: Operated, args: Arguments, progress: Progress) -> str:
    system.background.resume()
    return "The workers go on."


def workers_step(system: Operated, args: Arguments, progress: Progress) -> str:
    return "The next task is done." if system.background.step() else "There is nothing to do right now."


def workers_restart(system: Operated, args: Arguments, progress: Progress) -> str:
    return f"{system.background.restart_workers()} workers are replaced by new ones, each after its task."


def dead_list(system: Operated, args: Arguments, progress: Progress) -> str:
    return desk.listing(system.desk.dead())


def dead_show(system: Operated, args: Arguments, progress: Progress) -> str:
    return desk.full(system.desk.find(args["letter"]))


def dead_replay(system: Operated, args: Arguments, progress: Progress) -> str:
    system.desk.replay(args["letter"])
    return f"The task of {args['letter']} is done again, as if for the first time."


def dead_replay_all(system: Operated, args: Arguments, progress: Progress) -> str:
    return f"{system.desk.replay_all():,} tasks are done again, as if for the first time."


def dead_discard(system: Operated, args: Arguments, progress: Progress) -> str:
    letter = system.desk.discard(args["letter"], args["reason"])
    return f"{args['letter']}, a task {letter.name}, is given up for good. The audit log says why."


OPERATIONS: dict[str, Operation] = {
    "promote": Operation(promote, ("shard", "place"), is_long=False),
    "replicas-add": Operation(replicas_add, takes=("folder",)),
    "replicas-remove": Operation(replicas_remove, ("place",)),
    "shards-add": Operation(shards_add),
    "shards-move": Operation(shards_move, ("logical", "shard")),
    "shards-spread": Operation(shards_spread),
    "shards-call-off": Operation(shards_call_off, ("logical",), is_long=False),
    "shards-list": Operation(shards_list, is_long=False),
    "verify": Operation(verify, takes=("shard", "place")),
    "backup": Operation(backup, ("file",)),
    "feeds-check": Operation(lambda system, _, progress: feeds.report(system.cluster, progress)),
    "feeds-rebuild": Operation(
        lambda system, args, progress: feeds.rebuild(system.social, args.get("name", ""), progress), takes=("name",)
    ),
    "jobs-list": Operation(lambda system, *_: periodic.listing(system.background), is_long=False),
    "jobs-run": Operation(
        lambda system, args, progress: periodic.run(system.background, args["name"], progress), ("name",)
    ),
    "user-create": Operation(
        people.user_create, ("name", "email", "password"), ("role",), is_long=False, makes_data=True
    ),
    "user-reset-link": Operation(people.user_reset_link, ("name",), is_long=False),
    "user-reset-password": Operation(people.user_reset_password, ("name", "password"), is_long=False),
    "user-suspend": Operation(people.user_suspend, ("name",), ("reason",), is_long=False),
    "user-unsuspend": Operation(people.user_unsuspend, ("name",), is_long=False),
    "user-role": Operation(people.user_role, ("name", "role"), is_long=False),
    "switch": Operation(switch, takes=("name", "value"), is_long=False, is_live=True),
    "nodes-list": Operation(nodes_list, is_long=False, is_live=True),
    "nodes-add": Operation(nodes_add, ("service",), is_long=False, is_live=True),
    "nodes-drain": Operation(nodes_drain, ("node",), is_long=False, is_live=True),
    "nodes-kill": Operation(nodes_kill, ("node",), is_long=False, is_live=True),
    "nodes-restart": Operation(nodes_restart, ("node",), is_long=False, is_live=True),
    "nodes-remove": Operation(nodes_remove, ("node",), is_long=False, is_live=True),
    "nodes-slots": Operation(nodes_slots, ("node", "slots"), is_long=False, is_live=True),
    "workers-list": Operation(workers_list, is_long=False, is_live=True),
    "workers-set": Operation(workers_set, ("number",), is_long=False, is_live=True),
    "workers-pause": Operation(workers_pause, is_long=False, is_live=True),
    "workers-resume": Operation(workers_resume, is_long=False, is_live=True),
    "workers-step": Operation(workers_step, is_long=False, is_live=True),
    "workers-restart": Operation(workers_restart, is_long=False, is_live=True),
    "dead-list": Operation(dead_list, is_long=False),
    "dead-show": Operation(dead_show, ("letter",), is_long=False),
    "dead-replay": Operation(dead_replay, ("letter",), is_long=False),
    "dead-replay-all": Operation(dead_replay_all, is_long=False),
    "dead-discard": Operation(dead_discard, ("letter", "reason"), is_long=False),
}
