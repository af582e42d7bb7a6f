"""Whether two images show the same: perceptual hashes, registration, and the scanner's screen that must not count.

Converters group images by it, the audit looks for leaks with it, and the guard against seen images recognises copies.
"""
