"""A package is one file that tells whether any byte is not as it was sealed, and runs nothing that it holds (R13)."""

from __future__ import annotations

import io
import pickle  # noqa: TID251  # to show that no package ever runs one
import zipfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from roadworthy.contract import Column, Contract, check_table, to_arrow
from roadworthy.errors import DataError, PackageError
from roadworthy.model import Package, load, seal
from roadworthy.model.package import from_parts
from roadworthy.model.package_file import read_parts
from roadworthy.model.plain_array import array_bytes, read_array
from roadworthy.model.plain_batch import plain_batch, read_batch
from roadworthy.testing import make_applications, make_package

CONTRACT = Contract(
    name="tiny",
    columns=(
        Column(name="age", type="integer", missing=True),
        Column(name="region", type="category", allowed=("N", "S"), missing=True),
        Column(name="note", type="text", missing=True),
        Column(name="since", type="date", missing=True),
    ),
)


def make_tiny(model: Any = None, **options: Any) -> Package:
    rows = np.arange(16)
    X = pd.DataFrame({"age": 20.0 + rows, "region": np.where(rows % 2, "N", "S"), "note": "a", "since": "2026-11-01"})
    fitted = (model or DecisionTreeClassifier(max_depth=1)).fit(X[["age"]], rows >= 8)
    return seal(fitted, X, (rows >= 8).astype(int), **{"name": "tiny", "contract": CONTRACT, **options})


@pytest.fixture(scope="module")
def tiny() -> Package:
    """One tree with one split, on one of four columns, sealed with sixteen rows."""
    return make_tiny()


@pytest.fixture(scope="module")
def line() -> Package:
    """A logistic regression on the same column."""
    return make_tiny(LogisticRegression())


def resealed(package: Package, **changes: Any) -> dict[str, bytes]:
    """The parts with some changed (None removes one), and a manifest whose digests are right again."""
    parts = {name.replace("__", "/").replace("_json", ".json"): content for name, content in changes.items()}
    kept = {**package.parts, **parts}
    kept = {name: content for name, content in kept.items() if content is not None and name != "manifest.json"}
    manifest = msgspec.json.decode(package.parts["manifest.json"])
    manifest["parts"] = {name: sha256(content).hexdigest() for name, content in kept.items()}
    return {**kept, "manifest.json": msgspec.json.encode(manifest)}


def with_manifest(package: Package, change: Callable[[dict[str, Any]], Any]) -> dict[str, bytes]:
    manifest = msgspec.json.decode(package.parts["manifest.json"])
    change(manifest)
    return {**package.parts, "manifest.json": msgspec.json.encode(manifest)}


def changed_json(package: Package, part: str, change: Callable[[Any], Any]) -> dict[str, bytes]:
    plain = msgspec.json.decode(package.parts[part])
    change(plain)
    return resealed(package, **{part: msgspec.json.encode(plain)})


def refusal(parts: Mapping[str, bytes]) -> str:
    with pytest.raises(PackageError) as raised:
        from_parts(parts, where="odd.rw")
    assert raised.value.where == "odd.rw"
    return raised.value.message


def test_the_same_model_and_rows_give_the_same_bytes(tiny: Package, tmp_path: Path) -> None:
    for name, package in (("a.rw", tiny), ("b.rw", make_tiny())):
        package.save(tmp_path / name)
    assert (tmp_path / "a.rw").read_bytes() == (tmp_path / "b.rw").read_bytes()
    load(tmp_path / "a.rw").save(tmp_path / "c.rw")
    assert (tmp_path / "c.rw").read_bytes() == (tmp_path / "a.rw").read_bytes()


def test_the_digest_is_of_the_manifest_and_hence_of_every_part(tiny: Package) -> None:
    assert tiny.digest == sha256(tiny.parts["manifest.json"]).hexdigest()
    assert tiny.digest != make_tiny(name="other").digest
    assert tiny.digest != make_tiny(lineage={"data": "abc"}).digest
    assert tiny.digest != make_tiny(reference=0).digest


def test_a_package_comes_back_as_it_was(tiny: Package, line: Package, tmp_path: Path) -> None:
    for package in (tiny, line):
        package.save(tmp_path / "p.rw")
        again = load(tmp_path / "p.rw")
        assert again.manifest == package.manifest
        assert again.contract == package.contract
        assert again.evaluation == package.evaluation
        assert again.profile == package.profile
        assert again.pd({"age": [20, 40, None]}).tolist() == pytest.approx(
            package.pd({"age": [20, 40, None]}).tolist(), abs=0, nan_ok=True
        )
        assert again.check_golden() == 0
        assert [name for name in tmp_path.iterdir() if name.name.startswith(".")] == []


