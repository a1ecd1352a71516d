"""What a deployment may set: read once from roadworthy.toml and the environment, and from nowhere else.

A command's option wins over the environment (`ROADWORTHY_PORT`), which wins over roadworthy.toml in the product's
directory, which wins over the default. `Settings` is the one list of settings; docs/reference/settings.md is held to
it by a test.
"""

from __future__ import annotations

import atexit
import difflib
import os
import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

from roadworthy.errors import RoadworthyError, SettingsError, UsageError
from roadworthy.kernels import KEPT_IN

__all__ = [
    "FILE_NAME",
    "SETTINGS",
    "LogLevel",
    "Setting",
    "Settings",
    "bare_environment",
    "personal_folder",
    "place_kernels",
    "read_settings",
]

FILE_NAME = "roadworthy.toml"
PREFIX = "ROADWORTHY_"
LogLevel = Literal["debug", "info", "warning", "error"]
_AT_LINE = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)")


def _about(help_: str, *, least: int | None = None, most: int | None = None, secret: bool = False) -> dict[str, Any]:
    return {"help": help_, "least": least, "most": most, "secret": secret}


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """Every setting with its type, default and help. Values are checked; paths and the store's file are absolute."""

    store: str = field(
        default="sqlite:///roadworthy.db",
        metadata=_about(
            "Where decisions and all records are kept: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE."
        ),
    )
    key: str | None = field(
        default=None,
        metadata=_about("The API key that commands act with. Read from the environment only.", secret=True),
    )
    host: str = field(default="127.0.0.1", metadata=_about("The address that serve listens on."))
    port: int = field(default=8400, metadata=_about("The port that serve listens on.", least=1, most=65_535))
    workers: int = field(
        default=1, metadata=_about("How many processes serve. More than one needs PostgreSQL.", least=1, most=256)
    )
    max_body_bytes: int = field(
        default=1 << 20,
        metadata=_about("The largest body of a request, uploaded files apart.", least=1 << 10, most=1 << 30),
    )
    session_minutes: int = field(
        default=480,
        metadata=_about("How long a sign-in lasts; after it people sign in again.", least=1, most=7 * 24 * 60),
    )
    rate_limit_per_second: int = field(
        default=1000,
        metadata=_about("How many requests a second one API key may make; 0 is no limit.", least=0, most=1_000_000),
    )
    keep_files_days: int = field(
        default=30,
        metadata=_about("How long files that were uploaded to be scored, and results, are kept.", least=1, most=3650),
    )
    wrapping_key_file: Path = field(
        default=Path("wrapping.key"),
        metadata=_about(
            "The file with the key that wraps the applicants' own keys; the erasures are listed beside it. A new store "
            "makes it. It is never in the store."
        ),
    )
    wrapping_key: str | None = field(
        default=None,
        metadata=_about(
            "The wrapping key itself, instead of its file; several with commas, the newest first. Read from the "
            "environment only.",
            secret=True,
        ),
    )
    retain_months: int = field(
        default=25,
        metadata=_about("How long an applicant's data are kept after the last record about them.", least=1, most=1200),
    )
    signing_key_file: Path = field(
        default=Path("signing.key"),
        metadata=_about(
            "The file with the key that signs the audit chain's heads. A new store makes it. It is never in the store."
        ),
    )
    trusted_types: str | None = field(
        default=None,
        metadata=_about(
            "The deployment's own types that a model which runs natively may hold, with commas: our_steps.Burden. They "
            "are constructed wherever it is loaded."
        ),
    )
    log_level: LogLevel = field(default="info", metadata=_about("The least urgent messages that are logged."))

    @property
    def trusted(self) -> tuple[str, ...]:
        """`trusted_types`, each by itself.

        >>> Settings(trusted_types="our_steps.Burden, our_steps.Band").trusted
        ('our_steps.Burden', 'our_steps.Band')
        """
        return tuple(name.strip() for name in (self.trusted_types or "").split(",") if name.strip())

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.shown().items())})"

    def shown(self) -> dict[str, object]:
        """Every value as it may be printed: no key, no password.

        >>> Settings(store="postgresql://risk:hunter2@db/loans").shown()["store"]
        'postgresql://risk:***@db/loans'
        """
        values = {setting.name: getattr(self, setting.name) for setting in SETTINGS}
        for setting in SETTINGS:
            if setting.secret and values[setting.name] is not None:
                values[setting.name] = "***"
        return {**values, "store": _without_password(self.store)}


