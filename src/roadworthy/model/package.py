"""A sealed package: one file, content-addressed, that holds everything a decision needs and nothing that executes.

`manifest.json` names every other part with its SHA-256, and the package's digest is the SHA-256 of the manifest.

Protocol 2 has all of protocol 1, and beyond it models composed of models and more operations of the plan. Protocol 3
has counts of training rows in its trees, for path-dependent reasons, which packages of the older ones therefore cannot
have, and says what is explained and how far that is from the library's own. One reader reads them all. Whatever a
reader of today could not know raises PROTOCOL: a new part, link, scorer, curve or operation. What would no longer be
read as it was keeps a reader of its own. Packages of every protocol are kept among the tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch, Contract, check_table, to_arrow
from roadworthy.errors import DataError, PackageError
from roadworthy.model.engine import METHODS, Engine, Explanation
from roadworthy.model.engine_parts import part_names, read_compiled
from roadworthy.model.evaluate import Evaluation
from roadworthy.model.package_file import file_bytes, parts_of, read_parts, write_parts
from roadworthy.model.parity import Parity
from roadworthy.model.plain_batch import PlainBatch, read_batch
from roadworthy.model.reference import InputProfile

__all__ = ["PROTOCOL", "EngineNote", "Golden", "Manifest", "Package", "from_parts", "load", "load_bytes", "pack_parts"]

PROTOCOL = 3
LARGEST_JSON = 2**26
MOST_COLUMNS = 20_000
_ALWAYS = ("contract.json", "reference.json", "profile.json", "evaluation.json", "golden.json")
_Read = TypeVar("_Read")


class EngineNote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the model runs: compiled or native and why, with what link, and how reasons are computed.

    `reasons` is the method (a key of METHODS), `quantity` what it explains (margin or pd), and `residual` the largest
    difference between that and the library's own number of it on the rows compared, None where the library has none.
    """

    kind: str
    model: str
    why: str
    link: str = ""
    scorer: str = ""
    inputs: tuple[str, ...] = ()
    bad_is_first: bool = False
    bad_at: int = 1
    named: bool = True
    frame: tuple[tuple[str, str, tuple[bool | int | float | str, ...] | None], ...] = ()
    reasons: str = "reference"
    quantity: str = ""
    residual: float | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first thing read of a package. `parts` maps every other part to its SHA-256."""

    protocol: int
    name: str
    engine: EngineNote
    parity: Parity | None
    notes: tuple[str, ...]
    environment: dict[str, str]
    lineage: dict[str, str]
    parts: dict[str, str]


class Golden(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rows kept at sealing and the PD they had then, as hexadecimal floats."""

    rows: PlainBatch
    pd: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class Package:
    """A trained model that can be carried, checked and run. Made by `seal`, read by `load`."""

    manifest: Manifest
    contract: Contract
    engine: Engine
    reference: Batch
    profile: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    parts: Mapping[str, bytes]

    def __repr__(self) -> str:
        note = self.manifest.engine
        return f"Package {self.name!r}: {note.model}, {note.kind}, {len(self.engine.inputs)} inputs, {self.digest[:12]}"

    @property
    def name(self) -> str:
        """The model's name."""
        return self.manifest.name

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the manifest, hence of every part."""
        return sha256(self.parts["manifest.json"]).hexdigest()

    def batch(self, X: Any) -> Batch:
        """`X` (pandas, polars, Arrow, a mapping of columns, or a Batch) as a batch of this contract.

        DataError with the first violations where a row breaks the contract, since here nothing is set aside in silence,
        and for a Batch of another contract.
        """
        if isinstance(X, Batch):
            if X.contract is not self.contract and X.contract != self.contract:
                raise DataError(
                    f"the batch is of another contract, '{X.contract.name}'",
                    mend="check the table against package.contract",
                )
            return X
        checked = check_table(self.contract, to_arrow(X))
        if len(checked.set_aside.row):
            aside = checked.set_aside
            first = f"row {aside.row[0]}, {aside.path[0]}: {aside.message[0]} ({aside.rule[0]})"
            raise DataError(
                f"{len(aside.rows)} rows break the contract; the first: {first}",
                mend="mend the rows, or score the file with `roadworthy score --set-aside`, which keeps them apart",
            )
        return checked.batch

    def pd(self, X: Any) -> NDArray[np.float64]:
        """Calibrated probability of bad (n,), 0..1; NaN where the model fails on a row."""
        return self.engine.pd(self.batch(X))

    def explain(self, X: Any) -> Explanation:
        """Contributions by contract column against the reference applicant, and the reference's PD."""
        return self.engine.explain(self.batch(X), self.reference)

    def golden(self) -> tuple[Batch, NDArray[np.float64]]:
        """The rows kept at sealing and the PD (n,) they had then."""
        return _read_golden(self.contract, self.parts)

    def check_golden(self) -> int:
        """How many golden rows differ by a bit from what they had at sealing; 0 on the build that sealed them."""
        rows, then = self.golden()
        now = self.engine.pd(rows)
        return int(np.sum(~((now == then) | (np.isnan(now) & np.isnan(then)))))

    def to_bytes(self) -> bytes:
        """The bytes of the file: the same package always gives the same ones."""
        return file_bytes(self.parts)

    def save(self, path: str | Path) -> None:
        """Write the file whole or not at all. The same package always gives the same bytes."""
        write_parts(Path(path), self.parts)


