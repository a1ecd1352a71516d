"""The one reader of roadworthy.toml and the environment, and the page that is held to it (R12)."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadworthy.errors import RoadworthyError, SettingsError, UsageError
from roadworthy.settings import FILE_NAME, SETTINGS, Settings, read_settings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "reference" / "settings.md"


def read(folder: Path, text: str = "", environment: dict[str, str] | None = None, **options: Any) -> Settings:
    (folder / FILE_NAME).write_text(text, encoding="utf-8")
    return read_settings(folder, environment or {}, **options)


def fault(folder: Path, text: str = "", environment: dict[str, str] | None = None, **options: Any) -> RoadworthyError:
    with pytest.raises((SettingsError, UsageError)) as caught:
        read(folder, text, environment, **options)
    return caught.value


def test_without_a_file_and_variables_every_setting_has_its_default(tmp_path: Path) -> None:
    settings = read_settings(tmp_path, {})
    for setting in SETTINGS:
        if setting.name != "store":
            default = setting.default
            wanted = tmp_path / default if isinstance(default, Path) else default
            assert getattr(settings, setting.name) == wanted
    assert settings.store == f"sqlite:///{tmp_path}/roadworthy.db"


def test_an_option_wins_over_the_environment_over_the_file_over_the_default(tmp_path: Path) -> None:
    text = "port = 1\nhost = 'a'\nsession_minutes = 3\n"
    settings = read(tmp_path, text, {"ROADWORTHY_PORT": "2", "ROADWORTHY_HOST": "b"}, port=4, host=None)
    assert (settings.port, settings.host, settings.session_minutes, settings.workers) == (4, "b", 3, 1)


def test_settings_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    settings = read(tmp_path)
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]  # that is what must not work


def test_a_variable_set_to_nothing_counts_as_not_set(tmp_path: Path) -> None:
    assert read(tmp_path, "port = 9\n", {"ROADWORTHY_PORT": ""}).port == 9


def test_the_process_environment_is_read_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADWORTHY_PORT", "9123")
    assert read_settings(tmp_path).port == 9123


def test_an_unknown_name_gets_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    error = fault(tmp_path, "# ours\nhost = 'a'\n\nsesion_minutes = 4\n")
    assert error.where == "roadworthy.toml, line 4"
    assert error.message == "there is no setting 'sesion_minutes'"
    assert error.mend == "session_minutes = ..."
    assert error.available is not None
    assert error.available[0] == "session_minutes"
    assert set(error.available) == {setting.name for setting in SETTINGS}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("host = 'a'\n[serve]\nport = 1\n", 2),
        ("host = 'a'\nserve.port = 1\n", 2),
        ("host = 'a'\n\n[[serve]]\nport = 1\n", 3),
        ('"serve" = 1\n', 1),
        ('host = """\nserve = 1\n"""\nserve = 2\n', 4),
        ("\ufeffserve = 1\r\n", 1),
        ("host = 'a'\r\nserve = 1\r\n", 2),
    ],
)
def test_the_line_is_right_for_tables_dotted_names_and_texts_of_several_lines(
    tmp_path: Path, text: str, line: int
) -> None:
    assert fault(tmp_path, text).where == f"roadworthy.toml, line {line}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = '8400'\n", "port is the text '8400', not a whole number from 1 to 65535"),
        ("port = true\n", "port is yes or no, not a whole number from 1 to 65535"),
        ("port = 84.0\n", "port is a number with a fraction, not a whole number from 1 to 65535"),
        ("port = [1]\n", "port is a list, not a whole number from 1 to 65535"),
        ("port = 0\n", "port is 0, not within 1 to 65535"),
        ("port = 65536\n", "port is 65536, not within 1 to 65535"),
        ("port.number = 1\n", "port is a table, not a whole number from 1 to 65535"),
        ("rate_limit_per_second = -1\n", "rate_limit_per_second is -1, not within 0 to 1000000"),
        ("host = 1\n", "host is 1, not text"),
        ("host = ' '\n", "host is empty or holds signs that cannot be printed"),
        ('host = "a\\u0000"\n', "host is empty or holds signs that cannot be printed"),
        ("log_level = 'loud'\n", "log_level is the text 'loud'"),
        ("signing_key_file = 4\n", "signing_key_file is 4, not text"),
        ("port = 1\nport = 2\n", "is not TOML: cannot overwrite a value"),
        ("port = \n", "is not TOML: invalid value"),
        ("port", "is not TOML: expected '=' after a key in a key/value pair"),
    ],
)
def test_a_wrong_value_says_what_is_wrong_with_it(tmp_path: Path, text: str, message: str) -> None:
    error = fault(tmp_path, text)
    assert error.message == message
    assert error.where in {"roadworthy.toml, line 1", "roadworthy.toml, line 2"}
    assert error.mend


def test_a_mend_can_be_copied_into_the_place_where_the_value_was_wrong(tmp_path: Path) -> None:
    assert fault(tmp_path, "port = 0\n").mend == "port = 8400"
    assert fault(tmp_path, "log_level = 'Warn'\n").mend == 'log_level = "warning"'
    assert fault(tmp_path, "", {"ROADWORTHY_PORT": "many"}).mend == "ROADWORTHY_PORT=8400"
    assert fault(tmp_path, "", port=0).mend == "--port 8400"


def test_a_wrong_file_is_refused_even_where_a_variable_overrides_it(tmp_path: Path) -> None:
    assert fault(tmp_path, "port = 0\n", {"ROADWORTHY_PORT": "8401"}).where == "roadworthy.toml, line 1"


def test_a_wrong_variable_names_the_variable_and_a_wrong_option_is_wrong_use(tmp_path: Path) -> None:
    error = fault(tmp_path, "", {"ROADWORTHY_MAX_BODY_BYTES": "1e6"})
    assert error.where == "ROADWORTHY_MAX_BODY_BYTES"
    error = fault(tmp_path, "", max_body_bytes=5)
    assert error.where == "--max-body-bytes"
    assert error.exit_code == 2


def test_a_variable_nearly_one_of_ours_is_refused_and_a_stranger_left_alone(tmp_path: Path) -> None:
    assert fault(tmp_path, "", {"ROADWORTHY_STOER": "x"}).mend == "ROADWORTHY_STORE"
    strangers = {
        "ROADWORTHY_GOLDEN": "1",
        "ROADWORTHY_SERVICE_HOST": "10.0.0.7",
        "ROADWORTHY_SERVICE_PORT": "8400",
        "ROADWORTHY_PORT_8400_TCP_ADDR": "10.0.0.7",
        "ROADWORTHY_PORT": "tcp://10.0.0.7:8400",
    }
    assert read(tmp_path, "", strangers) == read(tmp_path)


def test_a_secret_is_read_from_the_environment_only_and_never_shown(tmp_path: Path) -> None:
    settings = read(tmp_path, "", {"ROADWORTHY_KEY": "rw_verysecret"})
    assert settings.key == "rw_verysecret"
    assert "verysecret" not in repr(settings)
    error = fault(tmp_path, "key = 'rw_verysecret'\n")
    assert error.where == "roadworthy.toml, line 1"
    assert "verysecret" not in str(error)
    assert "very secret" not in str(fault(tmp_path, "", {"ROADWORTHY_KEY": "rw_very secret"}))


@pytest.mark.parametrize(
    "store",
    [
        "postgresql://risk:h@nter/2@db:5432/loans",
        "postgresql://risk:hunter2@db/loans?password=hunter2&x=1",
        "postgresql://risk@db/loans?password=h@nter",
    ],
)
def test_the_password_of_a_store_is_never_shown(tmp_path: Path, store: str) -> None:
    assert "nter" not in repr(Settings(store=store))


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("mysql://u:hunter2@h/d", "the store begins with mysql://"),
        ("postgres://u:hunter2@h/d", "the store begins with postgres://"),
        ("postgresql://u:hunter2@h", "the URL does not name a database, or not as it should"),
        ("postgresql://u:hunter2@h:x/d", "the URL does not name a database, or not as it should"),
        ("postgresql://u:hunter2@[h/d", "the URL does not name a database, or not as it should"),
        ("hunter2", "the store is no URL"),
        ("sqlite://", "a SQLite store is a file, and its URL names nothing else"),
        ("sqlite://hunter2.db", "a SQLite store is a file, and its URL names nothing else"),
        ("sqlite:///:memory:", "a SQLite store is a file, and its URL names nothing else"),
        ("sqlite:///a.db?mode=hunter2", "a SQLite store is a file, and its URL names nothing else"),
    ],
)
def test_a_store_we_cannot_use_is_refused_without_repeating_a_password(tmp_path: Path, store: str, said: str) -> None:
    error = fault(tmp_path, f"store = '{store}'\n")
    assert error.message == said
    assert error.where == "roadworthy.toml, line 1"
    assert "hunter2" not in str(error)
    assert error.mend is not None
    assert read(tmp_path, error.mend.replace("PASSWORD", "p").replace("...", "u@h/d")).store


def test_files_are_taken_from_the_product_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "product").mkdir()
    monkeypatch.chdir(tmp_path)
    settings = read(Path("product"), "store = 'sqlite:///data/a.db'\nwrapping_key_file = 'keys/w'\n")
    assert settings.store == f"sqlite:///{tmp_path}/product/data/a.db"
    assert settings.wrapping_key_file == tmp_path / "product" / "keys" / "w"
    settings = read(Path("product"), "store = 'sqlite:////var/a.db'\nwrapping_key_file = '/etc/w'\n")
    assert settings.store == "sqlite:////var/a.db"
    assert settings.wrapping_key_file == Path("/etc/w")


def test_more_than_one_process_on_sqlite_is_refused_with_the_mend(tmp_path: Path) -> None:
    error = fault(tmp_path, "", workers=2)
    assert error.where == "--workers"
    assert error.mend == "one worker, or a store on PostgreSQL (postgresql://...)"
    assert read(tmp_path, "store = 'postgresql://u:p@h/d'\n", {"ROADWORTHY_WORKERS": " 4 "}).workers == 4


def test_a_file_that_cannot_be_read_is_an_error_and_not_a_traceback(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"host = '\xff'\n")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path, {})
    (tmp_path / FILE_NAME).write_text(f"port = {'[' * 5000}1{']' * 5000}\n")
    with pytest.raises(SettingsError, match="nested too deeply"):
        read_settings(tmp_path, {})
    (tmp_path / FILE_NAME).unlink()
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(SettingsError, match="cannot be read"):
        read_settings(tmp_path, {})


LINES = st.tuples(
    st.sampled_from([*(setting.name for setting in SETTINGS), "prot", "[port", '"', "#"]),
    st.sampled_from(["=", ".", ""]),
    st.sampled_from(["1", "99999", "-1", "true", "1.5", "[]", "{a = 1}", "''", "'x'", "'info'", '"""', "2026-01-01"]),
).map("".join)


