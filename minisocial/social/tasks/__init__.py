"""What workers do after the answer: carry a change to the other shard, fill feeds, notify, write letters.

Every task may run twice, or long after the fact. Each therefore looks at what is true now, and its
effect is keyed, versioned or a set operation, so that doing it again changes nothing.
"""

from collections.abc import Callable, Mapping

from minisocial.background import HandlerSpec, Job, Task
from minisocial.social.accounts import NewAccount
from minisocial.social.broadcasters import MERGE_ABOVE
from minisocial.social.social import Social
from minisocial.social.tasks.digest import DigestTasks
from minisocial.social.tasks.feeds import AT_ONCE, FeedTasks
from minisocial.social.tasks.friends import FriendTasks
from minisocial.social.tasks.letters import LetterTasks
from minisocial.social.tasks.people import PeopleTasks
from minisocial.social.tasks.posts import PostTasks
from minisocial.social.tasks.sending import Send, Sending
from minisocial.social.tasks.telling import TellingTasks
from minisocial.social.tasks.treatment import treated
from minisocial.social.tasks.upkeep import UpkeepTasks

__all__ = ["Send", "Tasks"]


class Tasks:
    """The tasks by name; `public_url` is how links in letters begin, `merge_above`, `at_once` see `FeedTasks`."""

    def __init__(
        self,
        social: Social,
        send: Send,
        public_url: Callable[[], str],
        merge_above: int = MERGE_ABOVE,
        at_once: int = AT_ONCE,
        has_server: bool = False,
    ) -> None:
        self._social = social
        self._feeds = FeedTasks(social, merge_above, at_once)
        self._posts = PostTasks(social)
        self._friends = FriendTasks(social)
        self._people = PeopleTasks(social)
        sending = Sending(social, send, public_url, has_server)
        self._telling = TellingTasks(sending)
        self._letters = LetterTasks(sending)
        self._digest = DigestTasks(sending)
        self._upkeep = UpkeepTasks(social.store)

    def handlers(self) -> Mapping[str, HandlerSpec]:
        """Every task that anybody leaves in an outbox."""
        return treated(
            {
                "open_account": self.open_account,
                "fan_out": self._feeds.fan_out,
                "retract": self._feeds.retract,
                "readdress": self._feeds.readdress,
                "fill_feed": self._feeds.fill_feed,
                "clear_feed": self._feeds.clear_feed,
                "rebuild_feed": self._feeds.rebuild_feed,
                "store_broadcasts": self._feeds.store_broadcasts,
                "tell_of_post": self._posts.tell_of_post,
                "join_thread": self._posts.join_thread,
                "mirror_friendship": self._friends.mirror_friendship,
                "mirror_follow": self._friends.mirror_follow,
                "cut_follow": self._friends.cut_follow,
                "mirror_block": self._people.mirror_block,
                "carry_standing": self._people.carry_standing,
                "recount_replies": self._people.recount_replies,
                "notify": self._telling.notify,
                "letter": self._telling.letter,
                "digest": self._digest.digest,
                "confirm_letter": self._letters.confirm,
                "reset_letter": self._letters.reset,
                "address_letter": self._letters.address,
                "settle_address": self._letters.settle_address,
            }
        )

    def jobs(self) -> list[Job]:
        """What is due again and again."""
        return [*self._upkeep.jobs(), *self._digest.jobs()]

    def open_account(self, task: Task) -> None:
        """Finish a sign-up that died between the directory and the person's shard."""
        self._social.accounts.open(NewAccount(**task.args))
