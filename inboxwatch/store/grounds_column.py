"""What the kind of a filed message was decided by, as JSON and back: signs and their weight, no text."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from inboxwatch.core.mail.classify import Grounds, Signs, Trait
from inboxwatch.core.mail.reply_rules import Meant
from inboxwatch.core.model import Kind, Verdict
from inboxwatch.store.column_types import storable


def is_plain(grounds: Grounds, verdict: Verdict) -> bool:
    """Whether a person wrote it and nothing speaks against it: then nothing is kept of how that was decided."""
    alone = grounds.alone
    plain = alone.kind is Kind.HUMAN and verdict.kind is Kind.HUMAN
    return plain and not (alone.machine or grounds.meant or verdict.machine)


def dump(grounds: Grounds, verdict: Verdict) -> dict[str, Any]:
    alone = grounds.alone
    data: dict[str, Any] = {"alone": _dump_verdict(alone)}
    if grounds.traits:
        data["traits"] = sorted(grounds.traits)
    if meant := {kind.value: _dump_meant(one) for kind, one in grounds.meant.items() if one != Meant()}:
        data["meant"] = meant
    signs = _signs(verdict)
    if signs != _signs(alone):
        data["signs"] = [list(map(storable, signs.machine)), list(map(storable, signs.person)), signs.weight]
    return data


def load(row: Any) -> Grounds:
    """The grounds of a whole row of `message`; of one without any, what its columns tell."""
    data = row.grounds
    if data is None:
        alone = Verdict(Kind(row.kind), row.signal, owes_reply=bool(row.owes_reply), effect=row.effect)
        return Grounds(alone, frozenset({Trait.OURS}) if row.direction != "inbound" else frozenset())
    meant = {Kind(kind): _load_meant(one) for kind, one in data.get("meant", {}).items()}
    return Grounds(_load_verdict(data["alone"]), frozenset(map(Trait, data.get("traits", ()))), meant)


def load_signs(row: Any) -> Signs:
    """What spoke for and against the kind that a row of `message` has."""
    if row.grounds is None:
        return Signs()
    if "signs" in row.grounds:
        machine, person, weight = row.grounds["signs"]
        return Signs(tuple(machine), tuple(person), weight)
    return _signs(_load_verdict(row.grounds["alone"]))


def _signs(verdict: Verdict) -> Signs:
    certain = verdict.kind is not Kind.HUMAN and not verdict.machine
    return Signs((verdict.signal,) if certain else verdict.machine, verdict.person, verdict.weight)


def _dump_verdict(verdict: Verdict) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": verdict.kind.value, "signal": storable(verdict.signal)}
    if verdict.machine:
        data["machine"] = list(map(storable, verdict.machine))
    if verdict.person:
        data["person"] = list(map(storable, verdict.person))
    if verdict.weight is not None:
        data["weight"] = verdict.weight
    if verdict.effect is not None:
        data["effect"] = verdict.effect
    return data | {name: True for name in ("owes_reply", "vacation") if getattr(verdict, name)}


def _load_verdict(data: dict[str, Any]) -> Verdict:
    return Verdict(
        Kind(data["kind"]),
        data["signal"],
        owes_reply=data.get("owes_reply", False),
        effect=data.get("effect"),
        vacation=data.get("vacation", False),
        machine=tuple(data.get("machine", ())),
        person=tuple(data.get("person", ())),
        weight=data.get("weight"),
    )


def _dump_meant(meant: Meant) -> dict[str, Any]:
    data = {
        "rules": list(meant.rules),
        "meanings": list(meant.meanings),
        "effect": meant.effect,
        "owes_nothing": meant.owes_nothing,
        "away_until": meant.away_until.isoformat() if meant.away_until else None,
    }
    return {name: value for name, value in data.items() if value}


def _load_meant(data: dict[str, Any]) -> Meant:
    away = data.get("away_until")
    return Meant(
        rules=tuple(data.get("rules", ())),
        meanings=tuple(data.get("meanings", ())),
        effect=data.get("effect"),
        owes_nothing=data.get("owes_nothing", False),
        away_until=datetime.fromisoformat(away) if away else None,
    )
