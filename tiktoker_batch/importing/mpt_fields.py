"""The fields of MoneyPrinterTurbo's ``VideoParams`` that have no counterpart in a recipe, and why."""

_CAPTIONS = "captions have presets here (karaoke, pop, plain), each with a look of its own"
_TITLE = (
    *("title_enabled", "title_text", "title_duration", "title_font_name", "title_font_size", "title_text_color"),
    *("title_stroke_color", "title_stroke_width", "title_background_color", "title_position", "title_margin"),
    *("title_margin_left", "title_margin_right", "title_animation", "title_animation_duration", "title_align"),
    *("title_background_overlay", "title_overlay_color"),
)

LEFT = {
    "video_source": "pictures are made, not found",
    "video_materials": "a recipe cannot name clips that are made already",
    "video_concat_mode": "shots stay in their order",
    "video_transition_mode": "shots follow each other without transitions",
    "video_clip_duration": "'segment_duration' does it, with a length that the clip model offers",
    "video_clip_speed": "clips run as they are made",
    "match_materials_to_script": "shots follow the story anyway",
    "video_count": "one video is made of an entry; copy it under another id for more",
    "video_style": "'style' takes a name that 'tiktoker-batch styles' lists, or one of your own under 'styles'",
    "output_bg_color": "pictures fill the frame",
    "custom_audio_file": "narrations are spoken from words; there is no place for a recording",
    "multi_scene_enabled": "a video tells one story",
    "scenes": "a video tells one story; its shots go under 'prompts'",
    "host_visible": "nobody presents",
    "voice_volume": "everything is brought to the loudness that platforms play",
    "voice_rate": "narrators speak at their own pace",
    "voice_emotion": "narrators speak as the model has them",
    "tts_server": "'models: {narration: ...}' names who speaks",
    "video_music_prompt": "music is a file here",
    "sonilo_bgm_prompt": "music is a file here",
    "font_name": _CAPTIONS,
    "text_fore_color": _CAPTIONS,
    "text_background_color": _CAPTIONS,
    "rounded_subtitle_background": _CAPTIONS,
    "subtitle_margin": _CAPTIONS,
    "font_size": _CAPTIONS,
    "stroke_color": _CAPTIONS,
    "stroke_width": _CAPTIONS,
    "n_threads": "'--limit ffmpeg=N' says how much is encoded at once",
    "paragraph_number": "'duration' says how much is written",
    "video_script_prompt": "what a story is asked for stands in a template: 'templates: {story: FILE}'",
    "custom_system_prompt": "what a story is asked for stands in a template: 'templates: {story: FILE}'",
    **dict.fromkeys(_TITLE, "titles are not drawn"),
}

# Values that mean what is done here anyway.
ALIKE: dict[str, tuple[object, ...]] = {
    "video_concat_mode": ("sequential",),
    "video_clip_speed": (1,),
    "match_materials_to_script": (True,),
    "video_count": (1,),
    "voice_volume": (1,),
    "voice_rate": (1,),
    "multi_scene_enabled": (False,),
    "rounded_subtitle_background": (False,),
    "title_enabled": (False,),
    "title_background_overlay": (False,),
}

# What stands around the parameters in the script.json of a finished task.
WRAPPING = frozenset({"script", "search_terms", "params"})
