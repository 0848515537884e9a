"""The studio's own look on top of Gradio: one green-teal accent on warm greys, light and dark, text at 4.5:1 or more.

The colours themselves live in `assets/css/colours.css` as variables; this maps Gradio's names onto them.
"""

import gradio as gr

FONT = ("Plex Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "system-ui", "sans-serif")
MONO = ("Plex Mono", "ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace")
"""Own files first (Latin only), then what the system has for Chinese. Plain names: Gradio would fetch its own fonts."""

TEAL = gr.themes.Color(
    "#eaf5f2", "#dcefea", "#b9ded5", "#8bc9bb", "#5cb3a1", "#178a75",
    "#0f7563", "#0c6253", "#0a4f43", "#083e35", "#052821",
)  # fmt: skip
GREY = gr.themes.Color(
    "#fafaf8", "#f4f3f0", "#e5e3dd", "#cfccc4", "#a09d95", "#79766f",
    "#5d5b55", "#45433f", "#2c2b27", "#1e1d1a", "#141412",
)  # fmt: skip


COLOURS = {
    "body_background_fill": "var(--ground)",
    "body_text_color": "var(--ink)",
    "body_text_color_subdued": "var(--ink-soft)",
    "background_fill_primary": "var(--paper)",
    "background_fill_secondary": "var(--ground)",
    "block_background_fill": "var(--paper)",
    "block_border_color": "var(--line)",
    "block_label_text_color": "var(--ink-soft)",
    "block_title_text_color": "var(--ink)",
    "block_info_text_color": "var(--ink-soft)",
    "panel_background_fill": "var(--paper)",
    "panel_border_color": "var(--line)",
    "border_color_primary": "var(--line)",
    "input_background_fill": "var(--field)",
    "input_border_color": "var(--line-strong)",
    "input_border_color_focus": "var(--accent)",
    "input_placeholder_color": "var(--ink-faint)",
    "button_primary_background_fill": "var(--accent-fill)",
    "button_primary_background_fill_hover": "var(--accent-fill-hover)",
    "button_primary_text_color": "var(--on-accent)",
    "button_primary_border_color": "var(--accent-fill)",
    "button_secondary_background_fill": "var(--paper)",
    "button_secondary_background_fill_hover": "var(--hover)",
    "button_secondary_text_color": "var(--ink)",
    "button_secondary_border_color": "var(--line-strong)",
    "button_cancel_background_fill": "var(--paper)",
    "button_cancel_background_fill_hover": "var(--bad-soft)",
    "button_cancel_text_color": "var(--bad)",
    "button_cancel_border_color": "var(--bad)",
    "color_accent": "var(--accent)",
    "color_accent_soft": "var(--accent-soft)",
    "link_text_color": "var(--accent)",
    "link_text_color_hover": "var(--accent)",
    "link_text_color_visited": "var(--accent)",
    "link_text_color_active": "var(--accent)",
    "checkbox_background_color_selected": "var(--accent-fill)",
    "checkbox_border_color_selected": "var(--accent-fill)",
    "checkbox_label_background_fill": "var(--paper)",
    "checkbox_label_background_fill_hover": "var(--hover)",
    "checkbox_label_background_fill_selected": "var(--accent-soft)",
    "checkbox_label_text_color_selected": "var(--ink)",
    "checkbox_label_border_color": "var(--line-strong)",
    "slider_color": "var(--accent)",
    "error_background_fill": "var(--bad-soft)",
    "error_border_color": "var(--bad)",
    "error_text_color": "var(--bad)",
    "table_border_color": "var(--line)",
    "table_even_background_fill": "var(--paper)",
    "table_odd_background_fill": "var(--ground)",
}
"""Gradio's name of a colour, in light and in dark, and the variable that it is."""
SIZES = {
    "input_border_width": "1px",
    "input_border_width_dark": "1px",
    "block_border_width": "1px",
    "block_border_width_dark": "1px",
    "block_shadow": "none",
    "block_shadow_dark": "none",
    "block_radius": "10px",
    "input_radius": "8px",
    "button_large_radius": "8px",
    "button_medium_radius": "8px",
    "button_small_radius": "8px",
    "layout_gap": "14px",
    "button_large_padding": "9px 18px",
    "button_medium_padding": "8px 16px",
    "button_small_padding": "5px 11px",
    "button_large_text_size": "15px",
    "button_medium_text_size": "15px",
    "button_border_width": "1px",
    "button_border_width_dark": "1px",
}


def theme() -> gr.themes.Base:
    """Gradio's theme object. Pass it to the mount together with the css."""
    base = gr.themes.Base(primary_hue=TEAL, secondary_hue=TEAL, neutral_hue=GREY, font=FONT, font_mono=MONO)
    dark = {f"{name}_dark": value for name, value in COLOURS.items() if name != "color_accent"}
    return base.set(**COLOURS, **dark, **SIZES)
