"""One file per page, each with `build(page, studio, t)`: first the layout, then the wiring."""
