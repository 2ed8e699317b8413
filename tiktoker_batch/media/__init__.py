"""Commands, measuring and text around the media files: ffmpeg, loudness, captions, fonts."""
