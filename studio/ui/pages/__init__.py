"""One file per page, each with `build(page, studio)`: first the layout, then the wiring."""