def load(path: str | Path, *, trusted_types: tuple[str, ...] = (), native: bool = True) -> Package:
    """Read a package. Every part is checked against the manifest and every array against its bounds before it is used.

    PackageError names the part that is missing, odd or changed. `trusted_types` are the deployment's own classes that a
    natively run model may hold. With `native=False` such a model is not even opened, and cannot decide.
    """
    return from_parts(read_parts(Path(path)), where=path, trusted_types=trusted_types, native=native)


def load_bytes(content: bytes, *, where: object = "the package", trusted_types: tuple[str, ...] = ()) -> Package:
    """A package from the bytes of its file, checked as `load` does; `where` is its name in errors.

    >>> from roadworthy.testing import make_package
    >>> package = make_package("scorecard")
    >>> load_bytes(package.to_bytes()).digest == package.digest
    True
    """
    return from_parts(parts_of(content, where), where=where, trusted_types=trusted_types)


def from_parts(
    parts: Mapping[str, bytes], *, where: object, trusted_types: tuple[str, ...] = (), native: bool = True
) -> Package:
    """A package from its parts, none of which is believed before it is checked."""
    try:
        manifest = _read_manifest(parts)
        contract = _decode(parts, "contract.json", Contract)
        if len(contract.columns) > MOST_COLUMNS:
            raise PackageError(f"contract.json has {len(contract.columns):,} columns, and {MOST_COLUMNS:,} is the most")
        engine = _read_engine(manifest.engine, parts, trusted_types, native)
        for name in engine.inputs:
            if name not in contract:
                raise PackageError(f"the model reads {name}, which the contract does not have")
            if contract[name].type in ("text", "date"):
                raise PackageError(f"the model reads {name}, which is a {contract[name].type}")
        reference = read_batch(contract, _decode(parts, "reference.json", PlainBatch), "reference.json")
        if len(reference) != 1:
            raise PackageError("reference.json does not hold one applicant")
        _read_golden(contract, parts)
        return Package(
            manifest=manifest,
            contract=contract,
            engine=engine,
            reference=reference,
            profile=_decode(parts, "profile.json", dict[str, InputProfile]),
            evaluation=_decode(parts, "evaluation.json", Evaluation),
            parts=dict(parts),
        )
    except PackageError as error:
        error.where = error.where or str(where)
        raise


