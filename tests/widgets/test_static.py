from pathlib import Path

import pytest

from jwstmq_widgets.widgets import panel

FILES = sorted(Path(panel.__file__).with_name("static").glob("*.*"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_code_can_be_stripped_by_lines(path: Path) -> None:
    for line in path.read_text(encoding="utf-8").splitlines():
        assert line.count("`") % 2 == 0, f"a text over several lines would lose its indents: {line}"
        before, comment, rest = line.partition("/*")
        assert not comment or (not before.strip() and rest.partition("*/")[2] == ""), f"code beside a comment: {line}"


def test_what_travels_has_no_indents_and_no_comments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "some.js").write_text(
        "/** Says\n * nothing. */\nfunction f() {\n  // a reason\n\n  return 1; // one\n}\n"
    )
    monkeypatch.setattr(panel, "_STATIC", tmp_path)
    assert panel.static("some.js") == "function f() {\nreturn 1; // one\n}"
