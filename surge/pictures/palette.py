"""Colours and letters: the two themes, and the style of each cluster of a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

import numpy as np

from surge.explanation.record import Explanation
from surge.pictures.text import shorten, title_of

# Okabe and Ito's colours without black, which is the text: neighbours in the list are far apart
CLUSTER_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
CLUSTER_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # those after the seventh are grey
NO_LETTER = "·"
FONT = '"Source Sans", "Source Sans Pro", "Helvetica Neue", Arial, sans-serif'


class Theme(StrEnum):
    """The two looks of the app; colours that are read on the page's own background."""

    LIGHT = "light"
    DARK = "dark"

    def _pick(self, light: str, dark: str) -> str:
        return light if self is Theme.LIGHT else dark

    @property
    def background(self) -> str:
        """The page; figures themselves are transparent."""
        return self._pick("#ffffff", "#0e1117")

    @property
    def surface(self) -> str:
        """Tooltips and other things that lie on the page."""
        return self._pick("#ffffff", "#1a1f2b")

    @property
    def text(self) -> str:
        """Titles, and the ring of what is selected."""
        return self._pick("#1f2430", "#f2f3f7")

    @property
    def muted(self) -> str:
        """Axis labels and notes."""
        return self._pick("#667085", "#a3abbd")

    @property
    def grid(self) -> str:
        """Lines that are only there to guide the eye."""
        return self._pick("#e6e8ee", "#2a3040")

    @property
    def edge(self) -> str:
        """Edges of the graph."""
        return self._pick("#5b6472", "#b4bccb")

    @property
    def other(self) -> str:
        """Clusters beyond the seven that have a colour of their own."""
        return self._pick("#8b929f", "#6b7487")

    @property
    def positive(self) -> str:
        """A signed effect above 0 (always shown with a +)."""
        return self._pick("#BF550B", "#F59E5B")

    @property
    def negative(self) -> str:
        """A signed effect below 0 (always shown with a −)."""
        return self._pick("#1D5FA8", "#6FA8E8")

    @property
    def shades(self) -> tuple[str, str]:
        """The ends of the scale for magnitudes beside the clusters' colours, which it must not be taken for."""
        return ("#dfe2e8", "#161a22") if self is Theme.LIGHT else ("#2a3140", "#f2f3f7")

    @property
    def magnitudes(self) -> str:
        """Plotly's name of the scale for magnitudes elsewhere: what is larger stands out more from the page."""
        return self._pick("cividis_r", "cividis")


@dataclass(frozen=True)
class ClusterStyle:
    """How one final cluster looks everywhere: `name` is made of its items' categories, as plain text."""

    index: int
    letter: str
    colour: str
    name: str

    @property
    def lettered(self) -> bool:
        """Whether the cluster has a letter of its own, so that words can name it."""
        return self.letter != NO_LETTER

    @property
    def ink(self) -> str:
        """The colour of a letter that lies on the cluster's colour."""
        return max("#ffffff", "#14181f", key=lambda ink: contrast(ink, self.colour))

    @property
    def key(self) -> tuple[str, str]:
        """Ground and ink of the letter in a table; what has no letter looks like the text around it."""
        return (self.colour, self.ink) if self.lettered else ("transparent", "inherit")


def _luminance(colour: str) -> float:
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@cache
def contrast(first: str, second: str) -> float:
    """How much two #rrggbb colours differ in lightness, from 1 to 21 (WCAG 2): text wants 4.5, marks 3."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def rgba(colour: str, opacity: float) -> str:
    """A #rrggbb colour with an opacity from 0 to 1."""
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity:.3g})"


def item_clusters(record: Explanation) -> np.ndarray:
    """The final cluster of each item (n): where its row of the total assignment is largest."""
    return record.interest_extraction.first_choices()


def cluster_mass(record: Explanation) -> np.ndarray:
    """How many items each final cluster holds: column sums of the total assignment; they sum to n."""
    return record.interest_extraction.total_assignment().sum(axis=0)


def cluster_styles(
    record: Explanation,
    theme: Theme | str = Theme.LIGHT,
    like: Sequence[ClusterStyle] | None = None,
    partner: Sequence[int] | None = None,
) -> tuple[ClusterStyle, ...]:
    """One style a final cluster; entry c is the style of cluster c.

    The (at most seven) heaviest clusters that are some item's first choice get a colour and a letter, A first
    in the order in which the clusters are read; the others of some item's first choice are grey and have the letters
    after those, as far as the alphabet goes; the rest has none. With `like`, the styles of another record, a cluster
    keeps the letter and colour that it has there (under another checkpoint: that its `partner` has, -1 for none), and
    only what is left over is given to the others.
    """
    theme = Theme(theme)
    clusters, mass = item_clusters(record), cluster_mass(record)
    kept: dict[int, int] = {}  # cluster -> which letter; the first seven bring a colour
    if like is not None:
        for cluster in range(len(mass)):
            source = cluster if partner is None else int(partner[cluster])
            if 0 <= source < len(like) and like[source].lettered:
                kept[cluster] = CLUSTER_LETTERS.index(like[source].letter)
    holding = [int(cluster) for cluster in np.unique(clusters) if int(cluster) not in kept]
    free = [look for look in range(len(CLUSTER_LETTERS)) if look not in kept.values()]
    coloured = sum(look < len(CLUSTER_COLOURS) for look in free)
    heaviest = set(sorted(holding, key=lambda cluster: (-mass[cluster], cluster))[:coloured])
    read = [int(cluster) for cluster in record.prediction.order if int(cluster) in holding]
    read.sort(key=lambda cluster: cluster not in heaviest)  # the heaviest first, each part in the order read
    looks = kept | dict(zip(read, free, strict=False))
    styles = []
    for cluster in range(len(mass)):
        name = _cluster_name(record, clusters, cluster)
        if cluster in looks:
            look = looks[cluster]
            colour = CLUSTER_COLOURS[look] if look < len(CLUSTER_COLOURS) else theme.other
            styles.append(ClusterStyle(cluster, CLUSTER_LETTERS[look], colour, name))
        else:
            styles.append(ClusterStyle(cluster, NO_LETTER, theme.other, name))
    return tuple(styles)


def _cluster_name(record: Explanation, clusters: np.ndarray, cluster: int) -> str:
    """The one or two commonest categories of the cluster's items, or its strongest item's title."""
    members = np.flatnonzero(clusters == cluster)
    if not len(members):
        return ""
    categories = Counter(record.history[i].category for i in members if record.history[i].category)
    if not categories:
        strongest = members[np.argmax(record.interest_extraction.importance[members])]
        return shorten(title_of(record.history[strongest]), 32)
    common = categories.most_common(2)
    named = [category for category, number in common if number >= len(members) / 4] or [common[0][0]]
    return shorten(", ".join(str(category) for category in named), 40)
