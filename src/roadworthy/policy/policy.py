"""Policy: everything policy.yaml says, read with the line of every fault, ready to be compiled against a contract."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec

from roadworthy.contract import Contract
from roadworthy.errors import PolicyError
from roadworthy.policy.checking import check_against, check_alone
from roadworthy.policy.ruling import CompiledPolicy
from roadworthy.policy.schema import (
    AnswerWords,
    Band,
    Case,
    Reasons,
    Rule,
    ScoreScale,
    StatedEconomics,
    StatedReason,
    StatedTerm,
)
from roadworthy.yaml_file import Document, parse_document, read_document

__all__ = ["Policy", "find_faults", "policy_digest"]


class Policy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, dict=True):
    """What turns a PD into approve, refer or decline, with the reasons, the money and the cases that prove it.

    A policy read from a file remembers the file's lines for its errors; they are no part of its value: two policies
    that say the same are equal and have the same digest, however they are laid out.

    >>> policy = Policy.parse('''
    ... name: consumer loans
    ... bands:
    ...   - {up_to: 0.05, answer: approve}
    ...   - {answer: decline}
    ... rules:
    ...   - {code: under_age, when: age < 18, then: decline, reason: Applicants must be at least 18}
    ... ''')
    >>> policy.rules[0].if_missing
    'refer'
    """

    name: str
    answer_words: AnswerWords = AnswerWords()
    score: ScoreScale = ScoreScale()
    bands: tuple[Band, ...]
    rules: tuple[Rule, ...] = ()
    reasons: Reasons = Reasons()
    economics: StatedEconomics | None = None
    cases: tuple[Case, ...] = ()

    @classmethod
    def load(cls, path: Path | str) -> Policy:
        """Read policy.yaml; PolicyError with the line of the first fault."""
        return _sound(_from_document(read_document(Path(path), PolicyError)))

    @classmethod
    def parse(cls, text: str, path: str = "policy.yaml") -> Policy:
        """Read the text of a policy.yaml; `path` only names it in errors."""
        return _sound(_from_document(parse_document(text, path, PolicyError)))

    def compile(self, contract: Contract, tables: Iterable[Contract] = ()) -> CompiledPolicy:
        """The policy over the columns of `contract` and of the tables' contracts, each table known by its `name`.

        Raises PolicyError, with the line, for the first rule, text or term that does not fit them.
        """
        tables = tuple(tables)
        for fault in _faults(self, contract, tables):
            raise fault
        return CompiledPolicy(self, contract, tables)

    def where(self, *place: str | int) -> str:
        """File and line of `place`, given as keys and positions; the place itself where no file was read."""
        document: Document | None = vars(self).get("_document")
        if document is not None:
            return document.where(*place)
        return f"policy '{self.name}', {'.'.join(str(step) for step in place)}"

    def fault(
        self, message: str, *place: str | int, available: Iterable[object] | None = None, mend: str | None = None
    ) -> PolicyError:
        """The error for what is wrong at `place`."""
        return PolicyError(message, where=self.where(*place), available=available, mend=mend)


def find_faults(path: Path, contract: Contract, tables: Iterable[Contract] = ()) -> list[PolicyError]:
    """Every fault of the policy file at `path`, each with its line; an empty list where it is sound.

    What hides the rest comes alone: a file that is no YAML or has a field of the wrong type gives one fault, and the
    contract is only asked once the policy is sound by itself.

    >>> find_faults(Path("nowhere") / "policy.yaml", Contract(name="loans", columns=()))[0].message
    'there is no such file'
    """
    try:
        policy = _from_document(read_document(path, PolicyError))
    except PolicyError as error:
        return [error]
    return list(_faults(policy, contract, tuple(tables)))


def policy_digest(policy: Policy) -> str:
    r"""SHA-256, in hex, of what the policy says; comments, layout and the order of its keys do not count.

    >>> one = Policy.parse("{name: a, bands: [{answer: refer}]}")
    >>> other = Policy.parse("bands:  # all to people\n- answer: refer\nname: a\n")
    >>> policy_digest(one) == policy_digest(other)
    True
    """
    return hashlib.sha256(msgspec.json.encode(policy, order="deterministic")).hexdigest()


def _from_document(document: Document) -> Policy:
    data = _spell_dates(document.data)
    _check_entries(document, data, ("reasons", "texts"), StatedReason | str)
    _check_entries(document, data, ("economics", "terms"), StatedTerm)
    policy = document.convert(Policy, data)
    msgspec.structs.force_setattr(policy, "_document", document)
    return policy


def _check_entries(document: Document, data: Any, place: tuple[str, ...], kind: Any) -> None:
    """Find the entry that is wrong in a mapping whose keys the user chose, since msgspec does not name it."""
    for key in place:
        data = data.get(key) if isinstance(data, dict) else None
    for name, entry in data.items() if isinstance(data, dict) else ():
        try:
            msgspec.convert(entry, kind, strict=True)
        except msgspec.ValidationError as error:
            message = str(error).partition(" - at `")[0]
            raise document.fault(f"{name}: {message[:1].lower()}{message[1:]}", *place, name) from None


def _spell_dates(node: Any) -> Any:
    """A date that stands in YAML without quotes, as the text that callers send."""
    if isinstance(node, dict):
        return {key: _spell_dates(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_spell_dates(value) for value in node]
    return node.isoformat() if isinstance(node, date) else node


def _sound(policy: Policy) -> Policy:
    for fault in check_alone(policy):
        raise fault
    return policy


def _faults(policy: Policy, contract: Contract, tables: tuple[Contract, ...]) -> list[PolicyError]:
    return list(check_alone(policy)) or list(check_against(policy, contract, tables))
