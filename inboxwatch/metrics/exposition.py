"""The Prometheus text format, version 0.0.4, for families whose values come from elsewhere.

A large installation has hundreds of thousands of series, few of which change between two scrapes, so the text of each
series is cached until its value changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from prometheus_client.utils import floatToGoString

from inboxwatch.core.statistics.figures import LATENCY_EDGES, Tally, cumulative

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = TypeVar("Labels", bound=tuple[str, ...])


def _number(value: float) -> str:
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    return text


_EDGES = [_number(edge) for edge in LATENCY_EDGES] + ["+Inf"]


@dataclass(slots=True)
class Family:
    """A metric with its labels; `lines` renders series in the order given."""

    name: str
    kind: str
    """counter, gauge or histogram."""
    help: str
    labels: tuple[str, ...] = ()
    _texts: dict[tuple[str, ...], tuple[object, str]] = field(default_factory=dict)

    def lines(self, values: Mapping[Labels, float]) -> Iterable[str]:
        """The family with a number for each tuple of label values."""
        yield self._head()
        for labels, value in values.items():
            kept = self._texts.get(labels)
            if kept is None or kept[0] != value:
                kept = (value, f"{self.name}{self._braces(labels)} {_number(value)}\n")
                self._texts[labels] = kept
            yield kept[1]

    def buckets(self, tallies: Mapping[Labels, Tally]) -> Iterable[str]:
        """The family with a histogram for each tuple of label values."""
        yield self._head()
        for labels, tally in tallies.items():
            value = (tuple(tally.counts), tally.total)
            kept = self._texts.get(labels)
            if kept is None or kept[0] != value:
                kept = self._texts[labels] = (value, self._histogram(labels, tally))
            yield kept[1]

    def _histogram(self, labels: tuple[str, ...], tally: Tally) -> str:
        sums = cumulative(tally.counts)
        parts = [
            f"{self.name}_bucket{self._braces(labels, edge)} {count}\n"
            for edge, count in zip(_EDGES, sums, strict=True)
        ]
        braces = self._braces(labels)
        parts.append(f"{self.name}_sum{braces} {_number(tally.total)}\n")
        parts.append(f"{self.name}_count{braces} {sums[-1]}\n")
        return "".join(parts)

    def _head(self) -> str:
        return f"# HELP {self.name} {self.help}\n# TYPE {self.name} {self.kind}\n"

    def _braces(self, labels: tuple[str, ...], edge: str | None = None) -> str:
        pairs = [f'{name}="{_escaped(value)}"' for name, value in zip(self.labels, labels, strict=True)]
        if edge is not None:
            pairs.append(f'le="{edge}"')
        return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
