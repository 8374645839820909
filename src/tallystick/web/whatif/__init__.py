"""The page on which anyone moves the sliders of a what-if, and sees intervals within a second."""