def test_any_zip_tool_opens_it(tiny: Package, tmp_path: Path) -> None:
    tiny.save(tmp_path / "tiny.rw")
    with zipfile.ZipFile(tmp_path / "tiny.rw") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == dict(tiny.parts)


def test_a_changed_part_with_a_right_checksum_is_refused_with_its_name(tiny: Package) -> None:
    for name, content in tiny.parts.items():
        if name != "manifest.json":
            assert name in refusal({**tiny.parts, name: content + b" "})


def test_a_missing_part_is_named(tiny: Package) -> None:
    for name in tiny.parts:
        parts = {other: content for other, content in tiny.parts.items() if other != name}
        assert name in refusal(parts)
        if name != "manifest.json":
            assert f"{name} is missing" in refusal(resealed(tiny, **{name: None}))


@pytest.mark.parametrize(
    "name", ["extra.json", "/etc/passwd", "../up.json", "native.skops", "plan/../code.npy", "plan/"]
)
def test_a_part_too_many_is_refused_and_nothing_is_ever_written_by_its_name(name: str, tiny: Package) -> None:
    assert name in refusal({**tiny.parts, name: b"{}"})
    assert f"{name} is no part of a package" in refusal(resealed(tiny, **{name: b"{}"}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["engine"].update(kind="magic"), "kind 'magic'"),
        (lambda m: m["engine"].update(link="probit"), "link 'probit'"),
        (lambda m: m["engine"].update(scorer="oracle"), "scorer 'oracle'"),
        (lambda m: m["engine"].update(bad_at=7), "not 7"),
        (lambda m: m["engine"].update(inputs=["salary"]), "salary"),
        (lambda m: m["engine"].update(inputs=["note"]), "note, which is a text"),
        (lambda m: m["engine"].update(inputs=["since"]), "since, which is a date"),
        (lambda m: m["engine"].update(inputs=["age", "age"]), "reads a column twice"),
        (lambda m: m["engine"].update(inputs=[]), "plan"),
        (lambda m: m["engine"].update(more=1), "more"),
        (lambda m: m.update(surprise=1), "surprise"),
        (lambda m: m.update(parts=[]), "manifest.json cannot be read"),
        (lambda m: m.update(name=3), "manifest.json cannot be read"),
    ],
)
def test_a_manifest_that_says_what_cannot_be_is_refused(
    change: Callable[[dict[str, Any]], Any], message: str, tiny: Package
) -> None:
    assert message in refusal(with_manifest(tiny, change))


