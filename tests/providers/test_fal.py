"""The fal provider against the simulator: real sockets, real requests."""

from pathlib import Path

from tests.simulated import a_clip, a_world, an_image, buy, open_provider, paid, simulated
from tiktoker_batch.simulator.clock import FlyingClock


async def test_a_picture_is_bought_once_and_kept(tmp_path: Path, flying_clock: FlyingClock) -> None:
    async with simulated(a_world()) as simulator, open_provider("fal", simulator, tmp_path) as fal:
        await buy(fal, an_image(), {"image": tmp_path / "01.png"})
        await buy(fal, a_clip(tmp_path / "01.png"), {"clip": tmp_path / "01.mp4"})
        assert paid(simulator) == 2
        assert (tmp_path / "01.png").read_bytes().startswith(b"\x89PNG")
