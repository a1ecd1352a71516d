"""The original model that a native package carries is a container too: nothing odd about it reaches what reads it."""

from __future__ import annotations

import io
import json
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from roadworthy.errors import PackageError
from roadworthy.model import load
from roadworthy.model.formats.stored import dump_native, load_native

SOUND = load(Path(__file__).parent / "packages" / "protocol-1" / "native.rw", native=False).parts["native.skops"]


def changed(change: Callable[[zipfile.ZipFile], None]) -> bytes:
    stream = io.BytesIO(SOUND)
    with zipfile.ZipFile(stream, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that is there twice is meant
        change(archive)
    return stream.getvalue()


def link(archive: zipfile.ZipFile) -> None:
    entry = zipfile.ZipInfo("9.npy")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(entry, "/etc/passwd")


def lies(archive: zipfile.ZipFile) -> None:
    archive.writestr("9.npy", b"0")
    archive.filelist[-1].file_size = archive.filelist[-1].compress_size = 2**31


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (SOUND[:-7], "cannot be read"),
        (changed(lambda a: a.writestr("9.npy", bytes(10**8), zipfile.ZIP_DEFLATED)), "unpacks to 100,000,000 bytes"),
        (changed(lambda a: a.writestr("9.npy", b"0", zipfile.ZIP_LZMA)), "'9.npy' .* compressed in a way"),
        (changed(lambda a: a.writestr("../up.npy", b"0")), r"'\.\./up\.npy' .* leads out"),
        (changed(lambda a: a.writestr("/etc/passwd", b"0")), "'/etc/passwd' .* leads out"),
        (changed(lambda a: a.writestr("a/../../up", b"0")), "leads out"),
        (changed(lambda a: a.writestr("schema.json", b"{}")), r"'schema\.json' of the original model is there twice"),
        (changed(link), "'9.npy' .* is a symbolic link"),
        (changed(lies), "says it unpacks to 2,147"),
    ],
    ids=range(10),
)  # fmt: skip
def test_an_odd_container_is_refused_by_the_name_of_its_entry(content: bytes, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        load_native(content)


def test_an_encrypted_entry_is_refused() -> None:
    odd = SOUND.replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0", 1)
    assert odd != SOUND
    with pytest.raises(PackageError, match="is encrypted"):
        load_native(odd)


@pytest.mark.parametrize("name", ["os.system", "builtins.eval", "subprocess.Popen", "numpy.load", "pickle.loads"])
def test_what_is_on_no_list_is_not_constructed(name: str) -> None:
    module, _, kind = name.rpartition(".")
    with zipfile.ZipFile(io.BytesIO(SOUND)) as archive:
        schema = json.loads(archive.read("schema.json"))
    schema |= {"__module__": module, "__class__": kind}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    with pytest.raises(PackageError, match="the original model cannot be read"):
        load_native(stream.getvalue())


def test_a_schema_nested_without_end_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("schema.json", '{"content":' * 50_000 + "1" + "}" * 50_000)
    with pytest.raises(PackageError, match="the original model cannot be read"):
        load_native(stream.getvalue())


@pytest.mark.parametrize(
    ("node", "odd", "message"),
    [
        ("n_features_in_", '"three"', "how many columns it takes"),
        ("n_features_in_", "[9]", "how many columns it takes"),
        ("n_features_in_", "1e999", "how many columns it takes"),
        ("n_features_in_", "1", "reads more columns than there are"),
        ("nodes", "null", "cannot be read"),
        ("nodes", "[]", "cannot be read"),
        ("raw_left_cat_bitsets", "3", "the original model"),
    ],
)
def test_what_is_no_tree_is_refused_before_compiled_code_walks_it(node: str, odd: str, message: str) -> None:
    X = np.random.default_rng(0).normal(size=(200, 3))
    model = HistGradientBoostingClassifier(max_iter=2, max_leaf_nodes=4).fit(X, X[:, 2] > 0)
    with zipfile.ZipFile(io.BytesIO(dump_native(model))) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(entries["schema.json"])
    plain = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": odd, "is_json": True}

    def put(held: Any) -> None:
        for name in held if isinstance(held, dict) else range(len(held)):
            if name == node:
                held[name] = plain | {"__id__": held[name]["__id__"]}
            elif isinstance(held[name], (dict, list)):
                put(held[name])

    put(schema)
    entries["schema.json"] = json.dumps(schema).encode()
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)
    with pytest.raises(PackageError, match=message):
        load_native(stream.getvalue())
