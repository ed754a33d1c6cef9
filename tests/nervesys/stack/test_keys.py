"""Keys are made once, and nobody else may read them."""

from pathlib import Path

from nervesys.stack import keys


def test_keys_are_made_once_and_are_ours_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    keys.make(folder)
    first = {file.name: file.read_text() for file in folder.iterdir()}
    assert set(first) == set(keys.NAMES)
    assert len(set(first.values())) == len(first)
    assert [path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())] == [0o700] + 3 * [0o600]
    (folder / "receiver_token").unlink()
    keys.make(folder)
    again = {file.name: file.read_text() for file in folder.iterdir()}
    assert {name for name in first if first[name] != again[name]} == {"receiver_token"}
