"""Camera moves: exact, smooth, inside their picture, and with depth."""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from tiktoker_batch.errors import MediaError
from tiktoker_batch.media.ffmpeg import bundled_ffmpeg
from tiktoker_batch.providers.local.camera import MOTIONS, Pose, film, poses

FFMPEG = bundled_ffmpeg()
SIZE = (180, 320)


def shoot(
    folder: Path, *, layers: Path | None = None, seconds: float = 1.0, fps: int = 24, motion: str = "push-in"
) -> Path:
    into = folder / "clip.mp4.part"
    film(
        image=folder / "p.png", layers=layers, seconds=seconds, fps=fps, width=SIZE[0], height=SIZE[1], seed=3,
        motion=motion, ffmpeg=FFMPEG, into=into,
    )  # fmt: skip
    return into


def a_dot(size: tuple[int, int], at: tuple[float, float], ground: int = 0) -> Image.Image:
    big = Image.new("L", (size[0] * 4, size[1] * 4), ground)
    x, y = at[0] * 4, at[1] * 4
    ImageDraw.Draw(big).ellipse((x - 20, y - 20, x + 20, y + 20), fill=255)
    return big.filter(ImageFilter.GaussianBlur(6)).resize(size, Image.Resampling.BOX)


def frames_of(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray").astype(np.float64) for frame in container.decode(video=0)]


def centre(frame: np.ndarray) -> tuple[float, float]:
    weight = np.clip(frame - 60, 0, None)
    ys, xs = np.mgrid[0 : frame.shape[0], 0 : frame.shape[1]]
    return float((xs * weight).sum() / weight.sum()), float((ys * weight).sum() / weight.sum())


@pytest.mark.parametrize(("seconds", "fps", "frames"), [(1.0, 24, 24), (0.5, 30, 15), (1.25, 12, 15), (0.01, 24, 1)])
def test_a_clip_has_exactly_its_frames(tmp_path: Path, seconds: float, fps: int, frames: int) -> None:
    a_dot(SIZE, (90, 160)).convert("RGB").save(tmp_path / "p.png")
    path = shoot(tmp_path, seconds=seconds, fps=fps)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == fps
        assert (stream.width, stream.height) == SIZE
    assert len(frames_of(path)) == frames


@pytest.mark.parametrize("motion", MOTIONS)
def test_no_motion_shakes(tmp_path: Path, motion: str) -> None:
    a_dot(SIZE, (80, 150)).convert("RGB").save(tmp_path / "p.png")
    track = np.array([centre(frame) for frame in frames_of(shoot(tmp_path, seconds=2.0, motion=motion))])
    shake = np.diff(track, n=2, axis=0)
    steady = shake - np.array([np.convolve(shake[:, axis], np.ones(7) / 7, mode="same") for axis in (0, 1)]).T
    assert np.sqrt((steady[4:-4] ** 2).mean()) <= 0.06, "pixels, root mean square of the second difference"
    assert np.ptp(track, axis=0).max() > 1, "and yet it moves"


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_move_starts_and_ends_gently_and_stays_in_its_room(motion: str) -> None:
    way = np.array([(pose.x, pose.y, pose.near) for pose in poses(motion, 96)])
    assert np.abs(way[:, :2]).max() <= 1
    assert way[:, 2].min() >= 0
    assert way[:, 2].max() <= 1
    pace = np.linalg.norm(np.diff(way, axis=0), axis=1)
    assert pace[0] < pace[47] * 0.6
    assert pace[-1] < pace[47] * 0.6


def test_the_foreground_moves_before_the_background(tmp_path: Path) -> None:
    over = (206, 364)
    files = {
        "back.jpg": a_dot(over, (60, 100)).convert("RGB"),
        "front.jpg": a_dot(over, (140, 260)).convert("RGB"),
        "cover.png": a_dot(over, (140, 260)).point(lambda value: 255 if value > 10 else 0),
    }
    with zipfile.ZipFile(tmp_path / "l", "w") as archive:
        for name, image in files.items():
            encoded = io.BytesIO()
            image.save(encoded, format="PNG" if name.endswith("png") else "JPEG")
            archive.writestr(name, encoded.getvalue())
    frames = frames_of(shoot(tmp_path, layers=tmp_path / "l", motion="pan-right"))
    upper = [centre(frame[:160])[0] for frame in (frames[0], frames[-1])]
    lower = [centre(frame[160:])[0] for frame in (frames[0], frames[-1])]
    assert abs(lower[1] - lower[0]) > 1.3 * abs(upper[1] - upper[0])


def test_a_picture_of_any_shape_fills_the_frame(tmp_path: Path) -> None:
    Image.new("RGB", (640, 200), (200, 200, 200)).save(tmp_path / "p.png")
    for frame in frames_of(shoot(tmp_path, seconds=0.3)):
        assert frame.min() > 150, "no black edge"


def test_an_encoder_that_fails_says_why(tmp_path: Path) -> None:
    Image.new("RGB", SIZE).save(tmp_path / "p.png")
    with pytest.raises(MediaError) as caught:
        film(
            image=tmp_path / "p.png", layers=None, seconds=1, fps=24, width=180, height=320, seed=1, motion=None,
            ffmpeg=FFMPEG, into=tmp_path / "absent" / "clip.mp4",
        )  # fmt: skip
    assert "No such file" in caught.value.stderr


def test_an_interrupted_film_leaves_no_encoder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", SIZE).save(tmp_path / "p.png")
    encoder = tmp_path / "encoder"
    encoder.write_text(f'#!/bin/sh\necho $$ > "{tmp_path}/pid"\nexec "{FFMPEG}" "$@"\n')
    encoder.chmod(0o755)

    def interrupted(motion: str, frames: int) -> Iterator[Pose]:
        yield from poses(motion, frames // 2)
        raise KeyboardInterrupt

    monkeypatch.setattr("tiktoker_batch.providers.local.camera.poses", interrupted)
    with pytest.raises(KeyboardInterrupt):
        film(
            image=tmp_path / "p.png", layers=None, seconds=4, fps=24, width=180, height=320, seed=1, motion=None,
            ffmpeg=str(encoder), into=tmp_path / "clip.mp4",
        )  # fmt: skip
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_what_stands_at_both_sides_is_drawn_without_seams(tmp_path: Path) -> None:
    over = (206, 364)
    cover = Image.new("L", over, 0)
    draw = ImageDraw.Draw(cover)
    draw.rectangle((0, 0, 50, 364), fill=255)
    draw.rectangle((160, 90, 206, 364), fill=255)
    with zipfile.ZipFile(tmp_path / "l", "w") as archive:
        for name, image in {
            "back.jpg": Image.new("RGB", over, (0, 0, 0)),
            "front.jpg": Image.new("RGB", over, (200, 200, 200)),
            "cover.png": cover,
        }.items():
            encoded = io.BytesIO()
            image.save(encoded, format="PNG" if name.endswith("png") else "JPEG")
            archive.writestr(name, encoded.getvalue())
    Image.new("RGB", SIZE).save(tmp_path / "p.png")
    for motion in MOTIONS:
        for frame in frames_of(shoot(tmp_path, layers=tmp_path / "l", seconds=0.5, motion=motion)):
            assert np.ptp(frame[:, 2:10]) < 12, "one unbroken strip at the left"
            assert np.ptp(frame[140:, -10:-2]) < 12, "and at the right"
            assert frame[:, 85:95].max() < 30, "with nothing between them"


def test_neighbouring_seeds_move_differently(tmp_path: Path) -> None:
    a_dot(SIZE, (80, 150)).convert("RGB").save(tmp_path / "p.png")
    clips = []
    for seed in (1, 2):
        film(
            image=tmp_path / "p.png", layers=None, seconds=0.5, fps=24, width=180, height=320, seed=seed, motion=None,
            ffmpeg=FFMPEG, into=tmp_path / f"{seed}.mp4",
        )  # fmt: skip
        frames = frames_of(tmp_path / f"{seed}.mp4")
        clips.append(np.subtract(centre(frames[-1]), centre(frames[0])))
    assert np.linalg.norm(clips[0] - clips[1]) > 1
