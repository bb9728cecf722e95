"""One round: the database is started, worked with, hurt and killed; its dead files are hurt; then comes the audit."""

import random
import signal
import threading
import time
import traceback

from minisocial.database import DIRECTORY
from minisocial.database.loss import control
from minisocial.torture import sabotage, wounds
from minisocial.torture.audit import Audit, audit
from minisocial.torture.child import LOG
from minisocial.torture.faults import WORDS, Faults
from minisocial.torture.judging import Verdict
from minisocial.torture.opening import Expected
from minisocial.torture.operating import ACTIONS, WEIGHTS
from minisocial.torture.sabotage import Target
from minisocial.torture.tally import Result
from minisocial.torture.tempting import relics, tempt
from minisocial.torture.victim import LOG as STDERR
from minisocial.torture.victim import Victim
from minisocial.torture.world import World
from minisocial.torture.wounds import Wound

ROUND_SECONDS = (0.8, 2.5)
HEAL_SECONDS = 3.0  # after which damage counts as hidden: nothing more is done before the kill
KILLED_EARLY = 0.08  # share of rounds in which the kill comes while the database is being opened …
EARLY_SECONDS = (0.1, 0.8)  # … that is, so long after the process began
OPERATES = 0.35  # share of acts that are the operator's
AWAITED = 0.5  # share of those after which nothing more is done before they are through
AT_ONCE = 0.2  # share of acts after which the kill comes at once …
AT_ONCE_SECONDS = 0.1  # … that is, within this time
TEMPTED = 0.3  # share of kills after which the database is started on an old copy alone, if there is one
HURT_WHEN_DEAD = 0.6  # share of kills after which a dead file is hurt
MARKS = 2  # entries of the log that are no changes, at most, among those lost in a round
PLENTY = 3  # sound copies, of which one may be lost


