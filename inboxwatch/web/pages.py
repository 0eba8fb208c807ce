"""Pages: templates that escape everything, words for times and states, problems as pages."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from inboxwatch.core.ladder_view import LadderStep
from inboxwatch.core.model import ShownFigures
from inboxwatch.core.qualification.decision import PERSON
from inboxwatch.core.sla.policy import Step
from inboxwatch.core.sla.verdicts import SOURCE
from inboxwatch.core.statistics.teams import NO_TEAM, TeamLabels
from inboxwatch.core.timestamp import rfc3339
from inboxwatch.core.wait_view import NextStep
from inboxwatch.engine.audit import Door
from inboxwatch.engine.daemon_port import DaemonPort
from inboxwatch.metrics import team_labels
from inboxwatch.notify import (
    choice_messages,
    follow_up_messages,
    match_messages,
    messages,
    qualification_messages,
    qualification_words,
)
from inboxwatch.notify.assignment_words import why_given
from inboxwatch.notify.ladder_words import ladder_sentence, length_in_words, step_in_words, target_in_words
from inboxwatch.notify.state_words import state
from inboxwatch.notify.text import clean
from inboxwatch.store import Outage
from inboxwatch.web import page_messages
from inboxwatch.web.auth import Guard
from inboxwatch.web.identity import signed_in
from inboxwatch.web.problems import TITLES, Problem
from inboxwatch.words import ENGLISH, LANGUAGES, Wording, english, preferred, spoken, words
from inboxwatch.words.templates import teach

STATIC = Path(__file__).parent / "static"

LANGUAGE = "inboxwatch-lang"
"""The cookie that remembers in which language this browser reads."""
BY = "inboxwatch-by"
"""The cookie that remembers who acts from this browser."""

OWN_PARTS = {"routing": english("routing"), "escalation": english("escalation")} | qualification_words.OWN_PARTS
"""Of the program, where they act in a person's place."""


