"""A package of every protocol ever written loads and decides as it did when it was sealed; a newer one is told (R23).

`packages/protocol-N` holds packages that were sealed when N was the newest, each with what it answered then to the
applications in `rows.json`. They are never made anew: whoever raises the protocol adds a folder.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from roadworthy.errors import PackageError
from roadworthy.model import load, load_bytes
from roadworthy.model.package import PROTOCOL
from roadworthy.model.package_file import file_bytes

KEPT = Path(__file__).parent / "packages"
PACKAGES = sorted(KEPT.glob("*/*.rw"))


def test_every_protocol_has_packages_that_are_kept() -> None:
    kept = {int(path.parent.name.removeprefix("protocol-")) for path in PACKAGES}
    assert kept == set(range(1, PROTOCOL + 1))


@pytest.mark.parametrize("path", PACKAGES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_package_of_every_protocol_loads_and_decides_as_it_did(path: Path) -> None:
    """Trees to the bit; what goes through the C library's exp may differ in its last bit from machine to machine."""
    then: dict[str, Any] = json.loads(path.with_suffix(".json").read_text())
    rows = json.loads((path.parent / "rows.json").read_text())
    package = load(path)
    assert package.manifest.protocol == int(path.parent.name.removeprefix("protocol-"))
    assert package.digest == then["digest"]
    assert package.manifest.engine.kind == then["kind"]
    np.testing.assert_allclose(package.pd(rows), then["pd"], rtol=1e-15, atol=0)
    said = package.explain(rows)
    assert said.reference_pd == pytest.approx(then["reference_pd"], rel=1e-15)
    np.testing.assert_allclose(said.contributions, then["contributions"], rtol=1e-12, atol=1e-14)
    assert package.check_golden() == 0
    assert package.to_bytes() == path.read_bytes()


def other_protocol(path: Path, protocol: Any) -> bytes:
    package = load(path)
    manifest = msgspec.json.decode(package.parts["manifest.json"])
    manifest |= {"protocol": protocol, "signed_by": "what only a later Roadworthy knows"}
    return file_bytes({**package.parts, "manifest.json": msgspec.json.encode(manifest)})


@pytest.mark.parametrize("protocol", [PROTOCOL + 1, 99, 10**30])
def test_a_newer_protocol_is_told_with_the_mend_whatever_else_is_in_it(protocol: int) -> None:
    with pytest.raises(PackageError, match=f"is of protocol {protocol}, and this Roadworthy reads") as raised:
        load_bytes(other_protocol(PACKAGES[0], protocol))
    assert raised.value.mend == "update Roadworthy here, or seal the model again with this one"


@pytest.mark.parametrize("protocol", [0, -1, "1", 1.0, None, True, [1]], ids=repr)
def test_what_is_no_protocol_is_said(protocol: Any) -> None:
    with pytest.raises(PackageError, match=r"manifest\.json does not say of what protocol it is") as raised:
        load_bytes(other_protocol(PACKAGES[0], protocol))
    assert raised.value.mend is not None


def test_the_digest_of_an_old_package_stays_that_of_its_manifest() -> None:
    for path in PACKAGES:
        package = load(path)
        assert package.digest == sha256(package.parts["manifest.json"]).hexdigest()