@pytest.mark.parametrize(
    "part", ["manifest.json", "contract.json", "reference.json", "profile.json", "evaluation.json", "golden.json"]
)
@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"a":' * 100_000], ids=range(7)
)
def test_a_part_that_is_no_sound_json_is_refused_with_its_name(part: str, content: bytes, tiny: Package) -> None:
    parts = {**tiny.parts, part: content} if part == "manifest.json" else resealed(tiny, **{part: content})
    assert part in refusal(parts)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("reference.json", lambda p: p.update(rows=2), "other lengths than 2"),
        ("reference.json", lambda p: p["columns"].pop("age"), "contract's columns"),
        ("reference.json", lambda p: p["columns"].update(more=["0x0p0"]), "contract's columns"),
        ("reference.json", lambda p: p["columns"].update(age=["forty"]), "age is not a integer"),
        ("reference.json", lambda p: p["columns"].update(age=[None]), "age is not a integer"),
        ("reference.json", lambda p: p["columns"].update(age=["0x1p99999"]), "age is not a integer"),
        ("reference.json", lambda p: p["columns"].update(region=[2]), "region is not a category"),
        ("reference.json", lambda p: p["columns"].update(region=[-3]), "region is not a category"),
        ("reference.json", lambda p: p["columns"].update(region=[2**40]), "region is not a category"),
        ("reference.json", lambda p: p["columns"].update(region=["N"]), "region is not a category"),
        ("reference.json", lambda p: p["columns"].update(note=[3]), "note is not a text"),
        ("reference.json", lambda p: p["columns"].update(since=["now"]), "since is not a date"),
        ("reference.json", lambda p: p.update(rows=0, columns={name: [] for name in p["columns"]}), "one applicant"),
        ("golden.json", lambda p: p["pd"].pop(), "15 PDs for 16 rows"),
        ("golden.json", lambda p: p["pd"].__setitem__(0, "half"), "not a number"),
        ("golden.json", lambda p: p["rows"]["columns"].update(age=[]), "golden.json has columns of other lengths"),
        ("evaluation.json", lambda p: p.pop("population"), "evaluation.json"),
        ("evaluation.json", lambda p: p.update(auc="high"), "evaluation.json"),
        ("profile.json", lambda p: p.update(age=3), "profile.json"),
        ("contract.json", lambda p: p.update(columns=[]), "age"),
        ("contract.json", lambda p: p["columns"].append(p["columns"][0]), "contract.json"),
    ],
)
def test_content_that_does_not_fit_is_refused_after_all_digests_are_right(
    part: str, change: Callable[[Any], Any], message: str, tiny: Package
) -> None:
    assert message in refusal(changed_json(tiny, part, change))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("plan/outputs.npy", np.array([7], dtype=np.int32), "outputs lie outside"),
        ("plan/origin.npy", np.array([-1], dtype=np.int32), "columns it does not read"),
        ("plan/code.npy", np.array([55], dtype=np.int32), "operation 0 is unknown"),
        ("plan/source.npy", np.array([3], dtype=np.int32), "outside the plan"),
        ("scorer/left.npy", np.array([0, -1, -1], dtype=np.int32), "before their parents"),
        ("scorer/right.npy", np.array([9, -1, -1], dtype=np.int32), "outside the trees"),
        ("scorer/feature.npy", np.array([1, -1, -1], dtype=np.int32), "features that the plan does not make"),
        ("scorer/roots.npy", np.array([3], dtype=np.int32), "roots"),
        ("scorer/value.npy", np.array([0, np.nan, 0.5]), "not finite"),
        ("scorer/category_end.npy", np.array([-1, -1], dtype=np.int32), "does not fit"),
        ("scorer/base.npy", np.array([0.0, 1.0]), "does not hold one value"),
        ("scorer/divisor.npy", np.array([0.0]), "not finite"),
        ("scorer/value.npy", np.zeros(3, dtype=np.float32), "holds float32"),
        ("scorer/value.npy", np.zeros((3, 1)), "of 2 dimensions"),
        ("scorer/left.npy", np.array([1, -1, -1], dtype=">i4"), "holds >i4"),
        ("scorer/float32_sum.npy", np.array([7], dtype=np.uint8), "holds uint8"),
    ],
)
def test_an_array_out_of_bounds_is_refused_after_all_digests_are_right(
    name: str, array: Any, message: str, tiny: Package
) -> None:
    assert message in refusal(resealed(tiny, **{name: array_bytes(array)}))


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("scorer/coefficients.npy", np.array([1.0, 2.0]), "do not fit"),
        ("scorer/coefficients.npy", np.array([np.inf]), "do not fit"),
        ("scorer/intercept.npy", np.array([np.nan]), "intercept"),
        ("scorer/intercept.npy", np.array([]), "does not hold one value"),
    ],
)
def test_a_linear_model_s_arrays_are_checked_too(name: str, array: Any, message: str, line: Package) -> None:
    assert message in refusal(resealed(line, **{name: array_bytes(array)}))


