from pathlib import Path

import pytest
import torch

from surecast.train.checkpoint import Checkpoint, random_state, restore_random_state

STATE = {"step": 3, "best": float("inf"), "history": {"loss": [0.5, 0.25]}, "batches": {"epoch": 1}}


def save(folder: Path, identity: str = "a") -> dict[str, torch.Tensor]:
    tensors = {"network.w": torch.randn(3, 4), **random_state(torch.device("cpu"))}
    Checkpoint(folder, identity).save(tensors, STATE)
    return tensors


def test_everything_comes_back(tmp_path: Path) -> None:
    tensors = save(tmp_path)
    found = Checkpoint(tmp_path, "a").load()
    assert found is not None
    assert found[1] == STATE
    assert found[0].keys() == tensors.keys()
    assert all(torch.equal(found[0][key], tensors[key]) for key in tensors)


def test_the_random_state_comes_back() -> None:
    state = random_state(torch.device("cpu"))
    first = torch.rand(5)
    restore_random_state(state, torch.device("cpu"))
    assert torch.equal(torch.rand(5), first)


def test_nothing_is_found_where_nothing_was_saved(tmp_path: Path) -> None:
    assert Checkpoint(tmp_path, "a").load() is None


def test_another_identity_is_not_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path)
    assert Checkpoint(tmp_path, "b").load() is None
    assert "other settings, data or code" in capsys.readouterr().err


@pytest.mark.parametrize("place", [4, -3])
def test_a_flipped_byte_is_noticed(tmp_path: Path, place: int, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path)
    path = Checkpoint(tmp_path, "a").path
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert Checkpoint(tmp_path, "a").load() is None
    assert "starts at its first step" in capsys.readouterr().err


def test_a_torn_file_is_noticed(tmp_path: Path) -> None:
    save(tmp_path)
    path = Checkpoint(tmp_path, "a").path
    path.write_bytes(path.read_bytes()[:-10])
    assert Checkpoint(tmp_path, "a").load() is None


def test_a_kill_while_writing_leaves_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = save(tmp_path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            Checkpoint(tmp_path, "a").save({"network.w": torch.zeros(1)}, {"step": 9})
    found = Checkpoint(tmp_path, "a").load()
    assert found is not None
    assert found[1]["step"] == 3
    assert torch.equal(found[0]["network.w"], tensors["network.w"])
