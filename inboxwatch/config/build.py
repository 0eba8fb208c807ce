"""From the sections of a config that has no problems to the objects that the program works with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from inboxwatch import notify
from inboxwatch.config import models, policy_models
from inboxwatch.config.certificate import TlsConfig
from inboxwatch.config.class_rules import built_in
from inboxwatch.config.config import (
    ChannelConfig,
    Config,
    DirectoryConfig,
    LeadsConfig,
    MailboxConfig,
    OidcConfig,
    ProxyConfig,
    ReportMailConfig,
    WebConfig,
)
from inboxwatch.config.fields import LEAD_OWNER, MAILBOX_OWNER, WEEK
from inboxwatch.config.policies import document_of, escalation, restore
from inboxwatch.config.qualification_models import QualificationModel
from inboxwatch.config.reading import ReadEntries
from inboxwatch.config.web_models import OidcModel, WebModel
from inboxwatch.core.mail.parties import Us
from inboxwatch.core.membership import Tolerance
from inboxwatch.core.model import MailboxId, PersonId
from inboxwatch.core.ownership.people import Person, Team
from inboxwatch.core.ownership.routing import RoutingRule, Target, ToLeadOwner, ToMailboxOwner, ToPerson, ToTeam
from inboxwatch.core.qualification.decision import SALES, UNKNOWN, Qualification
from inboxwatch.core.sla.hours import BusinessCalendar
from inboxwatch.settings import Secret, Settings

Model = TypeVar("Model", bound=Settings)

_IDLE = timedelta(minutes=5)
_DEFAULT_STORE = Secret("sqlite:///inboxwatch.db", "the default")


def build(found: ReadEntries, data: Mapping[str, Any], path: Path) -> Config:
    """The config of a document without problems; `data` is the document itself."""
    calendars = {name: model.business(name) for name, model in found.named(models.CalendarModel).items()}
    people = {PersonId(id_): _person(id_, model, calendars) for id_, model in found.named(models.PersonModel).items()}
    boxes = found.named(models.MailboxModel)
    mailboxes = {MailboxId(name): _mailbox(found, name, model) for name, model in boxes.items()}
    escalations = {
        name: escalation(name, model) for name, model in found.named(policy_models.EscalationPolicyModel).items()
    }
    channels = _channels(found)
    routing, web = _one(found, policy_models.RoutingModel), _one(found, WebModel)
    store = found.one(models.StoreModel)
    policies = tuple(restore(document_of(data, policy)) for policy in data["sla_policies"])
    teams = {name: _team(name, model) for name, model in found.named(models.TeamModel).items()}
    reports = _one(found, models.ReportsModel)
    return Config(
        path=path,
        us=_us(_one(found, models.OrganizationModel), people, mailboxes),
        calendars=calendars,
        people=people,
        teams=teams,
        mailboxes=mailboxes,
        directories=_directories(found, calendars),
        leads={
            name: LeadsConfig(name, model.source, *found.plugins["leads", name])
            for name, model in found.named(models.LeadsModel).items()
        },
        rules=tuple(RoutingRule(_assign(rule.assign), rule.when.facts()) for rule in routing.rules),
        fallback=PersonId(routing.fallback),
        policies=policies,
        escalations=escalations,
        stop_conditions=frozenset(found.values["stop_conditions"]),
        channels=channels,
        notify_by=found.values["notify_by"] or tuple(channels),
        it_alerts=_one(found, models.AlertsModel).notify,
        look_back=_one(found, models.HistoryModel).look_back,
        census_every=_one(found, models.HistoryModel).census_every,
        keep=_one(found, models.HistoryModel).keep,
        keep_audit=_one(found, models.HistoryModel).keep_audit,
        unknown_senders=found.values["unknown_senders"],
        privacy=found.values["privacy"],
        figures=found.values["figures"],
        language=found.values["language"],
        log=found.values["log"],
        own_rules=found.values["meanings"],
        qualification=_qualification(found.one(QualificationModel)),
        own_class_rules=section.rules if (section := found.one(QualificationModel)) is not None else (),
        store_url=_store_url(store.url if store else _DEFAULT_STORE, path.parent),
        web=_web(web),
        admins=frozenset(map(PersonId, found.values["admins"])),
        daily_digests=_one(found, models.DigestsModel).daily,
        gone_quiet_after=_one(found, models.FollowUpsModel).gone_quiet_after,
        goal=reports.goal,
        report_mails={
            name: _report_mail(name, model, teams, calendars.get(model.calendar or "", policies[-1].calendar))
            for name, model in reports.mail.items()
        },
    )


def _directories(found: ReadEntries, calendars: Mapping[str, BusinessCalendar]) -> dict[str, DirectoryConfig]:
    models_by_name = found.named(models.DirectoryModel)
    return {name: _directory(found, name, model, calendars) for name, model in models_by_name.items()}


def _qualification(section: QualificationModel | None) -> Qualification | None:
    if section is None:
        return None
    classes = {name: model.clock is None for name, model in section.classes.items()} | {SALES: True, UNKNOWN: True}
    files = (*section.rules, built_in())
    rules = [rule for file in files for rule in file.classes if rule.class_.lower() in classes]
    score = [rule for file in files for rule in file.score]
    told = section.model_dump(mode="json", exclude={"rules", "forget_filtered"})
    digest = json.dumps([told, *(one.model_dump(mode="json") for one in (*rules, *score))], sort_keys=True)
    return Qualification(
        classes=classes,
        rules=tuple(rule.rule() for rule in rules),
        score=tuple(rule.rule() for rule in score),
        customers=frozenset(section.customers),
        otherwise=section.otherwise,
        tiers=section.tiers,
        audit=round(section.audit * 100),
        forget_filtered=section.forget_filtered,
        version=hashlib.sha256(digest.encode()).hexdigest()[:16],
    )


def _one(found: ReadEntries, model: type[Model]) -> Model:
    section = found.one(model)
    assert section is not None, f"{model.__name__} was neither read nor reported"  # noqa: S101  (our own defect)
    return section


def _us(
    ours: models.OrganizationModel, people: Mapping[PersonId, Person], mailboxes: Mapping[MailboxId, MailboxConfig]
) -> Us:
    addresses: dict[str, PersonId | None] = {mailbox.address: mailbox.owner for mailbox in mailboxes.values()}
    for person in people.values():
        addresses |= dict.fromkeys((person.email, *person.aliases), person.id)
    return Us(frozenset(ours.domains), addresses, frozenset(ours.authserv_ids))


def _person(id_: str, model: models.PersonModel, calendars: Mapping[str, BusinessCalendar]) -> Person:
    return Person(
        id=PersonId(id_),
        name=model.name,
        email=model.email,
        aliases=model.aliases,
        calendar=calendars[model.calendar] if model.calendar else None,
        manager=PersonId(model.manager) if model.manager else None,
        leave=tuple((leave.first, leave.last) for leave in model.leave),
        skills=_words(model.skills),
        languages=tuple(word.lower() for word in model.languages),
        slack_id=model.slack_id,
        notify_by=model.notify_by,
    )


def _team(name: str, model: models.TeamModel) -> Team:
    return Team(name, tuple(map(PersonId, model.members)), PersonId(model.lead) if model.lead else None)


def _report_mail(
    name: str, model: models.ReportMailModel, teams: Mapping[str, Team], calendar: BusinessCalendar
) -> ReportMailConfig:
    lead = teams[model.team].lead if model.team else None
    return ReportMailConfig(
        name=name,
        every=model.every,
        weekday=WEEK.index(model.day),
        at=model.at,
        zone=calendar.zone,
        team=model.team or "",
        to=tuple(map(PersonId, dict.fromkeys(model.to))) or ((lead,) if lead else ()),
    )


def _mailbox(found: ReadEntries, name: str, model: models.MailboxModel) -> MailboxConfig:
    kind, settings = found.plugins["mailboxes", name]
    return MailboxConfig(
        name=MailboxId(name),
        address=model.address,
        owner=PersonId(model.owner) if model.owner else None,
        team=model.team,
        poll_every=model.poll_every,
        poll_idle=_idle(model),
        connector=model.connector,
        kind=kind,
        settings=settings,
        open=model.open,
    )


def _directory(
    found: ReadEntries, name: str, model: models.DirectoryModel, calendars: Mapping[str, BusinessCalendar]
) -> DirectoryConfig:
    kind, settings = found.plugins["directories", name]
    reading = model.mailboxes
    return DirectoryConfig(
        name=name,
        source=model.source,
        kind=kind,
        settings=settings,
        template=found.templates.get(name),
        connector=reading.connector if reading else "",
        poll_every=reading.poll_every if reading else _IDLE,
        poll_idle=_idle(reading) if reading else _IDLE,
        open=reading.open if reading else None,
        team=model.team,
        calendar=calendars[model.calendar] if model.calendar else None,
        manager=PersonId(model.manager) if model.manager else None,
        every=model.every,
        tolerance=Tolerance(model.grace, model.shrink_limit, tuple(one.lower() for one in model.exclude)),
    )


def _idle(model: models.MailboxReadingModel) -> timedelta:
    return model.poll_idle or max(_IDLE, model.poll_every)


def _channels(found: ReadEntries) -> dict[str, ChannelConfig]:
    """The channels in their order; a config without any tells its people on the console."""
    given = {
        name: ChannelConfig(name, model.type, *found.plugins["channels", name])
        for name, model in found.named(models.ChannelModel).items()
    }
    console = notify.load("console")
    return given or {"console": ChannelConfig("console", "console", console, console.settings())}


def _assign(model: str | policy_models.TeamAssignmentModel) -> Target:
    if isinstance(model, policy_models.TeamAssignmentModel):
        return ToTeam(model.team, _words(model.skills), model.by)
    if model == LEAD_OWNER:
        return ToLeadOwner()
    return ToMailboxOwner() if model == MAILBOX_OWNER else ToPerson(PersonId(model))


def _web(model: WebModel) -> WebConfig:
    proxy = ProxyConfig(model.proxy.header, model.proxy.peers) if model.proxy else None
    tls = TlsConfig(model.tls.certificate, model.tls.key) if model.tls else None
    oidc = _oidc(model.oidc) if model.oidc else None
    scheme = "https" if tls else "http"
    return WebConfig(model.listen, model.url or f"{scheme}://{model.listen}", model.token, proxy, tls, oidc)


def _oidc(model: OidcModel) -> OidcConfig:
    return OidcConfig(
        issuer=model.issuer,
        client_id=model.client_id,
        client_secret=model.client_secret,
        claim=model.claim,
        scopes=model.scopes,
        roles_claim=model.roles_claim,
        roles={name: frozenset(values) for name, values in model.roles},
        default_role=model.default_role,
        lasts=model.lasts,
        ca_file=model.ca_file,
    )


def _words(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.lower() for word in words)


def _store_url(url: Secret, folder: Path) -> Secret:
    """The same URL, with a relative SQLite file resolved to the config's folder."""
    if not url.resolved:
        return url
    scheme, slashes, rest = url.reveal().partition(":///")
    if scheme != "sqlite" or not slashes or rest.startswith((":memory:", "file:")):
        return url
    return Secret(f"sqlite:///{folder.absolute() / rest}", url.origin)
