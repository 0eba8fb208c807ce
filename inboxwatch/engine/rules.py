"""The rules in force: one frozen context made from the config, given to every use case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inboxwatch.core.model import PersonId
from inboxwatch.core.qualification.decision import Qualification
from inboxwatch.core.sla.policy import SLAPolicy
from inboxwatch.engine.delivery.enqueue import Notices
from inboxwatch.engine.own_mail import OwnMail
from inboxwatch.engine.rule_context import RuleContext
from inboxwatch.notify import Channel
from inboxwatch.words import Wording, spoken, words

if TYPE_CHECKING:
    from inboxwatch.config import Config


@dataclass(frozen=True, slots=True)
class Rules:
    """What use cases decide by, beside the store. A reload makes new rules; nothing in these ever changes."""

    config: Config
    context: RuleContext
    notices: Notices
    own_mail: OwnMail
    policies: Mapping[str, SLAPolicy]
    """The policies of the config by version; those of older waits are in the store."""

    @property
    def qualification(self) -> Qualification | None:
        """What inquiries are about and worth; None where the config does not ask for it."""
        return self.config.qualification

    @property
    def words(self) -> Wording:
        """The house's: for channels and for IT."""
        return words(self.config.language)

    def words_of(self, person: str | None) -> Wording:
        """The language in which a person is told; the house's for nobody, and for who speaks none of ours."""
        known = self.config.people.get(PersonId(person)) if person else None
        return words(spoken(known.languages if known else ()) or self.config.language)

    @classmethod
    def of(cls, config: Config, channels: Mapping[str, Channel]) -> Rules:
        """The rules of a config and the channels that it connects."""
        return cls(
            config=config,
            context=RuleContext(config),
            notices=Notices(config, channels),
            own_mail=OwnMail(config.us, channels),
            policies={policy.version: policy for policy in config.policies},
        )

    @classmethod
    def connect(cls, config: Config) -> Rules:
        """The rules of a config for a command that sends nothing: the channels only say whom they reach."""
        return cls.of(config, {name: one.connect() for name, one in config.channels.items()})
