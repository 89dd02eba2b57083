"""Names that the Lua files use: a misspelt one in a branch that no test runs would be found by users alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stylecli.editors.fusion import host
from stylecli.editors.hosts.resolve import files

LUA = {
    *("_G", "assert", "bit", "error", "io", "ipairs", "jit", "loadstring", "math", "os", "pairs", "pcall", "print"),
    *("rawget", "require", "select", "setmetatable", "string", "table", "tonumber", "tostring", "type", "unpack"),
}
OF_SCRIPTS = {"bmd", "comp", "fusion", "resolve"}  # DOC: Resolve's scripting README
OF_FUSES = set(json.loads((Path(host.__file__).parent / "vocabulary.json").read_text())["globals"])
CALLBACKS = {"Create", "NotifyChanged", "Process"}  # DOC: Fuse SDK
PROGRAMS = sorted(name for name in files() if name.endswith((".fuse", ".lua")))


def globals_of(name: str) -> tuple[set[str], set[str]]:
    """What a file reads and sets."""
    luajit = pytest.importorskip("lupa.luajit21", reason="needs lupa, which is LuaJIT")
    runtime = luajit.LuaRuntime(unpack_returned_tuples=True)
    look = runtime.eval("function(look, ...) return assert(loadstring(look))(...) end")
    read, written = look((Path(__file__).parent / "globals.lua").read_text(), files()[name].decode(), name)
    return set(read.split()), set(written.split())


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_global_is_known(name: str) -> None:
    read, written = globals_of(name)
    known = OF_FUSES if name.endswith(".fuse") else OF_SCRIPTS
    if name.endswith("Self-test.lua"):  # it looks whether a script has what a fuse has
        known = {*known, "EXRIO"}
    assert read - written - LUA - known == set()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_file_sets_no_globals_but_those_of_a_fuse(name: str) -> None:
    written = globals_of(name)[1]
    inputs = {one for one in written if one.startswith(("In", "Out"))}
    assert written - inputs == (CALLBACKS if name.endswith(".fuse") else set())


def test_the_listing_finds_globals_in_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "local a = math.pi\nfunction b() return function() c = nosuch end end\n"
    monkeypatch.setitem(globals(), "files", lambda: {"one.lua": text.encode()})
    assert globals_of("one.lua") == ({"math", "nosuch"}, {"b", "c"})