@given(lines=st.lists(LINES, max_size=3), value=st.text(st.characters(exclude_characters="\x00"), max_size=9))
def test_whatever_is_written_is_read_or_refused_with_a_place(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], value: str
) -> None:
    folder = tmp_path_factory.getbasetemp() / "anything"
    folder.mkdir(exist_ok=True)
    (folder / FILE_NAME).write_text("\n".join(lines), encoding="utf-8")
    places: list[str | None] = []
    for environment in ({}, {setting.variable: value for setting in SETTINGS}):
        try:
            read_settings(folder, environment)
        except SettingsError as error:
            places.append(error.where)
    assert all(places)


def sections(page: str) -> dict[str, str]:
    """Each setting's heading on the page with what stands under it."""
    parts = re.split(r"^## (.*)$", page, flags=re.MULTILINE)[1:]
    return {heading.strip("` "): " ".join(body.split()) for heading, body in zip(parts[::2], parts[1::2], strict=True)}


def test_every_setting_has_its_heading_in_the_docs_and_every_heading_its_setting() -> None:
    assert list(sections(PAGE.read_text(encoding="utf-8"))) == [setting.name for setting in SETTINGS]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_the_docs_say_help_default_range_and_variable_of_each_setting(setting: Any) -> None:
    body = sections(PAGE.read_text(encoding="utf-8"))[setting.name].replace("`", "")
    assert body.startswith(setting.help)
    assert f"variable {setting.variable}" in body
    assert ("no default" if setting.default is None else f"default {setting.default},") in body
    if setting.kind is int:
        assert f"from {setting.least} to {setting.most}" in body
    if isinstance(setting.kind, tuple):
        assert all(word in body for word in setting.kind)


def test_the_check_of_headings_sees_a_setting_that_has_none() -> None:
    page = PAGE.read_text(encoding="utf-8").replace("## `workers`", "### `workers`")
    assert list(sections(page)) != [setting.name for setting in SETTINGS]


def test_nobody_else_reads_the_environment_or_the_file() -> None:
    """house.md: settings.py is the only reader of both."""
    reading = re.compile(r"\bos\.(environ|getenv)\b|\bimport tomllib\b|from os import .*(environ|getenv)")
    source = ROOT / "src" / "roadworthy"
    readers = [
        str(path.relative_to(source)) for path in source.rglob("*.py") if reading.search(path.read_text("utf-8"))
    ]
    assert readers == ["settings.py"]
