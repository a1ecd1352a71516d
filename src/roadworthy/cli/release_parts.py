"""What a release is made of, read from a product's directory or from a trial's store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from roadworthy.cli.acting import open_product_store
from roadworthy.errors import ProductError, Refused, UsageError
from roadworthy.settings import read_settings

__all__ = ["Parts", "read_parts", "read_trial_parts"]


@dataclass(frozen=True)
class Parts:
    """The sealed model's bytes, and the texts of policy.yaml, product.yaml and each tables/NAME.yaml by NAME."""

    package: bytes
    policy: str
    product: str
    tables: Mapping[str, str]


def read_parts(directory: Path, *, trial: bool) -> Parts:
    """The parts in a product's directory. Refused where `check` finds a fault; in a trial the purpose may be open."""
    from roadworthy.pipeline import check_product, open_workspace

    workspace = open_workspace(directory)
    package = workspace.require_package()
    checked = check_product(workspace)
    faults = [fault for fault in checked.faults if not (trial and fault in checked.unstated)]
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        first, _, mend = faults[0].partition("\n  mend: ")
        raise Refused(
            f"the product is not fit to go live: {first}{more}", mend=mend or "`roadworthy check` lists every fault"
        )
    return Parts(
        package=package.read_bytes(),
        policy=_read_text(directory / "policy.yaml"),
        product=_read_text(directory / "product.yaml"),
        tables={path.stem: _read_text(path) for path in sorted((directory / "tables").glob("*.yaml"))},
    )


def read_trial_parts(directory: Path) -> Parts:
    """The parts of what is live in the trial of the product in `directory`, byte for byte.

    UsageError where its store is no trial, or nothing is live there.
    """
    from roadworthy.live import read_bytes, read_manifest

    settings = read_settings(directory, {})
    with open_product_store(settings) as store:
        if not store.facts().trial:
            raise UsageError(
                "this is no trial: its releases are real already", where=directory, mend="release create, there"
            )
        champion = store.ledger.live().route.champion
        if champion is None:
            raise UsageError(
                "nothing is live in this trial",
                where=directory,
                mend=f"roadworthy release promote N -C {directory}: what was tried is what is taken over",
            )
        with store.reading() as connection:
            manifest = read_manifest(connection, champion)

            def text(digest: str, what: str) -> str:
                return read_bytes(connection, digest, what).decode("utf-8")

            return Parts(
                package=read_bytes(connection, manifest.package, "the model"),
                policy=text(manifest.policy, "policy.yaml"),
                product=text(manifest.product, "product.yaml"),
                tables={name: text(digest, f"tables/{name}.yaml") for name, digest in manifest.tables.items()},
            )


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProductError(f"cannot be read: {error}", where=path) from None
