"""A product's directory, read: its files as values, and the user's own stages."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from roadworthy.batch import PAST, Source, SourceMapping, open_source, read_sources
from roadworthy.contract import RESERVED, Contract, read_contract
from roadworthy.decision import Release, Table
from roadworthy.errors import ProductError, RoadworthyError, UsageError
from roadworthy.live import table_key
from roadworthy.model import Package, load
from roadworthy.policy import Policy
from roadworthy.product import Product, read_product
from roadworthy.settings import read_settings

__all__ = ["BUILD", "DATA_DIGEST", "PRODUCT_FILES", "Workspace", "open_workspace"]

DATA_DIGEST = "data.sha256"
BUILD = "build"
"""Everything that `run` makes lies here; deleting it loses nothing that cannot be made again."""
PRODUCT_FILES = ("product.yaml", "contract.yaml", "policy.yaml", "sources.yaml", "stages.py")


@dataclass(frozen=True)
class Workspace:
    """One product's directory. Files are read when first asked for, so that each command needs only its own."""

    directory: Path

    @property
    def build(self) -> Path:
        """Where `run` puts what it makes."""
        return self.directory / BUILD

    @property
    def package(self) -> Path:
        """The sealed model: the one `run` chose, or the one `init --package` brought."""
        brought = self.product.package
        return self.build / "model.rw" if brought is None else self.directory / brought

    def require_package(self) -> Path:
        """Where the sealed model is; UsageError where no run has made it yet."""
        if not self.package.is_file():
            mend = f"roadworthy run -C {self.directory}" if self.trains else "put it there: product.yaml names it"
            raise UsageError("there is no sealed model yet", where=self.package, mend=mend)
        return self.package

    def read_package(self, path: Path | None = None) -> Package:
        """The sealed model, or another one, which may hold the types that this deployment trusts."""
        return load(path or self.require_package(), trusted_types=read_settings(self.directory).trusted)

    @property
    def trains(self) -> bool:
        """Whether this product trains its model, rather than having brought one."""
        return self.product.package is None

    @cached_property
    def product(self) -> Product:
        """product.yaml."""
        return read_product(self.directory / "product.yaml")

    @cached_property
    def contract(self) -> Contract:
        """contract.yaml."""
        return read_contract(self.directory / "contract.yaml")

    @cached_property
    def policy(self) -> Policy:
        """policy.yaml."""
        return Policy.load(self.directory / "policy.yaml")

    @cached_property
    def tables(self) -> tuple[Contract, ...]:
        """tables/*.yaml: what the tables look like that people upload, each file named as its table."""
        return tuple(read_contract(path) for path in sorted((self.directory / "tables").glob("*.yaml")))

    def release(self, package: Package | None = None, policy: Policy | None = None) -> Release:
        """The release that these files would make; another package or policy where one is given."""
        return Release(package or self.read_package(), policy or self.policy, self.tables)

    @property
    def tables_at_hand(self) -> dict[str, Table]:
        """The tables as they are known here: not at all. What was uploaded lies in the store, with what is live."""
        return {table.name: Table.of_nothing(table, table_key(table)) for table in self.tables}

    @cached_property
    def mapping(self) -> SourceMapping:
        """How the past applications' columns map to the contract."""
        sources = read_sources(self.directory / "sources.yaml")
        if PAST not in sources:
            raise ProductError(f"has no source {PAST}", where=self.directory / "sources.yaml", available=sources)
        return sources[PAST]

    @cached_property
    def source(self) -> Source:
        """The past applications."""
        return open_source(self.mapping, self.directory)

    def maps(self, source: Source) -> SourceMapping:
        """How sources.yaml maps this source: each name it has as stated, and the contract's own name for any other."""
        stated, there = self.mapping, set(source.columns)
        ids = {name: value for name in RESERVED if (value := getattr(stated, name)) in there}
        columns = {name: value for name, value in stated.columns.items() if value in there}
        return SourceMapping(file=source.path.name, format=source.format, columns=columns, **ids)

    @property
    def synthetic(self) -> bool:
        """Whether the past applications say that they are simulated: in their metadata, or in their name."""
        return b"synthetic" in (self.source.schema.metadata or {}) or self.source.path.name.startswith("synthetic_")

    @property
    def prepared_from(self) -> str:
        """SHA-256 of the file that `run preprocess` read; that of the file there now where it has not run."""
        try:
            return (self.build / DATA_DIGEST).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return self.source.digest

    @cached_property
    def stages(self) -> ModuleType:
        """The user's own stages.py, run as Python: it is theirs, on their machine."""
        path = self.directory / "stages.py"
        if not path.is_file():
            raise ProductError("there is no such file", where=path, mend="`roadworthy init` writes a first one")
        spec = importlib.util.spec_from_file_location("stages", path)
        if spec is None or spec.loader is None:
            raise ProductError("cannot be read as Python", where=path)
        module = importlib.util.module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except RoadworthyError:
            raise
        except Exception as error:
            raise ProductError(
                f"fails when read: {type(error).__name__}: {error}", where=_line_of(error, path)
            ) from error
        return module


def _line_of(error: BaseException, path: Path) -> str:
    """The deepest line of `path` in the error's traceback."""
    line, trace = 0, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{path}, line {line}" if line else str(path)


def open_workspace(directory: Path) -> Workspace:
    """The product in `directory`; UsageError where there is none."""
    if not (directory / "product.yaml").is_file():
        near = sorted(str(found.parent) for found in directory.glob("*/product.yaml"))
        raise UsageError(
            "is not a product's directory: it has no product.yaml",
            where=directory.resolve(),
            available=near or None,
            mend="cd into it, or make one with `roadworthy init DATA --target COLUMN`",
        )
    return Workspace(directory)