@dataclass(frozen=True)
class Setting:
    """One entry of the list. `kind` is str, int, Path or a tuple of the words allowed."""

    name: str
    kind: type[str] | type[int] | type[Path] | tuple[str, ...]
    default: object
    help: str
    least: int | None
    most: int | None
    secret: bool

    @property
    def variable(self) -> str:
        """The environment variable that overrides the file."""
        return PREFIX + self.name.upper()


def _list_settings() -> Iterator[Setting]:
    hints = get_type_hints(Settings)
    for entry in fields(Settings):
        choices = get_args(hints[entry.name])
        kind: Any = next((choice for choice in choices if isinstance(choice, type)), choices or hints[entry.name])
        facts = entry.metadata
        yield Setting(entry.name, kind, entry.default, facts["help"], facts["least"], facts["most"], facts["secret"])


SETTINGS = tuple(_list_settings())
"""The one list of settings, in the order of the documentation."""
_NAMES = {setting.name: setting for setting in SETTINGS}


def read_settings(folder: Path, environment: Mapping[str, str] | None = None, **options: Any) -> Settings:
    r"""The settings of the product in `folder`.

    `environment` is the process's own where it is None. `options` are a command's own, by setting; None is not given.
    Relative paths, also the store's, are taken from `folder`. Raises SettingsError with the file and the line, or the
    variable, for what is unknown, of the wrong type or out of range, and UsageError for an option.

    >>> from tempfile import mkdtemp
    >>> folder = Path(mkdtemp())
    >>> _ = (folder / "roadworthy.toml").write_text("port = 9000\nlog_level = 'debug'\n")
    >>> settings = read_settings(folder, {"ROADWORTHY_PORT": "9001"}, workers=None)
    >>> settings.port, settings.log_level, settings.workers
    (9001, 'debug', 1)
    >>> _ = (folder / "roadworthy.toml").write_text("prot = 9000\n")
    >>> read_settings(folder, {})
    Traceback (most recent call last):
    roadworthy.errors.SettingsError: roadworthy.toml, line 1: there is no setting 'prot'
      available: port, store, ...
      mend: port = ...
    """
    folder = folder.absolute()
    default = Settings()
    told = {"store": _Told("the default", default.store), "workers": _Told("the default", default.workers)}
    values: dict[str, Any] = {}
    for layer in (
        _read_file(folder / FILE_NAME),
        _read_environment(os.environ if environment is None else environment),
        _read_options(options),
    ):
        values |= {name: _check(_NAMES[name], one) for name, one in layer.items()}
        told |= layer
    for name in ("wrapping_key_file", "signing_key_file"):
        values.setdefault(name, getattr(default, name))
    values |= {name: folder / value for name, value in values.items() if isinstance(value, Path)}
    values["store"] = _check_store(told["store"], folder)
    if values.get("workers", 1) > 1 and values["store"].startswith("sqlite:"):
        raise told["workers"].refuse(
            f"workers is {values['workers']}, and a SQLite store serves with one process",
            "one worker, or a store on PostgreSQL (postgresql://...)",
        )
    return Settings(**values)


@dataclass(frozen=True)
class _Told:
    """A value as it was told, and where: a line of the file, a variable or an option; `form` is how one writes it."""

    where: str
    value: Any
    form: str = "{}"
    fault: type[RoadworthyError] = SettingsError

    def refuse(self, message: str, mend: str | None = None, available: list[str] | None = None) -> RoadworthyError:
        return self.fault(message, where=self.where, mend=mend, available=available)