class Touch:
    """What a pickle would run on being read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.path,)


def test_an_array_of_objects_is_refused_and_nothing_in_it_runs(tiny: Package, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.array([Touch(trap)], dtype=object), allow_pickle=True)
    assert "scorer/value.npy holds object of 1 dimensions" in refusal(
        resealed(tiny, **{"scorer/value.npy": buffer.getvalue()})
    )
    assert "is not an array" in refusal(resealed(tiny, **{"scorer/value.npy": pickle.dumps(Touch(trap))}))
    assert not trap.exists()
    pickle.loads(pickle.dumps(Touch(trap)))  # the trap does work  # noqa: S301
    assert trap.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00",
        array_bytes(np.zeros(3))[:-1],
        array_bytes(np.zeros(3)) + b"\0",
        array_bytes(np.zeros(3)).replace(b"(3,), ", b"(9**9,)"),
        array_bytes(np.zeros(3)).replace(b"(3,), }", b"(-3,), "),
        array_bytes(np.zeros(3)).replace(b"(3,), }" + b" " * 12, b"(999999999999999999,)}"[:19]),
        b"\x93NUMPY\x01\x00" + (200).to_bytes(2, "little") + b"(" * 200,
        b"\x93NUMPY\x01\x00" + (60_000).to_bytes(2, "little") + b" " * 60_000,
    ],
    ids=range(10),
)  # fmt: skip
def test_bytes_that_are_no_whole_array_are_refused(content: bytes) -> None:
    with pytest.raises(PackageError, match=r"odd\.npy"):
        read_array(content, "odd.npy", np.float64)


def test_what_is_no_package_at_all_is_said(tmp_path: Path, tiny: Package) -> None:
    (tmp_path / "text.rw").write_text("age,bad\n41,0\n")
    with pytest.raises(PackageError, match="not a whole package"):
        load(tmp_path / "text.rw")
    with pytest.raises(PackageError, match="no such file") as raised:
        load(tmp_path / "absent.rw")
    assert raised.value.available == ["text.rw"]
    with pytest.raises(PackageError, match="cannot be read"):
        load(tmp_path)
    with zipfile.ZipFile(tmp_path / "empty.rw", "w"):
        pass
    assert read_parts(tmp_path / "empty.rw") == {}
    with pytest.raises(PackageError, match=r"has no manifest.json"):
        load(tmp_path / "empty.rw")
    assert tiny.digest


def test_saving_where_nothing_can_be_written_says_so_and_leaves_nothing(tiny: Package, tmp_path: Path) -> None:
    with pytest.raises(PackageError, match="cannot be written"):
        tiny.save(tmp_path / "nowhere" / "tiny.rw")
    (tmp_path / "a directory.rw").mkdir()
    with pytest.raises(PackageError, match="cannot be written"):
        tiny.save(tmp_path / "a directory.rw")
    assert [path.name for path in tmp_path.iterdir()] == ["a directory.rw"]


def test_rows_come_back_from_json_to_the_bit() -> None:
    table = {
        "age": [41, None, 2**53 - 1],
        "region": ["N", None, "elsewhere"],
        "note": ["café", None, ""],
        "since": ["2026-11-01T09:00:00.000001Z", None, "1900-01-01"],
    }
    batch = check_table(CONTRACT, to_arrow(table)).batch
    plain = msgspec.json.decode(msgspec.json.encode(plain_batch(batch)), type=type(plain_batch(batch)))
    again = read_batch(CONTRACT, plain, "rows.json")
    for name, values in batch.columns.items():
        np.testing.assert_array_equal(again.columns[name], values, strict=True)
    odd = check_table(
        Contract(name="odd", columns=(Column(name="x", type="number", missing=True),)),
        to_arrow({"x": [0.1, -0.0, 5e-324, 1.7976931348623157e308, None]}),
    ).batch
    read = read_batch(odd.contract, plain_batch(odd), "rows.json").columns["x"]
    assert read.tobytes() == odd.columns["x"].tobytes()


def test_every_kind_of_table_gets_the_same_pd() -> None:
    package = make_package("boosted")
    X, _ = make_applications(100, seed=13)
    table = to_arrow(X)
    wanted = package.pd(X).tolist()
    for given in (
        table,
        pl.from_arrow(table),
        table.to_pydict(),
        package.batch(X),
        table.select(table.column_names[::-1]),
    ):
        assert package.pd(given).tolist() == wanted
        assert package.explain(given).contributions.tolist() == package.explain(X).contributions.tolist()


def test_rows_that_break_the_contract_are_named_and_never_dropped_in_silence(tiny: Package) -> None:
    with pytest.raises(DataError, match=r"2 rows break the contract; the first: row 1, \$\.inputs\.age") as raised:
        tiny.pd({"age": [40, "old", 41, "older"]})
    assert raised.value.mend is not None


def test_a_batch_of_another_contract_is_refused(tiny: Package) -> None:
    other = Contract(name="other", columns=CONTRACT.columns[:1])
    batch = check_table(other, to_arrow({"age": [41]})).batch
    with pytest.raises(DataError, match="the batch is of another contract, 'other'"):
        tiny.pd(batch)
    assert tiny.contract is not CONTRACT
    assert tiny.pd(check_table(CONTRACT, to_arrow({"age": [41]})).batch).tolist() == [1.0]