class Pages:
    def __init__(self, daemon: DaemonPort, guard: Guard) -> None:
        self._daemon = daemon
        self._guard = guard
        self._templates = Environment(
            loader=PackageLoader("inboxwatch.web", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(
            nameless=self._wordless,
            clean=clean,
            instant=rfc3339,
            stamp=_stamp,
            raised=lambda text: text[:1].upper() + text[1:],
            segment=lambda text: quote(str(text), safe=""),
        )
        teach(self._templates)
        self._templates.globals.update(
            person=pass_context(lambda context, one: self._person(one, context["words"])),
            target=pass_context(lambda context, one: self._target(one, context["words"])),
            mailbox=self._mailbox,
            flag=pass_context(lambda context, one: messages.flag(one, words=context["words"])),
            day_name=pass_context(lambda context, *days: messages.day_name(*days, words=context["words"])),
            ending=pass_context(lambda context, one: page_messages.ending(one, context["words"])),
            state_name=pass_context(
                lambda context, one, verdict=False: state(one, verdict=verdict, words=context["words"])
            ),
            ladder_sentence=pass_context(lambda context, step, at: _ladder_sentence(step, at, context["words"])),
            ladder_step=pass_context(lambda context, step, at: self._ladder_step(step, at, context["words"])),
            why_given=pass_context(lambda context, *told: why_given(*told, words=context["words"])),
            status_name=pass_context(lambda context, one: page_messages.status(one, context["words"])),
            kind_name=pass_context(lambda context, one: page_messages.kind(one, context["words"])),
            evidence=pass_context(lambda context, one: match_messages.evidence(one, words=context["words"])),
            policy_length=pass_context(lambda context, one: length_in_words(one, words=context["words"])),
            policy_step=pass_context(lambda context, one: self._policy_step(one, context["words"])),
            follow_up_sentence=pass_context(
                lambda context, day, who, at: _follow_up_sentence(day, who, at, context["words"])
            ),
            class_name=qualification_messages.what,
            class_groups=choice_messages.GROUPS,
            class_decided=pass_context(lambda context, by: self._decided(by, context["words"])),
            tier_why=pass_context(lambda context, told: qualification_words.tier_in_words(told, context["words"])),
            nobody_follows_up=follow_up_messages.NOBODY,
            no_further_step=messages.no_further_step,
            labels=messages.ACTION_LABELS,
            open_mail_label=messages.OPEN_MAIL,
            undo_label=messages.UNDO,
            take_back_label=messages.TAKE_BACK,
        )

    async def render(self, request: web.Request, template: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page; its template sees the request's path, people, who is signed in and the form key beside `values`."""
        identity, told_in = signed_in(request), self.words(request)
        known = {
            "words": told_in,
            "languages": [words(one) for one in LANGUAGES],
            "script_words": page_messages.of_script(told_in),
            "path": request.path,
            "now": self._daemon.now(),
            "people": list(self._daemon.rules.config.people.values()),
            "person_signed_in": identity,
            "form_key": self._guard.form_key(request),
            "can_leave": self._guard.session(request) or (identity is not None and identity.door is Door.OIDC),
            "can_act": identity is None or identity.acts,
            "by": request.cookies.get(BY, ""),
            "names_people": self._labels() is None,
        }
        page = self._templates.get_template(template)
        if "nav" not in page.blocks and "open_matches" not in values:
            known["open_matches"] = await self._open_matches()
        text = page.render(known | values)
        if self._labels() is not None:
            text = self._nameless(text)
        response = web.Response(status=status, text=text, content_type="text/html")
        if request.query.get("lang") in LANGUAGES:
            self._guard.remember(request, response, LANGUAGE, told_in.language, samesite="Lax")
        return response

    async def _open_matches(self) -> int:
        """How many weak matches nobody has reviewed, for the navigation; none where the store is away, which the page
        itself says.
        """
        try:
            return await self._daemon.read(lambda tx: tx.mail.weak_count())
        except Outage:
            return 0

    def words(self, request: web.Request) -> Wording:
        """The language of a page: as it was chosen, else as the browser asks for, else the house's."""
        chosen = (request.query.get("lang", ""), request.cookies.get(LANGUAGE, ""))
        found = spoken((*chosen, *preferred(request.headers.get("Accept-Language", ""))))
        return words(found or self._daemon.rules.config.language)

    async def problem(self, request: web.Request, problem: Problem) -> web.Response:
        """An error in the form that was asked for."""
        page = "text/html" in request.headers.get("Accept", "") and not request.path.startswith(("/api/", "/-/"))
        if not page:
            return problem.response()
        title, told_in = TITLES.get(problem.status, HTTPStatus(problem.status).phrase), self.words(request)
        response = await self.render(
            request,
            "problem.html",
            status=problem.status,
            title=title,
            detail=problem.said(told_in),
            open_matches=0,  # it may be for somebody who was not let in
        )
        response.headers.update(problem.headers)
        return response

    def _labels(self) -> TeamLabels | None:
        """What stands for people, where only teams are shown."""
        config = self._daemon.rules.config
        return team_labels(config) if config.figures is ShownFigures.TEAMS else None

    def _person(self, person: str | None, words: Wording = ENGLISH) -> str:
        """A person's name, or the team where only teams are shown; the id where they have left the config."""
        if (labels := self._labels()) is not None and self._is_ours(person or ""):
            team = labels.person(person or "")
            return words.say("a colleague") if team == NO_TEAM else clean(words.say("team %(team)s", team=team))
        known = {str(one.id): one.name for one in self._daemon.rules.config.people.values()}
        other = words.say(OWN_PARTS.get(person or "nobody", person or "nobody"))
        return clean(known.get(person or "", other))

    def _decided(self, class_by: str, words: Wording) -> str:
        """What decided a class, as a clause."""
        name = self._person(class_by.removeprefix(PERSON), words) if class_by.startswith(PERSON) else ""
        return qualification_messages.decided(class_by, name=name, words=words)

    def _is_ours(self, word: str) -> bool:
        """Whether a word is a person's id, now or before, or an address of ours; others who act are none."""
        if "@" in word:
            return self._daemon.rules.config.us.is_ours(word)
        return bool(word) and word not in (*OWN_PARTS, "inboxwatch") and not word.startswith(SOURCE)

    def _target(self, target: str, words: Wording) -> str:
        """A target of a step: a person as `_person` has it, a channel by where it writes to."""
        known = {str(one.id) for one in self._daemon.rules.config.people.values()}
        if target in known:
            return self._person(target, words)
        channel, _, destination = target.partition(":")
        if channel not in self._daemon.rules.config.channels:
            return self._person(target, words)  # who has left
        return clean(destination or channel)

    def _ladder_step(self, step: NextStep, at: Markup, words: Wording) -> Markup:
        """What a step does; `at` is its instant as pages show it."""
        targets = [Markup('<span class="who">{}</span>').format(self._target(one, words)) for one in step.targets]
        owner = (
            Markup('<span class="who">{}</span>').format(self._target(step.moves_to, words)) if step.moves_to else ""
        )
        told = messages.ladder_step(targets=targets, moves_to=owner, at=at, words=words)
        return Markup(told)  # noqa: S704  (escaped parts)

    def _policy_step(self, step: Step, words: Wording) -> str:
        """A step of a policy, before anybody waits."""
        fallback = self._daemon.rules.config.fallback

        def named(target: str) -> str:
            return target_in_words(target, words=words) or self._target(
                fallback if target == "fallback" else target, words
            )

        moved = named(step.reassign) if step.reassign else ""
        return step_in_words(step, [named(one) for one in step.notify], moved, words=words)

    def _mailbox(self, mailbox: str | None) -> str:
        """A mailbox; a personal one by its number within the team where only teams are shown."""
        labels = self._labels()
        return clean(labels.mailbox(mailbox) if labels and mailbox else mailbox or "–", 60)

    @pass_context
    def _wordless(self, context: Context, text: str) -> str:
        """A sentence of ours in which nobody's id stands, where only teams are shown; nor that of who has left: a page
        gives as `named` which ids its records name.
        """
        if self._labels() is None:
            return text
        config = self._daemon.rules.config
        people, mailboxes = {str(one) for one in config.people}, {str(one) for one in config.mailboxes}
        former = {one for one in context.get("named", ()) if self._is_ours(one) and "@" not in one}
        former -= people | mailboxes | config.channels.keys()
        ids = sorted(people | mailboxes | former, key=len, reverse=True)
        named = re.compile(rf"(?<![\w@.-])(?:{'|'.join(map(re.escape, ids))})(?![\w@-])")
        return named.sub(
            lambda one: self._mailbox(one[0]) if one[0] in mailboxes - people else self._person(one[0]), text
        )

    def _nameless(self, text: str) -> str:
        """A page on which sentences of the store name nobody either; whom one may choose in a form stays."""
        config = self._daemon.rules.config
        teams = {
            word: self._person(one.id)
            for one in config.people.values()
            for word in (one.name, one.email, *one.aliases)
            if word
        }
        named = re.compile("|".join(re.escape(escape(word)) for word in sorted(teams, key=len, reverse=True)), re.I)
        folded = {str(escape(word)).casefold(): str(escape(team)) for word, team in teams.items()}

        def nameless(text: str) -> str:
            return named.sub(lambda found: folded[found[0].casefold()], text)

        before, *forms = text.split("<select")
        told = [nameless(before)]
        for form in forms:
            choices, end, rest = form.partition("</select>")
            told += ["<select", choices, end, nameless(rest)]
        return "".join(told)


def _ladder_sentence(step: LadderStep, at: Markup, words: Wording) -> Markup:
    """A step of a ladder in words; `at` is its instant as pages show it."""
    named = Markup('<span class="who">{}</span>').format
    shown = replace(step, targets=tuple(named(clean(one)) for one in step.targets))
    shown = replace(shown, moves_to=named(clean(step.moves_to)) if step.moves_to else "")
    return Markup(ladder_sentence(shown, at, words=words))  # noqa: S704  (escaped parts)


def _follow_up_sentence(day: str, person: str, at: Markup, words: Wording) -> Markup:
    """Who follows up when; `at` is its instant as pages show it."""
    return Markup(follow_up_messages.of_lead(day=day, person=str(escape(person)), at=at, words=words))  # noqa: S704


@pass_context
def _stamp(context: Context, at: datetime | str | None) -> str:
    """An instant as pages show it until the browser turns it into local time: `Mon 4 May 09:30 UTC`."""
    if at is None:
        return ""
    moment = datetime.fromisoformat(at) if isinstance(at, str) else at
    told_in: Wording = context["words"]
    return told_in.when(moment.astimezone(UTC))
