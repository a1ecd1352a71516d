"""Sealed packages and model files changed at random where it hurts: in arrays, in JSON, in containers, in raw bytes.

What is changed within a package is sealed anew, digests and all: so what is shown is what the checks behind the digests
find. The same seed gives the same change.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import numpy as np

from roadworthy.model.package_file import file_bytes

__all__ = ["mutate_file", "mutate_package"]

Random = np.random.Generator

ODD_NUMBERS = (
    0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 1e-300, 5e-324, 1e9, 1e300, -1e300, 3.5e38, 2.0**31, -(2.0**31), 2.0**63,
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip
ODD_INTEGERS = (-(2**31), -(2**15), -3, -2, -1, 0, 1, 2, 3, 5, 7, 8, 31, 32, 63, 64, 127, 255, 2**15, 2**24, 2**31 - 1)
ODD_JSON: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 99, 2**31, 2**63, 10**40, 0.5, -0.0, 1e308, "", "0x1p0", "nan", "inf", "-0x1p2000",
    "age", "native", "compiled", "forest", "linear", "identity", "sigmoid", "\u202e", "\x1b[2J", "x" * 10_000, [], {},
    [[]], [None], {"": None}, ["age", "age"], "category", "text", "date", "boolean", [0, 1], [None, 3.0],
)  # fmt: skip
OTHER_DTYPES = ("<i2", "<i8", "<u4", "<f4", ">i4", ">f8", "|b1", "<c16", "<U4", "|S3", "<M8[us]", "|V8")


def mutate_package(rng: Random, parts: Mapping[str, bytes]) -> bytes:
    """The file of a package of which one to four things were changed; its digests are right in nine of ten."""
    changed = dict(parts)
    for _ in range(int(rng.choice([1, 1, 1, 2, 4]))):
        name = str(rng.choice(sorted(changed))) if rng.random() < 0.9 else "manifest.json"
        if name not in changed:
            continue
        if name.endswith(".npy"):
            changed[name] = _mutate_array(rng, changed[name])
        elif name.endswith(".json"):
            changed[name] = _mutate_json(rng, changed[name])
        else:
            changed[name] = _mutate_zip(rng, changed[name])
        if rng.random() < 0.02:
            _mutate_names(rng, changed)
    if rng.random() < 0.9:
        _seal_anew(changed)
    content = file_bytes(changed)
    return _mutate_bytes(rng, content) if rng.random() < 0.03 else content


def mutate_file(rng: Random, content: bytes) -> bytes:
    """A model file of which something was changed: a container, JSON, lines of text, or bytes."""
    if content.startswith(b"PK"):
        return _mutate_zip(rng, content)
    if content.startswith(b"{") and b'"' in content[:3] and rng.random() < 0.8:
        return _mutate_json(rng, content)
    if content.startswith(b"tree") and rng.random() < 0.8:
        return _mutate_lines(rng, content)
    return _mutate_bytes(rng, content)


def _seal_anew(parts: dict[str, bytes]) -> None:
    """Put the right digests into the manifest, where it is still one that has room for them."""
    try:
        manifest = json.loads(parts["manifest.json"])
    except (KeyError, ValueError, RecursionError):
        return
    if isinstance(manifest, dict) and isinstance(manifest.get("parts"), dict):
        others = {name: content for name, content in parts.items() if name != "manifest.json"}
        manifest["parts"] = {name: sha256(content).hexdigest() for name, content in others.items()}
        parts["manifest.json"] = json.dumps(manifest).encode("utf-8", "surrogatepass")


def _mutate_names(rng: Random, parts: dict[str, bytes]) -> None:
    names = sorted(parts)
    one, other = (str(rng.choice(names)) for _ in range(2))
    choice = rng.integers(4)
    if choice == 0:
        parts.pop(one)
    elif choice == 1:
        parts[one], parts[other] = parts[other], parts[one]
    elif choice == 2:
        parts[one] = parts[other]
    else:
        parts[str(rng.choice(["plan/more.npy", "native.skops", "../up.json", "notes.txt"]))] = parts[one]


def _mutate_array(rng: Random, content: bytes) -> bytes:
    if rng.random() < 0.07:
        return _mutate_bytes(rng, content)
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except Exception:  # noqa: BLE001  # it may have been changed before, and is then whatever it is
        return _mutate_bytes(rng, content)
    choice = rng.integers(14)
    if choice < 9 and array.size and array.ndim == 1:
        array = array.copy()
        for _ in range(int(rng.integers(1, 4))):
            array[rng.integers(array.size)] = _odd_value(rng, array)
    elif choice == 9:
        array = array[: int(rng.integers(array.size + 1))] if array.ndim else array
    elif choice == 10:
        array = np.concatenate([np.atleast_1d(array), np.atleast_1d(array)[: int(rng.integers(1, 4))]])
    elif choice == 11:
        array = rng.permutation(np.atleast_1d(array))
    elif choice == 12:
        array = np.atleast_1d(array)[None, :]
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a number that does not fit the other width is meant
            try:
                array = array.astype(str(rng.choice(OTHER_DTYPES)))
            except (ValueError, TypeError, OverflowError, RuntimeError):
                array = np.zeros(3, dtype="<f4")
    return _array_bytes(array)


def _odd_value(rng: Random, array: np.ndarray[Any, Any]) -> Any:
    if rng.random() < 0.4 or array.dtype.kind not in "fiub":
        return array[rng.integers(array.size)]
    if array.dtype.kind == "f":
        return rng.choice(ODD_NUMBERS) if rng.random() < 0.7 else rng.normal() * 10.0 ** rng.integers(-3, 4)
    if array.dtype.kind in "iu":
        limits = np.iinfo(array.dtype)
        near = (array.size - 1, array.size, array.size + 1)
        value = int(rng.choice(near if rng.random() < 0.3 else ODD_INTEGERS))
        return min(max(value, int(limits.min)), int(limits.max))
    return array.dtype.type(rng.integers(2))


def _array_bytes(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


def _mutate_json(rng: Random, content: bytes) -> bytes:
    if rng.random() < 0.08:
        return _mutate_bytes(rng, content)
    if rng.random() < 0.01:
        return b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    try:
        plain = json.loads(content)
    except (ValueError, RecursionError):
        return _mutate_bytes(rng, content)
    holder, key = _choose_place(rng, plain)
    if holder is None:
        return json.dumps(_odd_json(rng)).encode()
    _change_place(rng, holder, key)
    return json.dumps(plain).encode("utf-8", "surrogatepass")


def _choose_place(rng: Random, plain: Any) -> tuple[Any, Any]:
    """A container within `plain` and a key of it; None where there is nothing to choose from."""
    holder: Any = None
    key: Any = None
    while isinstance(plain, (dict, list)) and plain:
        holder = plain
        key = str(rng.choice(list(plain))) if isinstance(plain, dict) else int(rng.integers(len(plain)))
        if rng.random() < 0.25 or (isinstance(plain, dict) and key not in plain):
            break
        plain = plain[key]
    return holder, key


def _change_place(rng: Random, holder: Any, key: Any) -> None:
    choice = rng.integers(6)
    if choice == 0 and key in (holder if isinstance(holder, dict) else range(len(holder))):
        del holder[key]
    elif choice == 1 and isinstance(holder, list):
        holder.insert(key, holder[int(rng.integers(len(holder)))])
    elif choice == 1:
        holder[str(rng.choice(["more", "", "age", "protocol"]))] = _odd_json(rng)
    elif choice == 2 and isinstance(value := _get(holder, key), (int, float)):
        holder[key] = float(value) * float(rng.choice([-1.0, 0.0, 1.5, 1e9]))
    elif choice == 3:
        values = list(holder.values() if isinstance(holder, dict) else holder)
        holder[key] = values[int(rng.integers(len(values)))]
    else:
        holder[key] = _odd_json(rng)


def _get(holder: Any, key: Any) -> Any:
    return holder.get(key) if isinstance(holder, dict) else holder[key]


def _odd_json(rng: Random) -> Any:
    return ODD_JSON[int(rng.integers(len(ODD_JSON)))]


def _mutate_zip(rng: Random, content: bytes) -> bytes:
    """A container within: its entries changed and packed again, or its bytes."""
    if rng.random() < 0.2:
        return _mutate_bytes(rng, content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = {name: archive.read(name) for name in archive.namelist()}
    except Exception:  # noqa: BLE001  # it may have been changed before, and is then whatever it is
        return _mutate_bytes(rng, content)
    for _ in range(int(rng.integers(1, 3))):
        name = "schema.json" if rng.random() < 0.5 or not entries else str(rng.choice(sorted(entries)))
        if name in entries:
            change: Callable[[Random, bytes], bytes] = _mutate_array if name.endswith(".npy") else _mutate_json
            entries[name] = change(rng, entries[name])
        if entries and rng.random() < 0.05:
            entries.pop(str(rng.choice(sorted(entries))))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED) as archive:
        for name, entry in entries.items():
            archive.writestr(zipfile.ZipInfo(name), entry)
    return stream.getvalue()


def _mutate_lines(rng: Random, content: bytes) -> bytes:
    """Numbers of a text of `name=values` lines."""
    lines = content.split(b"\n")
    for _ in range(int(rng.integers(1, 4))):
        place = int(rng.integers(len(lines)))
        name, equals, values = lines[place].partition(b"=")
        words = values.split(b" ")
        choice = rng.integers(4)
        if not equals or choice == 0:
            lines[place] = lines[int(rng.integers(len(lines)))]
        elif choice == 1:
            lines[place] = name + equals + b" ".join(words[: int(rng.integers(len(words) + 1))])
        else:
            odd = str(rng.choice([*map(str, ODD_INTEGERS), "nan", "inf", "1e308", "", "a"]))
            words[int(rng.integers(len(words)))] = odd.encode()
            lines[place] = name + equals + b" ".join(words)
    return b"\n".join(lines)


def _mutate_bytes(rng: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    choice = rng.integers(4)
    if choice == 0 or not changed:
        return bytes(changed[: int(rng.integers(len(changed) + 1))])
    if choice == 1:
        start, other = (int(rng.integers(len(changed))) for _ in range(2))
        changed[start:start] = changed[other : other + int(rng.integers(1, 40))]
        return bytes(changed)
    for _ in range(int(rng.integers(1, 9))):
        changed[int(rng.integers(len(changed)))] = int(rng.integers(256))
    return bytes(changed)
