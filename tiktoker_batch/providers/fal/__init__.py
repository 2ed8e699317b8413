"""fal: pictures, clips and speech through its queue."""
