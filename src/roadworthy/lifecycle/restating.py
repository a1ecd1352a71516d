"""Purpose and economics stated anew: a new release of the same model, with one text changed and the change named (R1).

Nothing is edited in place: the release that it is made of stays as it was approved. Comments in the texts survive.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from typing import Any

import msgspec
from ruamel.yaml import YAML

from roadworthy.access import Deed
from roadworthy.errors import Refused, UsageError
from roadworthy.lifecycle.releases import create_release
from roadworthy.lifecycle.views import ReleaseView, show_release
from roadworthy.live import read_bytes
from roadworthy.policy import StatedEconomics
from roadworthy.product import Purpose

__all__ = ["restate_release"]


def restate_release(
    deed: Deed,
    release_id: str,
    *,
    purpose: Purpose,
    economics: StatedEconomics | None,
    note: str,
    trusted_types: tuple[str, ...] = (),
) -> ReleaseView:
    """Make a release of another's parts with this purpose and these economics; `note` says what changed and why.

    A text that says the same already stays byte for byte. NotFound: there is no such release. UsageError: no note.
    Refused: nothing is changed. Otherwise as `create_release`, which builds it whole.
    """
    deed.demand("policy.propose")
    if not note.strip():
        raise UsageError("whoever changes a release says what and why", mend="say it in the note")
    manifest = show_release(deed.store, release_id).manifest
    with deed.store.reading() as connection:

        def text(digest: str, what: str) -> str:
            return read_bytes(connection, digest, f"{what} of release {release_id}").decode("utf-8")

        package = read_bytes(connection, manifest.package, f"the model of release {release_id}")
        policy, product = text(manifest.policy, "the policy"), text(manifest.product, "the product")
        tables = {name: text(digest, f"table {name}") for name, digest in manifest.tables.items()}
    stated = None if economics is None else msgspec.to_builtins(economics)
    changed = {
        "policy": _restate(policy, "economics", stated),
        "product": _restate(product, "purpose", msgspec.to_builtins(purpose)),
    }
    if changed == {"policy": policy, "product": product}:
        raise Refused(f"release {release_id} states this already", mend="change what should be different")
    return create_release(
        deed,
        package=package,
        policy=changed["policy"],
        product=changed["product"],
        tables=tables,
        note=note.strip(),
        trusted_types=trusted_types,
    )


def _restate(text: str, section: str, stated: Mapping[str, Any] | None) -> str:
    r"""The text of a YAML file with a section saying this, nothing where it is None; the same text where it does.

    >>> _restate("name: loans  # ours\npurpose:\n  owner: Ana  # until May\n", "purpose", {"owner": "Ben"})
    'name: loans  # ours\npurpose:\n  owner: Ben  # until May\n'
    """
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    tree = yaml.load(StringIO(text))
    if stated is None:
        if tree.pop(section, None) is None:
            return text
    elif not _lay_over(tree.setdefault(section, {}), stated):
        return text
    out = StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def _lay_over(tree: Any, stated: Mapping[str, Any]) -> bool:
    """Make a mapping say this, key by key, so that the comments beside its keys stay; whether that changed it."""
    changed = False
    for key in [key for key in tree if key not in stated]:
        del tree[key]
        changed = True
    for key, value in stated.items():
        if isinstance(value, Mapping) and isinstance(tree.get(key), Mapping):
            changed |= _lay_over(tree[key], value)
        elif tree.get(key) != value or (key not in tree and value is not None):
            tree[key] = value
            changed = True
    return changed