def _read_manifest(parts: Mapping[str, bytes]) -> Manifest:
    """The manifest, once every part is found to be what it says and none is missing or too many."""
    if "manifest.json" not in parts:
        raise PackageError("has no manifest.json: it is not a Roadworthy package")
    protocol = _decode(parts, "manifest.json", dict[str, Any]).get("protocol")
    if type(protocol) is not int or protocol < 1:
        raise PackageError("manifest.json does not say of what protocol it is", mend="seal the model again")
    if protocol > PROTOCOL:
        raise PackageError(
            f"is of protocol {protocol}, and this Roadworthy reads those up to {PROTOCOL}",
            mend="update Roadworthy here, or seal the model again with this one",
        )
    manifest = _decode(parts, "manifest.json", Manifest)
    for name in sorted({*manifest.parts, *parts} - {"manifest.json"}):
        if name not in parts:
            raise PackageError(f"{name} is missing")
        if manifest.parts.get(name) != sha256(parts[name]).hexdigest():
            raise PackageError(f"{name} is not what the manifest says", mend="copy or seal it again")
    wanted = {*_ALWAYS, *_engine_parts(manifest, parts)}
    for name in sorted(wanted ^ set(manifest.parts)):
        raise PackageError(f"{name} is missing" if name in wanted else f"{name} is no part of a package")
    return manifest


def _engine_parts(manifest: Manifest, parts: Mapping[str, bytes]) -> list[str]:
    note = manifest.engine
    if note.kind == "native":
        return ["native.skops"]
    if note.kind != "compiled":
        raise PackageError(f"an engine of kind {note.kind!r} is unknown")
    return part_names(note.scorer, note.link, parts, manifest.protocol)


def _read_engine(note: EngineNote, parts: Mapping[str, bytes], trusted_types: tuple[str, ...], native: bool) -> Engine:
    if note.reasons not in METHODS:
        raise PackageError(f"manifest.json: reasons by {note.reasons!r} are unknown")
    if note.bad_at not in (0, 1):
        raise PackageError(f"manifest.json: the bad class is the model's answer 0 or 1, not {note.bad_at}")
    if note.kind == "native":
        from roadworthy.model.formats.feature import FrameColumn  # only for what stayed native
        from roadworthy.model.formats.native import NativeEngine
        from roadworthy.model.formats.stored import load_native

        return NativeEngine(
            model=load_native(parts["native.skops"], trusted_types) if native else None,
            frame=tuple(FrameColumn(*column) for column in note.frame),
            named=note.named,
            bad_at=note.bad_at,
        )
    by = "path" if note.reasons == "path" else "reference"
    return read_compiled(note.inputs, note.scorer, note.link, note.bad_is_first, parts, by)


def _read_golden(contract: Contract, parts: Mapping[str, bytes]) -> tuple[Batch, NDArray[np.float64]]:
    kept = _decode(parts, "golden.json", Golden)
    rows = read_batch(contract, kept.rows, "golden.json")
    try:
        pd = np.array([float.fromhex(text) for text in kept.pd], dtype=np.float64)
    except (ValueError, OverflowError):
        raise PackageError("golden.json holds a PD that is not a number") from None
    if len(pd) != len(rows):
        raise PackageError(f"golden.json holds {len(pd)} PDs for {len(rows)} rows")
    return rows, pd


def _decode(parts: Mapping[str, bytes], name: str, kind: type[_Read]) -> _Read:
    if len(parts[name]) > LARGEST_JSON:
        raise PackageError(f"{name} has {len(parts[name]):,} bytes, and {LARGEST_JSON:,} is the most")
    try:
        return msgspec.json.decode(parts[name], type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # a ValidationError is a DecodeError
        raise PackageError(f"{name} cannot be read: {error}") from None


def pack_parts(parts: dict[str, bytes], **manifest: Any) -> dict[str, bytes]:
    """`parts` with the manifest that seals them; `manifest` are its other fields."""
    digests = {name: sha256(content).hexdigest() for name, content in sorted(parts.items())}
    sealed = Manifest(protocol=PROTOCOL, parts=digests, **manifest)
    return {**parts, "manifest.json": msgspec.json.format(msgspec.json.encode(sealed), indent=1)}
