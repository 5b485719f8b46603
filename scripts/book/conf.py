"""How Sphinx binds the book. make.py writes the pages and calls it."""

project = "Strata"
author = "the authors of Strata"
extensions = ["myst_parser"]
myst_heading_anchors = 4
myst_enable_extensions = ["html_image"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["extra"]
suppress_warnings = ["myst.header"]  # what stands in a file of the project begins as it begins there
html_theme = "furo"
html_title = "Strata"
html_static_path = ["static"]
html_extra_path = ["extra"]
html_css_files = ["book.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # a page that is opened from disk may fetch no other
highlight_language = "text"
pygments_style = "tango"
pygments_dark_style = "monokai"
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#14508c",
        "color-brand-content": "#14508c",
        "font-stack": "system-ui, sans-serif",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8fb3d6",
        "color-brand-content": "#8fb3d6",
    },
    "navigation_with_keys": True,
}