def _read_file(path: Path) -> dict[str, _Told]:
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot be read: {error}", where=path) from None
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, line = _place_of(str(error), text)
        raise SettingsError(
            f"is not TOML: {what}", where=f"{FILE_NAME}, line {line}", mend="one `name = value` a line"
        ) from None
    except RecursionError:
        raise SettingsError("is nested too deeply", where=path, mend="one `name = value` a line") from None
    told = {}
    for name, value in tree.items():
        setting = _NAMES.get(name)
        form = f"{name} = {{}}" if setting is not None and setting.kind is int else f'{name} = "{{}}"'
        one = _Told(f"{FILE_NAME}, line {_line_of(name, text)}", value, form)
        if setting is None:
            raise _unknown(one, name)
        if setting.secret:
            raise one.refuse(
                f"{name} is a secret, and this file is kept with the product's others",
                f"remove the line, revoke that key, and set {setting.variable} in the environment",
            )
        told[name] = one
    return told


_temporary: list[str] = []


def place_kernels(folder: Path | None = None) -> None:
    """Say where compiled kernels are kept, where neither the installation nor a home can be written.

    Then it is `folder` (its owner's alone: whoever writes there runs code here), or while there is none a directory
    that goes with this process: kernels are then compiled at every start. What the environment says is left as it is.
    """
    ours = os.environ.get(KEPT_IN) in _temporary
    if "numba" in sys.modules or (KEPT_IN in os.environ and not ours):
        return
    if _can_write(Path(__file__).parent / "model" / "__pycache__") or _can_write(_personal_cache()):
        return
    if folder is not None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[KEPT_IN] = str(folder)
    elif not ours:
        with suppress(OSError):  # where nothing at all can be written, `njit` does without
            made = tempfile.mkdtemp(prefix="roadworthy-kernels-")
            _temporary.append(made)
            atexit.register(shutil.rmtree, made, ignore_errors=True)
            os.environ[KEPT_IN] = made


def _personal_cache() -> Path | None:
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "numba"
    except RuntimeError:  # a user without a home
        return None


def _can_write(path: Path | None) -> bool:
    """Whether files can be made in `path`, or it can be made itself."""
    while path is not None and not path.exists() and path != path.parent:
        path = path.parent
    return path is not None and path.is_dir() and os.access(path, os.W_OK | os.X_OK)


def bare_environment(home: Path) -> dict[str, str]:
    """What of the environment a process is given that opens a stranger's file: no secrets, and `home` as its own."""
    kept = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", KEPT_IN)
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(home), "TMPDIR": str(home), "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip


def personal_folder() -> Path:
    """Where we keep what is one person's own: by the XDG Base Directory Specification, which no deployment sets."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "roadworthy"


def _place_of(message: str, text: str) -> tuple[str, int]:
    found = _AT_LINE.fullmatch(message)
    if found is None:
        return message, 1
    end = len(text.splitlines()) or 1
    return found[1][:1].lower() + found[1][1:], int(found[2] or end)


def _line_of(name: str, text: str) -> int:
    """The line where the top-level `name` begins: the last one before which the file reads whole and lacks it."""
    lines = text.split("\n")
    mention = re.compile(rf"\s*\[*\s*[\"']?{re.escape(name)}[\"']?\s*[=.\]]")
    for number, line in enumerate(lines):
        if mention.match(line):
            try:
                before = tomllib.loads("\n".join(lines[:number]))
            except tomllib.TOMLDecodeError:
                continue  # inside a text of several lines
            if name not in before:
                return number + 1
    return 1


def _unknown(one: _Told, name: str) -> RoadworthyError:
    near = difflib.get_close_matches(name.lower(), _NAMES, n=1)
    names = [*near, *(known for known in _NAMES if known not in near)]
    mend = f"{near[0]} = ..." if near else "remove it; docs/reference/settings.md lists them all"
    return one.refuse(f"there is no setting {name!r}", mend, names)


def _read_environment(environment: Mapping[str, str]) -> dict[str, _Told]:
    told = {}
    variables = {setting.variable: setting for setting in SETTINGS}
    for variable in sorted(environment):
        value = environment[variable]
        if not variable.startswith(PREFIX) or not value:
            continue  # set but empty is how scripts say "not set"
        setting = variables.get(variable)
        if setting is None:
            # Others may use the prefix; what is nearly one of ours is a slip of the hand.
            near = difflib.get_close_matches(variable.removeprefix(PREFIX), [n.upper() for n in _NAMES], 1, 0.75)
            if near:
                raise SettingsError("there is no such setting", where=variable, mend=f"{PREFIX}{near[0]}")
        elif variable == "ROADWORTHY_PORT" and value.startswith("tcp://"):
            continue  # what Kubernetes puts into pods beside a service called roadworthy
        else:
            told[setting.name] = _Told(variable, _read_text(setting, value), f"{variable}={{}}")
    return told


def _read_text(setting: Setting, text: str) -> object:
    """A variable's text as the setting's kind; left as it is where it does not read, for the check to refuse."""
    if setting.kind is int and re.fullmatch(r"-?[0-9]{1,18}", text.strip()):
        return int(text)
    return text


def _read_options(options: Mapping[str, Any]) -> dict[str, _Told]:
    told = {}
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        one = _Told(flag, value, f"{flag} {{}}", UsageError)
        if name not in _NAMES:
            raise _unknown(one, name)
        if value is not None:
            told[name] = one
    return told


def _check(setting: Setting, one: _Told) -> Any:
    """The value of `setting`, or its error. A secret is not repeated."""
    name, value, kind = setting.name, one.value, setting.kind
    like = one.form.format(setting.default if setting.default is not None else "...")
    if setting.secret:
        if not isinstance(value, str) or not re.fullmatch(r"[!-~]+", value):
            raise one.refuse(f"{name} holds spaces or signs that none has", "give it as it was shown when it was made")
        return value
    if kind is int:
        least, most = setting.least or 0, setting.most or 0
        if type(value) is not int:
            raise one.refuse(f"{name} is {_say(value)}, not a whole number from {least} to {most}", like)
        if not least <= value <= most:
            raise one.refuse(f"{name} is {value}, not within {least} to {most}", like)
        return value
    if kind is Path and isinstance(value, Path):
        return value
    if not isinstance(value, str):
        raise one.refuse(f"{name} is {_say(value)}, not text", like)
    if isinstance(kind, tuple) and value not in kind:
        near = difflib.get_close_matches(value.lower(), kind, 1)
        raise one.refuse(f"{name} is {_say(value)}", one.form.format(near[0]) if near else like, list(kind))
    if not value.strip() or not value.isprintable():
        raise one.refuse(f"{name} is empty or holds signs that cannot be printed", like)
    return Path(value) if kind is Path else value


def _check_store(one: _Told, folder: Path) -> str:
    """The store's URL, its file absolute. Of another only what stands before :// is repeated: a password may follow."""
    forms = ["sqlite:///FILE", "postgresql://USER:PASSWORD@HOST/DATABASE"]
    scheme, colon, rest = one.value.partition("://")
    if scheme == "sqlite" and colon:
        name = rest.removeprefix("/")
        if not rest.startswith("/") or not name or name == ":memory:" or "?" in name or "#" in name:
            raise one.refuse(
                "a SQLite store is a file, and its URL names nothing else", one.form.format(Settings.store), forms
            )
        return f"sqlite:///{folder / name}"
    if scheme == "postgresql" and colon:
        if not _names_database(one.value):
            raise one.refuse("the URL does not name a database, or not as it should", one.form.format(forms[1]), forms)
        return str(one.value)
    said = f"begins with {scheme}://" if colon else "is no URL"
    mend = "postgresql://..." if scheme.startswith("postgres") else Settings.store
    raise one.refuse(f"the store {said}", one.form.format(mend), forms)


def _names_database(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return len(parts.path) > 1 and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _say(value: object) -> str:
    """A value in a message; a long one is cut."""
    words = {bool: "yes or no", dict: "a table", list: "a list", float: "a number with a fraction"}
    if type(value) in words:
        return words[type(value)]
    text = repr(value)
    return f"the text {text[:40]}" if isinstance(value, str) else text[:40]


def _without_password(store: str) -> str:
    """`store` as it may be printed, also where its password holds an @ or a /, or stands behind the question mark."""
    return re.sub(r"(password=)[^&]*", r"\1***", re.sub(r"(://[^:/@]*):.*@", r"\1:***@", store))
