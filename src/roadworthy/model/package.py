"""A sealed package: one file, content-addressed, that holds everything a decision needs and nothing that executes.

Protocol 1. A zip of stored parts; `manifest.json` names every other part with its SHA-256, and the package's digest is
the SHA-256 of the manifest. To change the format: raise PROTOCOL, keep the old reader beside the new one, and keep a
package of the old protocol among the tests.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from roadworthy.contract import Batch, Contract, check_table, to_arrow
from roadworthy.errors import DataError, PackageError
from roadworthy.model.engine import CompiledEngine, Engine, Explanation
from roadworthy.model.forest import NODE_DTYPES, Forest
from roadworthy.model.linear import Linear
from roadworthy.model.links import LINKS
from roadworthy.model.parity import Parity
from roadworthy.model.plan import Plan

__all__ = ["PROTOCOL", "EngineNote", "Manifest", "Package", "batch_json", "load", "pack_parts", "read_batch"]

PROTOCOL = 1
LARGEST_PACKAGE = 2 * 1024**3
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PLAN_DTYPES: dict[str, type[np.generic]] = {
    "code": np.int32, "source": np.int32, "begin": np.int32, "end": np.int32,
    "params": np.float64, "outputs": np.int32, "origin": np.int32,
}  # fmt: skip


class EngineNote(msgspec.Struct, frozen=True, kw_only=True):
    """How the model runs: compiled or native and why, with what link, and how reasons are computed."""

    kind: str
    model: str
    why: str
    link: str = ""
    scorer: str = ""
    inputs: tuple[str, ...] = ()
    bad_is_first: bool = False
    bad_at: int = 1
    named: bool = True
    frame: tuple[tuple[str, str, tuple[str, ...] | None], ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing read of a package. `parts` maps every other part to its SHA-256."""

    protocol: int
    name: str
    engine: EngineNote
    parity: Parity | None
    notes: tuple[str, ...]
    environment: dict[str, str]
    lineage: dict[str, str]
    parts: dict[str, str]


