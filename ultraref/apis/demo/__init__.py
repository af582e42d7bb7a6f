"""A local page on top of the Inferencer: one image, clicks, a refined mask."""
