"""What fal's models take, typed by hand from their published schemas: the catalog is held to it, not it to the catalog.

By model: each field's name, with * where a request needs it, and its type or the values that it may have.
"""

from typing import Any

ADDRESS = str
IMAGE_SIZE = {"width": int, "height": int}
TOLERANCE = {"1", "2", "3", "4", "5", "6"}
SEEDANCE_SECONDS = {"2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"}
FIVE_OR_TEN = {"5", "10"}

VEO: dict[str, Any] = {
    "prompt*": str,
    "image_url*": ADDRESS,
    "aspect_ratio": {"auto", "16:9", "9:16"},
    "duration": {"4s", "6s", "8s"},
    "resolution": {"720p", "1080p"},
    "generate_audio": bool,
    "negative_prompt": str,
    "seed": int,
    "auto_fix": bool,
    "safety_tolerance": TOLERANCE,
}
SEEDANCE: dict[str, Any] = {
    "prompt*": str,
    "image_url*": ADDRESS,
    "end_image_url": ADDRESS,
    "aspect_ratio": {"21:9", "16:9", "4:3", "1:1", "3:4", "9:16", "auto"},
    "resolution": {"480p", "720p", "1080p"},
    "duration": SEEDANCE_SECONDS,
    "num_frames": int,
    "camera_fixed": bool,
    "seed": int,
    "enable_safety_checker": bool,
}
LTX: dict[str, Any] = {
    "prompt*": str,
    "image_url*": ADDRESS,
    "duration": {"6", "8", "10"},
    "resolution": {"1080p", "1440p", "2160p"},
    "fps": {"25", "50"},
    "generate_audio": bool,
}
FLUX: dict[str, Any] = {
    "prompt*": str,
    "image_size": IMAGE_SIZE,
    "num_inference_steps": int,
    "guidance_scale": float,
    "num_images": int,
    "seed": int,
    "enable_safety_checker": bool,
    "output_format": {"jpeg", "png"},
    "acceleration": {"none", "regular", "high"},
    "sync_mode": bool,
}
NANO_RATIOS = {"21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16"}
NANO: dict[str, Any] = {
    "prompt*": str,
    "aspect_ratio": NANO_RATIOS,
    "num_images": int,
    "output_format": {"jpeg", "png", "webp"},
    "seed": int,
    "safety_tolerance": TOLERANCE,
    "limit_generations": bool,
    "sync_mode": bool,
}

SCHEMAS: dict[str, dict[str, Any]] = {
    "fal-ai/veo3.1/fast/image-to-video": VEO,
    "fal-ai/veo3.1/image-to-video": VEO,
    "fal-ai/bytedance/seedance/v1/lite/image-to-video": SEEDANCE,
    "fal-ai/bytedance/seedance/v1/pro/image-to-video": SEEDANCE,
    "fal-ai/minimax/hailuo-2.3-fast/standard/image-to-video": {
        "prompt*": str,
        "image_url*": ADDRESS,
        "duration": {"6", "10"},
        "prompt_optimizer": bool,
    },
    "fal-ai/kling-video/v2.5-turbo/pro/image-to-video": {
        "prompt*": str,
        "image_url*": ADDRESS,
        "tail_image_url": ADDRESS,
        "duration": FIVE_OR_TEN,
        "negative_prompt": str,
        "cfg_scale": float,
    },
    "fal-ai/kling-video/v2.1/standard/image-to-video": {
        "prompt*": str,
        "image_url*": ADDRESS,
        "duration": FIVE_OR_TEN,
        "negative_prompt": str,
        "cfg_scale": float,
    },
    "fal-ai/kling-video/v2.6/pro/image-to-video": {
        "prompt*": str,
        "start_image_url*": ADDRESS,
        "end_image_url": ADDRESS,
        "duration": FIVE_OR_TEN,
        "generate_audio": bool,
        "voice_ids": list,
        "negative_prompt": str,
    },
    "fal-ai/wan-25-preview/image-to-video": {
        "prompt*": str,
        "image_url*": ADDRESS,
        "audio_url": ADDRESS,
        "resolution": {"480p", "720p", "1080p"},
        "duration": FIVE_OR_TEN,
        "negative_prompt": str,
        "enable_prompt_expansion": bool,
        "seed": int,
        "enable_safety_checker": bool,
    },
    "fal-ai/wan-i2v": {
        "prompt*": str,
        "image_url*": ADDRESS,
        "aspect_ratio": {"auto", "16:9", "9:16", "1:1"},
        "resolution": {"480p", "720p"},
        "num_frames": int,
        "frames_per_second": int,
        "num_inference_steps": int,
        "guide_scale": float,
        "shift": float,
        "negative_prompt": str,
        "enable_prompt_expansion": bool,
        "enable_safety_checker": bool,
        "acceleration": {"none", "regular"},
        "seed": int,
    },
    "fal-ai/wan/v2.7/image-to-video": {
        "prompt*": str,
        "image_url*": ADDRESS,
        "end_image_url": ADDRESS,
        "audio_url": ADDRESS,
        "resolution": {"720p", "1080p"},
        "duration": {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
        "negative_prompt": str,
        "enable_prompt_expansion": bool,
        "enable_safety_checker": bool,
        "seed": int,
    },
    "fal-ai/ltx-2/image-to-video": LTX,
    "fal-ai/ltx-2/image-to-video/fast": {**LTX, "duration": {"6", "8", "10", "12", "14", "16", "18", "20"}},
    "fal-ai/flux/schnell": FLUX,
    "fal-ai/flux/dev": FLUX,
    "fal-ai/flux-lora": {**FLUX, "acceleration": {"none", "regular"}, "loras": list},
    "fal-ai/flux-pro/v1.1": {
        "prompt*": str,
        "image_size": IMAGE_SIZE,
        "num_images": int,
        "seed": int,
        "output_format": {"jpeg", "png"},
        "safety_tolerance": TOLERANCE,
        "enhance_prompt": bool,
        "sync_mode": bool,
    },
    "fal-ai/nano-banana": NANO,
    "fal-ai/nano-banana/edit": {**NANO, "image_urls*": list, "aspect_ratio": {*NANO_RATIOS, "auto"}},
    "fal-ai/elevenlabs/tts/eleven-v3": {
        "text*": str,
        "voice": str,
        "stability": float,
        "timestamps": bool,
        "language_code": str,
        "apply_text_normalization": {"auto", "on", "off"},
    },
    "fal-ai/elevenlabs/tts/multilingual-v2": {
        "text*": str,
        "voice": str,
        "stability": float,
        "similarity_boost": float,
        "style": float,
        "speed": float,
        "timestamps": bool,
        "previous_text": str,
        "next_text": str,
        "apply_text_normalization": {"auto", "on", "off"},
        # It has a language_code too, and refuses a request that uses it.
    },
}