@dataclass(frozen=True)
class Package:
    """A trained model that can be carried, checked and run. Made by `seal`, read by `load`."""

    manifest: Manifest
    contract: Contract
    engine: Engine
    reference: Batch
    profile: Mapping[str, Any]
    evaluation: Mapping[str, Any]
    parts: Mapping[str, bytes]

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

        DataError with the first violations where a row breaks the contract: here nothing is set aside in silence.
        """
        if isinstance(X, Batch):
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
        """The rows kept at sealing and the PD they had then."""
        kept = msgspec.json.decode(self.parts["golden.json"])
        return read_batch(self.contract, kept["rows"]), np.array([float.fromhex(text) for text in kept["pd"]])

    def check_golden(self) -> int:
        """How many golden rows differ by a bit from what they had at sealing; 0 on the build that sealed them."""
        rows, then = self.golden()
        now = self.engine.pd(rows)
        return int(np.sum(~((now == then) | (np.isnan(now) & np.isnan(then)))))

    def save(self, path: str | Path) -> None:
        """Write the file whole or not at all. The same parts always give the same bytes."""
        path = Path(path)
        draft = path.with_name(f".{path.name}.part")
        try:
            with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
                for name in sorted(self.parts):
                    archive.writestr(zipfile.ZipInfo(name, _EPOCH), self.parts[name], zipfile.ZIP_DEFLATED)
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise


def load(path: str | Path, *, trusted_types: tuple[str, ...] = (), native: bool = True) -> Package:
    """Read a package. Every part is checked against the manifest and every array against its bounds before it is used.

    PackageError names the part that is missing, odd or changed. `trusted_types` are the deployment's own classes that a
    natively run model may hold. With `native=False` such a model is not even opened, and cannot decide.
    """
    return from_parts(_read_parts(Path(path)), where=path, trusted_types=trusted_types, native=native)


def _read_parts(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(set(names)) != len(names):
                raise PackageError("a part is there twice", where=path)
            if sum(entry.file_size for entry in entries) > LARGEST_PACKAGE:
                raise PackageError("unpacks to more than 2 GiB", where=path)
            return {entry.filename: archive.read(entry) for entry in entries}
    except FileNotFoundError:
        near = sorted(found.name for found in path.parent.glob("*.rw")) if path.parent.is_dir() else []
        raise PackageError("there is no such file", where=path, available=near) from None
    except (OSError, zipfile.BadZipFile, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
        raise PackageError(f"is not a whole package: {error}", where=path, mend="copy or seal it again") from None
    except zipfile.zlib.error as error:  # type: ignore[attr-defined]  # zipfile re-exports zlib without saying so
        raise PackageError(f"is not a whole package: {error}", where=path, mend="copy or seal it again") from None


def from_parts(
    parts: Mapping[str, bytes], *, where: object, trusted_types: tuple[str, ...] = (), native: bool = True
) -> Package:
    """A package from its parts, none of which is believed before it is checked."""
    try:
        raw = parts["manifest.json"]
    except KeyError:
        raise PackageError("has no manifest.json: it is not a Roadworthy package", where=where) from None
    try:
        protocol = msgspec.json.decode(raw).get("protocol")
        if protocol != PROTOCOL:
            raise PackageError(
                f"is of protocol {protocol}; this Roadworthy reads protocol {PROTOCOL}",
                where=where,
                mend="use a newer Roadworthy, or seal the model again with this one",
            )
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (msgspec.DecodeError, AttributeError) as error:
        raise PackageError(f"manifest.json cannot be read: {error}", where=where) from None
    for name in sorted({*manifest.parts, *parts} - {"manifest.json"}):
        if name not in parts:
            raise PackageError(f"{name} is missing", where=where)
        if manifest.parts.get(name) != sha256(parts[name]).hexdigest():
            raise PackageError(f"{name} is not what the manifest says", where=where, mend="copy or seal it again")
    try:
        contract = msgspec.json.decode(parts["contract.json"], type=Contract)
        engine = _read_engine(manifest.engine, parts, trusted_types, native)
        missing = [name for name in engine.inputs if name not in contract]
        if missing:
            raise PackageError(f"the model reads {', '.join(missing[:5])}, which the contract does not have")
        reference = read_batch(contract, msgspec.json.decode(parts["reference.json"]))
        if len(reference) != 1:
            raise PackageError("reference.json does not hold one applicant")
        return Package(
            manifest=manifest,
            contract=contract,
            engine=engine,
            reference=reference,
            profile=msgspec.json.decode(parts["profile.json"]),
            evaluation=msgspec.json.decode(parts["evaluation.json"]),
            parts=dict(parts),
        )
    except PackageError as error:
        error.where = error.where or str(where)
        raise
    except KeyError as error:
        raise PackageError(f"{error.args[0]} is missing", where=where) from None
    except (msgspec.DecodeError, msgspec.ValidationError, ValueError, TypeError) as error:
        raise PackageError(f"a part cannot be read: {error}", where=where) from None


def _read_engine(note: EngineNote, parts: Mapping[str, bytes], trusted_types: tuple[str, ...], native: bool) -> Engine:
    if note.kind == "native":
        from roadworthy.model.formats.native import FrameColumn, NativeEngine, load_native  # only what stayed native

        return NativeEngine(
            model=load_native(parts["native.skops"], trusted_types) if native else None,
            frame=tuple(FrameColumn(*column) for column in note.frame),
            named=note.named,
            bad_at=note.bad_at,
        )
    if note.kind != "compiled" or note.link not in LINKS:
        raise PackageError(f"an engine of kind {note.kind!r} with link {note.link!r} is unknown")
    plan = Plan(
        inputs=note.inputs, **{name: _array(parts, f"plan/{name}.npy", dtype) for name, dtype in _PLAN_DTYPES.items()}
    )
    engine = CompiledEngine(plan, _read_scorer(note.scorer, parts), note.link, note.bad_is_first)
    engine.check()
    return engine


def _read_scorer(kind: str, parts: Mapping[str, bytes]) -> Linear | Forest:
    if kind == "linear":
        return Linear(
            coefficients=_array(parts, "scorer/coefficients.npy", np.float64),
            intercept=float(_one(parts, "intercept", np.float64)),
        )
    if kind == "forest":
        return Forest(
            roots=_array(parts, "scorer/roots.npy", np.int32),
            **{name: _array(parts, f"scorer/{name}.npy", dtype) for name, dtype in NODE_DTYPES.items()},
            category_bits=_array(parts, "scorer/category_bits.npy", np.uint32),
            base=float(_one(parts, "base", np.float64)),
            divisor=float(_one(parts, "divisor", np.float64)),
            float32_inputs=bool(_one(parts, "float32_inputs", np.bool_)),
            float32_sum=bool(_one(parts, "float32_sum", np.bool_)),
            refuses_missing=bool(_one(parts, "refuses_missing", np.bool_)),
        )
    raise PackageError(f"a scorer of kind {kind!r} is unknown")


def _one(parts: Mapping[str, bytes], name: str, dtype: type[np.generic]) -> Any:
    array = _array(parts, f"scorer/{name}.npy", dtype)
    if array.shape != (1,):
        raise PackageError(f"scorer/{name}.npy does not hold one value")
    return array[0]


def _array(parts: Mapping[str, bytes], name: str, dtype: type[np.generic]) -> NDArray[Any]:
    try:
        array = np.lib.format.read_array(io.BytesIO(parts[name]), allow_pickle=False, max_header_size=10_000)
    except (ValueError, EOFError, OSError, SyntaxError, MemoryError) as error:
        raise PackageError(f"{name} is not an array: {error}") from None
    if array.dtype != np.dtype(dtype) or array.ndim != 1:
        raise PackageError(f"{name} holds {array.dtype} of {array.ndim} dimensions where {np.dtype(dtype)} of 1 is due")
    return np.ascontiguousarray(array)


def pack_parts(parts: dict[str, bytes], **manifest: Any) -> dict[str, bytes]:
    """`parts` with the manifest that seals them."""
    digests = {name: sha256(content).hexdigest() for name, content in sorted(parts.items())}
    sealed = Manifest(protocol=PROTOCOL, parts=digests, **manifest)
    return {**parts, "manifest.json": msgspec.json.format(msgspec.json.encode(sealed), indent=1)}


def batch_json(batch: Batch) -> dict[str, Any]:
    """A batch as plain data that `read_batch` turns back into the same bits; numbers as hexadecimal floats."""
    columns: dict[str, list[Any]] = {}
    for name, array in batch.columns.items():
        if array.dtype == np.float64:
            columns[name] = [float(value).hex() for value in array]
        elif array.dtype.kind == "M":
            columns[name] = array.astype("datetime64[us]").astype(np.int64).tolist()
        else:
            columns[name] = array.tolist()
    return {"rows": len(batch), "columns": columns}


def read_batch(contract: Contract, plain: Mapping[str, Any]) -> Batch:
    """The batch that `batch_json` wrote; ids and times are not kept."""
    n = int(plain["rows"])
    columns: dict[str, NDArray[Any]] = {}
    for column in contract.columns:
        values = plain["columns"][column.name]
        if column.type == "category":
            codes = np.array(values, dtype=np.int32)
            if len(codes) and not (codes.min() >= -2 and codes.max() < len(column.allowed or ())):
                raise PackageError(f"{column.name} has a code outside its vocabulary")
            columns[column.name] = codes
        elif column.type == "date":
            columns[column.name] = np.array(values, dtype=np.int64).view("datetime64[us]")
        elif column.type == "text":
            columns[column.name] = np.array(values, dtype=object)
        else:
            columns[column.name] = np.array([float.fromhex(value) for value in values], dtype=np.float64)
    nobody = np.full(n, None, dtype=object)
    return Batch(
        contract=contract,
        columns=columns,
        application_id=nobody,
        applicant_id=nobody.copy(),
        applied_at=np.full(n, np.datetime64("NaT", "us")),
    )
