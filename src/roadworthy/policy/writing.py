"""policy.yaml as people first see it: laid out with the words that explain it, and read back to the same policy."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import RoundTripRepresenter

if TYPE_CHECKING:
    from roadworthy.policy.policy import Policy

__all__ = ["policy_yaml"]

_TEXT = "tag:yaml.org,2002:str"
_HEADER = """\
# How a probability of bad (PD) becomes an answer. `roadworthy check` reads this file and runs the cases at its end.
"""
_WORDS = {
    "name": "",
    "answer_words": """\
# The words people read for the three answers; a fraud team may say accept, review, block.
""",
    "score": """\
# Points shown beside a PD, higher is better: odds of base_odds good to 1 bad score base_score, pdo points more double
# the odds.
""",
    "bands": """\
# From the lowest PD to the highest. A PD below up_to gets the band's answer; a PD equal to up_to belongs to the next.
# The last band has no up_to. A riskier band is never answered more mildly: approve, then refer, then decline.
""",
    "rules": """\
# Knock-outs: they decide whatever the PD. A rule that declines beats one that refers; both beat the bands.
#   - code: under_age
#     when: age < 18                 # also: amount > 5 * income, region in ("N", "S"), missing(income), 18 <= age < 65
#     then: decline                  # or refer
#     if_missing: refer              # where an input is missing: refer (unless stated), decline, or pass
#     reason: Applicants must be at least 18
""",
    "reasons": """\
# At most max reasons (1 to 4) are stated. Texts by column: one for all, or {higher: ..., lower: ..., missing: ...},
# as the applicant's value lies to the reference's. Without one, the contract's reason or description is used.
""",
    "economics": """\
# What an application is worth, in currency over horizon_months; each value a number, a column or an expression.
# assumed: nobody has measured it yet, and every figure made of it says so. Replace it, then write measured.
""",
    "cases": """\
# Inputs with the answer they must get, run by `roadworthy check`. pd stands in for the model; leave it out to ask it.
""",
}
_NO_ECONOMICS = """\
# economics: none are stated, so no money is shown. revenue, funding, ead and lgd are needed, for example
#   currency: EUR
#   horizon_months: 12
#   terms:
#     revenue: {value: 0.12 * amount, basis: assumed}
"""


def policy_yaml(policy: Policy) -> str:
    r"""The policy as the text of a policy.yaml, commented; `Policy.parse` of it gives an equal policy.

    >>> from roadworthy.policy import Policy
    >>> policy = Policy.parse("{name: loans, bands: [{up_to: 0.05, answer: approve}, {answer: decline}]}")
    >>> "bands:\n  - {up_to: 0.05, answer: approve}\n  - {answer: decline}\n" in policy_yaml(policy)
    True
    >>> Policy.parse(policy_yaml(policy)) == policy
    True
    """
    sections = _sections(policy)
    texts = [_HEADER]
    for name, comment in _WORDS.items():
        texts.append(comment + _dump({name: sections[name]}) if name in sections else _NO_ECONOMICS)
    return "\n".join(texts)


def _sections(policy: Policy) -> dict[str, Any]:
    sections: dict[str, Any] = msgspec.to_builtins(policy)
    for figure in sections["score"]:
        sections["score"][figure] = _short(sections["score"][figure])
    sections["bands"] = [_on_one_line(_stated(band)) for band in sections["bands"]]
    texts = sections["reasons"]["texts"]
    for column in texts:
        if isinstance(texts[column], dict):
            texts[column] = _stated(texts[column])
    if policy.economics is None:
        del sections["economics"]
    else:
        terms = sections["economics"]["terms"]
        for name, term in terms.items():
            terms[name] = _on_one_line({**term, "value": _short(term["value"])})
    sections["cases"] = [_lay_out_case(case) for case in sections["cases"]]
    return sections


def _lay_out_case(case: dict[str, Any]) -> dict[str, Any]:
    given = {field: case[field] for field in ("tables", "pd") if case[field] not in ({}, None)}
    return {"name": case["name"], "inputs": case["inputs"], **given, "expect": _stated(case["expect"])}


def _stated(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _on_one_line(fields: dict[str, Any]) -> CommentedMap:
    laid_out = CommentedMap(fields)
    laid_out.fa.set_flow_style()
    return laid_out


def _short(value: Any) -> Any:
    """600 rather than 600.0."""
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
    return int(value) if whole and str(value) != "-0.0" else value  # a whole number has no minus zero, a digest has


class _Representer(RoundTripRepresenter):
    """Puts a text with the line end U+0085 in double quotes, where it is escaped; in single ones it would be folded."""

    def represent_text(self, text: str) -> ScalarNode:
        node: ScalarNode = self.represent_scalar(_TEXT, text, style='"' if "\x85" in text else None)
        return node


_Representer.add_representer(str, _Representer.represent_text)


def _dump(section: dict[str, Any]) -> str:
    yaml = YAML()
    yaml.Representer = _Representer
    yaml.width = 4096
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = StringIO()
    yaml.dump(section, stream)
    return stream.getvalue()