class Round:
    """One round in one world. All chance comes from the seed, so it can be repeated as far as threads allow.

    One damage at a time: the next one comes when all copies follow again. Only the kill may come at
    any moment, and, where nothing is damaged yet, one more thing may happen to the dead files.
    """

    def __init__(self, world: World, number: int, seed: str, durability: str, faults: Faults) -> None:
        self._world, self._seed, self._durability, self._faults = world, seed, durability, faults
        self._chance = random.Random(seed)  # noqa: S311
        self._result = Result(number)
        self._wound: Wound | None = None
        self._is_hidden = False  # nobody noticed it
        self._was_hurt = False
        self._altered: tuple[str, str] | None = None
        self._lost_primary: Target | None = None  # after the kill
        self._may_lose: set[str] = set()  # shards whose primary was lost with what only it had
        self._away: list[Target] = []
        self._reported: int | None = None  # changes that the database says were lost, if all was said by then

    def run(self) -> Result:
        """All of it."""
        began = time.monotonic()
        self._world.begin_round()
        with Victim(self._world.folder, self._durability, self._seed, self._faults.environment()) as victim:
            if self._chance.random() < KILLED_EARLY:
                pause(self._chance.uniform(*EARLY_SECONDS))
                victim.kill()
                self._result.interrupted = ["start"]
            elif victim.wait_for_start():
                self._torment(victim)
                self._after_the_kill(victim)
            else:
                self._complain(f"the process did not start; see {STDERR}")
        self._result.audit = self._audit()
        self._bring_back()
        self._result.seconds = time.monotonic() - began
        return self._result

    # --- while it runs

    def _torment(self, victim: Victim) -> None:
        until = time.monotonic() + self._chance.uniform(*ROUND_SECONDS)
        while time.monotonic() < until and not victim.has_ended:
            pause(self._chance.uniform(0.02, 0.15))
            victim.tell("pulse")
            if self._chance.random() < OPERATES:
                name = self._operate(victim)
            elif self._wound is None and victim.is_calm:
                name = self._chance.choice([self._hurt, self._hurt, self._disturb])(victim)
            else:
                continue
            if self._chance.random() < AT_ONCE:
                pause(self._chance.uniform(0, AT_ONCE_SECONDS))
                return
            if not self._is_hidden and (self._wound or self._chance.random() < AWAITED):
                self._wait_until_well(victim, name)

    def _operate(self, victim: Victim) -> str:
        """An action of the operator, perhaps while another is under way, or a copy is hurt; its name."""
        action = self._chance.choices(list(ACTIONS), [WEIGHTS.get(name, 1) for name in ACTIONS])[0]
        victim.tell(action)
        return action

    def _hurt(self, victim: Victim) -> str:
        """Damage to one copy."""
        kind = self._chance.choice([*sabotage.TO_THE_COPY, sabotage.AWAY])
        target = wounds.choose(self._world, victim.status, self._chance)
        if target is None:
            return ""
        damage = {**sabotage.TO_THE_COPY, sabotage.AWAY: sabotage.take_away}[kind]
        self._wound = wounds.hurt(kind, damage, target, victim.status)
        if self._wound is None:
            return ""
        self._was_hurt = True
        if kind == sabotage.AWAY:
            self._away.append(target)
        self._result.acts.append(self._wound.name)
        return self._wound.name if target.role == "primary" else ""

    def _disturb(self, victim: Victim) -> str:
        """What hurts no copy, or hurts it in a way that passes."""
        acts = [self._write_from_outside, self._hurt_no_copy]
        if hasattr(signal, "SIGSTOP"):  # not on Windows
            acts.append(self._freeze)
        if self._faults.library:
            acts += [self._give_bad_disk] * 4
        return self._chance.choice(acts)(victim)

    def _freeze(self, victim: Victim) -> str:
        self._result.acts.append("process frozen")
        victim.freeze(0.3)
        return ""

    def _hurt_no_copy(self, victim: Victim) -> str:
        kind = self._chance.choice(list(sabotage.TO_NO_COPY))
        target = wounds.choose(self._world, victim.status, self._chance)
        if target and wounds.hurt(kind, sabotage.TO_NO_COPY[kind], target, victim.status):
            self._result.acts.append(kind)
        return ""

    def _write_from_outside(self, victim: Victim) -> str:
        shard = self._chance.choice([name for name in victim.status.shards if name != DIRECTORY])
        target = wounds.choose(self._world, victim.status, self._chance, shard, "primary")
        key = sabotage.write_from_outside(target.file) if target else ""
        self._result.acts.append("write by another program")
        pause(0.6)  # by then it counts like ours, if that file still leads
        after = wounds.choose(self._world, victim.status, self._chance, shard, "primary")
        if key and target and after and after.file == target.file:
            self._world.outside.add(key)
        return ""

    def _give_bad_disk(self, victim: Victim) -> str:
        kind, target = self._chance.choice(list(WORDS)), wounds.choose(self._world, victim.status, self._chance)
        if target is None:
            return ""
        led = frozenset({target.shard} if target.role == "primary" else ())
        self._wound, self._was_hurt = Wound(kind, target, led, keeps_file=True), True
        self._result.acts.append(self._wound.name)
        if kind == "I/O errors":
            self._may_lose |= led
        with self._faults.on(kind, target.file if kind == "I/O errors" else target.place):
            pause(self._chance.uniform(0.05, 0.6))
        return self._wound.name if led else ""

    def _wait_until_well(self, victim: Victim, name: str) -> None:
        """Until the damage is healed and the operator has done what they began; notes how long writers waited."""
        if self._away:
            pause(self._chance.uniform(0.1, 0.8))
            self._bring_back()
        until = time.monotonic() + HEAL_SECONDS
        wound = self._wound
        while not victim.has_ended and time.monotonic() < until:
            status = victim.status
            if not status.doing and (wound.is_healed(status) if wound else status.is_healthy):
                break
            pause(0.02)
        else:
            self._is_hidden = self._wound is not None
            return
        self._wound = None
        if name:
            self._result.pauses[name] = max([0.0, *status.pauses.values()])
        if wound and not wound.is_drained:
            self._may_lose |= wound.led

    # --- when it is dead

    def _after_the_kill(self, victim: Victim) -> None:
        if victim.has_ended:
            self._complain(f"the process ended by itself; see {STDERR}")
        victim.kill()
        status = victim.status
        wound = self._wound
        self._result.interrupted = status.under_way or ([f"loss of a {wound.target.role}"] if wound else ["writes"])
        self._result.done.update(status.done)
        for shard in status.shards.values():
            self._result.done.update({"fail-over": shard.failovers, "snapshot of a copy": shard.snapshots})
        for error in [*status.errors, *([] if self._was_hurt else status.alarms)]:
            self._complain(error)
        self._world.remember(status.folders)
        if not wound:
            self._reported = sum(shard.lost for shard in status.shards.values())
        if wound:
            self._may_lose |= wound.led  # the process died before all replicas had read what was left
        if self._chance.random() < 0.5:
            self._bring_back()
        if wound or self._away:
            return
        if self._chance.random() < TEMPTED:
            self._tempt(victim)
        if self._chance.random() < HURT_WHEN_DEAD:
            self._hurt_dead(victim)

    def _tempt(self, victim: Victim) -> None:
        """Nothing is left of a shard but a copy that must not lead; then all is as it was."""
        folders = victim.status.folders
        found = relics(self._world, folders)
        if not found:
            return
        self._result.acts.append("dead: only an old copy left")
        if problem := tempt(self._world, folders, self._durability, self._chance.choice(found)):
            self._complain(problem)

    def _hurt_dead(self, victim: Victim) -> None:
        """One more damage, if so many copies are sound that one may be lost."""
        status = victim.status
        target = wounds.choose(self._world, status, self._chance)
        if target is None or not all(shard.sound >= PLENTY for shard in status.shards.values()):
            return
        damages = {**sabotage.TO_A_DEAD_COPY, **sabotage.TO_NO_COPY_WHEN_DEAD}
        if target.shard != DIRECTORY and follows_on_record(target):  # it may just have been promoted
            damages[sabotage.ALTERED] = sabotage.alter
        kind = self._chance.choice(list(damages))
        wound = wounds.hurt(kind, damages[kind], target, status)
        if wound is None:
            return
        self._result.acts.append(f"dead: {kind}" if kind in sabotage.TO_NO_COPY_WHEN_DEAD else f"dead {wound.name}")
        if kind == sabotage.ALTERED:
            self._altered = (target.shard, target.name)
        elif kind == sabotage.AWAY:
            self._away.append(target)
        if wound.led and kind in sabotage.TO_A_DEAD_COPY:
            self._may_lose |= wound.led
            self._lost_primary = target
            self._reported = None

    def _bring_back(self) -> None:
        for target in self._away:
            sabotage.bring_back(target.place)
        self._away.clear()

    def _audit(self) -> Audit:
        found = self._look()
        if not found.is_open and self._lost_primary and self._durability == "commit":
            # Its last term was nowhere else, so to start without it might lose what was acknowledged.
            self._result.acts.append("start refused until a primary was put back")
            self._bring_back()
            self._world.put_back(self._lost_primary.name, self._lost_primary.place)
            found = self._look()
        found.verdict.other += self._result.audit.verdict.other
        if self._reported is not None and not 0 <= self._reported - found.changes_lost <= MARKS:
            found.verdict.other.append(f"{found.changes_lost} changes are lost, and {self._reported} are said to be")
        log = self._world.folder / LOG  # killed early enough, it has said nothing
        if log.exists() and "Traceback" in log.read_text(errors="replace"):
            found.verdict.other.append(f"there is a traceback in {LOG}")
        return found

    def _look(self) -> Audit:
        may_lose = frozenset(self._may_lose if self._durability == "commit" else ())
        away = frozenset(target.name for target in self._away)
        expected = Expected(may_lose, frozenset(self._world.outside), self._altered, away)
        try:
            return audit(self._world.folder, self._durability, expected)
        except Exception:  # a state of the files that nobody thought of is a finding, too
            return Audit(Verdict(other=[f"the audit failed: {traceback.format_exc()}"]))

    def _complain(self, sentence: str) -> None:
        self._result.audit.verdict.other.append(sentence)


def pause(seconds: float) -> None:
    """The rest of the world goes on."""
    threading.Event().wait(seconds)


def follows_on_record(target: Target) -> bool:
    """Whether a copy of the dead database is surely none that leads."""
    record = control.read_file(target.place)
    return record is not None and record["leaders"].get(target.shard, [0, target.name])[1] != target.name
